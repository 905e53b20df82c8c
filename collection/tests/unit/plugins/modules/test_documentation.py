# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests of the file that documents the module."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

FILE = pathlib.Path(__file__).parents[4] / 'plugins' / 'modules' / 'patroni_install.py'


def test_run_as_a_module_it_names_the_missing_plugin(tmp_path):
    arguments = tmp_path / 'args'
    arguments.write_text('state=present')
    done = subprocess.run([sys.executable, FILE, arguments], check=True, capture_output=True, text=True)
    answer = json.loads(done.stdout)
    assert answer['failed'] is True
    assert answer['msg'].startswith('the action plugin patroni_install is missing on the controller: install the '
                                    'whole collection')
    assert done.stderr == ''

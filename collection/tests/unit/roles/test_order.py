# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests that what roles write does not depend on the order of a set, which is another one in each run of Ansible."""

from __future__ import annotations

import pathlib
import re

import pytest

ROLES = pathlib.Path(__file__).parents[3] / 'roles'
WRITTEN = sorted(path for part in ('vars', 'defaults', 'templates') for path in ROLES.glob(f'*/{part}/*'))
# Ansible's own filters; Jinja's `unique`, `select` and `reject` keep the order.
SETS = re.compile(r"""\|\s*(?:map\('|map\(")?(difference|intersect|symmetric_difference|union)\b""")


@pytest.mark.parametrize('path', WRITTEN, ids=lambda path: str(path.relative_to(ROLES)))
def test_no_value_is_taken_from_a_set(path):
    assert SETS.findall(path.read_text()) == []

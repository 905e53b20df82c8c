# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests that what roles write does not depend on the order of a set, which is another one in each run of Ansible, and
that a step on which the safety of data depends comes before the other one."""

from __future__ import annotations

import pathlib
import re

import pytest
import yaml

ROLES = pathlib.Path(__file__).parents[3] / 'roles'
WRITTEN = sorted(path for part in ('vars', 'defaults', 'templates') for path in ROLES.glob(f'*/{part}/*'))
# Ansible's own filters; Jinja's `unique`, `select` and `reject` keep the order.
SETS = re.compile(r"""\|\s*(?:map\('|map\(")?(difference|intersect|symmetric_difference|union)\b""")


@pytest.mark.parametrize('path', WRITTEN, ids=lambda path: str(path.relative_to(ROLES)))
def test_no_value_is_taken_from_a_set(path):
    assert SETS.findall(path.read_text()) == []


def test_etcd_may_start_without_data_only_when_it_would_join():
    tasks = yaml.safe_load((ROLES / 'setup_etcd/tasks/learner.yml').read_text())
    assert [task['name'] for task in tasks][-4:] == [
        'Configure the member', 'Mark the host as the member that was added',
        'Let systemd start a member without data', 'Enable and start etcd']

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


def tasks_in(tasks):
    """Yield tasks in their order, those of blocks too."""
    for task in tasks:
        yield task
        yield from tasks_in(task.get('block', []))


def test_etcd_may_start_without_data_only_when_it_would_join_or_found():
    starts = {}
    for path in sorted((ROLES / 'setup_etcd/tasks').glob('*.yml')):
        tasks = list(tasks_in(yaml.safe_load(path.read_text())))
        for number, task in enumerate(tasks):
            if str(task.get('ansible.builtin.import_tasks', '')).endswith('/without_data.yml'):
                before, after = tasks[number - 1]['name'], tasks[number + 1]['name']
                starts[path.stem] = (before, task.get('when'), after)
    assert starts == {
        'learner': ('Mark the host as the member that was added', None, 'Enable and start etcd'),
        'main': ('Configure the member', "setup_etcd_birth.way == 'found'", 'Start the member'),
    }

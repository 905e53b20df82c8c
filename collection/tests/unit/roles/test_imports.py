# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests that the roles import their own files, whatever is in the directory that Ansible was started in.

Ansible looks for an import within an imported file in the directory `tasks` of the current one before it looks in the
role.
"""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import pytest

COLLECTION = pathlib.Path(__file__).parents[3]
ROLES = COLLECTION / 'roles'
OWN = re.compile(r'"\{\{ role_path \}\}/tasks/[a-z_]+\.yml"\Z')


@pytest.mark.parametrize('path', sorted(ROLES.glob('*/tasks/*.yml')), ids=lambda path: f'{path.parts[-3]}/{path.name}')
def test_an_import_names_the_role(path):
    imports = re.findall(r'import_tasks: (.*)', path.read_text(encoding='utf-8'))
    assert [name for name in imports if not OWN.match(name)] == []


def test_the_files_of_others_are_not_imported(tmp_path):
    (tmp_path / 'tasks').mkdir()
    for path in ROLES.glob('*/tasks/*.yml'):
        (tmp_path / 'tasks' / path.name).write_text('---\n- name: Of others\n  ansible.builtin.debug:\n')
    roles = sorted(path.name for path in ROLES.iterdir() if (path / 'tasks/main.yml').exists())
    (tmp_path / 'play.yml').write_text('- hosts: localhost\n  roles: [' + ', '.join(
        f'pgedge.platform.{role}' for role in roles) + ']\n')
    listed = subprocess.run(
        [pathlib.Path(sys.executable).with_name('ansible-playbook'), '--list-tasks', 'play.yml'], cwd=tmp_path,
        env={**os.environ, 'ANSIBLE_COLLECTIONS_PATH': str(COLLECTION.parents[2])}, capture_output=True, text=True,
        timeout=300, check=False)
    assert listed.returncode == 0, listed.stderr
    assert 'setup_postgres : Read the accounts' in listed.stdout
    assert 'Of others' not in listed.stdout

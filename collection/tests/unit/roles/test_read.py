# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests that a program is told of its settings if it has not read them, also if the run that wrote them failed."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

COLLECTIONS = pathlib.Path(__file__).parents[6]
ROLES = pathlib.Path(__file__).parents[3] / 'roles'
PLAY = """
- hosts: localhost
  gather_facts: false
  roles: [pgedge.platform.role_config]
  tasks:
    - ansible.builtin.include_role: {name: pgedge.platform.init_server, tasks_from: read}
"""
SYSTEMD = 'DefaultLimitCORE={}\nDefaultLimitCORESoft={}\n'
LIMIT, REMOVAL = '[Manager]\nDefaultLimitCORE=infinity\n', '[Login]\n#RemoveIPC=yes\nRemoveIPC=no\n'


@pytest.mark.parametrize('mode', ['', '--check'])
@pytest.mark.parametrize('reader, says, files, told', [
    ('systemd', SYSTEMD.format('infinity', '0'), LIMIT, 'daemon-reexec'),
    ('systemd', SYSTEMD.format('infinity', 'infinity'), LIMIT, ''),
    ('systemd', SYSTEMD.format('infinity', '0'), LIMIT + '# later.conf\nDefaultLimitCORE=0:infinity\n', ''),
    ('systemd', None, LIMIT, ''),
    ('logind', 'b true', REMOVAL, 'try-restart systemd-logind.service'),
    ('logind', 'b false', REMOVAL, ''),
    ('logind', 'b true', REMOVAL + '# later.conf\nRemoveIPC = yes\n', ''),
    ('logind', None, REMOVAL, ''),  # it does not run, and reads them when it starts
])
def test_who_has_not_read_a_setting_is_told(tmp_path, reader, says, files, told, mode):
    (tmp_path / 'files').write_text(files)
    (tmp_path / 'says').write_text(says or '')
    answer = f'cat {tmp_path}/says' if says else 'exit 1'
    for name, body in (('systemd-analyze', f'cat {tmp_path}/files'), ('busctl', answer),
                       ('systemctl', f'[ "$1" != show ] || {{ {answer}; exit; }}\necho "$@" >>{tmp_path}/told')):
        (tmp_path / name).write_text(f'#!/bin/sh\n{body}\n')
        (tmp_path / name).chmod(0o755)
    (tmp_path / 'play.yml').write_text(PLAY)
    run = subprocess.run(
        ['ansible-playbook', '-i', 'localhost,', '-e', json.dumps({
            'init_server_reader': reader, 'ansible_connection': 'local',
            'ansible_python_interpreter': sys.executable})] + mode.split() + ['play.yml'],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, 'ANSIBLE_COLLECTIONS_PATH': str(COLLECTIONS), 'PATH': f'{tmp_path}:{os.environ["PATH"]}'})
    assert run.returncode == 0, run.stdout
    assert re.findall(r'changed=(\d+)', run.stdout) == ['1' if told else '0'], run.stdout
    calls = (tmp_path / 'told').read_text().strip() if (tmp_path / 'told').exists() else ''
    assert calls == ('' if mode else told)


def test_a_handler_that_was_lost_is_called_again():
    """Each file that notifies one looks for what an earlier run wrote and did not tell."""
    notify = {f'{path.parts[-3]}/{path.name}': path.read_text() for path in ROLES.glob('*/tasks/*.yml')
              if re.search(r'^ *notify:', path.read_text(), re.MULTILINE)}
    marks = {'issue_certificate/read.yml': 'issue_certificate/files/read.sh', 'setup_patroni/configure.yml': 'stopped'}
    assert sorted(notify) == sorted(marks)
    assert [path for path, mark in marks.items() if mark not in notify[path]] == []

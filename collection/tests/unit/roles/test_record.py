# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests of the record of addresses: when it is written, and what a run with --limit takes from those of others."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import subprocess
import sys

import pytest
import yaml

COLLECTIONS = pathlib.Path(__file__).parents[6]
ROLES = pathlib.Path(__file__).parents[3] / 'roles'
DOWN = {'ansible_connection': 'ssh', 'ansible_host': '127.0.0.1', 'ansible_port': 1}
HERE = {'ansible_connection': 'local', 'ansible_python_interpreter': sys.executable}
CONFIGURATION = '/etc/etcd/etcd.yaml ' + base64.b64encode(b'# Written by Ansible, role setup_etcd.\n').decode() + '\n'


@pytest.fixture
def play(tmp_path):
    """Run a part of a role on db2 of a zone with db1, the record of both being one file, and return how it ended."""
    def run(role, part, record, *arguments, db1=None, more=None):
        if record is not None:
            (tmp_path / 'addresses').write_text(record)
        inventory = {'pgedge': {'hosts': {'db1': db1 or HERE, 'db2': HERE}}, 'all': {'vars': {'is_ha_cluster': True}}}
        inventory['pgedge']['hosts'] = {name: {**values, 'node_address': f'10.0.0.{name[2:]}'}
                                        for name, values in inventory['pgedge']['hosts'].items()}
        (tmp_path / 'inventory.json').write_text(json.dumps(inventory))
        # Stronger than the role's own: an inventory is not.
        extra = {**(more or {}), 'role_config_record': str(tmp_path / 'addresses')}
        (tmp_path / 'more.json').write_text(json.dumps(extra))
        (tmp_path / 'play.yml').write_text(f"""
- hosts: pgedge
  gather_facts: false
  any_errors_fatal: true
  roles: [pgedge.platform.role_config]
  tasks:
    - ansible.builtin.include_role: {{name: pgedge.platform.{role}, tasks_from: {part}}}
      when: inventory_hostname == 'db2'
""")
        return subprocess.run(
            ['ansible-playbook', '-i', 'inventory.json', '-e', '@more.json', *arguments, 'play.yml'], cwd=tmp_path,
            capture_output=True, text=True, timeout=120, check=False,
            env={**os.environ, 'ANSIBLE_COLLECTIONS_PATH': str(COLLECTIONS), 'ANSIBLE_LOCALHOST_WARNING': 'false',
                 'ANSIBLE_SSH_ARGS': '-o ConnectTimeout=2'})
    return run


@pytest.mark.parametrize('record, refused', [
    ('10.0.0.1 db1\n10.0.0.2 db2\n', ''),
    ('10.0.0.1 db1\n', 'db1 has none'),
    ('10.0.0.1 db1\n10.0.0.22 db2\n', 'db1 has 10.0.0.22'),
    (None, ''),
])
def test_a_run_that_leaves_hosts_out_asks_whether_they_know_its_own(play, record, refused):
    run = play('role_config', 'left_out', record, '--limit', 'db2')
    assert (run.returncode != 0) == bool(refused), run.stdout
    assert refused in run.stdout


def test_a_host_that_does_not_answer_is_no_reason_to_refuse(play):
    run = play('role_config', 'left_out', '10.0.0.1 db1\n', '--limit', 'db2', db1=DOWN)
    assert run.returncode == 0, run.stdout


def test_a_run_of_all_hosts_asks_nobody(play):
    run = play('role_config', 'left_out', '10.0.0.1 db1\n', db1=DOWN)
    assert run.returncode == 0 and 'UNREACHABLE' not in run.stdout, run.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason='the record is root\'s')
@pytest.mark.parametrize('record, there, early', [
    (None, CONFIGURATION, '10.0.0.2'),  # so that a host that is down later has an address
    ('10.0.0.22 db2\n', CONFIGURATION, '10.0.0.22'),  # its services have not moved
    ('10.0.0.22 db2\n', '', '10.0.0.2'),
    ('10.0.0.22 db2\n', '/etc/etcd/etcd.yaml ' + base64.b64encode(b'name: mine\n').decode(), '10.0.0.2'),
])
def test_a_record_says_what_is_until_services_have_moved(play, tmp_path, record, there, early):
    def addresses():
        return {name: address for address, name in
                (line.split() for line in (tmp_path / 'addresses').read_text().splitlines() if line[0] != '#')}
    run = play('init_server', 'record', record, more={'role_config_etcd': {'stdout': there}})
    assert run.returncode == 0, run.stdout
    assert addresses()['db2'] == early
    run = play('role_config', 'record', None)
    assert run.returncode == 0, run.stdout
    assert addresses() == {'db1': '10.0.0.1', 'db2': '10.0.0.2'}


@pytest.mark.parametrize('role', ['setup_patroni', 'setup_haproxy'])
def test_a_host_writes_its_record_after_all_else(role):
    last = yaml.safe_load((ROLES / role / 'tasks/main.yml').read_text())[-1]
    assert last['ansible.builtin.include_role'] == {'name': 'pgedge.platform.role_config', 'tasks_from': 'record'}

# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests where the addresses of hosts come from that are not in a play."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

COLLECTIONS = pathlib.Path(__file__).parents[6]
PLAY = """
- hosts: db2
  gather_facts: false
  any_errors_fatal: true
  roles: [pgedge.platform.role_config]
  tasks:
    - ansible.builtin.include_role: {name: pgedge.platform.role_config, tasks_from: addresses}
    - ansible.builtin.copy:
        dest: "{{ playbook_dir }}/found.json"
        content: >-
          {{ {'addresses': role_config_addresses, 'lacking': role_config_lacking, 'refusals': role_config_refusals}
          | to_json }}
        mode: "0600"
"""
DOWN = {'ansible_connection': 'ssh', 'ansible_host': '127.0.0.1', 'ansible_port': 1}
HERE = {'ansible_connection': 'local', 'ansible_python_interpreter': sys.executable}


@pytest.fixture
def found(tmp_path):
    """Run the tasks on db2 with hosts and the record of an earlier run, and return what they found."""
    def run(record='', proxies=('proxy',), **others):
        hosts = {'db1': DOWN, 'db2': {**HERE, 'node_address': '10.0.0.2'}, 'db3': {'node_address': '10.0.0.3'},
                 **others}
        inventory = {
            'pgedge': {'hosts': {name: values for name, values in hosts.items() if name not in proxies}},
            'haproxy': {'hosts': {name: hosts.get(name, {'node_address': '10.0.0.4'}) for name in proxies}},
            'all': {'vars': {'role_config_record': str(tmp_path / 'addresses'), 'is_ha_cluster': True}}}
        (tmp_path / 'addresses').write_text(record)
        (tmp_path / 'inventory.json').write_text(json.dumps(inventory))
        (tmp_path / 'play.yml').write_text(PLAY)
        subprocess.run(['ansible-playbook', '-i', 'inventory.json', '-e', f'role_config_record={tmp_path}/addresses',
                        'play.yml'],
                       cwd=tmp_path, check=True, timeout=120,
                       env={**os.environ, 'ANSIBLE_COLLECTIONS_PATH': str(COLLECTIONS),
                            'ANSIBLE_LOCALHOST_WARNING': 'false'})
        return json.loads((tmp_path / 'found.json').read_text())
    return run


def test_what_an_earlier_run_wrote_serves_for_a_host_that_is_down(found):
    answer = found(record='# a comment\n10.0.0.1 db1\n10.9.9.9 db2\n10.0.0.77 gone\n')
    assert answer['addresses']['db1'] == '10.0.0.1'
    assert answer['addresses']['db2'] == '10.0.0.2'  # the inventory's comes first
    assert answer['lacking'] == []


def test_a_host_that_nothing_knows_is_refused_by_name(found):
    answer = found(record='10.0.0.11 db11\n10.0.0.10 xdb1\n')
    assert answer['lacking'] == ['db1']
    assert [sentence for sentence in answer['refusals'] if 'db1' in sentence and 'set node_address for db1' in sentence]


def test_a_host_that_is_not_in_the_play_is_asked(found):
    answer = found(db1=HERE)
    assert answer['lacking'] == ([] if answer['addresses'].get('db1')
                                 else ['db1'])  # a machine without a default route has none
    assert answer['addresses'].get('db1', '') != 'db1'


def test_a_name_that_is_an_address_is_one(found):
    answer = found(**{'db1': {'node_address': '10.0.0.1'}, '10.0.0.5': DOWN, 'fd00::6': DOWN})
    assert (answer['addresses']['10.0.0.5'], answer['addresses']['fd00::6'], answer['lacking']) == ('10.0.0.5',
                                                                                                    'fd00::6', [])


def test_a_proxy_of_another_zone_that_is_down_does_not_matter(found):
    answer = found(db1={'node_address': '10.0.0.1'}, proxies=('far',), far={**DOWN, 'zone': 2})
    assert answer['lacking'] == []
    assert 'far' not in answer['addresses']

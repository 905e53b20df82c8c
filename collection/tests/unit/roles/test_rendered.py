# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests of the roles' files for hosts with IPv6 addresses: Ansible renders them, for two nodes, as in a play."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

COLLECTION = pathlib.Path(__file__).parents[3]
ROLES = COLLECTION / 'roles'
FORMER = '''initial-advertise-peer-urls: https://[fd00::8]:2380
initial-cluster: db1=https://[fd00::8]:2380
initial-cluster-state: existing
'''
LISTED = {'header': {'cluster_id': 204, 'member_id': 162}, 'members': [
    {'ID': 162, 'name': 'db2', 'peerURLs': ['https://[fd00::2]:2380'], 'clientURLs': ['https://[fd00::2]:2379']},
    {'ID': 177, 'peerURLs': ['https://[fd00::1]:2380'], 'isLearner': True}]}


@pytest.fixture(scope='module', name='rendered')
def fixture_rendered(tmp_path_factory):
    directory = tmp_path_factory.mktemp('rendered')
    hosts = {'db1': {'node_address': 'fd00::1'}, 'db2': {'node_address': 'fd00::2'}}
    variables = {
        'ansible_connection': 'local', 'ansible_python_interpreter': sys.executable, 'is_ha_cluster': True,
        'proxy_port': 5000, 'pg_preload_libraries': [], 'db_password': 'a', 'pgedge_password': 'b',
        'replication_password': 'c', 'setup_etcd_kept': '',  # that nothing is there yet
        'issue_certificate_service': 'etcd', 'issue_certificate_usage': ['serverAuth'],
        'issue_certificate_recorded': {'stdout': 'subjectAltName = IP:fd00::9, IP:fd00::8, IP:127.0.0.1, DNS:db1'},
        'setup_etcd_members': {'stdout': json.dumps(LISTED)},
        'setup_etcd_seen': {'db1': {'mount': '/data 1-2 /dev/sdb'}},
        'haproxy_extra_routes': {'replica': {'port': 5433}, 'sync': {'port': 5434}},
    }
    files = {'haproxy.cfg': 'setup_haproxy/templates/haproxy.cfg.j2',
             'states': 'setup_haproxy/templates/states.j2',
             'etcd.yaml': 'setup_etcd/templates/etcd.yaml.j2',
             'request.cnf': 'issue_certificate/templates/request.cnf.j2'}
    tasks = [{'ansible.builtin.import_role': {'name': 'pgedge.platform.role_config'}}]
    tasks += [{'ansible.builtin.include_vars': str(ROLES / role / 'vars/main.yml')}
              for role in ('setup_etcd', 'setup_patroni', 'setup_haproxy', 'issue_certificate')]
    tasks += [{'ansible.builtin.template': {'src': str(ROLES / source), 'dest': str(directory / name), 'mode': '0600'}}
              for name, source in files.items()]
    tasks += [{'ansible.builtin.template': {'src': str(ROLES / files['etcd.yaml']), 'mode': '0600',
                                            'dest': str(directory / 'moved.yaml')}, 'vars': {'setup_etcd_kept': FORMER}}]
    tasks += [{'ansible.builtin.copy': {'content': '{{ setup_patroni_config | to_json }}',
                                        'dest': str(directory / 'patroni.yaml'),
                                        'mode': '0600'}}]
    learner = yaml.safe_load((ROLES / 'setup_etcd/tasks/learner.yml').read_text())
    marking = next(task for task in learner if task['name'].startswith('Mark the host'))
    copying = marking['ansible.builtin.copy']
    assert copying['dest'] == '{{ setup_etcd_mark }}'
    tasks += [marking | {'ansible.builtin.copy': {'content': copying['content'], 'mode': copying['mode'],
                                                  'dest': str(directory / 'member.json')}}]
    (directory / 'inventory.yml').write_text(yaml.safe_dump({'all': {'vars': variables, 'children': {
        'pgedge': {'hosts': hosts}, 'haproxy': {'hosts': {'db1': {}}}}}}))
    (directory / 'play.yml').write_text(yaml.safe_dump([{'hosts': 'db1', 'gather_facts': False, 'tasks': tasks}]))
    environment = dict(os.environ)
    if COLLECTION.parts[-3] == 'ansible_collections':
        environment['ANSIBLE_COLLECTIONS_PATH'] = str(COLLECTION.parents[2])
    facts = json.dumps({'ansible_facts': {'os_family': 'Debian', 'all_ipv6_addresses': ['fd00::1', 'fd00::9']}})
    run = subprocess.run(['ansible-playbook', '-i', directory / 'inventory.yml', '-e', facts, directory / 'play.yml'],
                         env=environment,
                         cwd=directory, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return directory


def test_haproxy_finds_the_nodes_and_listens_for_both(rendered):
    text = (rendered / 'haproxy.cfg').read_text()
    assert re.findall(r'server db. (\S+)', text) == ['[fd00::1]:5432', '[fd00::2]:5432'] * 3
    assert re.findall(r'bind (.*)', text) == ['127.0.0.1:7000', ':::5000 v4v6', ':::5433 v4v6', ':::5434 v4v6']


def test_every_server_of_haproxy_is_down_until_it_was_checked(rendered):
    text = (rendered / 'haproxy.cfg').read_text()
    servers = [(listener, *server) for listener, body in re.findall(r'(?ms)^listen (\S+)$(.*?)(?=^\S|\Z)', text)
               for server in re.findall(r'^    server (\S+) \S+:(\d+) ', body, re.M)]
    version, *lines = (rendered / 'states').read_text().splitlines()
    assert version == '1' and len(servers) == 6
    fields = [line.split(' ') for line in lines if not line.startswith('#')]
    # Without an address: HAProxy would prefer it to a new one of the configuration.
    assert {len(field) for field in fields} == {20} and {(field[4], field[5]) for field in fields} == {('-', '0')}
    assert {field[10] for field in fields} == {'1'}  # with 0 HAProxy ignores the results of its checks
    assert [(field[1], field[3], field[18]) for field in fields] == servers
    assert re.findall(r'server-state-file (\S+)', text) == ['/etc/haproxy/pgedge-servers.state']
    assert '    load-server-state-from-file global\n' in text


def test_haproxy_ends_connections_to_a_host_that_does_not_answer(rendered):
    text = (rendered / 'haproxy.cfg').read_text()
    # HAProxy 2.6 takes it on each server's line only.
    assert len(re.findall(r'^    server .* tcp-ut 30s$', text, re.M)) == len(re.findall(r'^    server ', text, re.M))
    assert '    option srvtcpka\n' in text.partition('\nlisten ')[0]


def test_etcd_has_addresses_in_brackets(rendered):
    tree = yaml.safe_load((rendered / 'etcd.yaml').read_text())
    assert tree['listen-peer-urls'] == tree['initial-advertise-peer-urls'] == 'https://[fd00::1]:2380'
    assert tree['listen-client-urls'] == 'https://[fd00::1]:2379,https://127.0.0.1:2379'
    assert tree['advertise-client-urls'] == 'https://[fd00::1]:2379'
    assert tree['initial-cluster'] == 'db1=https://[fd00::1]:2380,db2=https://[fd00::2]:2380'


def test_a_member_of_etcd_gets_another_address_and_keeps_how_its_cluster_began(rendered):
    tree = yaml.safe_load((rendered / 'moved.yaml').read_text())
    assert tree['initial-advertise-peer-urls'] == 'https://[fd00::1]:2380'
    assert (tree['initial-cluster'], tree['initial-cluster-state']) == ('db1=https://[fd00::8]:2380', 'existing')


def test_a_host_is_marked_as_the_member_that_was_added(rendered):
    assert json.loads((rendered / 'member.json').read_text()) == {
        'cluster': 'cc', 'member': 'b1', 'directory': '/var/lib/etcd/postgresql', 'mount': '/data 1-2 /dev/sdb',
        'url': 'https://[fd00::1]:2380'}


def test_a_certificate_keeps_the_addresses_that_the_host_still_has(rendered):
    text = (rendered / 'request.cnf').read_text()
    assert re.findall('IP:([^,]+)', text) == ['fd00::1', '127.0.0.1', 'fd00::9']


def test_patroni_has_addresses_in_brackets_and_rules_without(rendered):
    tree = json.loads((rendered / 'patroni.yaml').read_text())
    assert tree['etcd3']['hosts'] == ['[fd00::1]:2379', '[fd00::2]:2379']
    assert (tree['restapi']['listen'], tree['restapi']['connect_address']) == ('[::]:8008', '[fd00::1]:8008')
    assert (tree['postgresql']['listen'], tree['postgresql']['connect_address']) == ('*:5432', '[fd00::1]:5432')
    assert 'hostssl replication replicator fd00::2/128 scram-sha-256' in tree['postgresql']['pg_hba']

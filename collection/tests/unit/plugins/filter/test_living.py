# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests of what cannot be changed on a living host: a table of one change each, on hosts as the roles leave them."""

from __future__ import annotations

import base64
import importlib.util
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[4]
spec = importlib.util.spec_from_file_location('living', ROOT / 'plugins/filter/living.py')
living = importlib.util.module_from_spec(spec)
spec.loader.exec_module(living)

WANT = {
    'inventory_hostname': 'db1', 'cluster_name': 'demo', 'zone': 1, 'is_ha_cluster': True, 'pg_version': 17, 'pg_port': 5432,
    'pg_data': '/data/pg', 'pg_home': '/home/pg', 'tls_dir': '/etc/pgedge/tls', 'replication_user': 'replicator', 'replication_password': 'p:a',
    'nodes_in_zone': ['db1', 'db2'], 'hosts_of_run': ['db1', 'db2', 'proxy'], 'etcd_config_dir': '/etc/etcd', 'etcd_data_dir': '/var/lib/etcd',
    'hosts_that_follow': ['db1', 'db2', 'proxy'], 'address': '10.0.0.1', 'own_addresses': ['10.0.0.1', '10.0.0.9', 'fd00::9'],
    'etcd_user': 'etcd', 'etcd_group': 'etcd', 'etcd_tls': True, 'patroni_user': 'postgres', 'patroni_config_dir': '/etc/patroni',
    'patroni_config_file': 'patroni.yaml', 'patroni_service_name': 'patroni',
}
MEMBER = {
    '/etc/systemd/system/patroni.service':
        '[Service]\nUser=postgres\nExecStart=/var/lib/postgresql/.local/bin/patroni /etc/patroni/patroni.yaml\n',
    '/etc/patroni/patroni.yaml': """# Written by Ansible, role setup_patroni.
scope: demo
name: db1
restapi: {certfile: /etc/pgedge/tls/patroni/host.crt}
postgresql:
  listen: 0.0.0.0:5432
  data_dir: /data/pg
  bin_dir: /usr/lib/postgresql/17/bin
  pgpass: /home/pg/.patroni_pgpass
  authentication: {replication: {username: replicator, password: 'p:a'}}
""",
    '/etc/systemd/system/etcd.service': '[Service]\nUser=etcd\nGroup=etcd\nExecStart=/usr/local/etcd/etcd --config-file /etc/etcd/etcd.yaml\n',
    '/etc/etcd/etcd.yaml': """# Written by Ansible, role setup_etcd.
name: "db1"
data-dir: "/var/lib/etcd/postgresql"
advertise-client-urls: https://10.0.0.1:2379
initial-cluster-token: "demo-1"
""",
    '/data/pg/PG_VERSION': '17\n',
}
ALONE = {
    '/etc/postgresql/17/demo/conf.d/pgedge.conf': "# Written by Ansible, role setup_postgres.\nport = 5432\n",
    '/etc/postgresql/17/demo/postgresql.conf': "data_directory = '/data/pg'\nport = 1\n",
    '/data/pg/PG_VERSION': '17\n',
}
REDHAT = {
    '/etc/systemd/system/pgedge-postgres-17.service': '[Service]\nExecStart=/usr/pgsql-17/bin/postgres -D /data/pg\n',
    '/data/pg/conf.d/pgedge.conf': "# Written by Ansible, role setup_postgres.\nport = 5432\n",
}


def faults(files, **different):
    return living.living_faults(files, {**WANT, **different})


def test_nothing_is_refused_where_nothing_is_or_nothing_changes():
    assert faults({}) == []
    assert faults(MEMBER) == []
    assert faults(ALONE, is_ha_cluster=False) == []
    assert faults(REDHAT, is_ha_cluster=False) == []


@pytest.mark.parametrize('name, value, old', [
    ('cluster_name', 'other', 'demo'), ('zone', 2, '1'), ('pg_port', 5433, '5432'), ('pg_data', '/data/other', '/data/pg'),
    ('pg_version', 18, '17'), ('tls_dir', '/etc/tls', '/etc/pgedge/tls'), ('etcd_data_dir', '/data/etcd', '/var/lib/etcd'),
    ('etcd_user', 'kv', 'etcd'), ('etcd_group', 'kv', 'etcd'), ('pg_home', '/home/other', '/home/pg'),
    ('patroni_service_name', 'postgres-ha', 'patroni'), ('etcd_tls', False, 'true'), ('patroni_user', 'dba', 'postgres'),
])
def test_a_member_keeps(name, value, old):
    said = faults(MEMBER, **{name: value})
    assert said and said[0].startswith(f'{name} is {str(value).lower() if isinstance(value, bool) else value}, and '
                                       f'was {old} when')
    assert 'back' in said[0]


@pytest.mark.parametrize('different, says', [
    ({'inventory_hostname': 'one'}, 'the name in the inventory is one, and was db1'),
    ({'patroni_config_dir': '/etc/other'}, 'the file in patroni_config_dir is /etc/other/patroni.yaml, and was /etc/patroni/patroni.yaml'),
    ({'patroni_config_file': 'p.yml'}, 'the file in patroni_config_dir is /etc/patroni/p.yml'),
    ({'etcd_config_dir': '/etc/kv'}, 'the file in etcd_config_dir is /etc/kv/etcd.yaml, and was /etc/etcd/etcd.yaml'),
    ({'is_ha_cluster': False}, 'Patroni runs the server of this host'),
])
def test_names_and_paths_of_a_member_stay(different, says):
    assert says in '; '.join(faults(MEMBER, **different))


@pytest.mark.parametrize('files', [ALONE, REDHAT])
@pytest.mark.parametrize('name, value, says', [
    ('pg_port', 5433, 'pg_port is 5433, and was 5432'), ('pg_data', '/data/other', 'pg_data is /data/other, and was /data/pg'),
    ('pg_version', 18, 'pg_version is 18, and was 17'), ('is_ha_cluster', True, 'pg_dump'),
])
def test_a_server_of_its_own_keeps(files, name, value, says):
    assert says in '; '.join(faults(files, **{'is_ha_cluster': False, name: value}))


def test_a_server_of_its_own_keeps_its_name():
    assert 'cluster_name is other, and was demo' in '; '.join(faults(ALONE, is_ha_cluster=False, cluster_name='other'))


@pytest.mark.parametrize('different', [{'replication_password': 'new'}, {'replication_user': 'new'}])
def test_the_account_of_replication_changes_on_all_nodes_at_once(different):
    assert faults(MEMBER, **different) == []
    fault, = faults(MEMBER, hosts_of_run=['db1'], **different)
    assert fault.startswith('replication_user or replication_password is new, and db2 would keep the old one')
    assert 'new,' not in fault.replace('is new,', '') and 'p:a' not in fault


@pytest.mark.parametrize('address', ['10.0.0.9', '[fd00:0:0::9]', 'db1.example.com'])
def test_an_address_changes_on_all_hosts_that_have_it_in_their_files(address):
    assert faults(MEMBER, address=address) == []
    fault, = faults(MEMBER, address=address, hosts_of_run=['db1', 'db2'])
    assert fault.startswith(f'the address (node_address) is {address}, and was 10.0.0.1 when')
    assert 'proxy would keep the old one' in fault


@pytest.mark.parametrize('address', ['10.0.0.8', '[fd00::8]'])
def test_an_address_that_the_host_lacks_is_refused(address):
    fault, = faults(MEMBER, address=address)
    assert f'is {address}, and was 10.0.0.1 when' in fault and 'the host does not have it' in fault
    assert faults(MEMBER, address=address, own_addresses=[]) == []  # without facts nobody knows


def test_a_host_that_the_run_leaves_out_does_not_move():
    record = '# Written by Ansible\n10.0.0.1 db1\n10.0.0.2 db2\nfd00::3 db3\n'
    now = {'db1': '10.0.0.1', 'db2': '10.0.0.12', 'db3': 'fd00::3', 'db4': '10.0.0.4'}
    fault, = living.left_out_faults(record, now, ['db2', 'db3', 'db4', 'db5'])
    assert fault.startswith('the address of db2 (node_address) is 10.0.0.12, this host reaches it at 10.0.0.2, and '
                            'this run leaves db2 out')
    assert living.left_out_faults(record, now, ['db3', 'db4']) == []
    assert living.left_out_faults('', now, ['db2']) == []


@pytest.mark.parametrize('records, told', [
    ({'db1': '10.0.0.1 db1\n10.0.0.4 db4\n', 'db2': '# Written by Ansible\n10.0.0.4 db4\n'}, ''),
    ({}, ''),  # nobody answers, or an earlier release set them up
    ({'db1': '10.0.0.1 db1\n', 'db2': '10.0.0.4 db4\n'}, ': db1 has none.'),
    ({'db1': '10.0.0.14 db4\n', 'db2': '10.0.0.1 db1\n10.0.0.4 xdb4\n'}, ': db1 has 10.0.0.14, db2 has none.'),
])
def test_a_host_is_told_to_those_that_the_run_leaves_out(records, told):
    faults = living.untold_faults(records, {'db1': '10.0.0.1', 'db4': '10.0.0.4'}, 'db4')
    assert len(faults) == bool(told)
    assert all(fault.startswith('the address of db4 (node_address) is 10.0.0.4, and hosts that this run leaves out')
               and told in fault and 'without --limit' in fault for fault in faults)
    assert living.untold_faults(records, {}, 'db4') == []


def test_a_run_without_others_changes_no_address():
    assert faults(MEMBER, hosts_of_run=['db1'], own_addresses=['10.0.0.9']) == []


def test_a_second_unit_of_somebody_else_is_not_ours_to_judge():
    other = {'/etc/systemd/system/mine.service': '[Service]\nExecStart=/usr/bin/patroni /etc/patroni/mine.yaml\n'}
    assert faults({**MEMBER, **other}) == []
    assert 'postgres-ha, and was patroni when' in '; '.join(faults({**MEMBER, **other},
                                                                   patroni_service_name='postgres-ha'))


@pytest.mark.parametrize('unit, started', [
    ('ExecStart=/opt/patroni/bin/patroni /etc/patroni/a.yml', ['/etc/patroni/a.yml']),
    ('ExecStart=/usr/local/etcd/etcd --config-file=/etc/etcd/etcd.yaml', ['/etc/etcd/etcd.yaml']),
    ('ExecStart=/usr/bin/prometheus --config.file=/etc/prometheus/prometheus.yml', []),
    ('ExecStartPre=/usr/bin/patroni /etc/patroni/a.yml', []),
])
def test_what_units_of_patroni_and_etcd_start_with(unit, started):
    assert living.started({'/etc/systemd/system/a.service': f'[Service]\n{unit}\n'}) == started


def test_data_of_another_version_is_named():
    fault, = faults({'/data/pg/PG_VERSION': '16\n'})
    assert 'holds data of version 16' in fault


def test_files_of_others_are_not_ours_to_judge():
    files = {path: text.replace('# Written by Ansible, role', '#') for path, text in MEMBER.items()}
    assert faults(files, cluster_name='other', zone=2, pg_port=1, etcd_data_dir='/x', patroni_config_dir='/x') == []


@pytest.mark.parametrize('text', ['', '[]', 'a: [', 'postgresql: x', 'scope:', 'name: !!python/object:os.system {}'])
def test_a_file_that_was_changed_by_hand_stops_nothing(text):
    assert faults({'/etc/patroni/patroni.yaml': '# Written by Ansible, role setup_patroni.\n' + text}) == []


def test_files_are_read_as_the_script_prints_them():
    lines = '\n'.join(f'{path} {base64.b64encode(text.encode()).decode()}' for path, text in MEMBER.items())
    assert living.read_files(['', lines, '/empty \n']) == {**MEMBER, '/empty': ''}
    assert living.started(MEMBER) == ['/etc/patroni/patroni.yaml', '/etc/etcd/etcd.yaml']

# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests of what is refused before anything is touched, and of what is not."""

from __future__ import annotations

import importlib.util
import pathlib
import re

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[4]
spec = importlib.util.spec_from_file_location('refusals', ROOT / 'plugins/filter/refusals.py')
refusals = importlib.util.module_from_spec(spec)
spec.loader.exec_module(refusals)

PRINTABLE = ''.join(chr(code) for code in range(32, 127))


@pytest.mark.parametrize('name, value', [
    ('cluster_name', 'demo'), ('cluster_name', 'Demo-1.a_b'), ('cluster_name', 5), ('zone', 1), ('zone', 'eu-west.1'),
    ('node_address', ''), ('node_address', '10.0.0.5'), ('node_address', 'fd00::5'), ('node_address', '::ffff:10.0.0.5'),
    ('node_address', 'db1.Example_2.com'), ('pg_data', ''), ('pg_data', '/data/pg-17_a.b+c:d@e'), ('patroni_config_file', 'patroni.yaml'),
    ('patroni_service_name', 'patroni@17'), ('haproxy_stats_bind', ''), ('haproxy_stats_bind', '127.0.0.1:7000'),
    ('haproxy_stats_bind', '*:7000'), ('haproxy_stats_bind', ':7000'), ('haproxy_stats_bind', '[::1]:7000'), ('etcd_user', 'etcd-2'),
])
def test_a_good_value_passes(name, value):
    assert refusals.form_faults({name: value}) == []


@pytest.mark.parametrize('name, value', [
    ('cluster_name', 'my cluster/1'), ('cluster_name', ''), ('cluster_name', '..'), ('cluster_name', '-a'), ('cluster_name', 'a\n'),
    ('cluster_name', 'ä'), ('cluster_name', 'a%i'), ('zone', 'a b'), ('zone', ''), ('zone', 'a/b'), ('node_address', '[fd00::5]'),
    ('node_address', '10.0.0.5:5432'), ('node_address', 'a b'), ('pg_data', 'data'), ('pg_data', '/my data'), ('pg_data', '/a/../b'),
    ('pg_data', '/a/./b'), ('pg_data', '/a//b'), ('pg_data', '/a/..'), ('pg_data', '/100%'), ('pg_data', '/a$b'), ('pg_data', '/a\n'),
    ('patroni_config_file', 'a/b'), ('patroni_config_file', '..'), ('patroni_service_name', 'a b'), ('patroni_service_name', '../x'),
    ('haproxy_stats_bind', '7000'), ('haproxy_stats_bind', '::1:7000'), ('haproxy_stats_bind', '*:7000\n    user root'),
    ('etcd_user', 'Etcd'), ('etcd_user', 'a b'), ('patroni_user', 'a:b'),
])
def test_a_bad_value_is_refused_by_name_and_value(name, value):
    fault, = refusals.form_faults({name: value})
    assert fault.startswith(f'{name} is {value!r}, which cannot be: it ')


def test_all_values_are_looked_at():
    assert len(refusals.form_faults({'zone': '', 'cluster_name': 'a', 'pg_data': 'x'})) == 2


@pytest.mark.parametrize('cluster_name, count', [('c' * 57, 0), ('c' * 58, 1)])
def test_a_certificate_has_room_for_the_authority(cluster_name, count):
    assert len(refusals.subject_faults(cluster_name, 1)) == count


def test_good_hosts_pass():
    assert refusals.host_faults(['db1', 'DB2.Example.com', 'db_3', '10.0.0.4', 'fd00::5'],
                                {'db1': '10.0.0.1', 'db_3': '10.0.0.3'}) == []


@pytest.mark.parametrize('hosts, says', [
    (['db 1'], "'db 1'"), (['-db'], "'-db'"), (['dä'], "'dä'"), (['d' * 64], 'at most 63'), (['db=1'], "'db=1'"), (['db,1'], "'db,1'"),
    (['one', 'two'], 'one and two have the address 10.0.0.1'), (['db-1', 'db_1'], 'db-1 and db_1 have the replication slot db_1'),
    (['DB1', 'db1'], 'DB1 and db1 have the replication slot db1'),
])
def test_hosts_that_make_no_cluster_are_refused(hosts, says):
    fault, = refusals.host_faults(hosts, {'one': '10.0.0.1', 'two': '10.0.0.1'})
    assert says in fault


def test_ports_are_each_held_against_each():
    assert refusals.port_faults({'pg_port': 5432, "Patroni's port": 8008, 'proxy_port': '5000'}) == []
    assert refusals.port_faults({'pg_port': 8008, "Patroni's port": 8008}) == [
        "pg_port and Patroni's port are both 8008 on this host: choose another port"]
    assert refusals.port_faults({'pg_port': 5432, 'proxy_port': '05432'}) != []


@pytest.mark.parametrize('port', [0, 65536, -1, 'x', '', None, '5432 ', 5432.5])
def test_what_is_no_port_is_refused(port):
    fault, = refusals.port_faults({'pg_port': port})
    assert fault.startswith(f'pg_port is {port!r}, and no port')


def test_the_ports_of_proxies_are_found():
    assert refusals.route_ports({'replica': {'port': 5433}, 'x': {},
                                 'y': 5}) == {'haproxy_extra_routes.replica.port': 5433}
    assert refusals.route_ports('x') == {}
    assert refusals.bind_port('[::1]:7000') == {'haproxy_stats_bind': '7000'}
    assert refusals.bind_port('') == {}


@pytest.mark.parametrize('routes, says', [
    ('x', 'no dictionary'), ({'a b': {'port': 1}}, "'a b'"), ({'replica\n': {'port': 1}}, 'replica'), ({'replica': {}}, 'no port'),
    ({'replica': 5433}, 'no port'), ({'replica': {'port': 1, 'lag': '1 mile'}}, 'lag'), ({'replica': {'port': 1, 'lag': '1&x'}}, 'lag'),
    ({'replica': {'port': 1, 'lag': '10 MB'}}, 'without a blank'), ({'foo': {'port': 1}}, 'no such health check'),
])
def test_routes_that_haproxy_could_not_ask_are_refused(routes, says):
    fault, = refusals.route_faults(routes)
    assert says in fault


def test_good_routes_pass():
    assert refusals.route_faults({'replica': {'port': 5433, 'lag': '16MB', 'streaming': False},
                                  'read-only': {'port': 5434, 'lag': 1048576}}) == []


def test_what_the_roles_themselves_note_is_no_misspelt_variable():
    assert refusals.misspelt(['issue_certificate_services', 'setup_etcd_seen', 'role_config_recorded']) == []


def test_a_key_that_a_route_does_not_have_is_refused():
    fault, = refusals.route_faults({'replica': {'port': 5433, 'streming': False}})
    assert 'streming' in fault


@pytest.mark.parametrize('accounts, says', [
    ({'db_user': 'postgres'}, 'db_user is postgres'), ({'replication_user': 'a', 'db_user': 'a'}, "replication_user and db_user are both 'a'"),
    ({'db_user': ''}, 'empty'), ({'db_user': 'a\tb'}, 'U+0009'), ({'db_user': 'a\u2028b'}, 'U+2028'), ({'db_user': '/a'}, 'regular expression'),
    ({'db_user': 'pg_x'}, 'keeps for itself'), ({'db_user': 'public'}, 'keeps for itself'), ({'db_user': 'ü' * 32}, '64 bytes'),
])
def test_accounts_that_cannot_be_are_refused(accounts, says):
    fault, = refusals.account_faults(accounts)
    assert says in fault


def test_every_printable_character_may_be_in_a_name():
    halves = [PRINTABLE[:47], PRINTABLE[47:], 'bücher {{ x }} %s', ' lead and trail ']
    assert refusals.account_faults(dict(enumerate(halves))) == []
    assert refusals.database_faults(halves) == []


def test_databases_are_held_against_the_same():
    assert refusals.database_faults('demo') == ['db_names is no list']
    assert len(refusals.database_faults(['a', '/x', '', 'd' * 64])) == 3


def test_parameters_that_a_variable_sets_are_refused():
    assert refusals.parameter_faults({'pg_parameters': {'work_mem': '1MB', 'ports': 1}, 'other': {}}) == []
    assert refusals.parameter_faults({'a': {'data_directory': '/x'}, 'b': {'Port': 1, 'HBA_FILE': '/x'}}) == [
        'a has data_directory: set pg_data instead', 'b has Port: set pg_port instead',
        'b has HBA_FILE: set custom_hba_rules instead']
    assert refusals.parameter_faults({'a': ['port']}) == ['a is no dictionary of parameters']


@pytest.mark.parametrize('name, value, says', [
    ('listen_addresses', '*', 'listens on all addresses'), ('Cluster_Name', 'x', 'the variable cluster_name'),
    ('hot_standby', 'off', 'sets it to on'), ('primary_conninfo', 'host=x', 'on each replica'),
    ('max_connections', 24, 'Patroni takes 25 or more'), ('max_connections', '5', 'Patroni takes 25 or more'),
    ('wal_keep_size', 0, 'Patroni takes 16MB or more'), ('wal_keep_size', '16000kB', 'Patroni takes 16MB or more'),
])
def test_parameters_that_patroni_would_not_use_are_refused_under_it(name, value, says):
    fault, = refusals.parameter_faults({'pg_parameters': {name: value}}, True)
    assert fault.startswith(f'pg_parameters has {name}: ') and says in fault
    assert refusals.parameter_faults({'pg_parameters': {name: value}}) == []


@pytest.mark.parametrize('name, value', [
    ('max_connections', 25), ('max_connections', '100'), ('max_connections', None), ('wal_keep_size', '1GB'),
    ('wal_keep_size', '16384kB'), ('wal_level', 'replica'), ('synchronous_standby_names', 'a'), ('work_mem', 1),
    ('max_locks_per_transaction', 'many'),
])
def test_other_parameters_pass_under_patroni(name, value):
    assert refusals.parameter_faults({'pg_parameters': {name: value}}, True) == []


def test_the_socket_of_the_roles_stays_where_it_is():
    for patroni in (True, False):
        fault, = refusals.parameter_faults({'pg_parameters': {'unix_socket_directories': '/tmp'}}, patroni)
        assert '/var/run/postgresql' in fault


def test_who_is_synchronous_is_said_by_patroni():
    parameters = {'pg_parameters': {'synchronous_standby_names': 'a'}}
    fault, = refusals.parameter_faults(parameters, True, True)
    assert 'synchronous_node_count' in fault
    assert refusals.parameter_faults(parameters, False, True) == []


@pytest.mark.parametrize('value, passes', [
    ('on', True), (True, True), ('YES', True), ('t', True), (1, True), ('off', False), (False, False), ('', False),
    (None, False), ('o', False), ('on\n', False),
])
def test_nothing_goes_without_tls(value, passes):
    for patroni in (True, False):
        faults = refusals.parameter_faults({'pg_parameters': {'SSL': value}}, patroni)
        assert [fault for fault in faults if 'only over TLS' in fault] == faults and (not faults) == passes


@pytest.mark.parametrize('settings, says', [
    ({'loop_wiat': 5}, 'patroni_dcs has loop_wiat, which Patroni does not know: write loop_wait'),
    ({'synchronous_mode': 'quorum'}, 'patroni_dcs has synchronous_mode: set the variable synchronous_mode instead'),
    ({'synchronous_mode_strict': True}, 'variable synchronous_mode_strict'),
    ({'synchronous_node_count': 5}, 'variable synchronous_node_count'),
    ({'check_timeline': None}, 'variable check_timeline'), ({'postgresql': {'pg_hba': []}}, 'custom_hba_rules'),
    ({'postgresql': {'listen': '*:1'}}, 'pg_port'), ({'postgresql': {'use_unix_socket': False}}, 'does nothing'),
    ({'postgresql': {'parameters': {'Output_plugin_libraries': 'x'}}}, 'set it in pg_parameters'),
    ('x', 'patroni_dcs is no dictionary'), ({'postgresql': None}, 'patroni_dcs.postgresql is no dictionary'),
])
def test_shared_settings_that_have_a_variable_are_refused(settings, says):
    fault, = refusals.shared_faults(settings)
    assert says in fault


@pytest.mark.parametrize('settings', [
    {}, {'ttl': 20}, {'postgresql': {'use_slots': True, 'parameters': {'work_mem': '5MB'}}},
    {'postgresql': {'parameters': None}, 'ignore_slots': []}, {'of_a_later_release': 1},
])
def test_other_shared_settings_pass(settings):
    assert refusals.shared_faults(settings) == []


def test_every_printable_character_may_be_in_a_password():
    assert refusals.password_faults({'db_password': PRINTABLE + ' {{ x }} ü '}) == []


@pytest.mark.parametrize('password, says', [('', 'is not set'), (None, 'is not set'), ('secret', 'everybody knows'),
                                            ('a\nb', 'U+000A'),
                                            ('hid\x00den', 'U+0000'), ('\udcff', 'UTF-8')])
def test_passwords_that_cannot_be_are_refused_and_not_shown(password, says):
    fault, = refusals.password_faults({'db_password': password})
    assert fault.startswith('db_password ') and says in fault
    assert not password or password == 'secret' or password not in fault


@pytest.mark.parametrize('name, option', [
    ('synchronus_mode', 'synchronous_mode'), ('db_pasword', 'db_password'), ('db_passwrod', 'db_password'), ('pg_prot', 'pg_port'),
    ('patroni_confg_dir', 'patroni_config_dir'), ('haproxy_extra_route', 'haproxy_extra_routes'), ('Cluster_name', 'cluster_name'),
])
def test_a_misspelt_variable_is_named_with_the_right_one(name, option):
    fault, = refusals.misspelt([name])
    assert fault.startswith(f'{name} is no variable of this collection: write {option}, ')
    assert refusals.misspelt([name], [name]) == []


@pytest.mark.parametrize('name', ['pg_hba_foo', 'zones', 'node', 'patroni_scope', 'ansible_user', 'backup_tool',
                                  'db_host', 'pg_ports_open',
                                  'etcd_version_wanted', 'monitoring_user', '_db_pasword', 'proxy_url', 'pg_hosts', 'dns_names'])
def test_other_variables_are_the_users(name):
    assert refusals.misspelt([name]) == []


def test_no_variable_of_ours_is_taken_for_another():
    assert refusals.misspelt(refusals.options()) == []
    assert 'synchronous_mode' in refusals.options() and 'issue_certificate_service' in refusals.options()


def test_nothing_that_our_roles_remember_of_a_host_is_refused():
    texts = [path.read_text() for path in (ROOT / 'roles').glob('*/tasks/*.yml')]
    names = {name for text in texts for name in re.findall(r'register: (\S+)', text)}
    names |= {name for text in texts for task in tasks(yaml.safe_load(text))
              for name in task.get('ansible.builtin.set_fact', {})}
    assert 'setup_patroni_leader' in names and 'setup_postgres_roles' in names
    assert refusals.misspelt(names) == []


def tasks(nodes):
    """Yield tasks, those in blocks as well."""
    for node in nodes or []:
        yield node
        for key in ('block', 'rescue', 'always'):
            yield from tasks(node.get(key))

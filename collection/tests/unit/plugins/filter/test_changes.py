# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests of what a run says that it changes in Patroni's settings."""

from __future__ import annotations

import importlib.util
import pathlib

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[4]
spec = importlib.util.spec_from_file_location('changes', ROOT / 'plugins/filter/changes.py')
filters = importlib.util.module_from_spec(spec)
spec.loader.exec_module(filters)

SECRET = 'xyzzy'


@pytest.mark.parametrize('text', [
    f'host all all 10.0.0.0/8 ldap ldapserver=a ldapbindpasswd={SECRET} ldapbasedn=b',
    f'host all all 10.0.0.0/8 ldap ldapserver=a ldapbindpasswd="a ""{SECRET}" ldapbasedn=b',
    f'host all all all radius radiussecrets="""{SECRET}"",""{SECRET}"""', f'host all all all radius radiussecrets={SECRET}',
    f'ldapbindpasswd="{SECRET} without an end', f'ldapbindpasswd=a"b {SECRET}"', f'radiussecrets=a, {SECRET}',
])
def test_no_rule_shows_a_secret(text):
    shown = filters.redacted(text)
    assert SECRET not in shown and '********' in shown
    assert filters.redacted(text + '\nlocal all all peer') == shown + '\nlocal all all peer'


def test_other_rules_are_shown_as_they_are():
    for text in ('host all all all scram-sha-256', 'local all "my password" peer', 'hostssl all a all cert map=x'):
        assert filters.redacted(text) == text


@pytest.mark.parametrize('current, wanted, result', [
    ({'a': 1}, {'a': '1'}, {'a': 1}), ({'a': 1}, {'a': None}, {}), ({}, {'a': None}, {}), ({'a': 1}, {'b': 2}, {'a': 1, 'b': 2}),
    ({'a': {'b': 1, 'c': 2}}, {'a': {'b': None, 'd': 3}}, {'a': {'c': 2, 'd': 3}}), ({'a': 1}, {'a': {'b': 1}}, {'a': {'b': 1}}),
    ({'a': 'on'}, {'a': True}, {'a': True}), (None, {'a': 1}, {'a': 1}), ({'a': {'b': 1}}, {'a': 5}, {'a': 5}),
])
def test_settings_are_changed_as_patroni_does(current, wanted, result):
    before = repr(current)
    assert filters.patched(current, wanted) == result
    assert repr(current) == before


def test_each_change_is_named_by_its_path():
    old = {'ttl': 30, 'synchronous_mode': False,
           'postgresql': {'parameters': {'work_mem': '4MB', 'x': 1}, 'pg_hba': ['a', 'b']}}
    new = {'ttl': 30, 'synchronous_mode': 'quorum',
           'postgresql': {'parameters': {'work_mem': '5MB', 'y': 2}, 'pg_hba': ['b', f'c ldapbindpasswd={SECRET}']}}
    assert filters.changes(old, new) == [
        'synchronous_mode: False -> quorum', 'postgresql.parameters.work_mem: 4MB -> 5MB',
        'postgresql.parameters.y: none -> 2', 'postgresql.parameters.x: 1 -> none', 'postgresql.pg_hba: - a',
        'postgresql.pg_hba: + c ldapbindpasswd=********']
    assert filters.changes(new, new) == []
    assert filters.changes({'a': ['x', 'y']}, {'a': ['y', 'x']}) == ['a: another order']
    assert filters.changes(None, {'a': {'b': 1}}) == ['a.b: none -> 1']
    assert filters.changes({}, {'a': {}}) == ['a: none -> {}']
    assert filters.changes({'a': {'b': 1}}, {'a': 5}) == ['a.b: 1 -> none']
    assert filters.changes({'password_encryption': 'md5'}, {}) == ['password_encryption: md5 -> none']


def test_a_changed_password_is_not_shown():
    old, new = ({'authentication': {'replication': {'username': 'r', 'password': password}}}
                for password in (SECRET, SECRET + '2'))
    assert filters.changes(old, new) == ['authentication.replication.password: changed']
    assert filters.changes(None, new) == ['authentication.replication.username: none -> r',
                                          'authentication.replication.password: changed']


def test_a_file_that_comes_back_has_the_password_that_the_account_has_now():
    def file(user, password):
        account = {'username': user, 'password': password}
        authentication = {'replication': account, 'rewind': account}
        return {'scope': 'demo', 'postgresql': {'port': 1, 'authentication': authentication}}
    new = file('replicator', 'new')['postgresql']['authentication']
    assert filters.with_account(yaml.safe_dump(file('replicator', 'old')), new) == file('replicator', 'new')
    assert filters.with_account(yaml.safe_dump(file('replicator', 'new')), new) == {}
    assert filters.with_account(yaml.safe_dump(file('another', 'old')), new) == {}
    for text in ('', 'x', '{', 'postgresql: 5', '- a'):
        assert filters.with_account(text, new) == {}

# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests of what is written into pg_hba.conf. PostgreSQL's own answer to the same names is in the scenario names."""

from __future__ import annotations

import importlib.util
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[4]
spec = importlib.util.spec_from_file_location('hba', ROOT / 'plugins/filter/hba.py')
hba = importlib.util.module_from_spec(spec)
spec.loader.exec_module(hba)


@pytest.mark.parametrize('name, token', [
    ('demo', 'demo'),
    ('admin_2', 'admin_2'),
    ('Demo', 'Demo'),
    (5, '"5"'),
    ('my db', '"my db"'),
    ('admin+x', '"admin+x"'),
    ('+admin', '"+admin"'),
    ('@file', '"@file"'),
    ('a,b', '"a,b"'),
    ('a#b', '"a#b"'),
    ('a"b', '"a""b"'),
    ('a\\', '"a\\"'),
    ('bücher', '"bücher"'),
    ('all', '"all"'),
    ('sameuser', '"sameuser"'),
    ('samerole', '"samerole"'),
    ('samegroup', '"samegroup"'),
    ('replication', '"replication"'),
    ('demo\n', '"demo\n"'),
])
def test_a_name_is_one_token_and_no_keyword(name, token):
    assert hba.hba_name(name) == token


@pytest.mark.parametrize('rule, line', [
    ({}, 'host postgres postgres 127.0.0.1/32 scram-sha-256'),
    ({'contype': 'hostssl', 'databases': 'all', 'users': '+staff,"my user"', 'source': '10.0.0.0 255.0.0.0', 'method': 'cert map=x'},
     'hostssl all +staff,"my user" 10.0.0.0 255.0.0.0 cert map=x'),
    ({'contype': 'local', 'method': 'peer'}, 'local postgres postgres peer'),
    ({'contype': 'local', 'source': '', 'method': 'peer'}, 'local postgres postgres peer'),
    ({'source': '::1/128'}, 'host postgres postgres ::1/128 scram-sha-256'),
    ({'source': 'fe80:: ffff::'}, 'host postgres postgres fe80:: ffff:: scram-sha-256'),
    ({'source': 'samenet'}, 'host postgres postgres samenet scram-sha-256'),
    ({'source': '.example.com'}, 'host postgres postgres .example.com scram-sha-256'),
    ({'databases': '"a""b",replication', 'users': '/^x'}, 'host "a""b",replication /^x 127.0.0.1/32 scram-sha-256'),
    ({'method': 'ldap ldapserver=x ldapprefix="cn=a b"'}, 'host postgres postgres 127.0.0.1/32 ldap ldapserver=x ldapprefix="cn=a b"'),
])
def test_a_rule_is_taken_to_the_letter(rule, line):
    assert hba.hba_faults([rule]) == []
    assert hba.hba_rule(rule) == line


@pytest.mark.parametrize('rule, says', [
    ('host all all all trust', 'no dictionary'),
    ({'database': 'all'}, 'database'),
    ({'contype': 'hosts'}, 'contype'),
    ({'contype': 'local', 'source': '10.0.0.0/8'}, 'no source'),
    ({'databases': 'my db'}, 'databases'),
    ({'databases': ''}, 'databases'),
    ({'databases': 'a,'}, 'databases'),
    ({'databases': ['a', 'b']}, 'databases'),
    ({'databases': 'a\nhost all all all trust'}, 'databases'),
    ({'databases': '"a'}, 'databases'),
    ({'databases': 'a#b'}, 'databases'),
    ({'databases': '@file'}, 'databases'),
    ({'users': 'a b'}, 'users'),
    ({'users': '"a\nb"'}, 'users'),
    ({'source': '10.0.0.5'}, 'source'),
    ({'source': '::1'}, 'source'),
    ({'source': '10.0.0.0/33'}, 'source'),
    ({'source': '10.0.0.0 255.0.1.0 x'}, 'source'),
    ({'source': 'db1/32'}, 'source'),
    ({'source': ''}, 'source'),
    ({'source': 'a b'}, 'source'),
    ({'method': 'scram'}, 'method'),
    ({'method': 'scram-sha-256\n'}, 'method'),
    ({'method': 'trust\nhost all all all trust'}, 'method'),
    ({'method': 'cert map'}, 'method'),
])
def test_a_rule_that_the_server_would_not_read_is_refused(rule, says):
    fault, = hba.hba_faults([{}, rule])
    assert fault.startswith('rule 2 of custom_hba_rules ') and says in fault


def test_a_fault_is_one_for_each_rule():
    assert len(hba.hba_faults([{'method': 'x'}, {}, {'contype': 'x', 'method': 'x'}])) == 2
    assert hba.hba_faults({'contype': 'host'}) == ['custom_hba_rules is no list']


def test_what_the_server_says_quotes_no_part_of_a_password():
    said = ['line 1: authentication option not in name=value format: xyzzy', 'line 2: could not parse "xyzzy"',
            'line 3: authentication method "ldap" requires argument "ldapserver"',
            'line 4: could not parse RADIUS secret list "xyzzy, xyzzy"']
    assert hba.hba_said(said, True) == [
        'line 1: authentication option not in name=value format', 'line 2: could not parse ', said[2],
        'line 4: could not parse RADIUS secret list ']
    assert hba.hba_said(said, False) == said

# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Write names and rules in the syntax of pg_hba.conf, and say what is wrong with a rule.

The fields of a user's rule are in PostgreSQL's own syntax: `all` is a keyword there, `+x` means the members of x. A
name from a variable is only a name.
"""

from __future__ import annotations

import ipaddress
import re

# These names need no quotes. All others get them: in quotes, keywords and marks have no special meaning.
PLAIN = re.compile(r'[A-Za-z_][A-Za-z0-9_$-]*\Z')
KEYWORDS = ('all', 'sameuser', 'samerole', 'samegroup', 'replication')

DEFAULTS = {'contype': 'host', 'databases': 'postgres', 'users': 'postgres', 'source': '127.0.0.1/32',
            'method': 'scram-sha-256'}
CONNECTIONS = ('local', 'host', 'hostssl', 'hostnossl', 'hostgssenc', 'hostnogssenc')
METHODS = ('trust', 'reject', 'scram-sha-256', 'md5', 'password', 'gss', 'sspi', 'ident', 'peer', 'ldap', 'radius',
           'cert',
           'pam', 'bsd', 'oauth')

# A token is in quotes, with "" for a quote, or has no character that would end it. With @ the server would read a file.
TOKEN = r'(?:"(?:[^"\x00-\x1f]|"")+"|[^\s",#@][^\s",#]*)'
NAMES = re.compile(f'{TOKEN}(?:,{TOKEN})*\\Z')
OPTIONS = re.compile(f'(?: +[a-z]+={TOKEN})*\\Z')
# What the server says of a rule, up to where it quotes more than the name of a method or option.
SAID = re.compile(r'([^:"]*: (?:[^:"]|"(?:ldap|radius)[a-z]*")*).*')
HOST_NAME = re.compile(r'\.?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\Z')


def hba_name(value):
    """Return the name of a database or role as one token that means only that name."""
    name = str(value)
    if PLAIN.match(name) and name not in KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def hba_rule(rule):
    """Return a rule of custom_hba_rules as a line. A local one has no source."""
    fields = {key: str(rule.get(key, default)) for key, default in DEFAULTS.items()}
    if fields['contype'] == 'local':
        del fields['source']
    return ' '.join(fields.values())


def hba_said(lines, secret):
    """Return what the server says of rules as people may see it: it may quote a part of a password, if there is one."""
    return [SAID.sub(r'\1', line) for line in lines] if secret else list(lines)


def is_source(text):
    """Tell whether a rule's source is an address with its mask, a name, or one of the keywords."""
    parts = text.split(' ')
    if len(parts) == 2 and '/' not in parts[0]:
        text = '/'.join(parts) if ':' not in text else parts[0] + '/128'
    try:
        if '/' in text:
            return bool(ipaddress.ip_network(text, strict=False))
        ipaddress.ip_address(text)
        return False
    except ValueError:
        return bool(HOST_NAME.match(text)) and '/' not in text and not text.replace('.', '').isdigit()


def rule_fault(rule):
    """Return what is wrong with a rule, or an empty text."""
    if not isinstance(rule, dict):
        return 'it is no dictionary'
    unknown = sorted(str(key) for key in rule if key not in DEFAULTS)
    if unknown:
        return f"it has the key {', '.join(unknown)}; there are {', '.join(DEFAULTS)}"
    fields = {key: str(rule.get(key, default)) for key, default in DEFAULTS.items()}
    if fields['contype'] not in CONNECTIONS:
        return f"contype is none of {', '.join(CONNECTIONS)}"
    for key in ('databases', 'users'):
        if not NAMES.match(fields[key]):
            return (f'{key} is no list of names with commas and without spaces; names with other characters take '
                    'double quotes')
    if fields['contype'] == 'local' and rule.get('source'):
        return 'a local rule has no source'
    if fields['contype'] != 'local' and not is_source(fields['source']):
        return 'source is no ADDRESS/BITS, host name, all, samehost or samenet'
    method, _blank, options = fields['method'].partition(' ')
    if method not in METHODS or not OPTIONS.match(' ' + options if options else ''):
        return f"method is none of {', '.join(METHODS)}, or what follows it is not NAME=VALUE"
    return ''


def hba_faults(rules):
    """Return a sentence for each rule that PostgreSQL would not read, or would read as something else."""
    if not isinstance(rules, (list, tuple)):
        return ['custom_hba_rules is no list']
    faults = [(number, rule_fault(rule)) for number, rule in enumerate(rules, 1)]
    return [f'rule {number} of custom_hba_rules cannot be in pg_hba.conf: {fault}' for number, fault in faults if fault]


class FilterModule:
    """The filters of pg_hba.conf."""

    def filters(self):
        return {'hba_name': hba_name, 'hba_rule': hba_rule, 'hba_said': hba_said, 'hba_faults': hba_faults}

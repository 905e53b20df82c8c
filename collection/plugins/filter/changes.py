# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Say what a run changes in Patroni's settings, without secrets, and work with these settings as Patroni does."""

from __future__ import annotations

import copy
import re

import yaml

HIDDEN = '********'
# In a rule for pg_hba.conf: the password of a directory's reader, and the secrets of RADIUS servers. They may have
# quoted parts and spaces, so everything up to the end of the rule is hidden.
OPTION = re.compile(r'\b([A-Za-z]*(?:passw|secret)[A-Za-z]*=).*')
KEY = re.compile(r'(?:password|passwd|secret)s?\Z', re.IGNORECASE)


def redacted(text):
    """Return rules for pg_hba.conf without secrets."""
    return OPTION.sub(rf'\1{HIDDEN}', str(text))


def patched(current, wanted):
    """Return settings as Patroni changes them: None removes a key, and values are the same if their texts are."""
    result = copy.deepcopy(current) if isinstance(current, dict) else {}
    for name, value in wanted.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = patched(result[name], value)
        elif name not in result or isinstance(value, dict) or str(result[name]) != str(value):
            result[name] = value
    return result


def changes(old, new, path=''):
    """Return one line for each setting that differs, named by its path."""
    if isinstance(old, dict) or isinstance(new, dict):
        before, after = (value if isinstance(value, dict) else {} for value in (old, new))
        names = list(after) + [name for name in before if name not in after]
        lines = [line for name in names if name not in before or name not in after or before[name] != after[name]
                 for line in changes(before.get(name), after.get(name), f'{path}.{name}' if path else str(name))]
        if lines or not path:
            return lines
    if KEY.search(path):
        return [f'{path}: changed']
    if isinstance(old, list) and isinstance(new, list):
        lines = ([f'{path}: - {redacted(item)}' for item in old if item not in new]
                 + [f'{path}: + {redacted(item)}' for item in new if item not in old])
        return lines or [f'{path}: another order']
    return [f"{path}: {'none' if old is None else redacted(old)} -> {'none' if new is None else redacted(new)}"]


def with_account(text, authentication):
    """Return a patroni.yaml as a dictionary with other passwords, or an empty one if its accounts have other names."""
    try:
        tree = yaml.safe_load(text)
        old = tree['postgresql']['authentication']
        same = str(old['replication']['username']) == str(authentication['replication']['username'])
    except (yaml.YAMLError, TypeError, KeyError):
        return {}
    if not same or old == authentication:
        return {}
    tree['postgresql']['authentication'] = authentication
    return tree


class FilterModule:
    """The filters of changed settings."""

    def filters(self):
        return {'redacted': redacted, 'patched': patched, 'changes': changes, 'with_account': with_account}

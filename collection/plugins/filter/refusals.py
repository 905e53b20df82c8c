# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Say which values and names of variables cannot lead to a working host, one sentence each.

A value is checked for every place that it gets into: units, paths, keys of etcd, members of Patroni, proxies and
certificates.
"""

from __future__ import annotations

import functools
import pathlib
import re

import yaml

ROLES = pathlib.Path(__file__).parents[2] / 'roles'

# Forms: a pattern, and its description for users. A pattern limits the length only if something else does.
NAME = (r'[A-Za-z0-9][A-Za-z0-9_.-]*', 'begins with a letter or digit, and has letters, digits, _ . and - in it')
USER = (r'[a-z_][a-z0-9_-]{0,31}', 'has small letters, digits, _ and - in it, at most 32')
PATH = (r'/(?!.*//)(?!.*/\.\.?(?:/|$))[A-Za-z0-9._/+:@=-]+',
        'is absolute, and has letters, digits and . _ / + : @ = - in it')
FILE = (r'[A-Za-z0-9_][A-Za-z0-9_.-]*', 'is a file name of letters, digits, _ . and -')
UNIT = (r'[A-Za-z0-9_][A-Za-z0-9_.@:-]*', 'has letters, digits and _ . @ : - in it')
BIND = (r'(?:|[^\s\[\]:#"\']*:[0-9]+|\[[0-9A-Fa-f:.]+\]:[0-9]+)',
        'is ADDRESS:PORT, or empty; an address of IPv6 is in [ ]')
ADDRESS = (r'(?:|[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)',
           'is an address or a host name, without brackets')

FORMS = {
    'cluster_name': NAME,
    'zone': NAME,
    'node_address': ADDRESS,
    'proxy_node': ADDRESS,
    'patroni_config_file': FILE,
    'patroni_service_name': UNIT,
    'haproxy_stats_bind': BIND,
    **dict.fromkeys(('patroni_user', 'etcd_user', 'etcd_group'), USER),
    **dict.fromkeys(('pg_data', 'pg_home', 'pg_path', 'tls_dir', 'tls_ca_dir', 'etcd_install_dir', 'etcd_config_dir',
                     'etcd_data_dir',
                     'patroni_bin_dir', 'patroni_config_dir'), PATH),
}

# A member's name is the application_name of its replication, which the server cuts off after 63 bytes.
HOST = re.compile(r'[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\Z|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*\Z')
# The health checks of Patroni that tell whether a member may get clients. For another path it never says yes.
ROUTES = ('primary', 'master', 'leader', 'read-write', 'standby-leader', 'standby_leader', 'replica', 'read-only',
          'sync', 'synchronous', 'async', 'asynchronous', 'quorum', 'read-only-sync', 'read-only-synchronous',
          'read-only-quorum', 'health', 'readiness')
ROUTE_KEYS = {'port', 'lag', 'streaming'}
# HAProxy would take what follows a blank for another setting.
LAG = re.compile(r'[0-9]+([kMGT]?B)?\Z')
CONTROL = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029]')

# Parameters of PostgreSQL that a variable of ours sets, and that would lead the server away from what the roles set up:
# data_directory of the file outweighs the one of the command line.
PARAMETERS = {'data_directory': 'pg_data', 'port': 'pg_port', 'hba_file': 'custom_hba_rules'}
SOCKET = 'unix_socket_directories'

# Parameters that do nothing under Patroni: it gives the server others, on the command line or after these in the file.
OF_PATRONI = {
    'listen_addresses': 'the server listens on all addresses under Patroni',
    'cluster_name': 'Patroni gives the server the variable cluster_name',
    'hot_standby': 'Patroni sets it to on',
    **dict.fromkeys(('primary_conninfo', 'primary_slot_name', 'recovery_target', 'recovery_target_action',
                     'recovery_target_inclusive', 'recovery_target_lsn', 'recovery_target_name',
                     'recovery_target_time', 'recovery_target_timeline', 'recovery_target_xid'),
                    'Patroni sets it on each replica'),
}
# As PostgreSQL reads it: the beginning of a word is enough.
TRUE = re.compile(r'(?:on|t(?:r(?:ue?)?)?|y(?:es?)?|1)\Z', re.I)
# The least values that Patroni takes, in MB if there are units. For a smaller one it would use its own default, and
# only its log would say so.
LEAST = {'max_connections': 25, 'max_wal_senders': 3, 'max_locks_per_transaction': 32, 'max_replication_slots': 4,
         'max_worker_processes': 2, 'wal_keep_size': 16}
UNITS = {'': 1, 'kB': 1 / 1024, 'MB': 1, 'GB': 1024, 'TB': 1024 ** 2}
AMOUNT = re.compile(r'\s*([0-9]+)\s*(kB|MB|GB|TB)?\s*\Z')

# Settings that all members share and that have variables: role_config looks at the variables alone.
SHARED = ('synchronous_mode', 'synchronous_mode_strict', 'synchronous_node_count', 'check_timeline')
# The settings that Patroni knows there. One that is not among them, nor looks like one, may be of a later release.
KNOWN = (*SHARED, 'ttl', 'loop_wait', 'retry_timeout', 'maximum_lag_on_failover', 'maximum_lag_on_syncnode',
         'max_timelines_history', 'primary_start_timeout', 'primary_stop_timeout', 'member_slots_ttl', 'failsafe_mode',
         'postgresql', 'standby_cluster', 'slots', 'ignore_slots', 'pause')
# What each member has in its own file, which outweighs what they share, or what Patroni takes only from there.
MEMBERS = {
    'data_dir': 'set pg_data instead', 'bin_dir': 'set pg_path instead', 'pgpass': 'set pg_home instead',
    'pg_hba': 'set custom_hba_rules instead', 'listen': 'set pg_port instead',
    'connect_address': 'set node_address and pg_port instead',
    'authentication': 'set replication_user and replication_password instead',
    **dict.fromkeys(('config_dir', 'proxy_address', 'use_unix_socket', 'use_unix_socket_repl'),
                    'take it out, since it does nothing there'),
}

# Names that PostgreSQL keeps for itself.
RESERVED = ('public', 'none', 'current_user', 'current_role', 'session_user')
LONGEST_IDENTIFIER = 63
LONGEST_SUBJECT = 64


def form_faults(values):
    """Return what is wrong with values of FORMS, given as {variable: value}. An empty path is not known yet."""
    faults = []
    for name, value in values.items():
        pattern, form = FORMS[name]
        if str(value) == '' and FORMS[name] is PATH:
            continue
        if not re.fullmatch(pattern, str(value)):
            faults.append(f'{name} is {str(value)!r}, which cannot be: it {form}')
    return faults


def subject_faults(cluster_name, zone):
    """Return what is wrong with the name that the zone's authority gets."""
    if len(f'{cluster_name} zone {zone}') <= LONGEST_SUBJECT:
        return []
    return [f'cluster_name and zone have {len(str(cluster_name)) + len(str(zone))} characters together: a certificate '
            'has room for 58']


def host_faults(hosts, addresses):
    """Return what is wrong with the nodes of a zone, given by name, and the address of every host."""
    faults = [f'the host name {host!r} cannot be that of a member: it has at most 63 letters, digits, _ . and -, or '
              'is an address'
              for host in hosts if not HOST.match(host)]
    for what, of in (('the address', lambda host: str(addresses.get(host, host))), ('the replication slot', slot_name)):
        seen = {}
        for host in hosts:
            seen.setdefault(of(host), []).append(host)
        faults += [f"{' and '.join(same)} have {what} {value} in common: give each one of its own"
                   for value, same in seen.items()
                   if len(same) > 1]
    return faults


def slot_name(member):
    """Return the name that Patroni gives to the replication slot of a member."""
    return re.sub(r'[^a-z0-9_]', lambda found: '_' if found.group() in '-.' else f'u{ord(found.group()):04d}',
                  member.lower())[:63]


def port_faults(ports):
    """Return what is wrong with the ports of one host, given as {what: port}."""
    faults, seen = [], {}
    for what, port in ports.items():
        if not str(port).isdigit() or not 0 < int(port) < 65536:
            faults.append(f'{what} is {port!r}, and no port: choose one from 1 to 65535')
        else:
            seen.setdefault(int(port), []).append(what)
    return faults + [f"{' and '.join(same)} are both {port} on this host: choose another port"
                     for port, same in seen.items()
                     if len(same) > 1]


def route_faults(routes):
    """Return what is wrong with haproxy_extra_routes."""
    if not isinstance(routes, dict):
        return ['haproxy_extra_routes is no dictionary of routes']
    faults = []
    for name, route in routes.items():
        if name not in ROUTES:
            faults.append(f"haproxy_extra_routes has a route {str(name)!r}, and Patroni has no such health check: "
                          f"there are {', '.join(ROUTES)}")
        elif not isinstance(route, dict) or 'port' not in route:
            faults.append(f'haproxy_extra_routes.{name} has no port')
        elif not LAG.match(str(route.get('lag', 0))):
            faults.append(f"haproxy_extra_routes.{name}.lag is {str(route['lag'])!r}: give bytes, or a number with kB, "
                          "MB, GB or TB after it, without a blank")
        elif set(route) - ROUTE_KEYS:
            faults.append(f"haproxy_extra_routes.{name} has {', '.join(sorted(set(route) - ROUTE_KEYS))}: there are "
                          f"{', '.join(sorted(ROUTE_KEYS))}")
    return faults


def route_ports(routes):
    """Return the ports of haproxy_extra_routes, by the words for them."""
    if not isinstance(routes, dict):
        return {}
    return {f'haproxy_extra_routes.{name}.port': route['port'] for name, route in routes.items()
            if isinstance(route, dict) and 'port' in route}


def bind_port(address):
    """Return the port of haproxy_stats_bind, by the words for it."""
    return {'haproxy_stats_bind': str(address).rpartition(':')[2]} if address else {}


def identifier_fault(what, name):
    """Return what is wrong with the name of a database or role, or an empty text."""
    control = CONTROL.search(name)
    if not name:
        return f'{what} is empty'
    if control:
        return f'{what} has the control character U+{ord(control.group()):04X} in it'
    if len(name.encode()) > LONGEST_IDENTIFIER:
        return (f'{what} is {name!r}, which has {len(name.encode())} bytes: PostgreSQL cuts names off after '
                f'{LONGEST_IDENTIFIER}')
    if name.startswith('/'):
        return f'{what} is {name!r}: pg_hba.conf takes what begins with / for a regular expression'
    return ''


def parameter_faults(parameters, under_patroni=False, synchronous=False):
    """Return what is wrong with PostgreSQL's parameters, given as {variable: {parameter: value}}."""
    faults = []
    for what, values in parameters.items():
        if not isinstance(values, dict):
            faults.append(f'{what} is no dictionary of parameters')
            continue
        found = [(name, parameter_fault(str(name).lower(), value, under_patroni, synchronous))
                 for name, value in values.items()]
        faults += [f'{what} has {name}: {fault}' for name, fault in found if fault]
    return faults


def parameter_fault(name, value, under_patroni, synchronous):
    """Return what is wrong with a parameter, or an empty text."""
    if name in PARAMETERS:
        return f'set {PARAMETERS[name]} instead'
    if name == SOCKET:
        return 'take it out, since the roles find the server by its socket in /var/run/postgresql'
    if under_patroni and name in OF_PATRONI:
        return f'take it out, since {OF_PATRONI[name]}'
    if under_patroni and synchronous and name == 'synchronous_standby_names':
        return 'take it out, since Patroni sets it in this synchronous_mode; see synchronous_node_count'
    if name == 'ssl' and not TRUE.match(str(value)):
        return 'take it out, since clients and replicas are admitted only over TLS'
    amount = AMOUNT.match(str(value))
    if under_patroni and name in LEAST and amount and int(amount[1]) * UNITS[amount[2] or ''] < LEAST[name]:
        return (f"it is {value}, and Patroni takes {LEAST[name]}{'MB' if name == 'wal_keep_size' else ''} or more and "
                'would silently use its own default')
    return ''


def shared_faults(settings):
    """Return what is wrong with patroni_dcs, apart from values of PostgreSQL's parameters."""
    if not isinstance(settings, dict):
        return ['patroni_dcs is no dictionary']
    server = settings.get('postgresql', {})
    if not isinstance(server, dict):
        return ['patroni_dcs.postgresql is no dictionary']
    faults = [f'patroni_dcs has {name}: set the variable {name} instead' for name in settings if name in SHARED]
    near = {name: closest(str(name), KNOWN) for name in settings if name not in KNOWN}
    faults += [f'patroni_dcs has {name}, which Patroni does not know: write {known}' for name, known in near.items()
               if known]
    faults += [f'patroni_dcs.postgresql has {name}: {MEMBERS[name]}' for name in server if name in MEMBERS]
    # setup_patroni gives it to each member by itself, unless pg_parameters has it.
    faults += [f'patroni_dcs.postgresql.parameters has {name}: set it in pg_parameters instead'
               for name in server.get('parameters') or {} if str(name).lower() == 'output_plugin_libraries']
    return faults


def account_faults(accounts):
    """Return what is wrong with the names of accounts, given as {variable: name}. They may have none in common."""
    faults, seen = [], {}
    for what, value in accounts.items():
        name = str(value)
        fault = identifier_fault(what, name)
        if fault:
            faults.append(fault)
        elif name in RESERVED or name.startswith('pg_'):
            faults.append(f'{what} is {name!r}, a name that PostgreSQL keeps for itself')
        elif name == 'postgres':
            faults.append(f'{what} is postgres, the superuser of the server itself: choose another name')
        else:
            seen.setdefault(name, []).append(what)
    return faults + [f"{' and '.join(same)} are both {name!r}: each has rights and a password of its own, so choose "
                     "different names"
                     for name, same in seen.items() if len(same) > 1]


def database_faults(names):
    """Return what is wrong with db_names."""
    if not isinstance(names, (list, tuple)):
        return ['db_names is no list']
    return [fault for fault in (identifier_fault('a name in db_names', str(name)) for name in names) if fault]


def password_faults(passwords):
    """Return what is wrong with passwords, given as {variable: password}. None of them is in a sentence."""
    faults = []
    for name, password in passwords.items():
        text = '' if password is None else str(password)
        control = CONTROL.search(text)
        if text in ('', 'secret'):
            faults.append(f'{name} is not set, or has the value that everybody knows: set one of your own, encrypted '
                          'by Ansible Vault')
        elif control:
            faults.append(f'{name} has the control character U+{ord(control.group()):04X} in it')
        elif re.search(r'[\ud800-\udfff]', text):
            faults.append(f'{name} has bytes in it that are no UTF-8')
    return faults


@functools.lru_cache(maxsize=None)
def options():
    """Return the names of all variables that the roles have for users."""
    loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
    names = set()
    for path in sorted(ROLES.glob('*/meta/argument_specs.yml')):
        names.update(yaml.load(path.read_text(encoding='utf-8'), Loader=loader)['argument_specs']['main']['options'])
    return frozenset(names)


@functools.lru_cache(maxsize=None)
def own_prefixes():
    """Return the beginnings of the names that the roles themselves give to facts and results: the roles' names."""
    return ('ansible_', 'molecule_', '_', *(f'{path.name}_' for path in ROLES.iterdir()))


def distance(one, other):
    """Return how many characters to insert, remove, replace or exchange with the next to get from one to other."""
    rows = [list(range(len(other) + 1))]
    for i, a in enumerate(one, 1):
        rows.append([i])
        for j, b in enumerate(other, 1):
            best = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, rows[i - 2][j - 2] + 1)
            rows[i].append(best)
    return rows[-1][-1]


def bound(known):
    """Return the allowed distance of a misspelt name. Short names have too many neighbours with another meaning."""
    return min(2, len(known) // 5)


def closest(name, known):
    """Return the known name that another one looks like, or None."""
    near = [(distance(name, option), option) for option in known
            if abs(len(name) - len(option)) <= 2 and len(set(name) ^ set(option)) <= 4]
    near = [(far, option) for far, option in near if far <= bound(option)]
    return min(near)[1] if near else None


def misspelt(names, ignored=()):
    """Return a sentence for each variable of the inventory that looks like ours but is not."""
    known = options()
    faults = []
    for name in sorted(str(name) for name in names):
        if name in known or name in ignored or name.startswith(own_prefixes()):
            continue
        option = closest(name, known)
        if option:
            faults.append(f'{name} is no variable of this collection: write {option}, or if it is your own list it in '
                          'ignored_variables')
    return faults


class FilterModule:
    """The filters that role_config refuses with."""

    def filters(self):
        return {'form_faults': form_faults, 'subject_faults': subject_faults, 'host_faults': host_faults,
                'port_faults': port_faults,
                'route_faults': route_faults, 'route_ports': route_ports, 'bind_port': bind_port,
                'account_faults': account_faults, 'parameter_faults': parameter_faults, 'shared_faults': shared_faults,
                'database_faults': database_faults, 'password_faults': password_faults, 'misspelt': misspelt}

# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Compare variables with the files that an earlier run wrote on a host, and name those that cannot change any more.

The files hold passwords. No sentence does.
"""

from __future__ import annotations

import base64
import ipaddress
import re

import yaml

MADE = re.compile(r'# Written by Ansible, role (\w+)')
SERVER = re.compile(r'/etc/postgresql/([0-9]+)/([^/]+)/conf\.d/pgedge\.conf\Z')
STARTS = re.compile(r'^ExecStart=\S*/(?:patroni|etcd)\s(?:.*[\s=])?(/[A-Za-z0-9._/+:@=-]+\.ya?ml)$', re.MULTILINE)
UNIT = re.compile(r'/etc/systemd/system/pgedge-postgres-([0-9]+)\.service\Z')


def read_files(texts):
    """Return {path: contents} of texts with lines PATH BASE64."""
    pairs = (line.split(' ', 1) for text in texts for line in str(text).splitlines() if ' ' in line)
    return {path: base64.b64decode(data).decode('utf-8', 'replace') for path, data in pairs}


def started(files):
    """Return the configurations that the units of a host start Patroni and etcd with."""
    return [path for text in files.values() for path in STARTS.findall(text)]


def changed(name, new, old, cure):
    """Return one sentence if two values differ."""
    if old is None or str(old) == str(new):
        return []
    return [f'{name} is {new}, and was {old} when this host was set up: {cure}']


def back(name, old):
    return f'set {name} back to {old}'


def parse(text):
    """Return a file of YAML as a dictionary, whatever is in it."""
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return tree if isinstance(tree, dict) else {}


def at(tree, *keys):
    """Return the value below keys, or None."""
    for key in keys:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def option(text, pattern):
    """Return the first group of a pattern, or None."""
    found = re.search(pattern, text, re.MULTILINE)
    return found.group(1) if found else None


def patroni_faults(text, want):
    """Compare patroni.yaml."""
    tree = parse(text)
    server = at(tree, 'postgresql') or {}
    port = option(str(at(server, 'listen')), r':([0-9]+)\Z')
    version = option(str(at(server, 'bin_dir')), r'([0-9]+)/bin/?\Z')
    home = option(str(at(server, 'pgpass')), r'^(.*)/\.patroni_pgpass\Z')
    tls = option(str(at(tree, 'restapi', 'certfile')), r'^(.*)/patroni/host\.crt\Z')
    scope, member, data = at(tree, 'scope'), at(tree, 'name'), at(server, 'data_dir')
    faults = changed('cluster_name', want['cluster_name'], scope,
                     f"{back('cluster_name', scope)}. A cluster cannot be given another name")
    faults += changed('the name in the inventory', want['inventory_hostname'], member,
                      f'call the host {member}. A member cannot be given another name; take it away, and add it anew')
    faults += changed('pg_port', want['pg_port'], port, f"{back('pg_port', port)}. Members find each other by it")
    faults += changed('pg_data', want['pg_data'], data, f"{back('pg_data', data)}. Data is not moved")
    faults += changed('pg_version', want['pg_version'], version,
                      f"{back('pg_version', version)}. The data would have to be upgraded")
    faults += changed('pg_home', want['pg_home'], home,
                      f"{back('pg_home', home)}. It is the home of a user that has running processes")
    faults += changed('tls_dir', want['tls_dir'], tls,
                      f"{back('tls_dir', tls)}. The services read their certificates there")
    if not want['is_ha_cluster']:
        faults.append(f"is_ha_cluster is false, and Patroni runs the server of this host, {scope}: set is_ha_cluster "
                      "to true")
    return faults + replication_faults(at(server, 'authentication', 'replication'), want)


def replication_faults(account, want):
    """A member that keeps the old account could not replicate any more."""
    old = (at(account, 'username'), at(account, 'password'))
    if not at(account, 'username') or tuple(map(str, old)) == (str(want['replication_user']),
                                                               str(want['replication_password'])):
        return []
    missing = [host for host in want['nodes_in_zone'] if host not in want['hosts_of_run']]
    if not missing:
        return []
    return [f"replication_user or replication_password is new, and {', '.join(missing)} would keep the old one: run "
            "this on all nodes of the"
            ' zone at once']


def address_of(text):
    """Return a text as an address, or None, as for a name."""
    try:
        return ipaddress.ip_address(str(text).strip('[]'))
    except ValueError:
        return None


def address_faults(url, want):
    """A member moves to an address that its host has, in a run of all hosts that have its address in their files."""
    new, old = want['address'], option(str(url), r'^https?://(.+):2379\Z')
    missing = [host for host in want['hosts_that_follow'] if host not in want['hosts_of_run']]
    own = [address_of(address) for address in want['own_addresses']]
    faults = []
    if missing:
        faults += changed('the address (node_address)', new, old, f"{', '.join(missing)} would keep the old one. Run "
                          "this on all hosts of the zone at once, without --limit")
    if own and address_of(new) and address_of(new) not in own:
        faults += changed('the address (node_address)', new, old, 'the host does not have it. Give it to the host '
                          'beside the old one, and run this again')
    return faults


def recorded(text):
    """Return {name: address} of a record, lines `ADDRESS NAME`."""
    return {name: address for address, name in re.findall(r'^(\S+) (\S+)$', text, re.MULTILINE)}


def left_out_faults(record, addresses, hosts):
    """Return a sentence for each host whose address differs from the one in a record.

    The hosts are those that a run leaves out: they still have the address of the record, and only a run on them moves
    them.
    """
    old = recorded(record)
    return [f"the address of {host} (node_address) is {addresses[host]}, this host reaches it at {old[host]}, and "
            f"this run leaves {host} out, so it would not move: run this on all hosts of the zone at once, without "
            "--limit"
            for host in hosts if host in old and host in addresses and addresses[host] != old[host]]


def untold_faults(records, addresses, host):
    """Return a sentence if hosts with these records, {name: record}, know a host elsewhere or not at all.

    They are hosts that a run leaves out: only a run on them makes them admit the host at its address.
    """
    old = {name: recorded(record).get(host) for name, record in records.items()}
    untold = [f"{name} has {address or 'none'}" for name, address in old.items() if address != addresses.get(host)]
    if host not in addresses or not untold:
        return []
    return [f"the address of {host} (node_address) is {addresses[host]}, and hosts that this run leaves out would not "
            f"admit it there, since they were told another one or none: {', '.join(untold)}. Run this on all hosts of "
            "the zone at once, without --limit"]


def etcd_faults(text, unit, want):
    """Compare etcd.yaml and etcd's unit."""
    tree = parse(text)
    token, name = at(tree, 'initial-cluster-token'), at(tree, 'name')
    data = option(str(at(tree, 'data-dir')), r'^(.*)/postgresql\Z')
    scheme = option(str(at(tree, 'advertise-client-urls')), r'^(https?):')
    user, group = option(unit, r'^User=(\S+)$'), option(unit, r'^Group=(\S+)$')
    prefix = f"{want['cluster_name']}-"
    zone = token[len(prefix):] if str(token).startswith(prefix) else None
    faults = changed('zone', want['zone'], zone, f"{back('zone', zone)}. A member of etcd belongs to one cluster")
    if token is not None and zone is None:
        faults.append(f"cluster_name is {want['cluster_name']}, and the store of this host is that of {token} "
                      "(cluster_name and zone):"
                      ' set both back')
    if name is not None and str(name) != str(want['inventory_hostname']):
        faults += changed('the name in the inventory', want['inventory_hostname'], name, f'call the host {name}')
    faults += changed('etcd_data_dir', want['etcd_data_dir'], data, f"{back('etcd_data_dir', data)}. Data is not moved")
    faults += changed('etcd_user', want['etcd_user'], user, f"{back('etcd_user', user)}. The data belongs to that user")
    faults += changed('etcd_group', want['etcd_group'], group,
                      f"{back('etcd_group', group)}. The running member reads its key by that group")
    if scheme and (scheme == 'https') != bool(want['etcd_tls']):
        faults += changed('etcd_tls', str(want['etcd_tls']).lower(), str(scheme == 'https').lower(),
                          'set it back. Members with and without TLS do not find each other')
    return faults + address_faults(at(tree, 'advertise-client-urls'), want)


def server_faults(found, port, data, want):
    """Compare a server that setup_postgres made: its version and name, its port and its data directory."""
    version, name = found
    if want['is_ha_cluster']:
        return [f"is_ha_cluster is true, and this host has a server of its own, {name or want['cluster_name']} of "
                f"version {version}, which"
                ' Patroni cannot take over: set is_ha_cluster to false (playbook simple), or move its data to another '
                'host by pg_dump']
    faults = changed('pg_version', want['pg_version'], version,
                     f"{back('pg_version', version)}. The data would have to be upgraded")
    if name is not None:
        faults += changed('cluster_name', want['cluster_name'], name,
                          f"{back('cluster_name', name)}. Servers are not given another name")
    if not faults:
        faults += changed('pg_port', want['pg_port'], port, f"{back('pg_port', port)}. Clients know the server by it")
        faults += changed('pg_data', want['pg_data'], data, f"{back('pg_data', data)}. Data is not moved")
    return faults


def servers(files, want):
    """Yield the servers that setup_postgres made, as server_faults takes them."""
    for path, text in files.items():
        debian, redhat = SERVER.match(path), UNIT.match(path)
        if debian and ours(text, 'setup_postgres'):
            settings = files.get(path.replace('conf.d/pgedge.conf', 'postgresql.conf'), '')
            yield debian.groups(), option(text, r'^port = ([0-9]+)'), option(settings, r"^data_directory = '([^']+)'")
        elif redhat:
            data = option(text, r'^ExecStart=.* -D (\S+)')
            yield (redhat.group(1), None), option(files.get(f"{want['pg_data']}/conf.d/pgedge.conf", ''),
                                                  r'^port = ([0-9]+)'), data


def ours(text, role):
    """Tell whether a role of this collection wrote a file."""
    made = MADE.match(text)
    return bool(made) and made.group(1) == role


def moved_faults(files, want):
    """Compare the paths of the units' configurations, if those are ours."""
    patroni = f"{want['patroni_config_dir']}/{want['patroni_config_file']}"
    etcd = f"{want['etcd_config_dir']}/etcd.yaml"
    old = {role: [path for path in started(files) if ours(files.get(path, ''), role)]
           for role in ('setup_patroni', 'setup_etcd')}
    faults = []
    if old['setup_patroni'] and patroni not in old['setup_patroni']:
        faults += changed('the file in patroni_config_dir', patroni, old['setup_patroni'][0],
                          'set patroni_config_dir and patroni_config_file back')
    if old['setup_etcd'] and etcd not in old['setup_etcd']:
        faults += changed('the file in etcd_config_dir', etcd, old['setup_etcd'][0], 'set etcd_config_dir back')
    return faults


def service_faults(files, patroni, want):
    """A second unit would start a second Patroni with the same data."""
    directory, wanted = '/etc/systemd/system/', f"{want['patroni_service_name']}.service"
    old = [path[len(directory):] for path, text in files.items()
           if path.startswith(directory) and path.endswith('.service') and patroni in STARTS.findall(text)]
    if not old or wanted in old:
        return []
    name = old[0][:-len('.service')]
    return changed('patroni_service_name', want['patroni_service_name'], name, back('patroni_service_name', name))


def living_faults(files, want):
    """Return a sentence for each variable that cannot be changed on a host that has these files."""
    faults = moved_faults(files, want)
    unit = files.get(f"/etc/systemd/system/{want['patroni_service_name']}.service", '')
    text = files.get(f"{want['patroni_config_dir']}/{want['patroni_config_file']}", '')
    if ours(text, 'setup_patroni'):
        faults += patroni_faults(text, want)
        faults += service_faults(files, f"{want['patroni_config_dir']}/{want['patroni_config_file']}", want)
        user = option(unit, r'^User=(\S+)$')
        faults += changed('patroni_user', want['patroni_user'], user,
                          f"{back('patroni_user', user)}. The data belongs to that user")
    text = files.get(f"{want['etcd_config_dir']}/etcd.yaml", '')
    if want['is_ha_cluster'] and ours(text, 'setup_etcd'):
        faults += etcd_faults(text, files.get('/etc/systemd/system/etcd.service', ''), want)
    for server in servers(files, want):
        faults += server_faults(*server, want)
    version = files.get(f"{want['pg_data']}/PG_VERSION", '').strip()
    if version and version != str(want['pg_version']) and not faults:
        faults.append(f"pg_version is {want['pg_version']}, and pg_data, {want['pg_data']}, holds data of version "
                      f"{version}: set pg_version to"
                      f' {version}, or choose another directory')
    return list(dict.fromkeys(faults))


class FilterModule:
    """The filters that look at a host that is set up."""

    def filters(self):
        return {'read_files': read_files, 'started': started, 'living_faults': living_faults,
                'left_out_faults': left_out_faults, 'untold_faults': untold_faults}

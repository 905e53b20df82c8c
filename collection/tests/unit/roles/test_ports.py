# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests of the program that finds out which ports of a node other hosts reach."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import socket
import subprocess
import sys

import pytest
import yaml

COLLECTION = pathlib.Path(__file__).parents[3]
ROLE = COLLECTION / 'roles/role_config'
PROGRAM = (ROLE / 'files/ports.py').read_text()


def command(*arguments):
    return [sys.executable, '-I', '-c', PROGRAM, *map(str, arguments)]


def connect(port, seconds, how):
    return subprocess.run(command('connect', '127.0.0.1', seconds, how, *port), check=True, capture_output=True,
                          text=True).stdout.strip()


@pytest.fixture
def free():
    """Two ports that nobody listens on."""
    with socket.create_server(('127.0.0.1', 0)) as one, socket.create_server(('127.0.0.1', 0)) as two:
        ports = [one.getsockname()[1], two.getsockname()[1]]
    return ports


@pytest.mark.parametrize('address', ['127.0.0.1', '192.0.2.1', 'name.invalid'])
def test_who_listens_is_reached(free, address):
    with subprocess.Popen(command('listen', address, *free)) as listener:
        try:
            assert connect(free, 20, 'until-open') == ''
            assert connect(free, 20, 'until-open') == ''
        finally:
            listener.kill()


def test_ports_that_a_service_has_are_left_to_it(free):
    with socket.create_server(('127.0.0.1', free[0])), subprocess.Popen(command('listen', '127.0.0.1',
                                                                                *free)) as listener:
        try:
            assert connect(free, 20, 'until-open') == ''
        finally:
            listener.kill()


def test_nothing_is_left_to_do_if_all_ports_are_taken(free):
    with socket.create_server(('127.0.0.1', free[0])):
        subprocess.run(command('listen', '127.0.0.1', free[0]), check=True, timeout=20)


def test_ports_that_are_not_reached_are_named(free):
    with socket.create_server(('127.0.0.1', free[0])):
        assert connect([free[1], *free], 0.5, 'until-open') == f'{free[1]}, {free[1]}'


def test_where_nothing_listens_a_refusal_shows_that_the_way_is_open(free):
    assert connect(free, 5, 'once') == ''


def test_each_port_is_tried_in_its_way(free):
    connected = subprocess.run(command('connect', '127.0.0.1', 0.5, 'once', free[0], 'until-open', free[1]),
                               check=True, capture_output=True, text=True)
    assert connected.stdout == f'{free[1]}\n'


# The files of etcd, of the database user and of units on a host, the ports that it listens on, and how others connect.
ETCD = '/etc/etcd/etcd.yaml'
PATRONI = '/etc/patroni/patroni.yaml'
UNIT = '/etc/systemd/system/patroni.service ExecStart=/usr/bin/patroni /srv/p.yml'
HOSTS = {
    'bare': ([], [], [], '2379 2380 8008 5432', 'until-open 2379 2380 8008 5432'),
    'etcd': ([ETCD], [], [], '8008 5432', 'until-open 8008 5432 once 2379 2380'),
    'data alone': ([], ['/data/PG_VERSION'], [], '2379 2380 8008', 'until-open 2379 2380 8008 once 5432'),
    'etcd and data': ([ETCD], ['/data/PG_VERSION'], [], '8008', 'until-open 8008 once 2379 2380 5432'),
    'all': ([ETCD], ['/data/PG_VERSION', PATRONI], [], '', 'once 2379 2380 8008 5432'),
    'data that is not mounted': ([ETCD], [PATRONI], [], '', 'once 2379 2380 8008 5432'),
    'Patroni with another file': ([ETCD], ['/srv/p.yml'], [UNIT], '', 'once 2379 2380 8008 5432'),
}


def files(paths):
    """Return what the reader of files prints, with texts behind the paths."""
    pairs = [(path.split(' ', 1) + ['x'])[:2] for path in paths]
    return {'stdout': '\n'.join(f'{path} {base64.b64encode(text.encode()).decode()}' for path, text in pairs)}


@pytest.fixture(name='rendered', scope='module', params=[[], ['--check']], ids=['run', 'check'])
def fixture_rendered(request, tmp_path_factory):
    """Return whether this is check mode, and for each host the ports and the arguments that Ansible renders."""
    directory = tmp_path_factory.mktemp('rendered')
    connect_task = next(task for task in yaml.safe_load((ROLE / 'tasks/ports.yml').read_text())
                        if task['name'].startswith('Connect'))
    tasks = [{'ansible.builtin.import_role': {'name': 'pgedge.platform.role_config'}}]
    tasks += [{'ansible.builtin.copy': {'dest': str(directory / host), 'mode': '0600',
                                        'content': '{{ told | to_json }}'},
               'check_mode': False,
               'vars': connect_task['vars'] | {
                   'role_config_program': '',
                   'role_config_etcd': files(etcd), 'role_config_users': files(users),
                   'role_config_units': files(units),
                   'argv': connect_task['ansible.builtin.command']['argv'],
                   'told': '{{ [role_config_listened, argv] }}',
                   'item': {'key': 'db2', 'value': "{{ role_config_zone_reaches['db2'] }}"}}}
              for host, (etcd, users, units, _listened, _connected) in HOSTS.items()]
    variables = {'is_ha_cluster': True, 'ansible_connection': 'local', 'node_address': '192.0.2.1', 'pg_data': '/data',
                 'ansible_python_interpreter': sys.executable}
    (directory / 'inventory.yml').write_text(yaml.safe_dump(
        {'all': {'vars': variables, 'children': {'pgedge': {'hosts': {'db1': {}, 'db2': {}}}}}}))
    (directory / 'play.yml').write_text(yaml.safe_dump([{'hosts': 'db1', 'gather_facts': False, 'tasks': tasks}]))
    environment = dict(os.environ)
    if COLLECTION.parts[-3] == 'ansible_collections':
        environment['ANSIBLE_COLLECTIONS_PATH'] = str(COLLECTION.parents[2])
    run = subprocess.run(['ansible-playbook', '-i', directory / 'inventory.yml', directory / 'play.yml',
                          *request.param],
                         env=environment, cwd=directory, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return bool(request.param), {host: json.loads((directory / host).read_text()) for host in HOSTS}


@pytest.mark.parametrize('host', HOSTS)
def test_nobody_listens_in_the_place_of_a_service_that_is_set_up(rendered, host):
    check, told = rendered
    listened, connected = HOSTS[host][-2:]
    ports, argv = told[host]
    assert ports == [int(port) for port in listened.split()]
    assert argv[4:] == ['connect', '192.0.2.1', '10',
                        *('once 2379 2380 8008 5432' if check else connected).split()]


def test_a_listener_ends_connections_without_keeping_the_port(free):
    with subprocess.Popen(command('listen', '127.0.0.1', *free)) as listener:
        assert connect(free, 20, 'until-open') == ''
        listener.kill()
    for port in free:
        with socket.socket() as service:  # without SO_REUSEADDR, which many set
            service.bind(('127.0.0.1', port))

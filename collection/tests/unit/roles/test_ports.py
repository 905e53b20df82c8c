# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests of the program that finds out which ports of a node other hosts reach."""

from __future__ import annotations

import pathlib
import socket
import subprocess
import sys

import pytest

PROGRAM = (pathlib.Path(__file__).parents[3] / 'roles/role_config/files/ports.py').read_text()


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


def test_a_listener_ends_connections_without_keeping_the_port(free):
    with subprocess.Popen(command('listen', '127.0.0.1', *free)) as listener:
        assert connect(free, 20, 'until-open') == ''
        listener.kill()
    for port in free:
        with socket.socket() as service:  # without SO_REUSEADDR, which many set
            service.bind(('127.0.0.1', port))

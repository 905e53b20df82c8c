# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests of how a host becomes a member: one row for each state that the hosts of a zone can be found in."""

from __future__ import annotations

import importlib.util
import pathlib

import pytest

SOURCE = pathlib.Path(__file__).parents[4] / 'plugins/filter/etcd_birth.py'
specification = importlib.util.spec_from_file_location('etcd_birth', SOURCE)
plugin = importlib.util.module_from_spec(specification)
specification.loader.exec_module(plugin)

DIRECTORY = '/var/lib/etcd/postgresql'
MOUNT = '/ overlay'
IDS = {'db1': 161, 'db2': 162, 'db3': 163}


def member(node, state='', identifier=None):
    """Return what etcdctl prints of a member: one that ran, or one that was founded, or added, and never started."""
    listed = {'ID': identifier or IDS[node], 'peerURLs': [f'https://{node}:2380']}
    return listed | {'added': {}, 'founded': {'name': node}}.get(
        state, {'name': node, 'clientURLs': [f'https://{node}:2379']})


def members(*nodes, cluster=204, added=(), founded=()):
    """Return what etcdctl prints of a cluster with these members."""
    return {'header': {'cluster_id': cluster},
            'members': [member(node, 'added' if node in added else 'founded' if node in founded else '')
                        for node in nodes]}


def mark(node, **other):
    return {'cluster': 'cc', 'member': format(IDS[node], 'x'), 'directory': DIRECTORY, 'mount': MOUNT, **other}


def look(node='', **other):
    """Return what a bare host shows, or, if the node is named, a healthy member of a cluster of three."""
    healthy = {'data': True, 'mark': mark(node), 'list': members('db1', 'db2', 'db3')} if node else {}
    return {'reached': True, 'data': False, 'mark': None, 'mount': MOUNT, 'list': None, **healthy, **other}


SHARED = {'header': {'cluster_id': 204}, 'members': [
    {'ID': 161, 'name': 'db1', 'peerURLs': ['https://former:2380']}, {'ID': 162, 'name': 'db2', 'peerURLs': ['https://db1:2380']}]}
DAMAGED = plugin.etcd_mark('\x00\x00')
BEGUN = {'founding': ['db1', 'db2', 'db3']}
SILENT = {'reached': False}
ALL = {node: look(node) for node in IDS}
HERE = mark('db1', url='https://db1:2380')
MOVED = mark('db1', url='https://former:2380')
LOST = look(mark=mark('db1'))
DOWN = {node: look(node, list=None) for node in IDS}
# db1 was not started when the run that founded the cluster ended.
CUT = {node: look(node, mark=BEGUN, list=members(*IDS, founded=['db1'])) for node in ['db2', 'db3']}
# db1 lost its data and was added anew; the run ended before it was promoted. A learner lists no members.
AMONG = {'header': {'cluster_id': 204},
         'members': [member('db1', identifier=177) | {'isLearner': True}, member('db2'), member('db3')]}
LEARNT = {node: look(node, list=AMONG) for node in ['db2', 'db3']}


def birth(looks, replaced=(), nodes=tuple(IDS)):
    return plugin.etcd_birth(looks, 'db1', nodes, DIRECTORY, 'https://db1:2380', replaced)


WAYS = {
    'bare hosts': ({'db1': look(), 'db2': look(), 'db3': look()}, 'found'),
    'founding was begun': ({'db1': look(), 'db2': look(mark=BEGUN, data=True), 'db3': look(mark=BEGUN)}, 'found'),
    'founding was begun here': ({'db1': look(mark=BEGUN, data=True), 'db2': look(), 'db3': look()}, 'stay'),
    'healthy': (ALL, 'stay'),
    'healthy, of an earlier version without marks': ({node: look(node, mark=None) for node in IDS}, 'stay'),
    'all are down': (DOWN, 'stay'),
    'this one is down': (ALL | {'db1': DOWN['db1']}, 'stay'),
    'another is not reached': (ALL | {'db3': SILENT}, 'stay'),
    'all are down, and their marks have its address': ({node: look(node, list=None, mark=HERE) for node in IDS}, 'stay'),
    'it gets another address': (ALL | {'db1': look('db1', mark=MOVED)}, 'stay'),
    'it gets another address, and is down': (ALL | {'db1': look('db1', mark=MOVED, list=None)}, 'stay'),
    'all are down, and this one lost its data': (DOWN | {'db1': LOST}, 'wait'),
    'a bare host and all are down': (DOWN | {'db1': look()}, 'wait'),
}


@pytest.mark.parametrize('case', WAYS)
def test_way(case):
    looks, way = WAYS[case]
    assert birth(looks)['way'] == way, birth(looks)['reason']


JOINS = {
    'new host': ({'db1': look(), **{node: look(node, list=members('db2', 'db3')) for node in ['db2', 'db3']}}, '', True),
    'new host while a member is not reached': ({'db1': look(), 'db2': look('db2', list=members('db2', 'db3')), 'db3': SILENT}, '', True),
    'removed, and lost its data': ({'db1': LOST, **{node: look(node, list=members('db2', 'db3')) for node in ['db2', 'db3']}}, '', True),
    'added, and never started':
        ({'db1': look(), **{node: look(node, list=members(*IDS, added=['db1'])) for node in ['db2', 'db3']}},
         '', False),
    'lost its data': (ALL | {'db1': LOST}, 'a1', True),
    'lost its data, on a device that has another name now':
        (ALL | {'db1': look(mark=mark('db1', mount='/data 1-2 /dev/sdb1'), mount='/data 1-2 /dev/sdc1')}, 'a1', True),
    'lost its data while the third is not reached': (ALL | {'db1': LOST, 'db3': SILENT}, 'a1', True),
    'founding was cut before it was started': (CUT | {'db1': look(mark=BEGUN)}, 'a1', True),
    'founding was cut before it was started, and before it was marked': (CUT | {'db1': look()}, 'a1', True),
    'founding was cut before it was started, and its mark is damaged': (CUT | {'db1': look(mark=DAMAGED)}, 'a1', True),
    'founding was cut before it was started, and the third is not reached':
        (CUT | {'db1': look(mark=BEGUN), 'db3': SILENT}, 'a1', True),
}


@pytest.mark.parametrize('case', JOINS)
def test_join(case):
    looks, remove, add = JOINS[case]
    decided = birth(looks)
    assert (decided['way'], decided['remove'], decided['add']) == ('join', remove, add), decided['reason']
    assert decided['ask'] == 'db2'
    assert decided['cluster'] == 'cc'


def test_a_member_that_does_not_vote_yet_is_named():
    looks = LEARNT | {'db1': look('db1', list=None, mark=mark('db1', member='b1', url='https://db1:2380'))}
    assert (birth(looks)['way'], birth(looks)['learner'], birth(ALL)['learner']) == ('stay', 'b1', '')
    assert birth(looks)['ask'] == 'db2'


REFUSALS = {
    'two lost their data while the third is down': ({'db1': LOST, 'db2': look(mark=mark('db2')), 'db3': SILENT}, 'an empty one is not founded'),
    'two are bare while the third is not reached': ({'db1': look(), 'db2': look(), 'db3': SILENT}, 'db3 did not answer'),
    'two are bare while the third has not looked': ({'db1': look(), 'db2': look()}, 'db3 did not look yet'),
    'one did not answer, and one has not looked':
        ({'db1': look(), 'db2': SILENT}, 'db2 did not answer and db3 did not look yet'),
    'two are bare while the third is down': ({'db1': look(), 'db2': look(), 'db3': DOWN['db3']}, 'data is on db3'),
    'all lost their data': ({node: look(mark=mark(node)) for node in IDS}, 'a mark on db1, db2, db3'),
    'this one alone has a mark': ({'db1': LOST, 'db2': look(), 'db3': look()}, 'a mark on db1'),
    'no marks, as of an earlier version, and one has data':
        ({'db1': look(), 'db2': look(), 'db3': look(data=True)}, 'data is on db3'),
    'founding was begun with others':
        ({'db1': look(), 'db2': look(mark={'founding': ['db2', 'db9']}, data=True), 'db3': look()}, 'with the members db2, db9'),
    'bare host in the place of a member': (ALL | {'db1': look()}, 'the host has no mark of it'),
    'founding mark in the place of a member that ran': (ALL | {'db1': look(mark=BEGUN)}, 'the host has no mark of it'),
    'damaged mark in the place of a member': (ALL | {'db1': look(mark=DAMAGED)}, 'has no mark of it that can be read'),
    'this one alone has a mark, which is damaged': ({'db1': look(mark=DAMAGED), 'db2': look(), 'db3': look()}, 'a mark on db1'),
    'another file system in its place':
        (ALL | {'db1': look(mark=mark('db1', mount='/data 1-2 /dev/sdb1'), mount='/data 3-4 /dev/sdb1')}, '/data 1-2 /dev/sdb1'),
    'another share in its place':
        (ALL | {'db1': look(mark=mark('db1', mount='/data  nfs:/a'), mount='/data  nfs:/b')}, 'on the file system /data  nfs:/a'),
    'mark of another member': (ALL | {'db1': look(mark=mark('db2'))}, "the host's mark is of member a2"),
    'mark of another cluster': (ALL | {'db1': look(mark=mark('db1', cluster='dd'))}, 'in cluster dd'),
    'data was elsewhere': (ALL | {'db1': look(mark=mark('db1', directory='/srv/postgresql'))}, 'was in /srv/postgresql'),
    'its file system is not mounted': (ALL | {'db1': look(mark=mark('db1', mount='/var/lib/etcd 1-2'))}, 'on the file system /var/lib/etcd 1-2'),
    'its directory is missing, too': (ALL | {'db1': look(mark=mark('db1'), mount='')}, 'is on none'),
    'it gets another address while all are down':
        (DOWN | {'db1': look('db1', list=None, mark=MOVED)}, 'reach it at https://former:2380, its address is https://db1:2380 now'),
    'its address is that of another member':
        ({node: look(node, list=SHARED) for node in IDS}, 'https://db1:2380 is the address of the member db2'),
    'etcd runs with another directory': (ALL | {'db1': look('db1', data=False)}, 'holds no data: stop it'),
    'data of a member that was removed':
        ({'db1': DOWN['db1'], **{node: look(node, list=members('db2', 'db3')) for node in ['db2', 'db3']}}, 'has removed'),
    'data of an earlier member': (ALL | {'db1': look('db1', list=None, mark=mark('db1', member='b1'))}, 'has removed'),
    'data of an earlier member beside a learner that took its place':
        (LEARNT | {'db1': DOWN['db1']}, 'move that directory aside, and confirm by etcd_replaced_hosts: [db1]'),
    'founding was cut before it was started, and no quorum answers':
        ({'db1': look(mark=BEGUN), 'db2': look(mark=mark('db2')), 'db3': SILENT}, 'an empty one is not founded'),
    'mark of another cluster on a host that was not started':
        (CUT | {'db1': look(mark=mark('db1', cluster='dd'))}, 'in cluster dd'),
    'data of another cluster': (ALL | {'db1': look('db1', list=None, mark=mark('db1', cluster='dd'))}, 'of the cluster dd'),
    'new host that was a member elsewhere':
        ({'db1': look(mark=mark('db1', cluster='dd')), 'db2': look('db2', list=members('db2'))}, 'was a member of the cluster dd'),
    'two clusters': (ALL | {'db1': look('db1', list=members('db1', cluster=221))}, 'db1 of dd, db2 of cc, db3 of cc'),
}


@pytest.mark.parametrize('case', REFUSALS)
def test_refusal(case):
    looks, reason = REFUSALS[case]
    decided = birth(looks)
    assert decided['way'] == 'refuse'
    assert reason in decided['reason']


# What etcd_replaced_hosts answers, and the member that goes then.
GIVEN_UP = {
    'bare host in the place of a member': 'a1',
    'founding mark in the place of a member that ran': 'a1',
    'mark of another cluster on a host that was not started': 'a1',
    'damaged mark in the place of a member': 'a1',
    'another file system in its place': 'a1',
    'another share in its place': 'a1',
    'mark of another member': 'a1',
    'mark of another cluster': 'a1',
    'data was elsewhere': 'a1',
    'its file system is not mounted': 'a1',
    'its directory is missing, too': 'a1',
    'new host that was a member elsewhere': '',
}


@pytest.mark.parametrize('case', REFUSALS)
def test_the_operator_gives_up_a_member_and_nothing_else(case):
    decided = birth(REFUSALS[case][0], ['db1'])
    assert decided['way'] == ('join' if case in GIVEN_UP else 'refuse')
    assert decided['remove'] == GIVEN_UP.get(case, '')


@pytest.mark.parametrize('text, mark', [('', {}), ('{"member": "a1"}', {'member': 'a1'}), ('{"mem', {'damaged': True}),
                                        ('[]', {'damaged': True})])
def test_mark(text, mark):
    assert plugin.etcd_mark(text) == mark


@pytest.mark.parametrize('view, url', [
    ({}, ''), ({'header': {'member_id': 162}, 'members': [{'ID': 161, 'peerURLs': ['https://a:2380']}]}, ''),
    ({'header': {'member_id': 161}, 'members': [{'ID': 162, 'peerURLs': ['https://b:2380']},
                                                {'ID': 161, 'peerURLs': ['https://a:2380']}]}, 'https://a:2380'),
    ({'header': {'member_id': 161}, 'members': [{'ID': 161, 'peerURLs': ['https://a:2380', 'https://c:2380']}]},
     'https://a:2380,https://c:2380'),
])
def test_where_others_reach_the_member_that_answered(view, url):
    assert plugin.etcd_own_url(view) == url

# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Decide how a host becomes a member of its zone's etcd cluster, from a look at the hosts of the zone."""

from __future__ import annotations

DOCUMENTATION = r'''
name: etcd_birth
short_description: Decides how a host becomes a member of its zone's etcd cluster
version_added: 0.3.0
author: pgEdge, Inc. (@pgEdge)
description:
  - The role C(setup_etcd) looks at every host of the zone. From that this decides for one of them, or says why it may
    not join.
  - An empty cluster is never founded in the place of another. A member whose data is lost is replaced only if a
    quorum answers without it, and if the host's mark (cluster, member, directory, file system) is the one
    that the others know. A member that was founded and never started needs no mark.
positional: host, nodes, directory, url, replaced
options:
  _input:
    description:
      - The look at each host of the zone, by its name in the inventory. A host without one counts as silent.
      - V(reached) whether it answered at all; V(data) whether its data directory holds a member; V(mark) the record
        of an earlier run; V(mount) the file system of the data directory; V(list) the output of C(etcdctl member
        list) there, empty if its member is down or has no quorum.
    type: dict
    required: true
  host:
    description: The host to decide on.
    type: str
    required: true
  nodes:
    description: The hosts of the zone.
    type: list
    elements: str
    required: true
  directory:
    description: The directory of the member's data.
    type: str
    required: true
  url:
    description: The URL at which the other members reach this one.
    type: str
    required: true
  replaced:
    description: The hosts whose member is lost for good, according to the operator.
    type: list
    elements: str
    default: []
'''

EXAMPLES = r'''
- name: Decide how the host becomes a member
  ansible.builtin.set_fact:
    birth: >-
      {{ looks | pgedge.platform.etcd_birth('db1', ['db1', 'db2'], '/var/lib/etcd/postgresql', 'https://192.0.2.1:2380')
      }}
'''

RETURN = r'''
_value:
  description:
    - V(way) is V(stay) (the member has its data), V(found) (a new cluster), V(wait) (the others may form a quorum
      once they are started; then decide again), V(join) (becomes a new member), or V(refuse) with a V(reason).
    - V(remove) is the member to remove before the host joins, V(add) whether the host has to be added, V(ask) a host
      whose member answers, V(cluster) and V(members) its view, V(learner) the host's own member if it does not vote
      yet.
  type: dict
'''


import json

from ansible_collections.pgedge.platform.plugins.plugin_utils.silence import silence


def hexadecimal(number):
    """Return an identifier as etcdctl takes and prints it."""
    return format(int(number), 'x')


def clusters(looks):
    """Return the view of each answering host: its cluster, and the members by their identifiers."""
    known = {}
    for host, look in looks.items():
        if look.get('list'):
            members = {hexadecimal(member['ID']): member for member in look['list']['members']}
            known[host] = {'cluster': hexadecimal(look['list']['header']['cluster_id']), 'members': members}
    return known


def mark_of(look):
    """Return the mark of a host that was a member. One that only began to found, or is unreadable, does not count."""
    mark = look.get('mark') or {}
    return mark if 'member' in mark else {}


def etcd_mark(text):
    """Return the mark in the text of its file: None if there is no text, or that it is damaged, as by a power cut."""
    if not text:
        return {}
    try:
        mark = json.loads(text)
    except ValueError:
        mark = None
    return mark if isinstance(mark, dict) else {'damaged': True}


def etcd_own_url(view):
    """Return the URLs at which others reach the member that printed this list, with commas, or nothing."""
    own = [member for member in view.get('members', []) if member['ID'] == view['header']['member_id']]
    return ','.join(own[0]['peerURLs']) if own else ''


def file_system(mount):
    """Return the identity of a file system: its mount point with its UUID, or, without one, with its source."""
    parts = (mount or '').split(' ')
    return parts[:2] if len(parts) == 3 and parts[1] else parts


def listed(members, host, url):
    """Return the identifier of the member that the host is or was, or nothing."""
    for identifier, member in members.items():
        if member.get('name') == host or url in member.get('peerURLs', []):
            return identifier
    return ''


def refuse(reason):
    return {'way': 'refuse', 'reason': reason}


def stuck(look, host, url, living):
    """Return why the member cannot have this address, or nothing."""
    former = mark_of(look).get('url', url)
    if living is None:
        return '' if former == url else (
            f'its members reach it at {former}, its address is {url} now, and none of them answers. etcd changes an '
            'address only with a quorum: set node_address back, start etcd there, and then change it')
    holder = next((member['name'] for member in living['members'].values()
                   if member.get('name') not in (None, '', host) and url in member.get('peerURLs', [])), '')
    return f'{url} is the address of the member {holder}: give it to one of the two' if holder else ''


def stay(looks, host, directory, url, living):
    """Decide for a host that has data: it is used, unless the living cluster does not know this member."""
    reason = stuck(looks[host], host, url, living)
    if reason:
        return refuse(reason)
    if living is None or looks[host].get('list'):
        return {'way': 'stay'}
    mark, identifier = mark_of(looks[host]), listed(living['members'], host, url)
    if mark and mark['cluster'] != living['cluster']:
        return refuse(f"{directory} holds a member of the cluster {mark['cluster']}, and the zone's is "
                      f"{living['cluster']}: move that directory aside, or correct the zone")
    removed = f"{directory} holds a member that the zone's cluster {living['cluster']} has removed"
    if not identifier:
        return refuse(f"{removed}: move that directory and the mark member.json in etcd_config_dir aside, and run the "
                      "role again")
    if mark and mark['member'] not in living['members']:
        return refuse(f"{removed}, and {identifier} is the host's member there: mount the data of that one if it was "
                      f"elsewhere. If it is lost for good, move that directory aside, and confirm by "
                      f"etcd_replaced_hosts: [{host}]")
    return {'way': 'stay'}


def lost(look, host, directory, living, identifier):
    """Return why the member of a host without data must not be replaced, or nothing."""
    mark = mark_of(look)
    # A member publishes its URLs for clients when it starts. Without these it never had data: the run that founded the
    # cluster ended before.
    if not mark and not living['members'][identifier].get('clientURLs'):
        return ''
    if not mark:
        return 'the host has no mark of it' + (' that can be read' if (look.get('mark') or {}).get('damaged') else '')
    if mark['cluster'] != living['cluster'] or mark['member'] != identifier:
        return f"the host's mark is of member {mark['member']} in cluster {mark['cluster']}"
    if mark['directory'] != directory:
        return f"its data was in {mark['directory']}, and etcd_data_dir is another one now"
    if file_system(mark['mount']) != file_system(look.get('mount')):
        return (f"its data was on the file system {mark['mount']}, and {directory} is on "
                f"{look.get('mount') or 'none'}: mount it")
    return ''


def join(looks, host, directory, url, replaced, living):
    """Decide for a host without data beside a living cluster."""
    identifier = listed(living['members'], host, url)
    if not identifier:
        mark = mark_of(looks[host])
        if mark and mark['cluster'] != living['cluster'] and host not in replaced:
            return refuse(f"the host was a member of the cluster {mark['cluster']}, and the zone's is "
                          f"{living['cluster']}: correct the zone, or confirm that its data is given up by "
                          f"etcd_replaced_hosts: [{host}]")
        return {'way': 'join', 'remove': '', 'add': True}
    if not living['members'][identifier].get('name'):
        return {'way': 'join', 'remove': '', 'add': False}
    reason = lost(looks[host], host, directory, living, identifier)
    if reason and host not in replaced:
        return refuse(f"the zone's cluster has it as member {identifier}, {directory} holds no data, and {reason}. If "
                      f"that member is lost for good, confirm it by etcd_replaced_hosts: [{host}]")
    return {'way': 'join', 'remove': identifier, 'add': True}


def found(looks, host):
    """Decide for a host without data if no cluster answers."""
    nodes = sorted(looks)
    silent = silence(looks)
    begun = {node: looks[node]['mark']['founding'] for node in nodes if 'founding' in (looks[node].get('mark') or {})}
    holders = [node for node in nodes if looks[node].get('data') and node not in begun]
    marked = [node for node in nodes if mark_of(looks[node]) or (looks[node].get('mark') or {}).get('damaged')]
    if len(holders) > len(nodes) // 2:
        return {'way': 'wait'}
    if holders or marked:
        return refuse("no quorum of the zone's cluster answers, and an empty one is not founded where one was: data "
                      f"is on {', '.join(holders) or 'none'}, a mark on {', '.join(marked) or 'none'}. Start the "
                      "hosts that have data; if all is lost for good, restore a snapshot, or remove member.json in "
                      "etcd_config_dir of each host")
    if silent:
        return refuse(f"{silent}, and may hold the data of the zone's cluster: it is founded only if all its hosts "
                      "can be asked")
    others = [node for node, members in begun.items() if looks[node].get('data') and sorted(members) != nodes]
    if others:
        return refuse(f"founding was begun on {', '.join(others)} with the members {', '.join(begun[others[0]])}: "
                      "name these, or move the data there aside")
    return {'way': 'found'}


def decide(looks, known, host, directory, url, replaced):
    """Return the way of the host, with its details."""
    me, of = looks[host], {node: view['cluster'] for node, view in sorted(known.items())}
    living = next(iter(known.values()), None)
    if len(set(of.values())) > 1:
        return refuse("the hosts of the zone are members of different clusters: "
                      f"{', '.join(f'{node} of {of[node]}' for node in of)}. Decide which one it is, and give the "
                      "others a zone of their own")
    if me.get('data'):
        return stay(looks, host, directory, url, living)
    if me.get('list'):
        return refuse(f'etcd runs here, and {directory} holds no data: stop it (systemctl stop etcd) if its data is '
                      'lost, or set etcd_data_dir to what it was')
    if living:
        return join(looks, host, directory, url, replaced, living)
    return found(looks, host)


def etcd_birth(looks, host, nodes, directory, url, replaced=()):
    """Return how the host becomes a member; see the documentation."""
    looks = {node: looks.get(node, {}) for node in nodes}
    known = clusters(looks)
    ask = next((node for node in sorted(known) if node != host), next(iter(known), ''))
    told = known.get(ask, {'cluster': '', 'members': {}})
    member = listed(told['members'], host, url)
    learner = member if told['members'].get(member, {}).get('isLearner') else ''
    return {'reason': '', 'remove': '', 'add': False, 'ask': ask, 'learner': learner, **told,
            **decide(looks, known, host, directory, url, replaced)}


class FilterModule:
    """The filters of this file."""

    def filters(self):
        return {'etcd_birth': etcd_birth, 'etcd_mark': etcd_mark, 'etcd_own_url': etcd_own_url}

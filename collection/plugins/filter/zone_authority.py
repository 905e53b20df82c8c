# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Decide which certificate authority a zone has, and which ones its hosts trust, from a look at the hosts."""

from __future__ import annotations

DOCUMENTATION = r'''
name: zone_authority
short_description: Decides which certificate authority a zone has
version_added: 0.3.0
author: pgEdge, Inc. (@pgEdge)
description:
  - The role C(issue_certificate) looks at every host of the zone. From that this decides which authority signs, which
    ones are trusted, and whether a new one may be made.
  - A second authority is never made while a host holds certificates of another one. If another one is supplied, both
    are trusted until no certificate of the old one is in use. The new one signs only after all hosts trust it.
requirements:
  - cryptography, which ansible-core needs itself
positional: nodes, proxies, batch, ca_dir, certificate, key, brought
options:
  _input:
    description:
      - The look at each host of the zone, by its name in the inventory. A host without one counts as silent.
      - V(reached) whether it answered at all; V(key) whether it holds the authority's certificate and the key of it;
      - V(files) the output of C(tail -v) for its certificates.
    type: dict
    required: true
  nodes:
    description: The hosts of the zone that hold its authority.
    type: list
    elements: str
    required: true
  proxies:
    description: The other hosts of the zone, which trust it alone.
    type: list
    elements: str
    required: true
  batch:
    description:
      - The hosts that go on together now. A service may still show a certificate that its host has replaced, so an
        authority remains trusted until all hosts of the zone are among them.
    type: list
    elements: str
    required: true
  ca_dir:
    description: The directory of the authority on the hosts.
    type: str
    required: true
  certificate:
    description: The certificate of the authority that the user supplies, in PEM.
    type: str
    default: ''
  key:
    description: Its key, in PEM.
    type: str
    default: ''
  brought:
    description: Whether the user supplies the hosts' certificates, signed by that authority. This needs no key.
    type: bool
    default: false
'''

EXAMPLES = r'''
- name: Decide which authority signs
  ansible.builtin.set_fact:
    zone: "{{ looks | pgedge.platform.zone_authority(['db1'], ['proxy'], ['db1', 'proxy'], '/etc/pgedge/ca') }}"
'''

RETURN = r'''
_value:
  description:
    - V(way) is V(keep) (the authority of V(holder)), V(supplied), V(brought), V(make), V(refuse) with a V(reason), or
      V(unknown) with a V(reason) (a silent node may hold it, so only V(users), which trust one, can go on).
    - V(certificate) is that of the authority, V(trusted) the certificates that hosts have to trust, V(signs) whether
      certificates of another authority may be replaced now, V(changing) whether any are in use, V(kept) the nodes that
      hold the authority, V(ends) its last day, V(days) how many days are left.
  type: dict
'''

import datetime
import ipaddress
import re

from ansible.errors import AnsibleFilterError
from ansible_collections.pgedge.platform.plugins.plugin_utils.silence import silence

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
except ImportError as error:
    MISSING = error
else:
    MISSING = None

PEM = re.compile(r'-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----', re.DOTALL)
HEADER = re.compile(r'^==> (.*) <==$', re.MULTILINE)


class Certificate:
    """A certificate, compared by its key: an authority that was renewed with its key is the same."""

    def __init__(self, pem):
        self.pem, self.x509 = pem + '\n', x509.load_pem_x509_certificate(pem.encode())
        self.key = public(self.x509.public_key())

    def extension(self, kind):
        try:
            return self.x509.extensions.get_extension_for_class(kind).value
        except x509.ExtensionNotFound:
            return None

    def ends(self):
        if hasattr(self.x509, 'not_valid_after_utc'):
            return self.x509.not_valid_after_utc
        return self.x509.not_valid_after.replace(tzinfo=datetime.timezone.utc)

    def is_authority(self):
        constraints = self.extension(x509.BasicConstraints)
        return constraints is not None and constraints.ca

    def names(self):
        """Return the names and addresses that the certificate is for."""
        subject = self.extension(x509.SubjectAlternativeName)
        if subject is None:
            return []
        addresses = [str(one) for one in subject.get_values_for_type(x509.IPAddress)]
        return subject.get_values_for_type(x509.DNSName) + addresses

    def usages(self):
        """Return the allowed uses of the certificate, or None if all are."""
        usage = self.extension(x509.ExtendedKeyUsage)
        return None if usage is None else set(usage)

    def signed(self, other):
        """Return whether this authority's key signed the other certificate."""
        signer, arguments = self.x509.public_key(), []
        try:
            if isinstance(signer, ec.EllipticCurvePublicKey):
                arguments = [ec.ECDSA(other.x509.signature_hash_algorithm)]
            elif isinstance(signer, rsa.RSAPublicKey):
                arguments = [padding.PKCS1v15(), other.x509.signature_hash_algorithm]
            signer.verify(other.x509.signature, other.x509.tbs_certificate_bytes, *arguments)
        except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
            return False
        return True


class Host:
    """The look at one host: the authority whose key it holds, the ones that it trusts, and the certificates in use."""

    def __init__(self, look, ca_dir):
        look = look or {}
        self.reached = look.get('reached', False)
        self.authority, self.bundles, self.used = None, [], []
        parts = HEADER.split(look.get('files', ''))
        for path, text in zip(parts[1::2], parts[2::2]):
            found = certificates(text)
            if path == ca_dir + '/ca.crt':
                self.authority = found[0] if found and look.get('key') else None
            elif path.endswith('/host.crt'):
                self.used += found[:1]
            elif found:
                self.bundles.append(found)


def public(key):
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def certificates(text):
    try:
        return [Certificate(pem) for pem in PEM.findall(text)]
    except (UnsupportedAlgorithm, ValueError):
        return []


def refuse(reason):
    return {'way': 'refuse', 'reason': reason}


def private_key(text):
    """Return the public part of a private key in PEM, or None if it is none, or has a passphrase."""
    try:
        return public(serialization.load_pem_private_key(text.encode(), None).public_key())
    except (UnsupportedAlgorithm, TypeError, ValueError):
        return None


def supplied(certificate, key, brought):
    """Return the authority that the user supplies, and why it cannot be one."""
    given = certificates(certificate)
    if not certificate:
        return None, 'etcd_ca_cert is not set: ' + ('tls_host_cert takes' if brought else 'etcd_ca_key takes') + ' it'
    if not key and not brought:
        return None, 'etcd_ca_key is not set: etcd_ca_cert takes it, or for every node a tls_host_cert'
    if len(given) != 1 or not given[0].is_authority() or not given[0].signed(given[0]):
        return None, 'etcd_ca_cert is not one certificate of an authority that signed itself, in PEM'
    if brought:
        return given[0], ''
    private = private_key(key)
    if private is None:
        return None, 'etcd_ca_key is not a private key without a passphrase, in PEM'
    if private != given[0].key:
        return None, 'etcd_ca_key is not the key of etcd_ca_cert'
    return given[0], ''


def held(hosts, silent):
    """Return the way: to keep the authority of a holder, both named, to make one, or another with its reason."""
    holders = {name: host.authority for name, host in sorted(hosts.items()) if host.authority}
    if len({authority.key for authority in holders.values()}) > 1:
        return 'refuse', '', None, (
            'the zone has more than one certificate authority: '
            + ', '.join(f'that on {name} ends on {authority.ends():%Y-%m-%d}' for name, authority in holders.items())
            + '. Say which one it is by etcd_ca_cert and etcd_ca_key, or remove tls_ca_dir on the hosts with the wrong '
            'one')
    if holders:
        name = max(sorted(holders), key=lambda name: holders[name].ends())
        return 'keep', name, holders[name], ''
    users = using(hosts)
    if silent:
        return 'unknown', '', None, (f"{silent}, and may hold the zone's certificate authority: another one is made "
                                     "only if all its nodes can be asked")
    if users:
        return 'refuse', '', None, (
            f"{', '.join(users)} hold certificates of an authority whose key no host of the zone has, and a second "
            'authority would lock them out. Supply that one by etcd_ca_cert and etcd_ca_key, bring its ca.crt and '
            'ca.key back to tls_ca_dir on one host, or supply another one by these variables')
    return 'make', '', None, ''


def using(hosts):
    """Return the hosts that trust an authority."""
    return [name for name, host in sorted(hosts.items()) if host.bundles]


def trust(hosts, current, batch):
    """Return the authorities that hosts have to trust, whether certificates of another one may be replaced, and whether
    there are any in use."""
    everywhere = all(any(one.key == current.key for one in bundle) for host in hosts.values()
                     for bundle in host.bundles)
    silent = any(not host.reached for host in hosts.values())
    others = {one.key: one for host in hosts.values() for bundle in host.bundles for one in bundle
              if one.key != current.key}
    in_use = [one for host in hosts.values() for one in host.used]
    signers = [one for one in others.values() if any(one.signed(used) for used in in_use)]
    needed = others.values() if silent or set(hosts) - set(batch) else signers
    return ([current] + sorted(needed, key=lambda one: one.key), everywhere and not (others and silent),
            bool(signers))


def zone_authority(looks, nodes, proxies, batch, ca_dir, certificate='', key='', brought=False):
    """Return the authority of the zone; see the documentation."""
    if MISSING:
        raise AnsibleFilterError('the filter zone_authority needs the Python library cryptography on the controller: '
                                 f'{MISSING}')
    hosts = {name: Host(looks.get(name), ca_dir) for name in [*nodes, *proxies]}
    if certificate or key or brought:
        (current, reason), holder, way = supplied(certificate, key, brought), '', 'brought' if brought else 'supplied'
    else:
        way, holder, current, reason = held(hosts, silence({name: looks.get(name) for name in nodes}))
    if reason and way != 'unknown':
        return refuse(reason)
    if current is None:
        return {'way': way, 'reason': reason, 'users': using(hosts), 'certificate': '', 'trusted': '',
                'signs': way == 'make', 'changing': False, 'kept': []}
    trusted, signs, changing = trust(hosts, current, batch)
    strangers = [name for name, host in sorted(hosts.items())
                 if any(all(one.key != current.key for one in bundle) for bundle in host.bundles)]
    if way == 'keep' and strangers:
        return refuse(f"{', '.join(strangers)} trust another certificate authority than that of {holder}. Say which "
                      "one the zone's is by "
                      'etcd_ca_cert and etcd_ca_key')
    now = datetime.datetime.now(datetime.timezone.utc)
    if way != 'keep' and current.ends() <= now:
        return refuse(f'etcd_ca_cert ended on {current.ends():%Y-%m-%d}')
    return {'way': way, 'holder': holder, 'certificate': current.pem, 'trusted': ''.join(one.pem for one in trusted),
            'signs': signs, 'changing': changing,
            'kept': [name for name, host in hosts.items() if host.authority and host.authority.key == current.key],
            'ends': f'{current.ends():%Y-%m-%d}', 'days': (current.ends() - now).days}


def names_lacking(leaf, names):
    """Return those of the names and addresses that the certificate is not for."""
    has = [name.lower() for name in leaf.names()]
    return [name for name in names if name.lower() not in has and address(name) not in has]


def address(name):
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def host_certificate_faults(certificate, key, authority, names):
    """Return what is wrong with a host's certificate of the user's, and with its key. No part of the key is told."""
    if MISSING:
        raise AnsibleFilterError('the filter host_certificate_faults needs the Python library cryptography on the '
                                 f'controller: {MISSING}')
    if not certificate or not key:
        return [f"{'tls_host_key' if certificate else 'tls_host_cert'} is not set: a host's certificate and its key "
                "are brought together"]
    chain, trusted = certificates(certificate), certificates(authority)
    if not chain:
        return ['tls_host_cert is no certificate in PEM']
    leaf, faults, private = chain[0], [], private_key(key)
    if private is None:
        faults.append('tls_host_key is not a private key without a passphrase, in PEM')
    elif private != leaf.key:
        faults.append('tls_host_key is not the key of the first certificate in tls_host_cert')
    if trusted and not all(signer.signed(one) for one, signer in zip(chain, chain[1:] + trusted[:1])):
        faults.append('tls_host_cert is not signed by etcd_ca_cert: bring it first, and after it the certificates '
                      'that lie between')
    if leaf.ends() <= datetime.datetime.now(datetime.timezone.utc):
        faults.append(f'tls_host_cert ended on {leaf.ends():%Y-%m-%d}')
    lacking = names_lacking(leaf, names)
    if lacking:
        faults.append(f"tls_host_cert is not for {', '.join(lacking)} (subjectAltName): others reach the host by that")
    needed = {x509.oid.ExtendedKeyUsageOID.SERVER_AUTH, x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH}
    if leaf.usages() is not None and not needed <= leaf.usages():
        faults.append('tls_host_cert has not both serverAuth and clientAuth in extendedKeyUsage: the members of etcd '
                      'need both')
    return faults


class FilterModule:
    """The filters of this file."""

    def filters(self):
        return {'zone_authority': zone_authority, 'host_certificate_faults': host_certificate_faults}

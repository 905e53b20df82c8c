# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests of the choice of a zone's authority: one row for each state that its hosts can be found in, with real certificates."""

from __future__ import annotations

import datetime
import importlib.util
import ipaddress
import pathlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

SOURCE = pathlib.Path(__file__).parents[4] / 'plugins/filter/zone_authority.py'
specification = importlib.util.spec_from_file_location('zone_authority', SOURCE)
plugin = importlib.util.module_from_spec(specification)
specification.loader.exec_module(plugin)

CA_DIR = '/etc/pgedge/ca'
NOW = datetime.datetime.now(datetime.timezone.utc)


class Authority:
    """An authority with its key, which signs certificates of hosts."""

    def __init__(self, key=None, days=400):
        self.private = key or ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.sign(self.private.public_key(), days, authority=True)
        self.key = self.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                              serialization.NoEncryption()).decode()

    def sign(self, public, days=400, authority=False, names=(), usages=()):
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'test')])
        builder = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(public).serial_number(1)
                   .not_valid_before(NOW - datetime.timedelta(days=500))
                   .not_valid_after(NOW + datetime.timedelta(days=days))
                   .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        return builder.sign(self.private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def host(self):
        return self.sign(ec.generate_private_key(ec.SECP256R1()).public_key())


OURS, OTHER, SHORT = Authority(), Authority(rsa.generate_private_key(65537, 2048)), Authority(days=10)
BELOW = OURS.sign(OTHER.private.public_key(), authority=True)
RENEWED = Authority(OURS.private, 900)


def look(authority=None, key=True, trusts=(), signer=None):
    """Return the look at a host that keeps the authority. Its etcd trusts these, and has a certificate of the signer."""
    files = {}
    if authority:
        files[CA_DIR + '/ca.crt'] = authority.certificate
    if trusts:
        files['/etc/pgedge/tls/etcd/ca.crt'] = ''.join(one.certificate for one in trusts)
    if signer:
        files['/etc/pgedge/tls/etcd/host.crt'] = signer.host()
    return {'reached': True, 'key': bool(authority) and key,
            'files': '\n'.join(f'==> {path} <==\n{text}' for path, text in files.items())}


BARE, SILENT = look(), {'reached': False}
HEALTHY = look(OURS, trusts=[OURS], signer=OURS)
# An installation of an earlier version: the first node alone has the authority.
FORMER = look(trusts=[OURS], signer=OURS)


def zone(*looks, supplied=None):
    return decide({f'db{number}': one for number, one in enumerate(looks, 1)}, supplied=supplied)


def decide(looks, proxies=(), nodes=(), supplied=None, batch=None):
    pair = (supplied.certificate, supplied.key) if supplied else ('', '')
    nodes = nodes or [name for name in looks if name not in proxies]
    return plugin.zone_authority(looks, nodes, proxies, batch or [*nodes, *proxies], CA_DIR, *pair)


def test_bare_hosts_get_an_authority():
    assert zone(BARE, BARE, BARE)['way'] == 'make'


def test_a_silent_proxy_keeps_no_authority():
    assert decide({'db1': BARE, 'db2': BARE, 'proxy': SILENT}, ['proxy'])['way'] == 'make'
    assert decide({'db1': BARE, 'db2': BARE}, ['proxy'])['way'] == 'make'
    assert decide({'db1': BARE, 'db2': BARE, 'proxy': FORMER}, ['proxy'])['way'] == 'refuse'


KEPT = {
    'healthy': ([HEALTHY, HEALTHY, HEALTHY], 'db1'),
    'of an earlier version': ([HEALTHY, FORMER, FORMER], 'db1'),
    'the first node was replaced': ([BARE, HEALTHY, HEALTHY], 'db2'),
    'a new host': ([HEALTHY, HEALTHY, BARE], 'db1'),
    'a host is silent': ([SILENT, HEALTHY, FORMER], 'db2'),
    'renewed on one host': ([HEALTHY, look(RENEWED, trusts=[OURS], signer=OURS), HEALTHY], 'db2'),
}


@pytest.mark.parametrize('case', KEPT)
def test_the_authority_is_kept(case):
    looks, holder = KEPT[case]
    decided = zone(*looks)
    wanted = RENEWED if case.startswith('renewed') else OURS
    assert (decided['way'], decided['holder'], decided['signs']) == ('keep', holder, True)
    assert decided['certificate'] == decided['trusted'] == wanted.certificate


REFUSALS = {
    'the key is lost': ([BARE, FORMER, FORMER], 'db2, db3 hold certificates of an authority whose key no host of the zone has'),
    'the key is lost, and the certificate is there': ([look(OURS, key=False), FORMER, FORMER], 'db2, db3 hold certificates'),
    'two authorities': ([HEALTHY, look(OTHER, trusts=[OTHER], signer=OTHER)], 'more than one certificate authority: that on db1'),
    'another authority than the others trust': ([look(OTHER, trusts=[OTHER]), FORMER], 'db2 trust another certificate authority than that of db1'),
}


@pytest.mark.parametrize('case', REFUSALS)
def test_refusal(case):
    looks, reason = REFUSALS[case]
    decided = zone(*looks)
    assert decided['way'] == 'refuse'
    assert reason in decided['reason']


ALL_SILENT = {'db1': SILENT, 'db2': SILENT, 'db3': SILENT}
UNKNOWN = {
    'the holder is silent': ({'db1': SILENT, 'db2': FORMER, 'db3': FORMER}, 'db1 did not answer', ['db2', 'db3']),
    'the holder has not looked': ({'db2': FORMER, 'db3': FORMER}, 'db1 did not look yet', ['db2', 'db3']),
    'the proxy alone': (ALL_SILENT | {'proxy': FORMER}, 'db1, db2, db3 did not answer', ['proxy']),
    'a new proxy alone': (ALL_SILENT | {'proxy': BARE}, 'db1, db2, db3 did not answer', []),
    'bare hosts, and one is silent': ({'db1': BARE, 'db2': BARE, 'db3': SILENT}, 'db3 did not answer', []),
    'bare hosts, and one has not looked': ({'db1': BARE, 'db2': BARE}, 'db3 did not look yet', []),
    'nobody knows': ({'db1': SILENT, 'db2': BARE}, 'db1 did not answer and db3 did not look yet', []),
}


@pytest.mark.parametrize('case', UNKNOWN)
def test_a_node_that_was_not_heard_may_hold_the_authority(case):
    looks, reason, users = UNKNOWN[case]
    decided = decide(looks, ['proxy'], ['db1', 'db2', 'db3'])
    assert (decided['way'], decided['signs'], decided['trusted'], decided['users']) == ('unknown', False, '', users)
    assert reason + ', and may hold' in decided['reason'].replace(' (strategy: linear makes all look first)', '')


def test_a_proxy_that_has_not_looked_may_trust_the_former_authority():
    decided = decide({'db1': NEW}, ['proxy'], supplied=OTHER)
    assert (decided['signs'], decided['trusted']) == (False, OTHER.certificate + OURS.certificate)


def test_nodes_with_the_whole_authority_need_no_other():
    assert zone(HEALTHY, look(OURS, key=False, trusts=[OURS]), FORMER)['kept'] == ['db1']
    assert zone(HEALTHY, look(RENEWED, trusts=[OURS]), FORMER)['kept'] == ['db1', 'db2']
    assert zone(OLD, TOLD, FORMER, supplied=OTHER)['kept'] == ['db2']


BOTH = [OTHER, OURS]
OLD, TOLD = HEALTHY, look(OTHER, trusts=BOTH, signer=OURS)
NEW = look(OTHER, trusts=BOTH, signer=OTHER)
DONE = look(OTHER, trusts=[OTHER], signer=OTHER)
# From one authority to another: what each state of the hosts leads to.
CHANGES = {
    'begin': ([OLD, OLD, OLD], BOTH, False),
    'the old key is lost': ([BARE, FORMER, FORMER], BOTH, False),
    'one was told': ([TOLD, OLD, OLD], BOTH, False),
    'all were told': ([TOLD, TOLD, TOLD], BOTH, True),
    'all were told, and one is silent': ([TOLD, TOLD, SILENT], BOTH, False),
    'one has a new certificate': ([NEW, TOLD, TOLD], BOTH, True),
    'all have new certificates': ([NEW, NEW, NEW], [OTHER], True),
    'all have new certificates, and one is silent': ([NEW, NEW, SILENT], BOTH, False),
    'one trusts the new one alone': ([DONE, NEW, NEW], [OTHER], True),
    'done': ([DONE, DONE, DONE], [OTHER], True),
    'done, and one is silent': ([DONE, DONE, SILENT], [OTHER], True),
    'bare hosts': ([BARE, BARE, BARE], [OTHER], True),
}


@pytest.mark.parametrize('case', CHANGES)
def test_change_of_the_authority(case):
    looks, trusted, signs = CHANGES[case]
    decided = zone(*looks, supplied=OTHER)
    assert decided['way'] == 'supplied'
    assert decided['trusted'] == ''.join(one.certificate for one in trusted)
    assert decided['signs'] == signs
    assert decided['changing'] == any(look in (OLD, TOLD, FORMER) for look in looks)


def test_the_former_authority_is_trusted_until_all_hosts_go_on_together():
    looks = {'db1': NEW, 'db2': NEW, 'proxy': look(trusts=BOTH)}
    together = decide(looks, ['proxy'], supplied=OTHER)
    apart = decide(looks, ['proxy'], supplied=OTHER, batch=['proxy'])
    assert (together['trusted'], together['signs']) == (OTHER.certificate, True)
    assert (apart['trusted'], apart['signs']) == (OTHER.certificate + OURS.certificate, True)


SUPPLIED = {
    'no key': ((OURS.certificate, ''), 'etcd_ca_key is not set'),
    'no certificate': (('', OURS.key), 'etcd_ca_cert is not set'),
    'another key': ((OURS.certificate, OTHER.key), 'etcd_ca_key is not the key of etcd_ca_cert'),
    'no authority': ((OURS.host(), OURS.key), 'etcd_ca_cert is not one certificate of an authority'),
    'an authority that another one signed': ((BELOW, OTHER.key), 'etcd_ca_cert is not one certificate of an authority'),
    'several': ((OURS.certificate + OTHER.certificate, OURS.key), 'etcd_ca_cert is not one certificate'),
    'no PEM': (('/etc/ca.crt', OURS.key), 'etcd_ca_cert is not one certificate'),
    'no PEM of a key': ((OURS.certificate, '/etc/ca.key'), 'etcd_ca_key is not a private key'),
    'damaged': ((OURS.certificate.replace('M', '-'), OURS.key), 'etcd_ca_cert is not one certificate'),
    'ended': ((Authority(OURS.private, -3).certificate, OURS.key), 'etcd_ca_cert ended on'),
}


@pytest.mark.parametrize('case', SUPPLIED)
def test_what_cannot_be_an_authority_is_refused(case):
    pair, reason = SUPPLIED[case]
    decided = plugin.zone_authority({'db1': HEALTHY}, ['db1'], [], ['db1'], CA_DIR, *pair)
    assert decided['way'] == 'refuse'
    assert reason in decided['reason']
    assert OURS.key.splitlines()[1] not in decided['reason']


def test_the_end_is_told():
    decided = zone(look(SHORT, trusts=[SHORT], signer=SHORT))
    assert decided['days'] == 9
    assert decided['ends'] == f'{NOW + datetime.timedelta(days=10):%Y-%m-%d}'


BOTH_USAGES = (x509.oid.ExtendedKeyUsageOID.SERVER_AUTH, x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH)
NAMES = (x509.DNSName('db1.example.com'), x509.IPAddress(ipaddress.ip_address('192.0.2.1')),
         x509.IPAddress(ipaddress.ip_address('127.0.0.1')),
         x509.IPAddress(ipaddress.ip_address('2001:db8::1')))
MINE = ec.generate_private_key(ec.SECP256R1())
MINE_KEY = Authority(MINE).key
BETWEEN = Authority()
BETWEEN_CERTIFICATE = OURS.sign(BETWEEN.private.public_key(), authority=True)


def host(signer=OURS, names=NAMES, usages=BOTH_USAGES, days=400):
    return signer.sign(MINE.public_key(), days, names=names, usages=usages)


def faults(certificate, key=MINE_KEY, authority=OURS.certificate, needed=('192.0.2.1', '127.0.0.1')):
    return plugin.host_certificate_faults(certificate, key, authority, needed)


@pytest.mark.parametrize('certificate, needed', [
    (host(), ['192.0.2.1', '127.0.0.1']),
    (host(), ['DB1.example.com', '2001:0db8:0::1']),
    (host(usages=()), ['192.0.2.1']),
    (host(BETWEEN) + BETWEEN_CERTIFICATE, ['192.0.2.1']),
    (host(days=3), ['192.0.2.1']),
])
def test_a_certificate_that_fits_is_taken(certificate, needed):
    assert faults(certificate, needed=needed) == []


@pytest.mark.parametrize('arguments, reason', [
    ({'certificate': host(), 'key': ''}, 'tls_host_key is not set'),
    ({'certificate': ''}, 'tls_host_cert is not set'),
    ({'certificate': '/etc/host.crt'}, 'no certificate in PEM'),
    ({'certificate': host(), 'key': OTHER.key}, 'tls_host_key is not the key'),
    ({'certificate': host(), 'key': 'x'}, 'not a private key'),
    ({'certificate': host(OTHER)}, 'not signed by etcd_ca_cert'),
    ({'certificate': host(BETWEEN)}, 'not signed by etcd_ca_cert'),
    ({'certificate': BETWEEN_CERTIFICATE + host(BETWEEN)}, 'tls_host_key is not the key'),
    ({'certificate': host(days=-3)}, 'tls_host_cert ended on'),
    ({'certificate': host(names=NAMES[:2])}, 'not for 127.0.0.1 (subjectAltName)'),
    ({'certificate': host(names=())}, 'not for 192.0.2.1, 127.0.0.1'),
    ({'certificate': host(usages=BOTH_USAGES[:1])}, 'not both serverAuth and clientAuth'),
])
def test_a_certificate_that_does_not_fit_is_refused(arguments, reason):
    told = faults(**arguments)
    assert reason in '; '.join(told)
    assert MINE_KEY.splitlines()[1] not in '; '.join(told)


def test_brought_certificates_take_no_key_of_the_authority():
    nodes = ['db1', 'db2']
    decided = plugin.zone_authority({'db1': BARE, 'db2': BARE}, nodes, [], nodes, CA_DIR, OURS.certificate, '', True)
    assert (decided['way'], decided['trusted'], decided['signs'], decided['holder']) == ('brought', OURS.certificate,
                                                                                         True, '')
    decided = plugin.zone_authority({'db1': HEALTHY, 'db2': HEALTHY}, nodes, [], nodes, CA_DIR, OTHER.certificate, '',
                                    True)
    assert (decided['way'], decided['signs']) == ('brought', False)
    assert decided['trusted'] == OTHER.certificate + OURS.certificate
    decided = plugin.zone_authority({'db1': BARE}, ['db1'], [], ['db1'], CA_DIR, '', '', True)
    assert 'etcd_ca_cert is not set' in decided['reason']

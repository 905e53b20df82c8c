# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests of the program that builds wheelhouses. Nothing is built or fetched: pip's part is played."""

from __future__ import annotations

import ast
import ctypes
import email
import errno
import hashlib
import importlib.util
import json
import os
import pathlib
import pwd
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import pytest

PROGRAM = pathlib.Path(__file__).parents[3] / 'playbooks' / 'files' / 'wheelhouse.py'

METADATA = """\
Metadata-Version: 2.1
Name: {name}
Version: {version}
Summary: A package
License-Expression: MIT

Name: not a header any more
"""


def load_program():
    spec = importlib.util.spec_from_file_location('wheelhouse', PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


wheelhouse = load_program()


def settings(**different):
    return {'platform': 'debian-12-x86_64', 'requirements': ['patroni'], 'timeout': 900, 'index_url': '',
            'extra_index_urls': [], 'ca_cert': '', 'constraints': '', 'environment': {}, **different}


def put_wheel(directory, name, version='1.0', tags='py3-none-any', **different):
    """Write a wheel and return its path."""
    file = f'{name}-{version}'
    path = pathlib.Path(directory, f'{file}-{tags}.whl')
    with zipfile.ZipFile(path, 'w') as archive:
        for member in different.get('members', [f'{file}.dist-info/METADATA']):
            archive.writestr(zipfile.ZipInfo(member),
                             METADATA.format(name=different.get('says', name), version=version))
    return path


def described(name='ydiff', version='1.4.2', sha256='ab' * 32, metadata=''):
    return {'file': f'{name}-{version}-py3-none-any.whl', 'name': name, 'version': version, 'sha256': sha256,
            'metadata': email.message_from_string(metadata)}


@pytest.fixture(name='source')
def fixture_source(tmp_path):
    """A descriptor of the directory that pip puts wheels into, and its path."""
    path = tmp_path / 'wheels'
    path.mkdir()
    (tmp_path / 'out').mkdir()
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    yield SimpleNamespace(path=path, descriptor=descriptor, out=tmp_path / 'out')
    os.close(descriptor)


def take(source, name):
    return wheelhouse.take(source.descriptor, name, os.getuid(), str(source.out))


def test_the_program_is_python_3_6():
    ast.parse(PROGRAM.read_text(encoding='utf-8'), feature_version=(3, 6))


def test_a_wheelhouse_is_what_pip_made_with_its_lock_and_sbom(tmp_path, monkeypatch):
    commands = []

    def pip(argv, build, account, given):
        commands.append(argv)
        if 'wheel' in argv:
            wheels = pathlib.Path(build, 'wheels')
            wheels.mkdir()
            put_wheel(wheels, 'ydiff', '1.4.2')
            put_wheel(wheels, 'PyYAML', '6.0.3', 'cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64')

    monkeypatch.setattr(wheelhouse, 'run', pip)
    monkeypatch.setattr(wheelhouse, 'free_account', os.getuid)
    monkeypatch.setattr(os, 'chown', lambda path, uid, gid: None)
    files = wheelhouse.make(str(tmp_path), settings(requirements=['patroni[etcd]==4.1.5', 'pipx']))

    out = tmp_path / 'out'
    assert files == [
        'PyYAML-6.0.3-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl', 'ydiff-1.4.2-py3-none-any.whl',
        'patroni.lock', 'sbom.cdx.json']
    assert sorted(files) == sorted(os.listdir(out))
    assert all((out / file).stat().st_mode & 0o777 == 0o644 for file in files)
    assert commands[-1][-2:] == ['patroni[etcd]==4.1.5', 'pipx']
    hashes = [hashlib.sha256((out / file).read_bytes()).hexdigest() for file in files[:2]]
    lock = (out / 'patroni.lock').read_text().splitlines(keepends=True)
    assert lock[0].startswith('# ') and 'debian-12-x86_64' in lock[0]
    assert ''.join(lock[1:]) == (
        f'pyyaml==6.0.3 \\\n    --hash=sha256:{hashes[0]}\n'
        f'ydiff==1.4.2 \\\n    --hash=sha256:{hashes[1]}\n')
    sbom = json.loads((out / 'sbom.cdx.json').read_text())
    assert [entry['hashes'] for entry in sbom['components']] == [[{'alg': 'SHA-256', 'content': value}]
                                                                 for value in hashes]


def test_an_sbom_names_each_wheel_and_has_nothing_of_the_moment():
    wheel = described(version='1.0+local', metadata='Summary: Colored\nLicense-Expression: BSD-3-Clause\n')
    text = wheelhouse.sbom([wheel], 'debian-12-x86_64')
    document = json.loads(text)
    assert document['components'] == [{
        'type': 'library', 'bom-ref': 'pkg:pypi/ydiff@1.0%2Blocal', 'name': 'ydiff', 'version': '1.0+local',
        'purl': 'pkg:pypi/ydiff@1.0%2Blocal?file_name=ydiff-1.0%2Blocal-py3-none-any.whl',
        'description': 'Colored', 'licenses': [{'expression': 'BSD-3-Clause'}],
        'hashes': [{'alg': 'SHA-256', 'content': 'ab' * 32}]}]
    assert (document['bomFormat'], document['specVersion'], document['version']) == ('CycloneDX', '1.6', 1)
    assert 'timestamp' not in document['metadata']
    assert text == wheelhouse.sbom([wheel], 'debian-12-x86_64')


@pytest.mark.parametrize('other', [
    pytest.param(([described(sha256='cd' * 32)], 'debian-12-x86_64'), id='another hash'),
    pytest.param(([described()], 'debian-12-aarch64'), id='another platform'),
    pytest.param(([described(), described('pip')], 'debian-12-x86_64'), id='one more'),
])
def test_the_serial_number_follows_from_the_wheels(other):
    def serial(*arguments):
        return json.loads(wheelhouse.sbom(*arguments))['serialNumber']
    assert serial([described()], 'debian-12-x86_64') != serial(*other)


@pytest.mark.parametrize('metadata, want', [
    pytest.param('License-Expression: MIT OR Apache-2.0\nLicense: x\nClassifier: License :: OSI Approved :: MIT '
                 'License\n',
                 [{'expression': 'MIT OR Apache-2.0'}], id='expression'),
    pytest.param('Classifier: License :: OSI Approved :: MIT License\nClassifier: License :: OSI Approved\n'
                 'Classifier: Topic :: Database\nLicense: something else\n', [{'license': {'name': 'MIT License'}}], id='classifier'),
    pytest.param('License: LGPL with exceptions\n', [{'license': {'name': 'LGPL with exceptions'}}], id='one line'),
    pytest.param('License: Copyright\n        all of the text\n', [], id='the whole text'),
    pytest.param('License: UNKNOWN\n', [], id='unknown'),
    pytest.param('', [], id='none'),
])
def test_licenses(metadata, want):
    assert wheelhouse.licenses_of(email.message_from_string(metadata)) == want


def test_a_wheel_is_taken_with_its_hash(source):
    path = put_wheel(source.path, 'python_etcd', '0.4.5')
    wheel = take(source, path.name)
    content = path.read_bytes()
    assert (source.out / path.name).read_bytes() == content
    assert {key: wheel[key] for key in ('name', 'version', 'sha256')} == {
        'name': 'python-etcd', 'version': '0.4.5', 'sha256': hashlib.sha256(content).hexdigest()}
    assert wheel['metadata']['Summary'] == 'A package'


def make_link(path, wheel):
    path.symlink_to(wheel)


def make_hard_link(path, wheel):
    os.link(wheel, path)


def make_fifo(path, wheel):
    os.mkfifo(path)


def make_directory(path, wheel):
    path.mkdir()


@pytest.mark.parametrize('make', [make_link, make_hard_link, make_fifo, make_directory])
def test_only_regular_files_are_taken(source, tmp_path, make):
    make(source.path / 'ydiff-1.0-py3-none-any.whl', put_wheel(tmp_path, 'ydiff'))
    with pytest.raises(wheelhouse.Failure, match='cannot take'):
        take(source, 'ydiff-1.0-py3-none-any.whl')
    assert os.listdir(source.out) == []


def test_only_wheels_of_the_account_are_taken(source):
    path = put_wheel(source.path, 'ydiff')
    with pytest.raises(wheelhouse.Failure, match='owner'):
        wheelhouse.take(source.descriptor, path.name, os.getuid() + 1, str(source.out))
    assert os.listdir(source.out) == []


@pytest.mark.parametrize('name', [
    'ydiff-1.0.tar.gz', 'ydiff-1.0-py3-none-any.whl.tmp', 'ydiff.whl', '-r-1.0-py3-none-any.whl', 'y diff-1.0-py3-none-any.whl',
    'ydiff-1.0\n--index-url=x-py3-none-any.whl'])
def test_only_names_of_wheels_are_taken(source, name):
    (source.path / name).write_bytes(b'')
    with pytest.raises(wheelhouse.Failure, match='cannot take'):
        take(source, name)


@pytest.mark.parametrize('different, want', [
    pytest.param({'says': 'patroni'}, "its metadata is of 'patroni'", id='another name'),
    pytest.param({'members': ['ydiff.py']}, 'cannot read the metadata', id='no metadata'),
    pytest.param({'members': ['a-1.dist-info/METADATA', 'ydiff-1.0.dist-info/METADATA']}, 'cannot trust the name',
                 id='two'),
])
def test_a_wheel_has_to_say_what_it_is(source, different, want):
    path = put_wheel(source.path, 'ydiff', **different)
    with pytest.raises(wheelhouse.Failure, match=want):
        take(source, path.name)


def test_a_file_that_is_no_archive_is_refused(source):
    (source.path / 'ydiff-1.0-py3-none-any.whl').write_bytes(b'<html>')
    with pytest.raises(wheelhouse.Failure, match='not a zip file'):
        take(source, 'ydiff-1.0-py3-none-any.whl')


def test_a_link_in_the_place_of_the_directory_is_not_followed(tmp_path):
    (tmp_path / 'elsewhere').mkdir()
    put_wheel(tmp_path / 'elsewhere', 'ydiff')
    (tmp_path / 'build').mkdir()
    (tmp_path / 'build' / 'wheels').symlink_to(tmp_path / 'elsewhere')
    with pytest.raises(OSError):
        wheelhouse.collect(str(tmp_path / 'build'), os.getuid(), str(tmp_path))


SECRET = settings(
    index_url='https://user:p%40ss@index.example.com/simple', extra_index_urls=['https://token@other.example.com/'],
    environment={'https_proxy': 'http://me:geheim@proxy.example.com:3128'})


def test_commands_run_as_the_account_and_show_no_credentials(monkeypatch):
    ran = []
    monkeypatch.setattr(subprocess, 'run', lambda argv, **options: ran.append((argv, options))
                        or SimpleNamespace(returncode=0))
    wheelhouse.build_wheels('/var/tmp/w/build', 65521, SECRET)
    assert len(ran) == 3
    for argv, options in ran:
        confined = argv[:argv.index('--')]
        assert {'--pid', '--kill-child', '--signal=KILL', '900', '--reuid=65521', '--regid=65521', '--clear-groups',
                '--inh-caps=-all', '--no-new-privs'} <= set(confined)
        assert not any(secret in ' '.join(argv) for secret in ('p%40ss', 'token', 'geheim'))
        assert options['env']['PIP_INDEX_URL'] == SECRET['index_url']
        assert options['env']['PIP_EXTRA_INDEX_URL'] == 'https://token@other.example.com/'
        assert options['env']['https_proxy'] == SECRET['environment']['https_proxy']


def test_a_failed_command_says_why_without_credentials(monkeypatch):
    output = '\n'.join(f'line {number}' for number in range(30)) + (
        '\nLooking in indexes: https://user:p%40ss@index.example.com/simple, https://token@other.example.com/\n'
        'ERROR: p@ss and geheim are wrong\n')
    monkeypatch.setattr(subprocess, 'run', lambda argv, **options: SimpleNamespace(returncode=1,
                                                                                   stdout=output.encode()))
    with pytest.raises(wheelhouse.Failure) as failure:
        wheelhouse.run(['python', '-m', 'pip', 'wheel'], '/var/tmp/w/build', 65521, SECRET)
    said = str(failure.value).splitlines()
    assert said[0] == 'cannot build the wheels: python -m pip wheel: exit status 1'
    assert said[-2:] == [
        'Looking in indexes: https://****@index.example.com/simple, https://****@other.example.com/',
        'ERROR: **** and **** are wrong']
    assert len(said) == 21


def test_a_command_that_was_killed_names_the_time_it_had(monkeypatch):
    monkeypatch.setattr(subprocess, 'run', lambda argv, **options: SimpleNamespace(returncode=137, stdout=b''))
    with pytest.raises(wheelhouse.Failure, match=r'after 900 seconds \(patroni_timeout\)'):
        wheelhouse.run(['pip'], '/var/tmp/w/build', 65521, settings())


def test_the_environment_of_a_build_is_given_and_fixed(monkeypatch):
    monkeypatch.setenv('PIP_TARGET', '/somewhere')
    variables = wheelhouse.environment('/build', settings(
        ca_cert='/etc/ca.pem', environment={'HOME': '/root', 'PIP_RETRIES': 0, 'SOURCE_DATE_EPOCH': 1700000000}))
    assert variables['HOME'] == variables['TMPDIR'] == '/build'
    assert (variables['PIP_RETRIES'], variables['SOURCE_DATE_EPOCH'], variables['PIP_CERT']) == ('0', '1700000000',
                                                                                                 '/etc/ca.pem')
    assert not {'PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL', 'PIP_CONSTRAINT', 'PIP_TARGET'} & set(variables)
    assert wheelhouse.environment('/build', settings())['SOURCE_DATE_EPOCH'] == '315532800'


def test_the_keys_of_the_session_stay_behind():
    program = f"""
import ctypes, importlib.util
spec = importlib.util.spec_from_file_location('wheelhouse', {str(PROGRAM)!r})
wheelhouse = importlib.util.module_from_spec(spec)
spec.loader.exec_module(wheelhouse)
keyctl = wheelhouse.KEYCTL[wheelhouse.os.uname().machine]
libc = ctypes.CDLL(None, use_errno=True)


def session():
    return libc.syscall(keyctl, 0, ctypes.c_int(-3), 1)  # KEYCTL_GET_KEYRING_ID


assert wheelhouse.join_keyring(keyctl) >= 0, 'no keys'
before = session()
wheelhouse.leave_keys()
assert session() not in (before, -1)
"""
    done = subprocess.run([sys.executable, '-I', '-c', program], capture_output=True, text=True, check=False)
    if 'no keys' in done.stderr:
        pytest.skip('there are no keys here')
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(('code', 'refused'), [(errno.ENOSYS, False), (errno.EPERM, False), (errno.EDQUOT, True)])
def test_a_keyring_that_cannot_be_had(monkeypatch, code, refused):
    def fail(_keyctl):
        ctypes.set_errno(code)
        return -1

    monkeypatch.setattr(wheelhouse, 'join_keyring', fail)
    if not refused:
        wheelhouse.leave_keys()
        return
    with pytest.raises(wheelhouse.Failure, match='root_maxkeys'):
        wheelhouse.leave_keys()


def test_the_account_is_nobodys(monkeypatch):
    def known(account):
        if account != 65520:
            raise KeyError(account)

    monkeypatch.setattr(pwd, 'getpwuid', known)
    monkeypatch.setattr(wheelhouse, 'owner', lambda process: 65521)
    assert wheelhouse.free_account() == 65522


def test_without_a_free_account_nothing_is_built(monkeypatch):
    monkeypatch.setattr(pwd, 'getpwuid', lambda account: None)
    with pytest.raises(wheelhouse.Failure, match='65520 to 65533 are all in use'):
        wheelhouse.free_account()

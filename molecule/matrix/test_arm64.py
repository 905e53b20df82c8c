"""The program for arm64, run by an emulator on the host that has Patroni: it says what the host's own program says.

Only checks are run so, and what changes nothing: qemu-user cannot make the namespaces in which the programs of a venv
are started (it answers EINVAL to clone), so neither a build nor `verify: full` can be shown by it.
"""

import json
import os
import shutil
import subprocess

import pytest
from controller import ROOT, container, output_of

PROGRAMS = ROOT / 'build'

CASES = {
    'nothing to do': {},
    'another directory': {'bin_dir': '/opt/patroni/bin', '_ansible_check_mode': True, '_ansible_diff': True},
    'another version': {'version': '3.3.0', 'extras': 'psycopg2-binary, raft', '_ansible_check_mode': True, '_ansible_diff': True},
    'removal': {'state': 'absent', '_ansible_check_mode': True, '_ansible_diff': True},
    'no number': {'lock_timeout': 'soon'},
    'no choice': {'state': 'nope'},
    'unknown option': {'colour': 'red'},
    'no version': {'version': 'newest', '_ansible_check_mode': True},
    'no user': {'user': 'nobody-of-this-name', '_ansible_check_mode': True},
}


@pytest.fixture(name='host', scope='module')
def make_host():
    """Return the name of the host, which has the emulator and both programs."""
    engine = os.environ['PLATFORM_TEST_ENGINE']
    emulator = shutil.which('qemu-aarch64-static')
    for file in (emulator, PROGRAMS / 'patroni_install_amd64', PROGRAMS / 'patroni_install_arm64'):
        subprocess.run([engine, 'cp', str(file), f"{container('healthy')}:/root/"], check=True)
    return 'healthy'


def answer(host, *program, arguments):
    """Return what a program answers on the host."""
    return json.loads(output_of(
        host, 'sh', '-c', 'printf %s "$1" >/root/args; shift; exec "$@" /root/args', 'sh', json.dumps(arguments),
        *program))


@pytest.mark.parametrize('arguments', CASES.values(), ids=CASES)
def test_both_programs_say_the_same(host, arguments):
    native = answer(host, '/root/patroni_install_amd64', arguments=arguments)
    emulated = answer(host, '/root/qemu-aarch64-static', '/root/patroni_install_arm64', arguments=arguments)
    assert emulated == native
    assert native.get('changed') or native.get('failed') or native['patroni']['version']


def test_it_is_the_program_for_arm64(host):
    header = (PROGRAMS / 'patroni_install_arm64').read_bytes()[:20]
    assert header[:4] == b'\x7fELF' and header[18] == 183
    said = output_of(host, '/root/qemu-aarch64-static', '/root/patroni_install_arm64', '--version')
    assert said == output_of(host, '/root/patroni_install_amd64', '--version')

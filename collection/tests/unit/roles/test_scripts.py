# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests of the shell scripts of roles, on directories as they are found on hosts."""

from __future__ import annotations

import base64
import os
import pathlib
import shutil
import subprocess

import pytest

ROLES = pathlib.Path(__file__).parents[3] / 'roles'
WHOLE = ['PG_VERSION', 'global/pg_control', 'base/1/PG_VERSION', 'base/4/PG_VERSION', 'base/5/PG_VERSION', 'pg_wal/1',
         'postmaster.opts']
COPY = [name for name in WHOLE if name != 'global/pg_control'] + ['backup_label', 'pg_hba.conf', 'patroni.dynamic.json']
HALF = ['PG_VERSION', 'global/1213', 'base/1/PG_VERSION', 'pg_wal/1', 'pg_hba.conf', 'postgresql.conf',
        'postgresql.auto.conf']

CONFIGURATION = ['postgresql.conf', 'pg_hba.conf', 'pg_ident.conf']


def run(script, *arguments, **options):
    return subprocess.run(['sh', ROLES / script, *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          check=False, **options)


def make(directory, files):
    directory.mkdir(exist_ok=True)
    for name in files:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('x')


@pytest.mark.parametrize('files, word', [
    ([], 'none'),
    (WHOLE, 'whole'),
    (WHOLE + ['mine'], 'whole'),
    (HALF, 'half'),
    (HALF + ['global/pg_control'], 'half'),
    (HALF + ['global/pg_control', 'base/4/x'], 'half'),
    (['PG_VERSION'], 'half'),
    ([name for name in WHOLE if name != 'global/pg_control'], 'unknown'),
    (HALF + ['postmaster.opts'], 'unknown'),
    (HALF + ['postmaster.pid'], 'unknown'),
    (COPY, 'half'),
    (COPY + ['a file of mine', 'base/16384/1'], 'half'),
    (COPY + ['pg_tblspc/16400'], 'unknown'),
    (COPY + ['global/pg_control'], 'whole'),
    (HALF + ['base/16384/1'], 'unknown'),
    (HALF + ['base/mine/1'], 'unknown'),
    (HALF + ['pg_tblspc/16400'], 'unknown'),
    (HALF + ['a file of mine'], 'unknown'),
    (HALF + ['.hidden'], 'unknown'),
    (['lost+found/x'], 'unknown'),
])
def test_only_what_initdb_left_and_nobody_used_is_half_made(tmp_path, files, word):
    make(tmp_path / 'data', files)
    assert run('setup_postgres/files/half_made.sh', tmp_path / 'data').stdout == word + '\n'


@pytest.mark.parametrize('first, word', [('-4711', 'half'), ('', 'half'), ('4711', 'unknown')])
def test_a_server_that_only_initdb_could_reach_was_none(tmp_path, first, word):
    make(tmp_path / 'data', HALF)
    (tmp_path / 'data' / 'postmaster.pid').write_text(f'{first}\n{tmp_path}\n')
    assert run('setup_postgres/files/half_made.sh', tmp_path / 'data').stdout == word + '\n'


def test_the_control_file_that_a_power_cut_left_empty_is_none(tmp_path):
    make(tmp_path / 'data', HALF)
    (tmp_path / 'data' / 'global' / 'pg_control').write_text('')
    assert run('setup_postgres/files/half_made.sh', tmp_path / 'data').stdout == 'half\n'


def test_no_directory_is_none(tmp_path):
    assert run('setup_postgres/files/half_made.sh', tmp_path / 'data').stdout == 'none\n'


@pytest.mark.parametrize('arguments, within', [
    (['-D', '{}'], '/'),
    (['{}/base'], '/'),
    ([], '{}/base'),
    (['3<{}/PG_VERSION'], '/'),
])
def test_a_directory_that_is_worked_in_is_in_use(tmp_path, arguments, within):
    data = tmp_path / 'data'
    make(data, HALF)
    (tmp_path / 'link').symlink_to(data)
    program = tmp_path / 'wal-g'
    opened = [argument.format(data) for argument in arguments if '<' in argument]
    program.write_text('\n'.join(['#!/bin/sh', *(f'exec {word}' for word in opened), 'echo', 'read wait', '']))
    program.chmod(0o755)
    plain = [argument.format(data) for argument in arguments if '<' not in argument]
    with subprocess.Popen([program, *plain], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          cwd=within.format(data)) as working:
        working.stdout.readline()
        for name in ('data', 'data', 'link'):
            assert run('setup_postgres/files/in_use.sh', tmp_path / name, 'patroni').stdout == (
                f'used by wal-g (process {working.pid})\n')
        make(tmp_path / 'dat', [])
        assert run('setup_postgres/files/in_use.sh', tmp_path / 'dat', 'patroni').stdout == 'free\n'
        working.communicate(b'\n')
    assert run('setup_postgres/files/in_use.sh', data, 'patroni').stdout == 'free\n'


@pytest.mark.parametrize('data, settings, word, back', [
    ([], [], 'new', []),
    ([], ['start.conf'], 'new', []),
    (WHOLE + CONFIGURATION, [], 'again', CONFIGURATION),
    (WHOLE + CONFIGURATION[1:], CONFIGURATION[:1], 'again', CONFIGURATION),
    (WHOLE + CONFIGURATION, CONFIGURATION[:1], 'again', CONFIGURATION),
    ([name for name in WHOLE if name != 'postmaster.opts'], CONFIGURATION, 'again', CONFIGURATION),
    (WHOLE, CONFIGURATION, 'made', []),
    ([name for name in WHOLE if name != 'postmaster.opts'], CONFIGURATION + ['conf.d/pgedge.conf'], 'made', []),
    (WHOLE, [], '', []),
    (WHOLE, CONFIGURATION[:1], '', []),
    ([], CONFIGURATION, '', []),
])
def test_what_pg_createcluster_was_stopped_in_is_made_again(tmp_path, data, settings, word, back):
    make(tmp_path / 'data', data)
    make(tmp_path / 'settings', settings)
    if 'PG_VERSION' in data:
        (tmp_path / 'data' / 'PG_VERSION').write_text('17\n')
    script = 'setup_postgres/files/stopped_in_createcluster.sh'
    for mode in ('look', 'take'):
        found = run(script, mode, tmp_path / 'data', tmp_path / 'settings', '17')
        assert found.stdout.strip() == word and (found.returncode == 0) == bool(word)
    assert [name for name in CONFIGURATION if (tmp_path / 'data' / name).exists()] == (
        back or [name for name in CONFIGURATION if name in data])
    if word == 'again':
        older = run(script, 'look', tmp_path / 'data', tmp_path / 'settings', '18')
        assert older.returncode == 1 and 'is of version 17' in older.stderr


def test_root_makes_nothing_where_others_could_lead_it_elsewhere(tmp_path):
    (tmp_path / 'link').symlink_to('/etc')
    (tmp_path / 'file').write_text('')
    (tmp_path / 'open').mkdir()
    user = os.environ.get('USER', 'root')
    shared = run('setup_postgres/files/make_directory.sh', user, '/tmp/pgedge-no-such-directory/data')
    assert shared.returncode == 1 and shared.stderr == 'others than root may write in /tmp\n'
    assert not os.path.exists('/tmp/pgedge-no-such-directory')
    link = run('setup_postgres/files/make_directory.sh', user, '/proc/self/cwd/data')
    assert link.returncode == 1 and 'is a link: name the directory that it leads to' in link.stderr
    plain = run('setup_postgres/files/make_directory.sh', user, '/etc/passwd/data')
    assert plain.returncode == 1 and plain.stderr == '/etc/passwd is no directory\n'


def test_files_are_printed_whole_and_others_not_at_all(tmp_path):
    make(tmp_path, ['a.conf', 'b.conf'])
    (tmp_path / 'c.conf').mkdir()
    os.mkfifo(tmp_path / 'd.conf')
    (tmp_path / 'b.conf').write_bytes(b'\x00\xff\n' * 1000)
    lines = [line.split(' ') for line in run('role_config/files/read_files.sh', tmp_path / '*.conf',
                                             tmp_path / 'none').stdout.splitlines()]
    assert {path: base64.b64decode(data) for path, data in lines} == {
        str(tmp_path / 'a.conf'): b'x', str(tmp_path / 'b.conf'): b'\x00\xff\n' * 1000}


@pytest.fixture(name='haproxy')
def fixture_haproxy(tmp_path):
    """Return what runs reload.sh, and tells the calls of a systemd that says these states, the last one for ever."""
    def reload(*states):
        programs = {
            'systemctl': f"""echo "$1" >>{tmp_path}/calls
                case $1 in
                  is-active) sed -n 1p {tmp_path}/states; sed -i '1{{$!d}}' {tmp_path}/states; exit 3 ;;
                  show) echo {os.getpid()} ;;
                  reload) exit 1 ;;
                esac""",
            'sleep': ':',
            'journalctl': "echo '[ALERT] cannot bind'; echo other",
        }
        for name, text in programs.items():
            (tmp_path / name).write_text('#!/bin/sh\n' + text + '\n')
            (tmp_path / name).chmod(0o755)
        (tmp_path / 'states').write_text('\n'.join(states) + '\n')
        done = subprocess.run(['sh', ROLES / 'setup_haproxy/files/reload.sh'], capture_output=True, text=True,
                              timeout=60, env={'PATH': f"{tmp_path}:{os.environ['PATH']}"}, check=False)
        return done, (tmp_path / 'calls').read_text().split()
    return reload


@pytest.mark.parametrize('states', [['inactive'], ['failed'], ['activating', 'failed']])
def test_haproxy_is_not_started_by_a_reload(haproxy, states):
    done, calls = haproxy(*states)
    assert done.returncode == 0 and calls == ['is-active'] * len(states)


def test_haproxy_that_is_about_to_start_is_reloaded_when_it_has(haproxy):
    done, calls = haproxy('activating', 'activating', 'active')
    assert calls == ['is-active'] * 3 + ['show', 'reload'] and done.returncode == 1
    assert done.stderr == 'it goes on with the former configuration: [ALERT] cannot bind\n'


def test_the_wait_for_haproxy_has_a_limit(haproxy):
    done, calls = haproxy('activating')
    assert done.returncode == 1 and set(calls) == {'is-active'}
    assert done.stderr == 'systemd says for 30 s that it is activating\n'


def openssl(*arguments, **options):
    return subprocess.run(['openssl', *map(str, arguments)], check=True, capture_output=True, text=True,
                          **options).stdout


def authority(directory, name='ca'):
    directory.mkdir(exist_ok=True)
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=zone',
            '-keyout', directory / f'{name}.key', '-out', directory / f'{name}.crt')


@pytest.fixture(name='pairs', scope='module')
def fixture_pairs(tmp_path_factory):
    """Return keys with their certificates, by names."""
    directory = tmp_path_factory.mktemp('pairs')
    names = ('former', 'linked', 'new', 'next')
    for name in names:
        authority(directory, name)
    return {name: [(directory / f'{name}.{part}').read_text() for part in ('key', 'crt')] for name in names}


def write_pair(directory, texts, suffix=''):
    for name, text in zip(('host.key', 'host.crt'), texts):
        (directory / f'{name}{suffix}').write_text(text)


def pair(directory):
    return [(directory / name).read_text() for name in ('host.key', 'host.crt')]


def place(directory):
    return run('issue_certificate/files/place.sh', directory, os.getgid())


def cut_before(directory, command, number):
    """Run place.sh on the directory, with a command that kills it at its n-th call."""
    programs = directory.parent / 'programs'
    programs.mkdir(exist_ok=True)
    (programs / 'calls').write_text('')
    real = shutil.which(command)
    (programs / command).write_text(f'#!/bin/sh\necho >>{programs}/calls\n'
                                    f'[ $(wc -l <{programs}/calls) -ne {number} ] || {{ kill -9 $PPID; exit 1; }}\n'
                                    f'exec {real} "$@"\n')
    (programs / command).chmod(0o755)
    killed = subprocess.run(['sh', ROLES / 'issue_certificate/files/place.sh', directory, str(os.getgid())],
                            env=os.environ | {'PATH': f"{programs}:{os.environ['PATH']}"}, check=False, timeout=60)
    return killed.returncode == -9


@pytest.mark.parametrize('kind', ['none', 'files', 'links'])
@pytest.mark.parametrize('command', ['rm', 'mkdir', 'cp', 'chgrp', 'sync', 'ln', 'mv'])
def test_a_cut_leaves_a_key_with_its_certificate_and_the_next_run_replaces_both(tmp_path, pairs, kind, command):
    for number in range(1, 20):
        directory = tmp_path / str(number)
        directory.mkdir()
        if kind != 'none':
            write_pair(directory, pairs['former'])
        if kind == 'links':
            write_pair(directory, pairs['linked'], '.new')
            assert place(directory).returncode == 0
        write_pair(directory, pairs['new'], '.new')
        cut = cut_before(directory, command, number)
        if kind != 'none':
            assert pair(directory) in pairs.values()
        write_pair(directory, pairs['next'], '.new')
        placed = place(directory)
        assert placed.returncode == 0, placed.stderr
        assert pair(directory) == pairs['next']
        assert sorted(path.name for path in directory.iterdir())[:3] == ['host.crt', 'host.key', 'pair']
        assert len(list(directory.iterdir())) == 4
        if not cut:
            return
    pytest.fail('it was cut each time')


@pytest.mark.parametrize('kind', ['none', 'files', 'links'])
@pytest.mark.parametrize('damaged', ['host.key.new', 'host.crt.new', 'neither'])
def test_a_key_of_another_certificate_is_refused_and_the_former_pair_stays(tmp_path, pairs, kind, damaged):
    if kind != 'none':
        write_pair(tmp_path, pairs['former'])
    if kind == 'links':
        write_pair(tmp_path, pairs['linked'], '.new')
        assert place(tmp_path).returncode == 0
    before = {path.name for path in tmp_path.iterdir()}
    write_pair(tmp_path, [pairs['new'][0], pairs['next'][1]], '.new')
    if damaged != 'neither':
        (tmp_path / damaged).write_text('')
    refused = place(tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == (
        f'{tmp_path}/host.key.new is not the key of host.crt.new, as if two runs wrote them at once. The former pair '
        'was not changed. Run this again when no other run works on the host')
    assert {path.name for path in tmp_path.iterdir()} == before | {'host.key.new', 'host.crt.new'}
    assert kind == 'none' or pair(tmp_path) == pairs['linked' if kind == 'links' else 'former']
    write_pair(tmp_path, pairs['next'], '.new')
    assert place(tmp_path).returncode == 0 and pair(tmp_path) == pairs['next']


def test_a_pair_that_another_run_put_in_place_is_not_removed(tmp_path, pairs):
    programs = tmp_path / 'programs'
    programs.mkdir()
    directory = tmp_path / 'tls'
    directory.mkdir()
    (directory / 'pair.other').mkdir()
    write_pair(directory / 'pair.other', pairs['next'])
    write_pair(directory, pairs['new'], '.new')
    sync = shutil.which('sync')
    # The last sync comes after this run's pair is in place, and before the others are removed.
    (programs / 'sync').write_text('#!/bin/sh\n[ "$2" != . ] || ln -sfn pair.other pair\n' f'exec {sync} "$@"\n')
    (programs / 'sync').chmod(0o755)
    done = subprocess.run(['sh', ROLES / 'issue_certificate/files/place.sh', directory, str(os.getgid())], timeout=60,
                          env=os.environ | {'PATH': f"{programs}:{os.environ['PATH']}"}, check=False)
    assert done.returncode == 0 and pair(directory) == pairs['next']


def has_key(directory):
    return run('issue_certificate/files/look.sh', directory, directory / 'ca.crt').stdout.splitlines()[0]


@pytest.mark.parametrize('damage, word', [
    (lambda ca: None, 'yes'),
    (lambda ca: (ca / 'ca.key').write_text(''), 'no'),
    (lambda ca: (ca / 'ca.crt').write_text(''), 'no'),
    (lambda ca: [(ca / name).write_text('') for name in ('ca.key', 'ca.crt')], 'no'),
    (lambda ca: (ca / 'ca.key').unlink(), 'no'),
    (lambda ca: (ca / 'ca.crt').unlink(), 'no'),
    (lambda ca: (ca / 'ca.key').rename(ca / 'ca.key.new'), 'no'),
    (lambda ca: (authority(ca, 'other'), (ca / 'other.key').replace(ca / 'ca.key')), 'no'),
])
def test_an_authority_is_a_certificate_with_its_key(tmp_path, damage, word):
    authority(tmp_path)
    damage(tmp_path)
    assert has_key(tmp_path) == f'key: {word}'


def place_authority(directory, key, certificate):
    return subprocess.run(['sh', ROLES / 'issue_certificate/files/place_authority.sh', directory, key],
                          input=certificate, capture_output=True, text=True, timeout=60, check=False)


def test_the_authority_is_placed_with_its_key_and_with_no_other(tmp_path):
    authority(tmp_path)
    authority(tmp_path, 'other')
    former = (tmp_path / 'ca.crt').read_text()
    other = (tmp_path / 'other.crt').read_text()
    refused = place_authority(tmp_path, 'ca.key', other)
    assert refused.returncode == 1 and refused.stderr == f'{tmp_path}/ca.key is not the key of the certificate\n'
    assert (tmp_path / 'ca.crt').read_text() == former and has_key(tmp_path) == 'key: yes'
    assert place_authority(tmp_path, 'ca.key.new', '').returncode != 0
    assert (tmp_path / 'ca.crt').read_text() == former
    (tmp_path / 'other.key').rename(tmp_path / 'ca.key.new')
    assert place_authority(tmp_path, 'ca.key.new', other).returncode == 0
    assert (tmp_path / 'ca.crt').read_text() == other and has_key(tmp_path) == 'key: yes'
    assert (tmp_path / 'ca.key').stat().st_mode & 0o777 == 0o600
    renewed = openssl('x509', '-in', tmp_path / 'ca.crt', '-signkey', tmp_path / 'ca.key', '-days', '9')
    assert place_authority(tmp_path, 'ca.key', renewed).returncode == 0
    assert (tmp_path / 'ca.crt').read_text() == renewed and has_key(tmp_path) == 'key: yes'
    assert sorted(path.name for path in tmp_path.iterdir()) == ['ca.crt', 'ca.key', 'other.crt']


def trial(directory, data, parameters, answers=None, psql='cat >/dev/null', tls='/tls'):
    """Try parameters with programs that stand in for PostgreSQL's: `postgres -C` gives the answers."""
    answers = {'shared_buffers': '16', **(answers or {})}
    asked = ''.join(f"{name}) echo '{value}';; " for name, value in answers.items())
    programs = {'initdb': '', 'psql': psql, 'postgres': f'case $2 in {asked}esac',
                'pg_ctl': f'[ "$1" = stop ] || cat "${{11#-c config_file=}}" >{directory}/seen; exit 0'}
    for name, text in programs.items():
        (directory / name).write_text(f'#!/bin/bash\n{text}\n')
        (directory / name).chmod(0o755)
    return run('setup_postgres/files/try_parameters.sh', directory, tls, data, input=parameters)


@pytest.mark.parametrize('there', [[], ['host.key'], ['host.key', 'host.crt', 'ca.crt']])
def test_a_scratch_server_never_reads_the_certificate_of_the_host(tmp_path, there):
    make(tmp_path / 'tls', there)
    tls = tmp_path / 'tls'
    own = f"ssl_crl_file = '{tls}/mine.crl'\n"
    tried = trial(tmp_path, tmp_path, tls=tls,
                  parameters=''.join(f"p = '{tls}/{name}'\n" for name in ('host.key', 'host.crt', 'ca.crt')) + own)
    seen = (tmp_path / 'seen').read_text()
    assert tried.returncode == 0 and own in seen and str(tls) not in seen.replace(own, '')


@pytest.mark.parametrize('directory, name, refused', [
    ('log', 'a', ''), ('log/', 'a', ''), ('there', 'a', ''), ('there', 'sub/a', ''), ('{data}/there', 'a', ''),
    ('{data}/new', 'a', ''), ('new/er', 'a', '{data}/new'), ('{data}/new/er', 'a', '{data}/new'),
    ('log', 'sub/a', '{data}/log/sub'), ('file', 'a', '{data}/file'),
])
def test_a_log_that_the_server_could_not_write_is_refused(tmp_path, directory, name, refused):
    data = tmp_path / 'data'
    make(data, ['there/sub/x', 'file'])
    tried = trial(tmp_path, data, '', {'logging_collector': 'on', 'log_directory': directory.format(data=data),
                                       'log_filename': name})
    assert (tried.returncode == 0) == (not refused)
    assert not refused or tried.stderr.endswith(f"cannot write in {refused.format(data=data)}\n")


@pytest.mark.parametrize('answers, psql, refused', [
    ({}, 'cat >/dev/null; echo "FATAL:  no" >&2; exit 2', 'FATAL:  no\n'),
    ({}, 'grep -q LOAD && exit 3; exit 0', ''),
    ({'archive_library': 'x'}, 'grep -q LOAD || exit 0; echo "ERROR:  none" >&2; exit 3', 'ERROR:  none\n'),
    ({'archive_library': 'x', 'archive_command': 'y'}, 'cat >/dev/null',
     'FATAL:  archive_library and archive_command are both set: set archive_command to an empty text\n'),
])
def test_a_scratch_server_has_to_take_a_change(tmp_path, answers, psql, refused):
    tried = trial(tmp_path, tmp_path, '', answers, psql)
    assert (tried.returncode == 0, tried.stderr) == (not refused, refused)


KEPT = {'port': '1', 'wal_level': 'logical', 'max_replication_slots': '2', 'max_prepared_transactions': '1'}


@pytest.mark.parametrize('answers, refused', [
    ({}, ''),
    ({'max_replication_slots': '1'}, 'max_replication_slots is 1, and the server has 2'),
    ({'max_prepared_transactions': '0'}, 'max_prepared_transactions is 0, and the server has 1'),
    ({'wal_level': 'replica'}, 'wal_level is replica, and the server has 2 replication slots, 1 of them logical'),
    ({'wal_level': 'minimal'}, 'wal_level is minimal, and the server has 2 replication slots, 1 of them logical'),
])
@pytest.mark.parametrize('running', [True, False])
def test_what_the_server_keeps_has_to_find_its_place(tmp_path, running, answers, refused):
    data = tmp_path / 'data'
    if running:  # its files are out of date
        make(data, ['global/pg_control'])
        psql = 'case "$*" in *pg_replication_slots*) echo "2 1 1" ;; *) cat >/dev/null ;; esac'
    else:
        make(data, ['global/pg_control', 'pg_twophase/00000001', 'pg_replslot/a/state', 'pg_replslot/b/state'])
        (data / 'pg_replslot/a/state').write_bytes(bytes(200))
        (data / 'pg_replslot/b/state').write_bytes(bytes(80) + b'\5' + bytes(119))
        psql = 'case "$*" in *pg_replication_slots*) exit 2 ;; *) cat >/dev/null ;; esac'
    tried = trial(tmp_path, data, '', {**KEPT, **answers}, psql)
    assert (tried.returncode == 0, tried.stderr) == (not refused, f'FATAL:  {refused}\n' if refused else '')


def test_a_new_server_keeps_nothing(tmp_path):
    assert trial(tmp_path, tmp_path / 'none', '', {**KEPT, 'wal_level': 'minimal'}).returncode == 0

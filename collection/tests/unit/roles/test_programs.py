# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests of how etcd's programs are put in place, with an archive of scripts: Ansible runs the tasks on directories."""

from __future__ import annotations

import getpass
import grp
import os
import pathlib
import subprocess
import sys
import tarfile
import time

import pytest
import yaml

COLLECTION = pathlib.Path(__file__).parents[3]
ROLE = COLLECTION / 'roles/install_etcd'
PROGRAM = '#!/bin/sh\necho "etcd Version: 3.6.16"\n'


@pytest.fixture(name='install')
def fixture_install(tmp_path):
    """Return what puts the programs in place below a directory, and what it ends with."""
    def install(*arguments):
        (tmp_path / 'cache').mkdir()
        release = tmp_path / 'release/etcd-v3.6.16'
        release.mkdir(parents=True, exist_ok=True)
        (release / 'etcd').write_text(PROGRAM)
        (release / 'etcd').chmod(0o755)
        with tarfile.open(tmp_path / 'cache/release.tar.gz', 'w:gz') as archive:
            archive.add(release, 'etcd-v3.6.16')
        variables = {
            'ansible_connection': 'local', 'ansible_python_interpreter': sys.executable, 'etcd_version': '3.6.16',
            'etcd_package': 'release', 'etcd_install_dir': str(tmp_path / 'etcd'),
            'install_etcd_cache': str(tmp_path / 'cache')}
        text = (ROLE / 'tasks/programs.yml').read_text()
        for key, name in (('owner', getpass.getuser()), ('group', grp.getgrgid(os.getgid()).gr_name)):
            text = text.replace(f'{key}: root', f'{key}: {name}')
        (tmp_path / 'play.yml').write_text(yaml.safe_dump(
            [{'hosts': 'localhost', 'gather_facts': False, 'vars': variables, 'tasks': yaml.safe_load(text)}]))
        run = subprocess.run(['ansible-playbook', '-i', 'localhost,', tmp_path / 'play.yml', *arguments],
                             capture_output=True, text=True, timeout=300, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
        return sorted(path.name for path in tmp_path.glob('etcd*'))
    return install


def program(directory, text='former', days=0):
    """Make a directory with a program, which is as old as these days."""
    directory.mkdir()
    (directory / 'etcd').write_text(text)
    past = time.time() - days * 86400
    os.utime(directory, (past, past))
    return directory


def test_new_programs_take_the_name_of_their_version_and_what_runs_left_is_removed_a_day_later(tmp_path, install):
    (tmp_path / 'etcd').symlink_to(program(tmp_path / 'etcd-3.6.15', days=2))
    for name in ('etcd-3.6.16', 'etcd-3.6.16.new', 'etcd-3.6.16.other'):
        program(tmp_path / name, days=2)
    assert install() == ['etcd', 'etcd-3.6.15', 'etcd-3.6.16']
    assert (tmp_path / 'etcd').readlink() == tmp_path / 'etcd-3.6.16'
    assert (tmp_path / 'etcd/etcd').read_text() == PROGRAM
    assert (tmp_path / 'etcd-3.6.16').stat().st_mode & 0o777 == 0o755
    assert not (tmp_path / 'cache').exists()


def test_programs_in_use_are_never_removed(tmp_path, install):
    (tmp_path / 'etcd').symlink_to(program(tmp_path / 'etcd-3.6.16', days=2))
    names = install()
    assert (tmp_path / 'etcd-3.6.16/etcd').read_text() == 'former'
    assert (tmp_path / 'etcd/etcd').read_text() == PROGRAM
    assert names == ['etcd', 'etcd-3.6.16', (tmp_path / 'etcd').readlink().name]


def test_what_another_run_makes_is_left_to_it_and_a_directory_in_the_place_of_the_link_is_kept(tmp_path, install):
    for name in ('etcd', 'etcd-3.6.16', 'etcd-3.6.16.other'):
        program(tmp_path / name)
    install()
    assert (tmp_path / 'etcd/etcd').read_text() == PROGRAM
    for name in ('etcd-before', 'etcd-3.6.16', 'etcd-3.6.16.other'):
        assert (tmp_path / name / 'etcd').read_text() == 'former'


def test_check_mode_changes_nothing(tmp_path, install):
    (tmp_path / 'etcd').symlink_to(program(tmp_path / 'etcd-3.6.15', days=2))
    assert install('--check') == ['etcd', 'etcd-3.6.15']
    assert (tmp_path / 'etcd').readlink().name == 'etcd-3.6.15' and (tmp_path / 'cache').exists()

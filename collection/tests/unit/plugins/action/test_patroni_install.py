# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests of the action plugin. They need ansible-core and pytest: pytest collection/tests/unit"""

from __future__ import annotations

import datetime
import importlib.util
import json
import os
import pathlib
import tarfile
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleFileNotFound


ROOT = pathlib.Path(__file__).parents[4]


def load_plugin():
    """Load the plugin of this tree under the name that it has in the installed collection."""
    path = ROOT / 'plugins' / 'action' / 'patroni_install.py'
    spec = importlib.util.spec_from_file_location('ansible_collections.pgedge.platform.plugins.action.patroni_install',
                                                  path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


plugin = load_plugin()

AMD64 = 'pgedge.platform.__patroni_install_amd64'
ARM64 = 'pgedge.platform.__patroni_install_arm64'
OMIT = '__omit_place_holder__0123'


class Vault:
    """Stands for an inline vault string of 2.14 to 2.18: no str, but str() decrypts it."""

    def __str__(self):
        return 'secret'

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return 'secret'[index]


class Controller(plugin.ActionModule):
    """The plugin with recorded stand-ins for everything that reaches the target."""

    def __init__(self, args=None, *, uname='Linux x86_64\n', outcome=None, delegate_to=None, async_val=0,
                 native_async=False, binaries=(AMD64, ARM64)):
        task = SimpleNamespace(
            args=args or {}, delegate_to=delegate_to, async_val=async_val, check_mode=False, diff=False,
            action='pgedge.platform.patroni_install', collections=['pgedge.platform'], environment=[], no_log=False)
        connection = SimpleNamespace(
            has_native_async=native_async, become=None,
            _shell=SimpleNamespace(tmpdir='/tmp/task', join_path=lambda *parts: '/'.join(parts)))
        loader = SimpleNamespace(module_loader=SimpleNamespace(
            has_plugin=lambda name, collection_list=None: name in binaries))
        super().__init__(task, connection, None, None, None, loader)
        self._shared_loader_obj = loader  # from 2.19 on the argument of this name is ignored
        self.uname = uname
        self.outcome = outcome or {'changed': True, 'msg': 'installed Patroni 4.1.5'}
        self.asked = []
        self.executed = []
        self.brought = []
        self._loader = SimpleNamespace(get_real_file=str)

    def _low_level_execute_command(self, cmd, sudoable=True, **kwargs):
        self.asked.append((cmd, sudoable))
        if isinstance(self.uname, dict):
            return self.uname
        return {'rc': 0, 'stdout': self.uname, 'stderr': ''}

    def _execute_module(self, module_name=None, module_args=None, task_vars=None, wrap_async=False, **kwargs):
        self.executed.append(SimpleNamespace(name=module_name, args=dict(module_args), wrap_async=wrap_async))
        outcome = self.outcome[len(self.executed) - 1] if isinstance(self.outcome, list) else self.outcome
        return dict(outcome)

    def _find_needle(self, dirname, needle):
        if not pathlib.Path(needle).exists():
            raise AnsibleFileNotFound(file_name=needle)
        return str(needle)

    def _transfer_file(self, local_path, remote_path):
        with tarfile.open(local_path) as archive:
            self.brought.append((remote_path, archive.getnames()))


def facts(architecture, system='Linux'):
    return {'ansible_facts': {'architecture': architecture, 'system': system}}


@pytest.mark.parametrize('architecture, want', [('x86_64', AMD64), ('aarch64', ARM64)])
def test_facts_choose_the_binary(architecture, want):
    controller = Controller(uname='Linux s390x\n')
    result = controller.run(task_vars=facts(architecture))
    assert result == {'changed': True, 'msg': 'installed Patroni 4.1.5'}
    assert [run.name for run in controller.executed] == [want]
    assert controller.asked == []


@pytest.mark.parametrize('task_vars', [
    pytest.param({}, id='no facts at all'),
    pytest.param({'ansible_facts': {}}, id='facts not gathered'),
    pytest.param({'ansible_facts': {'pgedge_patroni': {}}}, id='facts of another module only'),
    pytest.param(None, id='no variables'),
])
def test_without_facts_the_target_is_asked_once_and_without_sudo(task_vars):
    controller = Controller(uname='Welcome to db1\nLinux aarch64\n')
    controller.run(task_vars=task_vars)
    assert controller.asked == [('uname -s -m', False)]
    assert [run.name for run in controller.executed] == [ARM64]


def test_outside_of_the_collection_the_binary_has_its_short_name(monkeypatch):
    monkeypatch.setattr(plugin, '__name__', 'ansible.plugins.action.patroni_install')
    controller = Controller(binaries=('__patroni_install_amd64',))
    controller.run(task_vars=facts('x86_64'))
    assert [run.name for run in controller.executed] == ['__patroni_install_amd64']


def test_a_delegated_task_does_not_trust_the_facts():
    controller = Controller(uname='Linux aarch64\n', delegate_to='db2')
    controller.run(task_vars=facts('x86_64'))
    assert [run.name for run in controller.executed] == [ARM64]


@pytest.mark.parametrize('controller, task_vars, want', [
    pytest.param(Controller(), facts('ppc64le'), 'on architecture ppc64le: patroni_install is built for x86_64, '
                                                 'aarch64',
                 id='architecture in the facts'),
    pytest.param(Controller(uname='Linux riscv64\n'), {}, 'on architecture riscv64', id='architecture by uname'),
    pytest.param(Controller(), facts('amd64', 'FreeBSD'), 'on FreeBSD: patroni_install runs on Linux only',
                 id='FreeBSD'),
    pytest.param(Controller(uname={'rc': 127, 'stdout': '', 'stderr': 'uname: not found\n'}), {},
                 "from 'uname -s -m': uname: not found", id='no uname'),
    pytest.param(Controller(uname=''), {}, "from 'uname -s -m': no output", id='silent uname'),
    pytest.param(Controller(binaries=(AMD64,)), facts('aarch64'), f'cannot find the module binary {ARM64}',
                 id='binary not staged'),
])
def test_refusals_name_the_reason_and_run_nothing(controller, task_vars, want):
    result = controller.run(task_vars=task_vars)
    assert result['failed'] is True
    assert result['msg'].startswith('cannot ')
    assert want in result['msg']
    assert controller.executed == []


@pytest.mark.parametrize('async_val, native, want', [(0, False, False), (60, False, True), (60, True, False)])
def test_async_is_wrapped_unless_the_connection_does_it(async_val, native, want):
    controller = Controller(async_val=async_val, native_async=native)
    controller.run(task_vars=facts('x86_64'))
    assert [bool(run.wrap_async) for run in controller.executed] == [want]


@pytest.mark.parametrize('value, want', [
    pytest.param(Vault(), 'secret', id='vault'),
    pytest.param(datetime.date(2026, 1, 2), '2026-01-02', id='date'),
    pytest.param(datetime.datetime(2026, 1, 2, 3, 4, 5), '2026-01-02T03:04:05', id='timestamp'),
    pytest.param({'etcd', 'aws'}, ['aws', 'etcd'], id='set'),
    pytest.param(('a', 'b'), ['a', 'b'], id='tuple'),
    pytest.param(b'raw', 'raw', id='bytes'),
    pytest.param({'nested': [{'x': Vault()}]}, {'nested': [{'x': 'secret'}]}, id='nested'),
    pytest.param(['a', OMIT], ['a'], id='omitted item'),
    pytest.param({'a': 1, 'b': OMIT}, {'a': 1}, id='omitted key'),
    pytest.param([], [], id='empty list'),
    pytest.param(None, None, id='null'),
    pytest.param(True, True, id='bool'),
    pytest.param(10 ** 20, 10 ** 20, id='big integer'),
])
def test_arguments_become_plain_json(value, want):
    controller = Controller({'option': value})
    controller.run(task_vars={**facts('x86_64'), 'omit': OMIT})
    sent = controller.executed[0].args
    assert sent == {'option': want}
    assert json.loads(json.dumps(sent)) == sent


def unparsed(rc, stderr='', stdout=''):
    """What core makes of a module that printed no JSON."""
    return {'failed': True, 'rc': rc, 'module_stderr': stderr, 'module_stdout': stdout,
            'msg': 'MODULE FAILURE', 'exception': 'No start of json char found'}


@pytest.mark.parametrize('outcome, want', [
    pytest.param(unparsed(126, '/bin/sh: 1: /tmp/AnsiballZ_x: Permission denied\n'), 'set ansible_remote_tmp',
                 id='noexec'),
    pytest.param(unparsed(126, stdout='/bin/sh: /tmp/AnsiballZ_x: Permission denied\r\n'), 'set ansible_remote_tmp',
                 id='noexec, with a terminal'),
    pytest.param(unparsed(126, '/bin/sh: 1: /tmp/AnsiballZ_x: Exec format error\n'), 'was taken for x86_64',
                 id='foreign architecture'),
    pytest.param(unparsed(126, '/bin/sh: 1: /tmp/AnsiballZ_x: Operation not permitted\n'),
                 "the sha256 hash of the collection's plugins/modules/__patroni_install_amd64", id='fapolicyd'),
])
def test_a_program_that_cannot_start_is_explained(outcome, want):
    result = Controller(outcome=outcome).run(task_vars=facts('x86_64'))
    assert result['failed'] is True
    assert result['msg'].startswith('cannot start the module on the target: ')
    assert want in result['msg']
    assert 'exception' not in result
    assert result['module_stderr'] == outcome['module_stderr']


@pytest.mark.parametrize('outcome', [
    pytest.param({'failed': True, 'msg': 'cannot write /etc/patroni: Permission denied'}, id='failure of the module'),
    pytest.param(unparsed(1, 'sudo: a password is required\n'), id='sudo'),
    pytest.param(unparsed(1, 'Permission denied\n'), id='another exit status'),
    pytest.param(unparsed(1, 'sudo: setrlimit: Operation not permitted\n'), id='not the program'),
    pytest.param(unparsed(137), id='killed'),
])
def test_other_failures_are_left_as_they_are(outcome):
    assert Controller(outcome=outcome).run(task_vars=facts('x86_64')) == outcome


NEEDED = {'failed': True, 'msg': 'the packages are needed', 'wheelhouse_needed': True}
INSTALLED = {'changed': True, 'msg': 'installed Patroni 4.1.5'}
WHEELS = ['click-8.1.7-py3-none-any.whl', 'patroni-4.1.5-py3-none-any.whl']


@pytest.fixture(name='wheelhouse', params=['directory', 'archive'])
def make_wheelhouse(request, tmp_path):
    """Return the path of a wheelhouse: wheels, and what else may lie beside them."""
    directory = tmp_path / 'wheelhouse'
    directory.mkdir()
    for name in [*WHEELS, 'patroni.lock', '.hidden.whl']:
        (directory / name).write_text(name)
    if request.param == 'directory':
        return str(directory)
    archive = tmp_path / 'wheels.tar.gz'
    with tarfile.open(archive, 'w:gz') as tar:
        tar.add(directory, arcname='wheelhouse')
    return str(archive)


def sources(**args):
    """Run the plugin for these arguments and return it."""
    controller = Controller(args, outcome=[NEEDED, INSTALLED])
    controller.result = controller.run(task_vars=facts('x86_64'))
    return controller


def test_a_wheelhouse_is_brought_when_it_is_needed(wheelhouse):
    controller = sources(wheelhouse=wheelhouse)
    first, second = [run.args for run in controller.executed]
    assert first == {'wheelhouse': wheelhouse, '_wheels': WHEELS}
    assert second == {**first, '_wheelhouse': '/tmp/task/wheelhouse.tar'}
    (target, names), = controller.brought
    assert target == '/tmp/task/wheelhouse.tar'
    assert set(WHEELS) <= {pathlib.PurePath(name).name for name in names}
    assert controller.result == INSTALLED


@pytest.fixture(name='linked', params=['symbolic', 'hard', 'hard twice'])
def make_linked_wheelhouse(request, tmp_path):
    """Return a wheelhouse that is a directory of links, as a store of files by their sums has it."""
    store, directory = tmp_path / 'store', tmp_path / 'wheelhouse'
    store.mkdir()
    directory.mkdir()
    for name in WHEELS:
        (store / name).write_text(name)
        if request.param == 'symbolic':
            (directory / name).symlink_to(f'../store/{name}')
        else:
            os.link(store / name, directory / name)
    if request.param == 'hard twice':
        os.link(directory / WHEELS[0], directory / 'again-1-py3-none-any.whl')
    return directory


def test_links_in_a_wheelhouse_are_followed(linked, tmp_path):
    plugin.pack(str(linked), str(tmp_path / 'packed.tar'))
    with tarfile.open(tmp_path / 'packed.tar') as archive:
        packed = {member.name: (member.isreg(), archive.extractfile(member).read()) for member in archive}
    assert packed == {path.name: (True, path.read_bytes()) for path in linked.iterdir()}
    assert sorted(packed) == plugin.packages(str(linked))


def test_links_in_an_archive_are_followed(linked, tmp_path):
    archive = str(tmp_path / 'wheels.tar.gz')
    with tarfile.open(archive, 'w:gz') as tar:
        tar.add(tmp_path / 'store', arcname='store')
        tar.add(linked, arcname='wheelhouse')
    assert plugin.packages(archive) == sorted(path.name for path in linked.iterdir())


@pytest.mark.parametrize('packed', [False, True])
@pytest.mark.parametrize('target', ['nowhere', 'patroni-4.1.5-py3-none-any.whl', '..'])
def test_a_link_to_no_file_is_named(target, packed, tmp_path):
    directory = tmp_path / 'wheels'
    directory.mkdir()
    (directory / 'patroni-4.1.5-py3-none-any.whl').symlink_to(target)
    name = str(directory)
    if packed:
        name += '.tar'
        with tarfile.open(name, 'w') as tar:
            tar.add(directory, arcname='wheels')
    controller = Controller({'wheelhouse': name})
    result = controller.run(task_vars=facts('x86_64'))
    assert result['failed'] and 'patroni-4.1.5-py3-none-any.whl is no file, and no link to one' in result['msg']
    assert controller.executed == []


def test_a_wheelhouse_stays_when_nothing_is_built(wheelhouse):
    controller = Controller({'wheelhouse': wheelhouse}, outcome={'changed': False})
    assert controller.run(task_vars=facts('x86_64')) == {'changed': False}
    assert controller.brought == []


def test_a_task_in_the_background_gets_its_wheelhouse_at_once(wheelhouse):
    controller = Controller({'wheelhouse': wheelhouse}, async_val=60)
    controller.run(task_vars=facts('x86_64'))
    assert [run.args.get('_wheelhouse') for run in controller.executed] == ['/tmp/task/wheelhouse.tar']
    assert len(controller.brought) == 1


@pytest.mark.parametrize('option', ['lockfile', 'constraints'])
def test_texts_are_read_on_the_controller(option, tmp_path):
    file = tmp_path / 'versions.txt'
    file.write_text('click==8.1.7  # ü\n', encoding='utf-8')
    controller = Controller({option: str(file)})
    controller.run(task_vars=facts('x86_64'))
    assert controller.executed[0].args == {option: str(file), '_' + option: 'click==8.1.7  # ü\n'}


@pytest.mark.parametrize('args', [
    {'wheelhouse': '/srv/wheels', 'lockfile': '/srv/lock', 'constraints': '/srv/c', 'remote_src': 'yes'},
    {'wheelhouse': '/srv/wheels', 'lockfile': '/srv/lock', 'state': 'absent'},
    {'lockfile': 'default'},
    {'wheelhouse': '', 'lockfile': '', 'remote_src': 'odd'},
])
def test_what_is_not_on_the_controller_is_left_alone(args):
    controller = Controller(args)
    controller.run(task_vars=facts('x86_64'))
    assert controller.executed[0].args == args


@pytest.mark.parametrize('args, want', [
    ({'lockfile': '/nowhere/patroni.lock'}, 'cannot use lockfile /nowhere/patroni.lock: '),
    ({'wheelhouse': '/nowhere/wheels'}, 'cannot use wheelhouse /nowhere/wheels: '),
    ({'wheelhouse': __file__}, 'is neither a readable directory nor a tar archive'),
    ({'wheelhouse': '{empty}'}, 'there is no wheel in it'),
    ({'constraints': '{empty}'}, 'on the controller: '),
    ({'lockfile': '{binary}'}, 'on the controller: '),
])
def test_files_that_cannot_be_used_are_named(args, want, tmp_path):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'binary').write_bytes(b'\xff\xfe')
    places = {'empty': str(tmp_path / 'empty'), 'binary': str(tmp_path / 'binary')}
    controller = Controller({option: value.format(**places) for option, value in args.items()})
    result = controller.run(task_vars=facts('x86_64'))
    assert result['failed'] and result['msg'].startswith('cannot ') and want in result['msg']
    assert controller.executed == []


@pytest.mark.parametrize('version', ['2.9.27', '2.13.13'])
def test_an_old_core_is_refused(version, monkeypatch):
    monkeypatch.setattr(plugin, 'core_version', version)
    controller = Controller()
    result = controller.run(task_vars=facts('x86_64'))
    assert result['failed'] is True
    assert result['msg'] == (f'cannot run patroni_install by ansible-core {version}: it needs 2.14 or newer on the '
                             'controller')
    assert controller.asked == controller.executed == []


@pytest.mark.parametrize('version', ['2.14.0', '2.21.5rc1', '2.22.0.dev0', '3.0.0'])
def test_a_newer_core_is_not_refused(version, monkeypatch):
    monkeypatch.setattr(plugin, 'core_version', version)
    assert Controller().run(task_vars=facts('x86_64'))['changed'] is True


def test_the_oldest_core_is_the_one_of_the_metadata():
    metadata = (ROOT / 'meta' / 'runtime.yml').read_text()
    assert f"requires_ansible: '>={plugin.OLDEST_CORE}.0'" in metadata

# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Run the patroni_install binary that fits the target.

The module is a static Linux program, one file per architecture. This plugin
does what only the controller can do: it picks the file, hands the arguments
over as plain JSON, brings the files that the options name on the controller,
and puts a sentence in the place of the shell's message when the target could
not start the program. Everything else, the checking of options included, is
the program's.
"""

from __future__ import annotations

import datetime
import os
import tarfile
import tempfile
from collections.abc import Mapping, Set

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.release import __version__ as core_version

# The oldest ansible-core that the collection is tried with, as in meta/runtime.yml.
OLDEST_CORE = '2.14'

# The output of uname -m on Linux, and the suffix of the binary that runs there.
BINARIES = {'x86_64': 'amd64', 'aarch64': 'arm64'}

# Files of a wheelhouse, by their names' ends.
PACKAGES = ('.whl', '.tar.gz', '.zip')


class CannotStart(Exception):
    """The reason why the program could not be called, as a sentence for the user."""


class ActionModule(ActionBase):
    """The controller's half of the module patroni_install."""

    def run(self, tmp=None, task_vars=None):
        # Set here and not on the class: ActionBase.__init__ of 2.14 resets them.
        self._supports_check_mode = True
        self._supports_async = True

        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        if result.get('skipped'):
            return result
        try:
            refuse_old_core(core_version)
            machine = self._machine(task_vars)
            binary = self._binary(machine)
            arguments = plain(self._task.args, task_vars.get('omit'))
            wheelhouse = self._read_sources(arguments)
            outcome = self._call(binary, arguments, wheelhouse, task_vars)
        except CannotStart as error:
            # Returned, not raised: core would print a traceback around the sentence.
            return {**result, 'failed': True, 'msg': str(error)}

        reason = why_not_started(outcome, machine)
        if reason:
            outcome['msg'] = reason
            # From 2.19 on this describes the missing JSON, and is shown before msg.
            outcome.pop('exception', None)
        return {**result, **outcome}

    def _call(self, binary, arguments, wheelhouse, task_vars):
        """Run the program. It asks for the packages of a wheelhouse only if it has to build something."""
        in_background = self._task.async_val and not self._connection.has_native_async
        if wheelhouse and in_background and not self._task.check_mode:
            # Whether it asks will be known when nobody listens any more.
            arguments['_wheelhouse'] = self._bring(wheelhouse)
        outcome = self._execute_module(
            module_name=binary, module_args=arguments, task_vars=task_vars, wrap_async=in_background)
        if not outcome.pop('wheelhouse_needed', False):
            return outcome
        arguments['_wheelhouse'] = self._bring(wheelhouse)
        return self._execute_module(module_name=binary, module_args=arguments, task_vars=task_vars)

    def _read_sources(self, arguments):
        """Read the controller's files that the options name. Return the path of the wheelhouse, None without one."""
        remote = arguments.get('remote_src')
        if arguments.get('state') == 'absent' or remote is not None and boolean(remote, strict=False):
            return None
        for option in ('constraints', 'lockfile'):
            if arguments.get(option) and (option, arguments[option]) != ('lockfile', 'default'):
                arguments[option] = self._find(option, arguments[option])
                arguments['_' + option] = self._text(option, arguments[option])
        if not arguments.get('wheelhouse'):
            return None
        arguments['wheelhouse'] = self._find('wheelhouse', arguments['wheelhouse'])
        arguments['_wheels'] = packages(arguments['wheelhouse'])
        return arguments['wheelhouse']

    def _find(self, option, name):
        """Return the path of a file or directory on the controller, searched as those of copy are."""
        try:
            return self._find_needle('files', str(name))
        except AnsibleError as error:
            raise CannotStart(f'cannot use {option} {name}: {error}') from error

    def _text(self, option, path):
        """Return the content of a text file on the controller, which ansible-vault may have encrypted."""
        try:
            with open(self._loader.get_real_file(path), encoding='utf-8') as file:
                return file.read()
        except (AnsibleError, OSError, UnicodeDecodeError) as error:
            raise CannotStart(f'cannot read {option} {path} on the controller: {error}') from error

    def _bring(self, wheelhouse):
        """Put the packages of a wheelhouse into the task's directory on the target, as one archive."""
        if self._connection._shell.tmpdir is None:
            self._make_tmp_path()
        target = self._connection._shell.join_path(self._connection._shell.tmpdir, 'wheelhouse.tar')
        with tempfile.NamedTemporaryFile(dir=constants.DEFAULT_LOCAL_TMP, suffix='.tar') as archive:
            pack(wheelhouse, archive.name)
            self._transfer_file(archive.name, target)
        return target

    def _machine(self, task_vars):
        """Return the target's machine name as uname -m prints it."""
        facts = task_vars.get('ansible_facts') or {}
        system, machine = facts.get('system'), facts.get('architecture')
        # The facts of a delegated task describe the host it was delegated from.
        if self._task.delegate_to or not (system and machine):
            system, machine = self._uname()
        if system != 'Linux':
            raise CannotStart(f'cannot install Patroni on {system}: patroni_install runs on Linux only')
        return machine

    def _uname(self):
        """Ask the target itself, without becoming anybody: (kernel name, machine name)."""
        answer = self._low_level_execute_command('uname -s -m', sudoable=False)
        words = answer.get('stdout', '').split()
        if answer.get('rc') != 0 or len(words) < 2:
            said = (answer.get('stderr') or answer.get('stdout') or 'no output').strip()
            raise CannotStart(f"cannot learn the target's architecture from 'uname -s -m': {said}")
        # A login banner may precede the answer, which is the last line.
        return words[-2], words[-1]

    def _binary(self, machine):
        """Return the name under which the loader finds the binary for machine."""
        suffix = BINARIES.get(machine)
        if suffix is None:
            raise CannotStart(
                f'cannot install Patroni on architecture {machine}: '
                f"patroni_install is built for {', '.join(BINARIES)}")
        name = f'{_namespace()}__patroni_install_{suffix}'
        if not self._shared_loader_obj.module_loader.has_plugin(name, collection_list=self._task.collections):
            raise CannotStart(
                f'cannot find the module binary {name} on the controller: install the collection from the archive '
                'that "make collection" builds, a checkout of the sources holds no binaries')
        return name


def _namespace():
    """Return 'pgedge.platform.' inside the collection, '' for a plugin in ~/.ansible/plugins."""
    package = __name__.split('.')
    if package[0] == 'ansible_collections':
        return '.'.join(package[1:3]) + '.'
    return ''


def refuse_old_core(version):
    """Raise CannotStart for an ansible-core that is too old. Core itself only warns, and not of a short name."""
    if numbers(version) < numbers(OLDEST_CORE):
        raise CannotStart(
            f'cannot run patroni_install by ansible-core {version}: it needs {OLDEST_CORE} or newer on the controller')


def numbers(version):
    """Return major and minor of a version as numbers."""
    return [int(part) for part in version.split('.')[:2]]


def packages(wheelhouse):
    """Return the names of the packages in a wheelhouse, a directory or a tar archive. Links are what they lead to."""
    try:
        if os.path.isdir(wheelhouse):
            names = {name: os.path.isfile(os.path.join(wheelhouse, name)) for name in os.listdir(wheelhouse)}
        else:
            with tarfile.open(wheelhouse) as archive:
                names = {}
                for member in archive:
                    name = os.path.basename(member.name)
                    names[name] = names.get(name) or holds(archive, member)
    except (OSError, tarfile.TarError) as error:
        raise CannotStart(
            f'cannot use wheelhouse {wheelhouse} on the controller: it is neither a readable directory nor a tar '
            f'archive: {error}'
        ) from error
    named = sorted(name for name in names if name.endswith(PACKAGES) and not name.startswith('.'))
    lost = [name for name in named if not names[name]]
    if lost:
        raise CannotStart(
            f'cannot use wheelhouse {wheelhouse} on the controller: {lost[0]} is no file, and no link to one that is '
            'there; put the package there, or remove it')
    if not named:
        raise CannotStart(f'cannot use wheelhouse {wheelhouse} on the controller: there is no wheel in it')
    return named


def holds(archive, member):
    """Tell whether an archive holds the file that a member is, or leads to as a link."""
    try:
        return archive.extractfile(member) is not None
    except (KeyError, RecursionError):  # of a link into nowhere, or in a circle
        return False


def pack(wheelhouse, archive):
    """Write the packages of a wheelhouse into an archive, or the wheelhouse itself if it is one."""
    if not os.path.isdir(wheelhouse):
        with open(wheelhouse, 'rb') as source, open(archive, 'wb') as copy:
            for block in iter(lambda: source.read(1 << 20), b''):
                copy.write(block)
        return
    # Otherwise links would come without the files, and so would the second name of a file.
    with tarfile.open(archive, 'w', dereference=True) as tar:
        for name in packages(wheelhouse):
            tar.add(os.path.join(wheelhouse, name), arcname=name)


def plain(value, omit=None):
    """Return value with every type that JSON lacks turned into one that it has.

    The controller writes the arguments of a binary module with Python's bare
    JSON encoder, which up to 2.18 knows no inline vault string, date or set.
    Items equal to omit, which core leaves inside of lists, are dropped.
    """
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, bytes):
        return value.decode('utf-8', 'surrogateescape')
    if isinstance(value, Mapping):
        return {str(key): plain(item, omit) for key, item in value.items() if not _omitted(item, omit)}
    if isinstance(value, Set):
        return sorted((plain(item, omit) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [plain(item, omit) for item in value if not _omitted(item, omit)]
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    # str() also decrypts a vault string.
    return str(value)


def _omitted(item, omit):
    """Tell whether item is the placeholder that the variable omit stands for."""
    return isinstance(omit, str) and isinstance(item, str) and item == omit


def why_not_started(outcome, machine):
    """Return a sentence when the target's shell could not start the program, else None."""
    if 'module_stderr' not in outcome and 'module_stdout' not in outcome:
        return None  # the program answered
    said = f"{outcome.get('module_stderr', '')}\n{outcome.get('module_stdout', '')}"
    if outcome.get('rc') == 126 and 'Permission denied' in said:
        return (
            'cannot start the module on the target: permission denied. The file system of its temporary directory is '
            'probably mounted noexec: set ansible_remote_tmp to a directory on another one, for example '
            '/var/tmp/.ansible')
    if outcome.get('rc') == 126 and 'Operation not permitted' in said:
        return (
            'cannot start the module on the target: operation not permitted. '
            'Application control such as fapolicyd lets only programs run that it knows: set ansible_remote_tmp to '
            '/var/tmp/.ansible, from where its usual rules let root run programs, or allow this one by a rule with '
            f"the sha256 hash of the collection's plugins/modules/__patroni_install_{BINARIES[machine]}")
    if 'Exec format error' in said:
        return (
            f'cannot start the module on the target: exec format error. The target was taken for {machine}; where its '
            'facts are cached, gather them again')
    return None

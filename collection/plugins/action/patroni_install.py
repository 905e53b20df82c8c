# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Run the patroni_install binary that fits the target.

The module is a static Linux program, one file per architecture. This plugin
does what only the controller can do: it picks the file, hands the arguments
over as plain JSON, and puts a sentence in the place of the shell's message
when the target could not start the program. Everything else, the checking of
options included, is the program's.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Set

from ansible.plugins.action import ActionBase

# What uname -m says on Linux, and the suffix of the binary that runs there.
BINARIES = {'x86_64': 'amd64', 'aarch64': 'arm64'}


class CannotStart(Exception):
    """The reason why the binary could not be chosen, as a sentence for the user."""


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
            machine = self._machine(task_vars)
            binary = self._binary(machine)
        except CannotStart as error:
            # Returned, not raised: core would print a traceback around the sentence.
            return {**result, 'failed': True, 'msg': str(error)}

        outcome = self._execute_module(
            module_name=binary,
            module_args=plain(self._task.args, task_vars.get('omit')),
            task_vars=task_vars,
            wrap_async=self._task.async_val and not self._connection.has_native_async,
        )
        reason = why_not_started(outcome, machine)
        if reason:
            outcome['msg'] = reason
            # From 2.19 on this describes the missing JSON, and is shown before msg.
            outcome.pop('exception', None)
        return {**result, **outcome}

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
                f'cannot find the module binary {name} on the controller: '
                'install the collection from the archive that "make collection" builds, '
                'a checkout of the sources holds no binaries')
        return name


def _namespace():
    """Return 'pgedge.platform.' inside the collection, '' for a plugin in ~/.ansible/plugins."""
    package = __name__.split('.')
    if package[0] == 'ansible_collections':
        return '.'.join(package[1:3]) + '.'
    return ''


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
            'cannot start the module on the target: permission denied. '
            'The file system of its temporary directory is probably mounted noexec: '
            'set ansible_remote_tmp to a directory on another one, for example /var/tmp/.ansible')
    if 'Exec format error' in said:
        return (
            'cannot start the module on the target: exec format error. '
            f'The target was taken for {machine}; where its facts are cached, gather them again')
    return None

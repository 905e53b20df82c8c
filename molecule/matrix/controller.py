"""One controller: an ansible-core of its own, and a home in which people install the collection."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess

WORK = pathlib.Path(os.environ.get('MATRIX_WORK', '/nowhere'))
HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]


class Controller:
    """Runs the programs of one ansible-core."""

    def __init__(self, directory, home):
        self.programs = pathlib.Path(directory, 'bin')
        self.version = pathlib.Path(directory).name.split('-')[1]
        self.python = subprocess.run([self.programs / 'python', '-V'], check=True, capture_output=True,
                                     text=True).stdout.split()[1]
        self.home = home
        self.said = ''
        shutil.copytree(WORK / 'collection' / '.ansible', home / '.ansible')

    def install_plugins(self):
        """Do what `make install` does for the short name."""
        shutil.copytree(WORK / 'plugins', self.home / '.ansible' / 'plugins')

    def programs_of(self):
        """Return the directory in which the installed collection has the programs."""
        return self.home / '.ansible/collections/ansible_collections/pgedge/platform/plugins/modules'

    def run(self, program, *arguments, **environment):
        """Run a program of this core and return its exit status; `said` is all that it printed."""
        helpers = os.environ['ANSIBLE_COLLECTIONS_PATH'].split(':')[1]
        variables = {
            'HOME': str(self.home), 'PATH': f"{self.programs}:{os.environ['PATH']}",
            'ANSIBLE_COLLECTIONS_PATH': f'{self.home}/.ansible/collections:{helpers}',
            'ANSIBLE_HOST_KEY_CHECKING': 'false', 'ANSIBLE_NOCOLOR': 'true', 'ANSIBLE_DEPRECATION_WARNINGS': 'false',
            **environment}
        done = subprocess.run(
            [self.programs / program, *arguments], env={**os.environ, **variables}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=300)
        self.said = done.stdout
        return done.returncode

    def ad_hoc(self, module, arguments='', *options, host='healthy', become=True, **environment):
        """Run a module ad hoc and return its result, with `failed` from the line above it: core leaves that out."""
        self.run('ansible', host, '-i', str(WORK / host), '-m', module, '-a', arguments, *(['-b'] if become else []),
                 *options, **environment)
        # A task in the background prints its start before its result.
        found = re.findall(rf'^{host} \| ([A-Z!]+) => (\{{.*?^\}})', self.said, re.MULTILINE | re.DOTALL)
        assert found, self.said
        status, result = found[-1]
        return {**json.loads(result), 'failed': status == 'FAILED!'}

    def play(self, name, *options, host='healthy', **variables):
        """Run a playbook of cells/, which must succeed."""
        status = self.run('ansible-playbook', '-i', str(WORK / host), str(HERE / 'cells' / f'{name}.yml'), *options,
                          '-e', json.dumps(variables))
        assert status == 0, self.said

    def recap(self, host='healthy'):
        """Return the counts of the last line of a play, by their names."""
        line = re.findall(rf'^{host} +: (.*)$', self.said, re.MULTILINE)[-1]
        return {name: int(count) for name, count in (pair.split('=') for pair in line.split())}


def container(host):
    return f"pgedge-platform-{os.environ['PLATFORM_TEST_RUN']}-{host}"


def execute(host, *command):
    return subprocess.run([os.environ['PLATFORM_TEST_ENGINE'], 'exec', container(host), *command],
                          check=False, capture_output=True, text=True)


def on_host(host, *command):
    """Run a command on a host as root and return its exit status."""
    return execute(host, *command).returncode


def output_of(host, *command):
    """Run a command on a host as root and return what it printed."""
    return execute(host, *command).stdout


@contextlib.contextmanager
def forbidding(host, directory):
    """Let nobody execute what lies in a new directory on a host."""
    mount = f'mkdir -p {directory}; mountpoint -q {directory} || mount -t tmpfs -o mode=1777 none {directory}'
    assert on_host(host, 'sh', '-c', mount) == 0
    program = (HERE / 'host' / 'deny.py').read_text()
    assert on_host(host, 'systemd-run', '--unit=deny', '--property=Type=notify', '--property=NotifyAccess=all',
                   'python3', '-c', program, directory) == 0
    try:
        yield
    finally:
        assert on_host(host, 'systemctl', 'stop', 'deny') == 0

"""The module as it is run on this host, and how the host is seen to be as it was."""

import json
import os
import pathlib
import signal
import subprocess

KIT = pathlib.Path(__file__).resolve().parent
HOME = '/var/lib/postgresql'
VENV = f'{HOME}/.local/share/pipx/venvs/patroni'
PROGRAM = f'{HOME}/.local/bin/patroni'
UNIT = '/etc/systemd/system/patroni.service'
STATE = '/var/lib/pgedge/patroni_install'
STAGE = f'{HOME}/.local/share/pipx/.patroni_install.stage'
WHEELS = {'PIP_NO_INDEX': '1', 'PIP_FIND_LINKS': f'{KIT}/wheels'}  # pip for real, without the network
OLD, NEW = '4.0.7', '4.1.5'

# Tests that were started by nohup would hand on that this signal is ignored.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Failed(Exception):
    """What was tried went wrong; the message says how."""


def expect(condition, message):
    if not condition:
        raise Failed(message)


class Run:
    """One run of the module, under way."""

    def __init__(self, arguments, program='patroni_install', env=None, **options):
        self.arguments = arguments
        name = KIT / f'{os.getpid()}-{id(self)}.json'
        name.write_text(json.dumps(arguments))
        options = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'stdin': subprocess.DEVNULL, **options}
        self.process = subprocess.Popen([KIT / program, name], text=True, env={**os.environ, **WHEELS, **(env or {})},
                                        **options)
        self.name = name

    def result(self):
        """Wait for the end, and return the result."""
        stdout, stderr = self.process.communicate()
        self.name.unlink()
        try:
            result = json.loads(stdout)
        except (json.JSONDecodeError, TypeError):
            raise Failed(f'no result, status {self.process.returncode}: {stdout}{stderr}') from None
        expect(bool(result['failed']) == (self.process.returncode != 0),
               f'failed is {result["failed"]}, the exit status {self.process.returncode}')
        return result


def succeed(arguments, **options):
    result = Run(arguments, **options).result()
    expect(not result['failed'], f'{arguments} failed: {result.get("msg")}')
    return result


def save():
    subprocess.run([KIT / 'tree', 'save'], check=True)


def expect_as_saved(what):
    """Expect every file of the host as it was, and no process of the user's."""
    done = subprocess.run([KIT / 'tree', 'compare'], capture_output=True, text=True)
    expect(done.returncode == 0, f'{what}: the host is not as before:\n{done.stdout}{done.stderr}')
    expect_quiet(what)


def expect_quiet(what):
    left = subprocess.run(['pgrep', '-lu', 'postgres'], capture_output=True, text=True).stdout
    expect(not left, f'{what}: processes outlived the run: {left}')


def expect_installed(version, what):
    """Expect a whole installation, and nothing that a run leaves only on its way."""
    said = subprocess.run(['sudo', '-i', '-u', 'postgres', 'patroni', '--version'], capture_output=True, text=True)
    expect(said.stdout == f'patroni {version}\n', f'{what}: patroni --version said {said.stdout}{said.stderr}')
    again = succeed({'version': version})
    warnings = [text for text in again.get('warnings', []) if 'interrupted' in text]
    expect(not again['changed'] and not warnings, f'{what}: the next run: {again["msg"]} {warnings}')
    left = [name for name in (STAGE, f'{STATE}/journal.json', f'{STATE}/stage') if os.path.lexists(name)]
    expect(not left, f'{what}: left behind: {left}')
    expect_quiet(what)


def remove():
    """Take Patroni away, and what its removal leaves on purpose."""
    succeed({'state': 'absent'})
    subprocess.run(['rm', '-rf', f'{HOME}/.local'], check=True)


def traced(arguments, trace='/run/faults-trace', **env):
    """Run the build with fault points. Returns the result, and (milliseconds, operation) of each operation."""
    pathlib.Path(trace).unlink(missing_ok=True)
    result = Run(arguments, 'faultpoints', {'PATRONI_INSTALL_TRACE': trace, **env}).result()
    lines = (line.split(' ', 1) for line in pathlib.Path(trace).read_text().splitlines())
    return result, [(int(ms), operation.replace('"', '')) for ms, operation in lines]


def report(function, *arguments):
    """Do one thing, print a line about it, and tell whether it went well."""
    try:
        print(function(*arguments), flush=True)
    except Failed as failure:
        print(f'FAILED {function.__name__} {arguments}: {failure}', flush=True)
        return False
    return True

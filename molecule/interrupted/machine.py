"""The host under test as root sees it, and how two of its states compare."""

import json
import os
import subprocess
import time

ENGINE = os.environ['PLATFORM_TEST_ENGINE']
KIT = '/var/cache/interrupted'  # what we need on the host, where listings do not look
STATE = '/var/lib/pgedge/patroni_install'
JOURNAL = f'{STATE}/journal.json'
HOME = '/var/lib/postgresql'
VENV = f'{HOME}/.local/share/pipx/venvs/patroni'


class Failed(Exception):
    """A point went wrong; the message says how."""


def expect(condition, message):
    if not condition:
        raise Failed(message)


class Host:
    """The host, as root sees it."""

    def __init__(self, container):
        self.container = container

    def start(self, *command, env=None):
        """Start a command; run waits for it, and output expects it to succeed."""
        variables = [word for pair in (env or {}).items() for word in ('--env', '='.join(pair))]
        return subprocess.Popen([ENGINE, 'exec', *variables, self.container, *command],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *command, env=None):
        process = self.start(*command, env=env)
        stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    def output(self, *command):
        done = self.run(*command)
        expect(done.returncode == 0, f'{command} failed: {done.stdout}{done.stderr}')
        return done.stdout

    def copy(self, source, target):
        subprocess.run([ENGINE, 'cp', source, f'{self.container}:{target}'], check=True, stdout=subprocess.DEVNULL)

    def module(self, arguments, program='patroni_install', env=None):
        """Run the module to its end and return its result."""
        done = self.run(f'{KIT}/{program}', f'{KIT}/{arguments}', env=env)
        try:
            return json.loads(done.stdout)
        except json.JSONDecodeError:
            raise Failed(f'the module printed no result, status {done.returncode}: '
                         f'{done.stdout}{done.stderr}') from None

    def succeed(self, arguments, **options):
        result = self.module(arguments, **options)
        expect(not result.get('failed'), f'{arguments} failed: {result.get("msg")}')
        return result

    def listing(self):
        """Everything that is on the host; see host/listing.py."""
        return json.loads(self.output('python3', f'{KIT}/listing.py'))

    def phase(self):
        """The phase of the journal that a killed run left, None when there is none."""
        done = self.run('cat', JOURNAL)
        return json.loads(done.stdout)['phase'] if done.returncode == 0 else None

    def cut_power(self):
        subprocess.run([ENGINE, 'kill', self.container], check=True, stdout=subprocess.DEVNULL)

    def power_on(self):
        subprocess.run([ENGINE, 'start', self.container], check=True, stdout=subprocess.DEVNULL)
        for _ in range(240):
            state = self.run('systemctl', 'is-system-running').stdout.strip()
            if state in ('running', 'degraded'):
                return
            time.sleep(0.25)
        raise Failed(f'the host did not start again: {state}')

    def reset(self, before):
        """Take away what an installation brought, and what its removal leaves on purpose."""
        self.succeed('absent.json')
        self.output('rm', '-rf', f'{HOME}/.local')
        self.purge(before)
        same(before, self.listing(), 'the host is not as fresh after a removal and a purge')

    def purge(self, before):
        added = set(names(self.listing())) - set(names(before))
        if added:
            self.output('apt-get', '-qy', 'purge', *sorted(added))

    def force_reset(self, before):
        """Remove by force what a failed point left, so that the next one does not suffer from it."""
        for command in (f'{KIT}/patroni_install {KIT}/absent.json', f'rm -rf {STATE}', 'dpkg --configure -a'):
            self.run('sh', '-c', command)
        self.purge(before)
        extra = sorted({*self.listing()['files']} - {*before['files']})
        if extra:
            self.output('rm', '-rf', '--', *extra)
        same(before, self.listing(), 'the host cannot be reset')


def names(listing):
    return [line.split()[0] for line in listing['packages']]


def differences(want, got, strict=False):
    """The differences between two listings; the times of change count only when strict."""
    found = []
    kept = slice(None) if strict else slice(-1)
    for path in sorted({*want['files'], *got['files']}):
        was, now = (listing['files'].get(path, [])[kept] for listing in (want, got))
        if was != now:
            found.append(f'{path}: {was or "nothing"} → {now or "nothing"}')
    for what in ('packages', 'automatic'):
        found += [f'{what}: {line} {"gone" if line in want[what] else "new"}'
                  for line in sorted({*want[what]} ^ {*got[what]})]
    return found


def same(want, got, message, **options):
    """Expect two listings to be the same."""
    found = differences(want, got, **options)
    expect(not found, '\n  '.join([f'{message}, {len(found)} differences:', *found[:40]]))

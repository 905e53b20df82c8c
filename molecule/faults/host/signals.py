"""usage: signals.py installation | signals.py packages

Asks runs of the module to end: by SIGTERM, as a time limit does, by SIGHUP, as a lost connection does,
or by SIGINT; and takes away the terminal or the reader of what they print. Each ends by itself, with a
result that says so and the host as before; or, after the commit, with the host as after.

`installation` is about a host that has pipx; `packages` about one that has not, and stops apt.
"""

import os
import pty
import signal
import subprocess
import sys

from target import (HOME, KIT, NEW, STAGE, STATE, UNIT, VENV, Failed, Run, expect, expect_as_saved, expect_installed,
                    remove, report, save, traced)

# The moments of an installation: operations (the last one counts), and beginnings of commands.
LANDMARKS = (
    f'mkdir {STATE}',
    f'fsyncdir {HOME}/.local/share',
    'run /usr/bin/python3 -I -c',  # pipx's shared libraries
    'run /usr/bin/pipx install',
    f'run {VENV}/bin/python -I -c',  # bytecode
    f'run {VENV}/bin/patroni --version',
    f'synctree {STAGE}/home/venvs/patroni',
    f'rename {VENV}',  # the first visible change
    f'rename {HOME}/.local/bin/patronictl',
    f'rename {UNIT}',  # the last one
    f'rename {STATE}/journal.json',  # the commit
    f'unlink {STATE}/journal.json',
)
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def judge(result, number, what):
    """Expect the result and the host to agree, and return what became of the run."""
    if result['failed']:
        expect(signal.strsignal(number).lower() in result['msg'],
               f'{what}: the message does not name the signal: {result["msg"]}')
        expect('as it was before' in result['msg'] or 'nothing was changed' in result['msg'],
               f'{what}: the message does not tell how the host was left: {result["msg"]}')
        expect_as_saved(what)
        return f'{what} | as before | {result["msg"]}'
    expect_installed(NEW, what)
    remove()
    expect_as_saved(what + ', and removed')
    return f'{what} | as after'


def at_operation(number, count, total, operation):
    what = f'{number.name} before operation {count} of {total}, {operation[:80]}'
    result, _ = traced({'version': NEW}, PATRONI_INSTALL_FAULTPOINT=str(count), PATRONI_INSTALL_SIGNAL=str(int(number)))
    return judge(result, number, what)


def in_the_middle(number, pattern):
    """Send a signal while a command is at work."""
    run = Run({'version': NEW})
    expect(appears(pattern, run), f'the run ended before {pattern} was seen')
    run.process.send_signal(number)
    result = run.result()
    expect(result['failed'], f'{number.name} during {pattern} was not heeded: {result["msg"]}')
    return judge(result, number, f'{number.name} in the middle of {pattern}')


def appears(pattern, run):
    """Wait for a process of that command line, while the run lasts."""
    while run.process.poll() is None:
        if subprocess.run(['pgrep', '-f', '--', pattern], stdout=subprocess.DEVNULL).returncode == 0:
            return True
    return False


def lost_terminal(pattern):
    """Take away the terminal that a run was started on, as sshd does when the connection is lost."""
    master, slave = pty.openpty()
    run = Run({'version': NEW}, stdin=slave, stdout=slave, stderr=slave, preexec_fn=lambda: os.login_tty(slave))
    os.close(slave)
    expect(appears(pattern, run), f'the run ended before {pattern} was seen')
    os.close(master)
    status = run.process.wait()
    run.name.unlink()
    expect(status == 1, f'the run without its terminal ended with {status}')
    expect_as_saved('lost terminal')
    return f'the terminal lost in the middle of {pattern} | as before'


def lost_reader():
    """Let nobody read what a run prints: it goes on to its end."""
    read, write = os.pipe()
    os.close(read)
    run = Run({'version': NEW}, stdout=write, stderr=write)
    os.close(write)
    status = run.process.wait()
    run.name.unlink()
    expect(status == 1, f'the run whose result nobody could get ended with {status}')
    expect_installed(NEW, 'lost reader')
    remove()
    expect_as_saved('lost reader, and removed')
    return 'nobody reads the result | status 1, as after'


def recovery(last, number):
    """A recovery by hand, whose reader is gone and that gets a signal, comes to its end."""
    killed = Run({'version': NEW}, 'faultpoints', {'PATRONI_INSTALL_FAULTPOINT': str(last)})
    expect(killed.process.wait() == -signal.SIGKILL, f'the run was not killed: {killed.process.returncode}')
    killed.name.unlink()
    read, write = os.pipe()
    os.close(read)
    env = {**os.environ, 'PATRONI_INSTALL_FAULTPOINT': '4', 'PATRONI_INSTALL_SIGNAL': str(int(number))}
    done = subprocess.run([KIT / 'faultpoints', 'recover'], stdout=write, stderr=write, env=env)
    os.close(write)
    expect(done.returncode in (0, 1), f'the recovery ended with {done.returncode}')
    expect(not os.path.exists(f'{STATE}/journal.json'), 'the recovery did not come to its end')
    expect_as_saved('recovery')
    return f'{number.name} in a recovery by hand that nobody listens to | as before'


def installation():
    save()
    _, operations = traced({'version': NEW})
    remove()
    expect_as_saved('the first removal')
    yield report(lost_reader)
    yield report(lost_terminal, 'pip.* install')
    for number in (signal.SIGTERM, signal.SIGHUP):
        yield report(in_the_middle, number, 'pip.* install')
    for n, landmark in enumerate(LANDMARKS):
        hits = [count for count, (_, operation) in enumerate(operations, 1)
                if operation == landmark or landmark.startswith('run ') and operation.startswith(landmark)]
        if not hits:
            raise Failed(f'no operation is {landmark} any more')
        yield report(at_operation, SIGNALS[n % len(SIGNALS)], hits[-1], len(operations), operations[hits[-1] - 1][1])
    unit = next(count for count, (_, operation) in enumerate(operations, 1) if operation.startswith(f'rename {UNIT}'))
    for number in (signal.SIGTERM, signal.SIGHUP):
        yield report(recovery, unit, number)


def packages():
    save()
    yield report(in_the_middle, signal.SIGTERM, 'apt-get -q download')
    yield report(in_the_middle, signal.SIGHUP, 'apt-get -qy install')


def main():
    outcomes = list({'installation': installation, 'packages': packages}[sys.argv[1]]())
    print(f'{len(outcomes)} points: {outcomes.count(False)} failed')
    sys.exit(not all(outcomes))


main()

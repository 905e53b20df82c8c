"""usage: session.py [PART OF A NAME]

Attacks of the user on root's processes and on what they pass on: read the keys of root's session from a wheel, trace a
build and never wait for it, stop a look into a wheelhouse, hold leases on its files. Each run ends in time and names
what holds it; the next run goes on after that.
"""

import base64
import contextlib
import ctypes
import fcntl
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import world
from race import become_postgres
from target import HOME, KIT, NEW, VENV, Failed, expect, expect_installed

WHEELHOUSE, LOOT = pathlib.Path('/srv/wheelhouse'), pathlib.Path('/run/hostile/loot')
ADD_KEY, KEYCTL = {'x86_64': (248, 250), 'aarch64': (217, 219)}[os.uname().machine]
JOIN_SESSION_KEYRING, SEARCH = 1, 10
SESSION_KEYRING, USER_KEYRING = ctypes.c_int(-3), ctypes.c_int(-4)
PTRACE_SEIZE = 0x4206
SECONDS = 15  # that a build, and a look, may take
LIBC = ctypes.CDLL(None, use_errno=True)

# In a wheel: notes that it ran, and whether it finds the key.
THIEF = f"""import ctypes, os
libc = ctypes.CDLL(None)
found = [libc.syscall({KEYCTL}, {SEARCH}, ctypes.c_int(ring), b"user", b"rootsecret", 0) for ring in (-3, -4)]
with open({str(LOOT)!r}, 'a') as loot:
    print('uid', os.geteuid(), 'TAKEN' if max(found) > 0 else 'nothing', file=loot)
"""


@contextlib.contextmanager
def attacker(attack):
    """Let the user do something for ever, beside the block."""
    child = os.fork()
    if child == 0:
        os.setsid()
        become_postgres()
        os.chdir('/')
        attack()
        os._exit(1)
    try:
        yield child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def processes(*words):
    """Yield the user's processes that have one of the words in their arguments."""
    for name in filter(str.isdigit, os.listdir('/proc')):
        with contextlib.suppress(OSError):
            if os.stat(f'/proc/{name}').st_uid == os.getuid() and int(name) != os.getpid():
                arguments = pathlib.Path('/proc', name, 'cmdline').read_bytes()
                if any(word in arguments for word in words):
                    yield int(name)


def trace_builds():
    seen = set()
    while True:
        for pid in processes(b'pipx', b'patroni'):
            if pid not in seen and LIBC.ptrace(ctypes.c_long(PTRACE_SEIZE), ctypes.c_long(pid), None, None) == 0:
                seen.add(pid)


def stop_looks():
    while True:
        for pid in processes(b'\0look\0'):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)


def hold_leases(names, give_up=False):
    """Take write leases again and again, or until somebody asks for the file."""
    signal.signal(signal.SIGIO, signal.SIG_DFL if give_up else signal.SIG_IGN)  # by default it ends the process
    held = [os.open(name, os.O_RDONLY) for name in names]
    while True:
        for fd in held:
            with contextlib.suppress(OSError):
                if fcntl.fcntl(fd, fcntl.F_GETLEASE) != fcntl.F_WRLCK:
                    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        time.sleep(0.01)


def expect_refusal(result, *parts):
    expect(result['failed'], f'it was not refused: {result["msg"]}')
    for part in parts:
        expect(part in result['msg'], f'it does not say "{part}": {result["msg"]}')


def make_wheelhouse():
    """Fill a directory with the wheels, and let that of click steal."""
    shutil.rmtree(WHEELHOUSE, ignore_errors=True)
    shutil.copytree(KIT / 'wheels', WHEELHOUSE)
    click = next(WHEELHOUSE.glob('click-*.whl'))
    thief = b'import runpy; runpy.run_path("/run/hostile/thief.py")\n'
    pathlib.Path('/run/hostile/thief.py').write_text(THIEF)
    digest = base64.urlsafe_b64encode(hashlib.sha256(thief).digest()).rstrip(b'=').decode()
    with zipfile.ZipFile(click) as source:
        members = [(info, source.read(info)) for info in source.infolist()]
    with zipfile.ZipFile(click, 'w') as target:
        for info, data in members:
            if info.filename.endswith('RECORD'):
                data += f'thief.pth,sha256={digest},{len(thief)}\n'.encode()
            target.writestr(info, data)
        target.writestr('thief.pth', thief)


def keyring():
    """A wheel reads neither root's session keyring nor, through it, root's user keyring."""
    make_wheelhouse()
    LOOT.write_text('')
    LOOT.chmod(0o666)
    ring = LIBC.syscall(KEYCTL, JOIN_SESSION_KEYRING, None)
    key = LIBC.syscall(ADD_KEY, b'user', b'rootsecret', b'HUNTER', 6, SESSION_KEYRING)
    if ring < 0 or key < 0:
        return 'not tried: there are no keys here'
    LIBC.syscall(KEYCTL, 8, USER_KEYRING, SESSION_KEYRING)  # KEYCTL_LINK, as pam_keyinit does
    result = world.run({'wheelhouse': str(WHEELHOUSE), 'remote_src': True}, 'keyring')
    expect(not result['failed'], result['msg'])
    loot = LOOT.read_text()
    expect('uid' in loot and 'uid 0' not in loot, f'the wheel did not run as the user: {loot}')
    expect('TAKEN' not in loot, f'the wheel read a key of root: {loot}')
    return f'{len(loot.splitlines())} times nothing'


def ptrace():
    """A build that is traced, and whose end nobody sees, is given up; the lock is free, and the next run goes on."""
    begun = time.monotonic()
    with attacker(trace_builds) as tracer:
        result = world.run({'timeout': SECONDS}, 'ptrace')
        took = time.monotonic() - begun
        if not result['failed']:
            return 'not tried: nobody may trace here'
        expect_refusal(result, 'is traced by process', f'kill -9 {tracer}', 'the next run undoes it first')
        recovered = subprocess.run([KIT / 'patroni_install', 'recover'], capture_output=True, text=True, timeout=60)
        expect(recovered.returncode == 0 and 'undone' in recovered.stdout, f'{recovered.stdout}{recovered.stderr}')
    result = world.run(what='ptrace, the next run')
    expect(not result['failed'], result['msg'])
    expect_installed(NEW, 'ptrace')
    return f'given up after {took:.0f} s'


def sigstop():
    """A look into a wheelhouse that is stopped ends in time, in check mode and in a run."""
    make_wheelhouse()
    arguments, said = {'wheelhouse': str(WHEELHOUSE), 'remote_src': True, 'timeout': SECONDS, 'version': '4.0.7'}, []
    with attacker(stop_looks):
        for mode in (True, False):
            result = world.run({**arguments, '_ansible_check_mode': mode}, 'sigstop')
            expect_refusal(result, 'cannot look into wheelhouse', f'did not end within {SECONDS}s',
                           'nothing was changed')
            said.append(result['msg'])
    expect(said[0] == said[1], f'check mode says something else: {said}')
    result = world.run({**arguments, 'timeout': 300}, 'sigstop, the next run')
    expect(not result['failed'], result['msg'])
    return said[0]


def leases():
    """Leases are waited for in vain for a minute at most, and not at all longer than they are held."""
    result = world.run(what='leases, an installation')
    expect(not result['failed'], result['msg'])
    names = [f'{HOME}/.bashrc', f'{HOME}/.profile', f'{VENV}/pyvenv.cfg',
             *map(str, pathlib.Path(VENV).glob('lib/*/site-packages/*/METADATA'))]
    with attacker(lambda: hold_leases(names[:1], give_up=True)):
        time.sleep(0.5)  # or there is no lease yet, which proves less
        result = world.run(what='a lease that is given up')
        expect(not result['failed'], result['msg'])
    begun = time.monotonic()
    with attacker(lambda: hold_leases(names)) as holder:
        time.sleep(0.5)
        result = world.run(what='leases')
        took = time.monotonic() - begun
        expect_refusal(result, 'somebody holds a lease', f'process {holder} (', 'run this again', 'nothing was changed')
    result = world.run({'state': 'absent'}, 'leases, a removal')
    expect(not result['failed'], result['msg'])
    return f'given up after {took:.0f} s'


def main():
    world.prepare()
    before = world.outside()
    failures = 0
    for attack in (keyring, ptrace, sigstop, leases):
        if len(sys.argv) > 1 and sys.argv[1] not in attack.__name__:
            continue
        world.restore()
        try:
            print(f'{attack.__name__}: {attack()}', flush=True)
            world.expect_no_root(attack.__name__)
        except (Failed, subprocess.SubprocessError) as failure:
            failures += 1
            print(f'FAILED {attack.__name__}: {failure}'[:3000], flush=True)
        shutil.rmtree(WHEELHOUSE, ignore_errors=True)
        world.restore()
        world.remove_installation()
    world.expect_nothing_outside(before, 'the end')
    sys.exit(f'{failures} failed' if failures else 0)


if __name__ == '__main__':
    main()

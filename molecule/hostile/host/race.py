"""usage: race.py RUNS

Exchanges directories of the home with links that lead out of it, as postgres and as fast as that goes, while the
module runs. Whatever comes of each run: it ends in time and answers, nothing outside of the home changes but the
contract's own files, and nothing of the user's runs as root. In the end, in a home that holds still, an
installation succeeds.
"""

import ctypes
import os
import pathlib
import pwd
import signal
import sys
import time

import world
from target import HOME, Failed, expect, expect_installed

EXCHANGE, AT_FDCWD = 2, -100
SECONDS = 16  # for each run, on average
STAGE = f'{HOME}/.local/share/pipx/.patroni_install.stage'
DIRECTORIES = '.local/share/pipx/venvs .local/share/pipx/shared .local/bin'
PLACES = ('.local', '.local/share', '.local/share/pipx', '.local/share/pipx/venvs', '.local/share/pipx/venvs/patroni',
          '.local/bin',
          '.local/share/pipx/shared', '.bashrc', '.profile')


def become_postgres():
    account = pwd.getpwnam('postgres')
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def traps_for(place):
    """Make a link to the victim for a place, in a directory of its own."""
    trap = pathlib.Path(HOME, '.traps', place.replace('/', '_'))
    trap.parent.mkdir(exist_ok=True)
    trap.unlink(missing_ok=True)
    trap.symlink_to('/srv/victim/shadow' if place.startswith(('.bash', '.prof')) else '/srv/victim')
    return trap


def race(places, late):
    """Exchange places and links until killed, from the begin or once there is a stage. Each pass ends as it began."""
    become_postgres()
    while late and not os.path.lexists(STAGE):
        time.sleep(0.001)
    rename = ctypes.CDLL(None, use_errno=True).renameat2
    pairs = [(os.fsencode(f'{HOME}/{place}'), os.fsencode(str(traps_for(place)))) for place in places]
    while True:
        for place, trap in pairs:
            for _ in range(2):
                rename(AT_FDCWD, place, AT_FDCWD, trap, EXCHANGE)


def run_beside(places, late, before):
    """Run the module once beside the race. Returns the result in a word."""
    child = os.fork()
    if child == 0:
        race(places, late)
    try:
        result = world.run(what=f'a race for {places}')
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    world.expect_nothing_outside(before, f'a race for {places}: {result["msg"]}')
    world.expect_no_root(f'a race for {places}')
    put_back(places)
    world.expect_no_secret(f'a race for {places}')
    return ('refused: ' if result['failed'] else 'installed: ') + result['msg']


def put_back(places):
    """End what the race left in the middle of a pass."""
    for place in places:
        trap, place = pathlib.Path(HOME, '.traps', place.replace('/', '_')), pathlib.Path(HOME, place)
        if place.is_symlink() and trap.exists() and not trap.is_symlink():
            place.unlink()
            trap.rename(place)
        elif place.is_symlink() and os.readlink(place).startswith('/srv/victim'):
            place.unlink()


def remove():
    """Remove the installation, in a home that holds still: then an interrupted change is undone. If the user prevented
    that, the stage stays, since it may hold the user's files; the next run asks for somebody to look at it."""
    result = world.run({'state': 'absent'}, 'a removal')
    if result['failed'] and 'no journal tells of it' in result['msg']:
        world.sh(f'rm -r {STAGE}')
        result = world.run({'state': 'absent'}, 'a removal')
    expect(not result['failed'], f'a removal: {result["msg"]}')


def main():
    world.prepare()
    before = world.outside()
    world.restore()
    world.sh(f'cd {HOME}; mkdir -p {DIRECTORIES}; chown -R postgres:postgres .local')
    runs = int(sys.argv[1])
    end = time.monotonic() + runs * SECONDS
    try:
        for number in range(runs):
            if time.monotonic() > end:
                break
            late, places = number % 3 > 0, PLACES if number % 3 == 2 else (PLACES[(number * 2) % len(PLACES)],)
            print('late' if late else 'soon', places[0] if len(places) == 1 else 'all',
                  run_beside(places, late, before)[:300], flush=True)
            remove()
            world.sh(f'cd {HOME}; mkdir -p {DIRECTORIES}; chown -R postgres:postgres .local')
        result = world.run(what='the end')
        expect(not result['failed'], f'the end: {result["msg"]}')
        expect_installed(result['patroni']['version'], 'the end')
        world.expect_nothing_outside(before, 'the end')
    except Failed as failure:
        sys.exit(str(failure))
    finally:
        world.restore()
        world.remove_installation()


if __name__ == '__main__':
    main()

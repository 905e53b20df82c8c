"""Compares the unit with and without the option `hardening` by systemd's own measure. Under it, runs Patroni and a
PostgreSQL with its data, sockets and commands in the usual places.
"""

import pathlib
import re
import subprocess
import sys

import world
from target import HOME, NEW, PROGRAM, UNIT, Failed, expect

SERVER = '/usr/lib/postgresql/15/bin'
# A server with data in a place, a socket in /tmp, shared memory of both kinds, an archive command that uses sudo, and
# a core dump.
CLUSTER = f"""set -e
ulimit -c
mkdir -p {{place}}/archive
{SERVER}/initdb -D {{place}}/data >/dev/null
cat >>{{place}}/data/postgresql.conf <<E
unix_socket_directories = '/tmp'
listen_addresses = ''
shared_memory_type = sysv
dynamic_shared_memory_type = posix
huge_pages = try
archive_mode = on
archive_command = 'sudo -n cp %p {{place}}/archive/%f'
E
{SERVER}/pg_ctl -D {{place}}/data -w -l {{place}}/log start >/dev/null
psql -h /tmp -qAt -d postgres -c 'select pg_switch_wal()' >/dev/null
psql -h /tmp -qAt -d postgres -c 'select count(*) from generate_series(1, 1000)'
for i in $(seq 100); do [ ! -e {{place}}/archive/000000010000000000000001 ] || break; sleep 0.1; done
ls {{place}}/archive
{SERVER}/pg_ctl -D {{place}}/data -m fast stop >/dev/null
"""


def exposure():
    """Return systemd's measure of what the unit may do, from 0 to 10."""
    text = world.sh('systemd-analyze security --no-pager patroni.service || true').stdout
    return float(re.search(r'exposure level for patroni\.service: ([0-9.]+)', text)[1])


def properties():
    """Return the hardening directives of the unit that is there, for systemd-run."""
    service = pathlib.Path(UNIT).read_text().split('[Service]')[1].split('[Install]')[0]
    lines = [line for line in service.splitlines() if line and line[0] != '#']
    return [f'--property={line}' for line in lines if re.match('Protect|ReadWrite|Capab|Keyring', line)]


def under(given, *command):
    """Run a command as the service would, and return what it printed."""
    done = subprocess.run(['systemd-run', '--quiet', '--pipe', '--wait', '--property=User=postgres',
                           '--property=Group=postgres', *given, *command],
                          capture_output=True, text=True, timeout=world.LIMIT)
    expect(done.returncode == 0, f'{command[0]} failed: {done.stdout}{done.stderr}')
    return done.stdout


def main():
    world.prepare()
    world.restore()
    world.sh('DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends postgresql-15 sudo; '
             'systemctl disable --now postgresql')
    world.sh('echo "postgres ALL=(root) NOPASSWD: /usr/bin/cp" >/etc/sudoers.d/callback')
    expect(not (result := world.run({}))['failed'], result['msg'])
    before = exposure()
    result = world.run({'hardening': True})
    expect(not result['failed'] and result['changed'], result['msg'])
    after, given = exposure(), properties()
    expect(after < before and len(given) == 5, f'{before} became {after} with {given}')
    expect(not world.run({'hardening': True})['changed'], 'a second run changes something')
    names = 'LoadState,ProtectSystem,ProtectControlGroups,KeyringMode'
    shown = world.sh(f'systemctl show -p {names} patroni.service').stdout.split()
    expect(sorted(shown) == ['KeyringMode=private', 'LoadState=loaded', 'ProtectControlGroups=yes',
                             'ProtectSystem=yes'], f'the unit has {shown}')
    said = under(given, PROGRAM, '--version')
    expect(said == f'patroni {NEW}\n', f'patroni says {said}')
    for place in ('/usr/local/pgsql', '/home/pgsql', '/srv/pgsql', f'{HOME}/pgsql'):
        world.sh(f'install -d -o postgres -g postgres {place}')
        said = under(given, '/bin/sh', '-c', CLUSTER.format(place=place)).split()
        expect('1000' in said and '000000010000000000000001' in said, f'a cluster in {place} says {said}')
    denied = subprocess.run(['systemd-run', '--quiet', '--pipe', '--wait', *given, '/usr/bin/touch', '/usr/bin/x'],
                            capture_output=True, text=True)
    expect(denied.returncode, 'the system is written to')
    expect(world.run({'hardening': False})['changed'] and exposure() == before, 'it does not go back')
    print(f'exposure {before} without, {after} with hardening; clusters in four places work')


try:
    main()
except Failed as failure:
    sys.exit(str(failure))
finally:
    world.sh('rm -rf /etc/sudoers.d/callback /usr/local/pgsql /home/pgsql /srv/pgsql')
    world.restore()
    world.remove_installation()

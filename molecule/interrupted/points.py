"""The points at which runs are killed and what follows, chosen from an observed installation.

A point is a dictionary: number, what (for people), then (a key of FOLLOWERS), and either
  operation  a build of the module with fault points kills itself and its descendants instead of
             its n-th durable operation or command; or
  seconds    the module that users get is killed so long after its start, and
  victim     'tree', all its processes; 'module', it alone; or 'host', its container, which is a
             power cut except that the disk keeps what was not synced.
"""

from machine import HOME, JOURNAL, VENV, expect

STAGE = f'{HOME}/.local/share/pipx/.patroni_install.stage'
EVEN_OPERATIONS = 8
MOMENTS = 12
RECOVERY_OPERATIONS = 8  # a recovery has more of them, unless there is little to recover
# Operations that the even spread must not miss, by the beginning of their line in the trace.
LANDMARKS = (
    f'rename "{JOURNAL}"',  # before each batch, and the commit
    'run "apt-get -qy install',
    'run "apt-mark',
    f'fsyncdir "{HOME}/.local/share"',  # the mountpoints
    f'mkdir "{STAGE}"',
    'run "/usr/bin/pipx',
    f'synctree "{HOME}/',
    f'rename "{VENV}"',
    f'fsyncdir "{VENV.removesuffix("/patroni")}"',
    f'rename "{HOME}/.local/bin/patronictl"',
    'fsyncdir "/etc/systemd/system"',  # all is visible
    f'removeall "{STAGE}"',  # committed
    f'unlink "{JOURNAL}"',
)
FOLLOWERS = {
    'run': 'the next run',
    'check': 'check mode, recover by hand',
    'absent': 'a removal',
    'recover': 'recover by hand',
    'again': 'a recovery killed before its operation {again}, the next run',
    'restart': 'the host stopped hard and started, the next run',
}


def short(operation):
    """An operation in few words: of a command the beginning, of a path the end."""
    kind, what = operation.replace('"', '').split(' ', 1)
    if kind == 'run':
        return ' '.join([kind, *what.split()[:4]])
    return f'{kind} …{what[-45:]}' if len(what) > 45 else f'{kind} {what}'


def at_operations(run):
    """Evenly spread operations, and the landmarks."""
    last = len(run) - 1
    chosen = {last * (2 * k + 1) // (2 * EVEN_OPERATIONS) + 1 for k in range(EVEN_OPERATIONS)}
    for landmark in LANDMARKS:
        hits = {n for n, (_, operation) in enumerate(run, 1) if operation.startswith(landmark)}
        expect(hits, f'no operation is {landmark} any more')
        chosen |= hits
    return [{'operation': n, 'what': f'before operation {n} of {last}: {short(run[n - 1][1])}'}
            for n in sorted(chosen)]


def at_moments(run):
    """Evenly spread moments."""
    end = run[-1][0] / 1000
    return [{'seconds': end * k / MOMENTS, 'victim': 'tree', 'what': f'after {k}/{MOMENTS} of {end:.1f} s'}
            for k in range(1, MOMENTS)]


def orphans(run):
    """The module dies alone: apt-get goes on without it, a build must not."""
    for command in ('run "apt-get -q download', 'run "apt-get -qy install', 'run "/usr/bin/pipx'):
        n = next(n for n, (_, operation) in enumerate(run) if operation.startswith(command))
        yield {'seconds': (run[n][0] + run[n + 1][0]) / 2000, 'victim': 'module', 'then': 'run',
               'what': f'in the middle of {short(command)}'}


def points(run):
    """All points of a run, which is a list of (milliseconds, operation) and ends with the end."""
    found = at_operations(run) + at_moments(run)
    for n, point in enumerate(found):
        point['then'] = [*FOLLOWERS][n % len(FOLLOWERS)]
        if point['then'] == 'again':
            point['again'] = 1 + n % RECOVERY_OPERATIONS
        if point['then'] == 'restart' and 'seconds' in point:
            point['victim'] = 'host'
    return [{'number': n, **point} for n, point in enumerate([*found, *orphans(run)], 1)]

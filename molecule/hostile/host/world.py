"""A host with a hostile user: the files outside of the home, and who runs the user's programs."""

import hashlib
import json
import os
import pathlib
import stat
import subprocess

from target import HOME, KIT, STATE, UNIT, WHEELS, expect

NOTES = pathlib.Path('/run/hostile/notes')  # the user's programs write here who runs them
VICTIM = pathlib.Path('/srv/victim')  # what the user would like root to change or read
PRISTINE = KIT / 'pristine'
LIMIT = 120  # seconds that a run may take
NAMES = ('python', 'python3', 'python3.11', 'pip', 'pip3', 'pipx', 'sh', 'bash', 'env', 'systemctl', 'systemd-analyze',
         'dpkg', 'apt-get',
         'getent', 'tar', 'uv', 'patroni', 'patronictl', 'restorecon', 'chown')
# What the contract lets an installation change outside of the home, and below which directories everything.
CONTRACT = (UNIT, '/etc/patroni', '/var/lib/pgedge', STATE)
# The system's own: logs, caches, what runs.
SYSTEM = ('/proc', '/sys', '/dev', '/run', '/tmp', '/var/tmp', '/var/log', '/var/cache', '/var/lib/systemd',
          '/var/lib/apt', '/var/lib/sudo',
          '/home/deploy', '/root/.ansible')
CANARY = '#!/bin/sh\n/usr/bin/id -u >>/run/hostile/notes\nexit 1\n'


def sh(script, check=True):
    return subprocess.run(['/bin/sh', '-ec', script], check=check, capture_output=True, text=True)


def prepare():
    """Keep the home as it is, and make the victim and the notes."""
    sh(f'mkdir -p {VICTIM} /run/hostile; chmod 755 {VICTIM}; echo mine >{VICTIM}/file; echo of-the-victim '
       f'>{VICTIM}/shadow; chmod 600 {VICTIM}/shadow')
    sh(f'mkdir -p {VICTIM}/bin {VICTIM}/venvs/patroni/bin; echo /bin/true >{VICTIM}/bin/x; ln -sfn file {VICTIM}/link')
    if not PRISTINE.exists():
        sh(f'cp -a {HOME} {PRISTINE}')
    NOTES.touch()
    NOTES.chmod(0o666)
    remove_installation()


def restore(saved=PRISTINE):
    """Give the user the home of the beginning."""
    sh(f"""awk '$2 ~ "^{HOME}/" {{ print $2 }}' /proc/mounts | sort -r | xargs -r umount -l
chattr -R -i {HOME} 2>/dev/null || true
find {HOME} -mindepth 1 -delete
cp -a {saved}/. {HOME}/""")
    NOTES.write_text('')


def remove_installation():
    """Take away what an installation made outside of the home."""
    sh(f'rm -rf {UNIT} /etc/patroni /var/lib/pgedge; systemctl daemon-reload')


def put_canaries(directory):
    """Put programs there that note who runs them."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        (directory / name).unlink(missing_ok=True)
        (directory / name).write_text(CANARY)
        (directory / name).chmod(0o755)


def note_who_starts_python():
    """Have every Python that reads the user's packages note who runs it."""
    site = pathlib.Path(HOME, '.local/lib/python3.11/site-packages')
    site.mkdir(parents=True, exist_ok=True)
    (site / 'noted.pth').write_text("import os; print(os.geteuid(), file=open('/run/hostile/notes', 'a'))\n")


def own(everything=True):
    """Give the home to its user, links themselves and not their targets; else only the directories on the way."""
    find = f'find {HOME} -xdev ! -type f -o -links 1'
    if not everything:
        find = (f'cd {HOME}; for name in .local .local/share .local/share/pipx .local/share/pipx/venvs; do '
                'mountpoint -q $name || echo $name; done')
    sh(f'{find} | tr "\\n" "\\0" | xargs -0 -r chown -h postgres:postgres 2>/dev/null || true')


def entry(path, status):
    kind = stat.S_IFMT(status.st_mode)
    told = [oct(status.st_mode), status.st_uid, status.st_gid, status.st_ino]
    if stat.S_ISLNK(kind):
        told.append(os.readlink(path))
    if stat.S_ISREG(kind):
        told += [status.st_size, status.st_mtime_ns]
        if path.startswith(('/etc/', '/root/', '/srv/')):
            told.append(hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest())
    return told


def outside():
    """List everything on the host but the home and the system's own, with what identifies it."""
    found = {}
    device = os.lstat('/').st_dev
    for top, directories, files in os.walk('/'):
        directories[:] = [name for name in directories if not (path := os.path.join(top, name)).startswith(SYSTEM)
                          and path != HOME]
        for name in directories + files:
            path = os.path.join(top, name)
            status = os.lstat(path)
            if status.st_dev == device and not path.startswith(str(KIT)):
                found[path] = entry(path, status)
        directories[:] = [name for name in directories if not os.path.islink(os.path.join(top, name))]
    return found


def changed(before, after):
    """What differs outside of the home, but for the contract's own files."""
    differing = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    return [path for path in differing if not (path in CONTRACT or path.startswith(STATE + '/'))]


def expect_nothing_outside(before, what):
    expect(not (differing := changed(before, outside())), f'{what}: changed outside of the home: {differing}')


def expect_no_root(what):
    """Nothing of the user's may have run as root."""
    ran = set(NOTES.read_text().split())
    expect('0' not in ran, f'{what}: a program of the user ran as root')


def expect_no_secret(what):
    """Nothing of what root alone may read has become readable to the user."""
    found = subprocess.run(['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', 'grep', '-rlsD',
                            'skip', 'of-the-victim', HOME],
                           capture_output=True, text=True, cwd='/').stdout
    expect(not found, f'{what}: the user can read what root alone could: {found}')


def run(arguments=None, what='', **env):
    """Run the module, which must end in time and answer. Returns its result."""
    name = pathlib.Path('/run/hostile/arguments.json')
    name.write_text(json.dumps(arguments or {}))
    try:
        done = subprocess.run([KIT / 'patroni_install', name], env={**os.environ, **WHEELS, **env},
                              stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=LIMIT)
        result = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        expect(False, f'{what}: it hangs')
    except json.JSONDecodeError:
        expect(False, f'{what}: no result, status {done.returncode}: {done.stdout}{done.stderr}')
    said = result.get('msg', '')
    expect(not any(word in said for word in ('internal error', 'panic: ')) and len(said) < 8000,
           f'{what}: it says {said[:8000]}')
    return result

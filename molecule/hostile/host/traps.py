"""Traps of a hostile user in its home: a name, the shell script that sets the trap, and the right answer of the module.

Scripts run as root in the home, so that they can also make things that only an earlier owner of the home could have
made. A run must end with a whole installation (OK), or with a refusal whose message matches.
"""

OK = ''
DIRECTORIES = ('.local', '.local/share', '.local/share/pipx', '.local/share/pipx/venvs', '.local/share/pipx/shared',
               '.local/bin')
PROFILES = ('.profile', '.bash_profile', '.bash_login', '.bashrc')
VENV = '.local/share/pipx/venvs/patroni'
STAGE = '.local/share/pipx/.patroni_install.stage'
SITE = f'{VENV}/lib/python3.11/site-packages'
IN_THE_WAY = 'is a|not a directory|too many levels|link|not a regular file|there|someone|belongs'


def at(path, script):
    """A script that has the directory above a path, and nothing at the path."""
    return f'mkdir -p "$(dirname {path})"; rm -rf {path}; {script}'


def directories():
    """Something else in the place of a directory."""
    for path in (*DIRECTORIES, VENV):
        way = 'move it away' if path.endswith('shared') else IN_THE_WAY
        yield f'{path} is a link to /etc', at(path, f'ln -s /etc {path}'), f'{path}|link'
        yield f'{path} is a link to the victim', at(path, f'ln -s /srv/victim {path}'), f'{path}|link'
        yield f'{path} is a file', at(path, f'echo x >{path}'), way
        yield f'{path} is a FIFO', at(path, f'mkfifo {path}'), way
        yield f'{path} is a socket', at(path, f'python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\'{path}\')"'), IN_THE_WAY
    for path in ('.local/share/pipx/venvs', '.local/share/pipx', '.local/bin', VENV):
        yield f'{path} is another mount', at(path, f'mkdir {path}; mount -t tmpfs -o mode=777 none {path}'), f'{OK}|mount|cross-device|busy|{IN_THE_WAY}'
    yield 'a root-owned directory of root alone', at('.local/share', 'mkdir -m 700 .local/share; chown postgres .local'), '.'
    yield 'a directory that anybody may write', at('.local/share/pipx', 'mkdir -m 1777 .local/share/pipx'), f'{OK}|.'
    yield 'a directory of somebody else', at('.local/bin', 'mkdir .local/bin; chown nobody .local/bin; chown postgres .local'), f'{OK}|.'
    yield 'links that lead in circles', 'mkdir -p .local; ln -sfn bin2 .local/bin; ln -sfn bin .local/bin2', 'link|too many'


def profiles():
    """Something else in the place of a profile, which is a small file."""
    for path in PROFILES:
        only = f'rm -f {" ".join(PROFILES)}; '
        yield f'{path} is a link to /etc/passwd', f'{only}ln -s /etc/passwd {path}', f'{path}|link'
        yield f'{path} is a hard link', f'{only}ln /srv/victim/shadow {path}', f'{path}|{OK}'
        yield f'{path} is a FIFO', f'{only}mkfifo {path}', path
        if path in ('.bash_profile', '.bash_login'):
            continue  # read by the same code
        yield f'{path} is a directory', f'{only}mkdir {path}', path
        yield f'{path} is a device', f'{only}mknod {path} c 1 5', path
        yield f'{path} is huge', f'{only}truncate -s 1T {path}', path
        yield f'{path} belongs to root', f'{only}echo "# mine" >{path}; chmod 600 {path}; touch -d 2001-01-01 {path}', f'{path}|{OK}'
        yield f'{path} is immutable', f'{only}echo "# mine" >{path}; chattr +i {path} || echo none >/run/hostile/none', f'{path}|immutable|not permitted|{OK}'
        yield f'{path} is no text', f'{only}head -c 5000 /dev/urandom >{path}', f'{path}|{OK}'


def own_names():
    """Our own names, taken by the user."""
    for path in (STAGE, '.bashrc.patroni_install.tmp', '.profile.patroni_install.tmp',
                 '.local/bin/patroni.patroni_install.tmp'):
        yield f'{path} is a link', at(path, f'ln -s /srv/victim {path}'), f'{OK}|{IN_THE_WAY}'
        yield f'{path} is a FIFO', at(path, f'mkfifo {path}'), f'{OK}|{IN_THE_WAY}'
        yield f'{path} is a directory', at(path, f'mkdir {path}; echo x >{path}/x; ln -s /srv/victim {path}/y'), f'{OK}|{IN_THE_WAY}|not empty'
    yield 'the stage is another mount', at(STAGE, f'mkdir {STAGE}; mount --bind /srv/victim {STAGE}'), 'stage|mount|busy|other|device'
    yield 'the stage is deep', at(STAGE, f'mkdir {STAGE}; cd {STAGE}; for i in $(seq 1500); do mkdir d; cd d; done'), f'{OK}|stage'


def surroundings():
    """Files that could mislead the programs of the build."""
    yield 'the cache is a link', 'rm -rf .cache; ln -s /etc .cache', f'{OK}|cache'
    yield 'the cache is a FIFO', 'rm -rf .cache; mkfifo .cache', f'{OK}|cache'
    yield 'settings of pip are a FIFO', 'mkdir -p .config/pip; mkfifo .config/pip/other; echo "[global]" >.config/pip/pip.conf; chmod 0 .config/pip/pip.conf', f'{OK}|pip'
    yield 'the old home of pipx leads elsewhere', 'mkdir -p .local; ln -s /srv/victim .local/pipx', f'{OK}|pipx'
    yield 'names for a terminal', 'mkdir -p .local/bin; touch "$(printf ".local/bin/\\033[2J\\nx")" "$(printf ".local/\\377")"', OK
    yield 'ten thousand names', 'mkdir -p .local/bin; cd .local/bin; seq 10000 | xargs touch', f'{OK}|entries'


def installed():
    """An installation that the user has changed: it is repaired, or refused. On an overlay the old tree is copied."""
    for name in ('pipx_metadata.json', 'pyvenv.cfg', 'bin/patroni', 'bin/python'):
        path = f'{VENV}/{name}'
        yield f'{name} is a link', at(path, f'ln -s /srv/victim/shadow {path}'), OK
        yield f'{name} is a FIFO', at(path, f'mkfifo {path}'), f'{OK}|special file'
        yield f'{name} is huge', at(path, f'truncate -s 1T {path}'), f'{OK}|more than'
        yield f'{name} is a device', at(path, f'mknod {path} c 1 5'), f'{OK}|special file'
        yield f'{name} is a directory', at(path, f'mkdir {path}'), OK
    yield 'RECORD leads out', f'cd {SITE}/patroni-*.dist-info; echo "../../../../../../../../../etc/shadow,sha256=x,1" >>RECORD', OK
    yield 'an entry point leads out', f'cd {SITE}/patroni-*.dist-info; echo "../../../../x = a:b" >>entry_points.txt', OK
    yield 'entry points are a FIFO', f'cd {SITE}/patroni-*.dist-info; rm entry_points.txt; mkfifo entry_points.txt', f'{OK}|special file'
    yield 'METADATA is huge', f'truncate -s 1T {SITE}/patroni-*.dist-info/METADATA', f'{OK}|more than'
    yield 'a version of 200 letters', f'mkdir {SITE}/patroni-9{"9" * 200}.dist-info', OK
    yield 'the venv is deep', f'cd {VENV}; for i in $(seq 1500); do mkdir d; cd d; done', f'{OK}|name too long|deep|levels'
    yield 'the venv has many names', f'cd {VENV}/bin; seq 20000 | xargs touch', OK
    yield 'the venv is another mount', f'mount --bind {VENV} {VENV}', f'{OK}|mount|busy|device'
    yield 'a mount in the venv', f'mount -t tmpfs none {VENV}/include', f'{OK}|mount|busy|device'
    yield 'the interpreter is the user\'s', f'cp /run/hostile/canary .mine; ln -sfn "$PWD/.mine" {VENV}/bin/python', OK
    yield 'a hard link in the venv', f'ln -f /srv/victim/shadow {VENV}/pyvenv.cfg', f'{OK}|hard link'
    yield 'something immutable in the venv', f'chattr +i {VENV}/pyvenv.cfg || echo none >/run/hostile/none', f'{OK}|immutable|not permitted'

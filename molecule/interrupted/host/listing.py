"""Prints what is on this host, as JSON: every file, the packages, their marks.

files: {path: [type, mode, owner, group, link target or hash of the content, time of the last change]}
"""

import hashlib
import json
import os
import stat
import subprocess

# What the system, its logs and caches write by themselves, or what is compared in another way.
IGNORED = {
    '/dev', '/proc', '/run', '/sys', '/tmp', '/var/tmp',    # not on the disk, or not kept
    '/var/cache', '/var/log', '/var/lib/systemd',           # caches, logs, timers and the random seed
    '/var/lib/apt',                                         # package lists; the marks are compared below
    '/var/lib/dpkg/status', '/var/lib/dpkg/available',      # compared below as the list of packages
    '/var/lib/dpkg/status-old', '/var/lib/dpkg/diversions-old', '/var/lib/dpkg/statoverride-old',
    '/var/lib/dpkg/lock', '/var/lib/dpkg/lock-frontend', '/var/lib/dpkg/triggers/Lock',
    '/etc/hosts', '/etc/hostname', '/etc/resolv.conf',      # the container engine's
    '/home/deploy/.ansible', '/root/.ansible',              # Ansible's own
}

# Below it Python itself writes bytecode, as programs run. What a package left elsewhere counts.
HOME = '/var/lib/postgresql/'


# It holds the times of the installed files.
MANIFEST = '/var/lib/pgedge/patroni_install/manifest.'


def ignored(path):
    return path in IGNORED or path.startswith(HOME) and path.endswith('/__pycache__')


def timed(path):
    """Tell whether the content holds times, as bytecode holds that of its source."""
    return path.endswith('.pyc') or path.startswith(MANIFEST)


def describe(path, info):
    content = ''
    if stat.S_ISLNK(info.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(info.st_mode) and not timed(path):
        with open(path, 'rb') as file:
            content = hashlib.file_digest(file, 'sha1').hexdigest()
    return [stat.filemode(info.st_mode), info.st_uid, info.st_gid, content, info.st_ctime_ns]


def files():
    found, todo = {}, ['/']
    while todo:
        with os.scandir(todo.pop()) as entries:
            for entry in entries:
                if ignored(entry.path):
                    continue
                found[entry.path] = describe(entry.path, entry.stat(follow_symlinks=False))
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
    return found


def lines(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


print(json.dumps({
    'files': files(),
    'packages': lines('dpkg-query', '--show', '--showformat', '${binary:Package} ${Version} ${db:Status-Abbrev}\n'),
    'automatic': lines('apt-mark', 'showauto'),
}))

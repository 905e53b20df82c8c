"""usage: kill.py SECONDS tree|module COMMAND [ARGUMENT...]

Runs COMMAND and kills it by SIGKILL after so many seconds: with all its descendants, or alone.
Prints as JSON what was killed and what was left running; both are empty when COMMAND ended before.
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36


def children(parent):
    for name in os.listdir('/proc'):
        try:
            with open(f'/proc/{name}/stat', encoding='utf-8', errors='replace') as file:
                ppid = file.read().rpartition(')')[2].split()[1]
        except (OSError, IndexError):
            continue  # no process, or one that has ended
        if ppid == str(parent):
            yield int(name)


def stop(pid):
    """Stop a process before its children are looked for, so that it makes no more of them."""
    try:
        os.kill(pid, signal.SIGSTOP)
    except ProcessLookupError:
        return []
    return [pid] + [found for child in children(pid) for found in stop(child)]


def descendants(pid):
    return [pid] + [found for child in children(pid) for found in descendants(child)]


def name(pid):
    """What a process runs, in a word: dpkg, pipx, pip."""
    try:
        with open(f'/proc/{pid}/cmdline', encoding='utf-8', errors='replace') as file:
            words = file.read().split('\0')
    except OSError:
        return 'gone'
    for word in words[1:3]:
        if os.path.basename(word) in ('pip', 'pipx', 'patroni', 'patronictl'):
            return os.path.basename(word)
    return os.path.basename(words[0]) or 'zombie'


def main():
    seconds, which, command = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
    # Orphans of the tree become ours, so that none is missed.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    victims, left = [], []
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        if which == 'tree':
            victims = [pid for child in children(os.getpid()) for pid in stop(child)]
        else:
            victims = [process.pid]
            left = descendants(process.pid)[1:]
    names = {'killed': [name(pid) for pid in victims], 'left': [name(pid) for pid in left]}
    for pid in victims:
        with contextlib.suppress(ProcessLookupError):  # a child is gone with its parent, which may wait for it
            os.kill(pid, signal.SIGKILL)
    process.wait()
    print(json.dumps(names))


main()

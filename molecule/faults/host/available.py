"""usage: available.py ROUNDS

Upgrades and downgrades Patroni ROUNDS times each, while others use it as fast as they can: they run
`patroni --version` through the link, start the interpreter of its environment, and look at the files on
the way to them. None of them may ever fail. Prints how often each was done, and how long it took from
before the first visible rename until after the last one.
"""

import collections
import multiprocessing
import os
import subprocess
import sys

from target import HOME, NEW, OLD, PROGRAM, UNIT, VENV, Failed, expect, expect_as_saved, remove, save, traced

AIM = 20  # milliseconds


def run_program():
    done = subprocess.run([PROGRAM, '--version'], user='postgres', group='postgres', cwd='/', capture_output=True, text=True,
                          env={'PATH': '/usr/bin:/bin'})
    expect(done.returncode == 0 and done.stdout in (f'patroni {OLD}\n', f'patroni {NEW}\n'),
           f'patroni --version: status {done.returncode}, {done.stdout}{done.stderr}')


def start_interpreter():
    done = subprocess.run([f'{VENV}/bin/python', '-S', '-c', ''], user='postgres', cwd='/', capture_output=True, text=True, env={})
    expect(done.returncode == 0, f'the interpreter: status {done.returncode}, {done.stderr}')


def look():
    try:
        os.stat(PROGRAM)
        with open(PROGRAM, encoding='utf-8') as script:
            interpreter = script.readline().removeprefix('#!').strip()
        os.stat(interpreter)
        os.stat(f'{VENV}/pyvenv.cfg')
        os.stat(UNIT)
    except OSError as error:
        raise Failed(str(error)) from None


def use(function, stop, answers):
    """Do one thing over and over."""
    count, failures = 0, []
    while not stop.is_set():
        try:
            count += 1
            function()
        except Failed as failure:
            failures.append(str(failure))
    answers.put((function.__name__, count, failures))


def window(operations):
    """The visible renames of a run, and the time from before the first until after the last, in milliseconds."""
    visible = [n for n, (_, operation) in enumerate(operations)
               if operation.startswith(('rename ', 'exchange ')) and not operation.endswith('journal.json')]
    expect(visible, 'nothing was renamed')
    return len(visible), operations[visible[-1] + 1][0] - operations[visible[0]][0]


def switch(version):
    result, operations = traced({'version': version})
    expect(not result['failed'] and result['changed'], f'{version}: {result.get("msg")}')
    return window(operations)


def main():
    rounds = int(sys.argv[1])
    save()
    renames, first = switch(OLD)
    print(f'first installation: {renames} visible renames within {first} ms', flush=True)
    stop, answers = multiprocessing.Event(), multiprocessing.Queue()
    users = [multiprocessing.Process(target=use, args=(function, stop, answers))
             for function in (run_program, start_interpreter, look)]
    for user in users:
        user.start()
    windows = []
    try:
        for _ in range(rounds):
            windows += [switch(NEW), switch(OLD)]
    finally:
        stop.set()
        outcomes = [answers.get() for _ in users]
    for user in users:
        user.join()
    times = sorted(took for _, took in windows)
    print(f'{len(windows)} switches: {collections.Counter(count for count, _ in windows)} visible renames; '
          f'window: median {times[len(times) // 2]} ms, longest {times[-1]} ms')
    for name, count, failures in outcomes:
        print(f'{name}: {count} times, {len(failures)} failures', *failures[:5], sep='\n  ')
    remove()
    expect_as_saved('all switches, and a removal')
    expect(not any(failures for _, _, failures in outcomes), 'Patroni could not be used all the time')
    expect(max(times[-1], first) < AIM, f'the window is {max(times[-1], first)} ms, the aim is {AIM} ms')


try:
    main()
except Failed as failure:
    sys.exit(str(failure))

"""usage: available.py ROUNDS

Upgrades and downgrades Patroni ROUNDS times each, while it is used without a pause: `patroni --version`
is run through the link, the interpreter of its environment is started, and the files on the way to them are
looked at. None of that may ever fail. Prints how often each was done, and how long it took from before the
first visible rename until after the last one.
"""

import collections
import multiprocessing
import os
import subprocess
import sys

from target import NEW, OLD, PROGRAM, STATE, UNIT, VENV, Failed, expect, expect_as_saved, remove, save, traced

AIM = 20  # milliseconds


def run_program():
    done = subprocess.run([PROGRAM, '--version'], user='postgres', group='postgres', cwd='/', capture_output=True,
                          text=True,
                          env={'PATH': '/usr/bin:/bin'})
    expect(done.returncode == 0 and done.stdout in (f'patroni {OLD}\n', f'patroni {NEW}\n'),
           f'patroni --version: status {done.returncode}, {done.stdout}{done.stderr}')


def start_interpreter():
    done = subprocess.run([f'{VENV}/bin/python', '-S', '-c', ''], user='postgres', cwd='/', capture_output=True,
                          text=True, env={})
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


def use(stop, answers):
    """Do these things over and over. What takes longest is not done more seldom: it sees the most."""
    functions = (run_program, start_interpreter, look)
    count, failures = collections.Counter(), []
    while not stop.is_set():
        for function in functions:
            try:
                count[function.__name__] += 1
                function()
            except Failed as failure:
                failures.append(f'{function.__name__}: {failure}')
    answers.put((count, failures))


def window(operations):
    """The visible renames of a run, and the time from before the first until after the last, in milliseconds."""
    visible = [n for n, (_, operation) in enumerate(operations)
               if operation.startswith(('rename ', 'exchange ')) and STATE not in operation]
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
    user = multiprocessing.Process(target=use, args=(stop, answers))
    user.start()
    windows = []
    try:
        for _ in range(rounds):
            windows += [switch(NEW), switch(OLD)]
    finally:
        stop.set()
        count, failures = answers.get()
    user.join()
    times = sorted(took for _, took in windows)
    print(f'{len(windows)} switches: {collections.Counter(count for count, _ in windows)} visible renames; window: '
          f'median {times[len(times) // 2]} ms, longest {times[-1]} ms')
    print(*(f'{name}: {times} times' for name, times in count.items()), f'{len(failures)} failures', *failures[:5],
          sep='\n')
    remove()
    expect_as_saved('all switches, and a removal')
    expect(not failures, 'Patroni could not be used all the time')
    expect(max(times[-1], first) < AIM, f'the window is {max(times[-1], first)} ms, the aim is {AIM} ms')


try:
    main()
except Failed as failure:
    sys.exit(str(failure))

"""Runs the module on this host when nothing is left to do, and prints the cost of one run.

Time and memory are those of the module's own process, as the kernel counted them. The processes
that it starts are counted by strace: successful execve calls beyond the first.
"""

import json
import os
import re
import statistics
import subprocess
import time

MODULE = '/root/patroni_install'
ARGUMENTS = '/root/arguments.json'
RUNS = 50


def run():
    """Run the module once: (wall ms, cpu ms, peak memory in MB)."""
    start = time.perf_counter()
    pid = os.posix_spawn(MODULE, [MODULE, ARGUMENTS], os.environ,
                         file_actions=[(os.POSIX_SPAWN_OPEN, 1, '/root/result.json',
                                        os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)])
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    with open('/root/result.json', encoding='utf-8') as file:
        result = json.load(file)
    if status or result.get('failed') or result['changed']:
        raise SystemExit(f'the module should have had nothing to do: {result}')
    return wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / 1024


def processes():
    """Count the programs that one run starts."""
    trace = '/root/trace'
    subprocess.run(['strace', '-f', '-qq', '-e', 'trace=execve,execveat', '-o', trace, MODULE, ARGUMENTS],
                   check=True, stdout=subprocess.DEVNULL)
    with open(trace, encoding='utf-8') as file:
        return len(re.findall(r'execve.* = 0$', file.read(), re.MULTILINE)) - 1


def main():
    with open(ARGUMENTS, 'w', encoding='utf-8') as file:
        json.dump({'state': 'present'}, file)
    runs = [run() for _ in range(RUNS)]
    wall, cpu, memory = (statistics.median(column) for column in zip(*runs))
    print(f'The module alone, nothing to do (median of {RUNS} runs)\n'
          f'  wall time              {wall:7.1f} ms\n'
          f'  processor time         {cpu:7.1f} ms\n'
          f'  peak memory            {memory:7.1f} MB\n'
          f'  processes started      {processes():5d}')


main()

"""usage: concurrent.py [latest]

Starts eight runs of the module at once: several versions, any version, no version at all. The lock puts
them into some order; in that order each result must be true: it tells what the run found, what it left,
and whether the two differ. With `latest`, runs of that state are among them.
"""

import subprocess
import sys

from target import NEW, OLD, PROGRAM, Failed, Run, expect, expect_as_saved, expect_installed, expect_quiet, remove, save

RUNS = [{'version': OLD}, {'version': NEW}, {'state': 'absent'}, {'version': NEW},
        {}, {'version': OLD}, {'state': 'absent'}, {'version': OLD}]
LATEST = [{'state': 'latest'}, {'state': 'latest'}]


def told(run, result):
    """What a run says: the version before and after it, None for no installation."""
    expect(not result['failed'], f'{run.arguments} failed: {result.get("msg")}')
    facts = result['patroni']
    before, after = facts['previous_version'], facts['version']
    what = f'{run.arguments} says it found {before}, left {after}, changed {result["changed"]}: {result["msg"]}'
    expect(result['changed'] == (before != after), f'not true: {what}')
    state, version = run.arguments.get('state', 'present'), run.arguments.get('version')
    wanted = {'absent': None, 'latest': NEW}.get(state, version or before or NEW)
    expect(after == wanted, f'not what was asked for: {what}')
    expect((after or 'not installed' if not result['changed'] else after or 'removed') in result['msg'],
           f'the message is wrong: {what}')
    return before, after


def order(links, at, end):
    """Find an order in which each run finds what the one before it left; None when there is none."""
    if not links:
        return [] if at == end else None
    for n, (before, after) in enumerate(links):
        if before == at:
            rest = order(links[:n] + links[n + 1:], after, end)
            if rest is not None:
                return [(before, after), *rest]
    return None


def installed():
    done = subprocess.run(['sudo', '-u', 'postgres', PROGRAM, '--version'], capture_output=True, text=True)
    return done.stdout.split()[-1] if done.returncode == 0 else None


def main():
    save()
    runs = [Run(arguments) for arguments in RUNS + (LATEST if 'latest' in sys.argv else [])]
    results = [run.result() for run in runs]
    links = [told(run, result) for run, result in zip(runs, results)]
    end = installed()
    found = order(links, None, end)
    expect(found is not None, f'no order of the runs makes all their results true, with {end} at the end: {links}')
    expect(sum(before != after for before, after in links) > 1, f'the runs did too little: {links}')
    if end:
        expect_installed(end, 'the end of all runs')
    expect_quiet('the end of all runs')
    remove()
    expect_as_saved('all runs, and a removal')
    print(f'{len(runs)} runs at once:', ' → '.join(str(after or 'nothing') for _, after in [(None, None), *found]))


try:
    main()
except Failed as failure:
    sys.exit(str(failure))

"""usage: home.py [PART OF A NAME]

Sets each trap of traps.py in the home, puts programs that note who runs them wherever a search could find them, and
runs the module. It must end in time, with a whole installation or a refusal that says why; nothing
outside of the home may change but the contract's own files; nothing of the user's may run as root.
"""

import re
import subprocess
import sys
from itertools import chain

import traps
import world
from target import HOME, KIT, NEW, PROGRAM, UNIT, Failed, expect

INSTALLED = KIT / 'installed'


def attack(name, script, want, before, saved):
    """Set one trap and run the module into it. Returns what it made of that."""
    world.restore(saved)
    world.put_canaries(f'{HOME}/bin')
    world.put_canaries('/run/hostile/bin')
    world.sh(f'cp /run/hostile/bin/python /run/hostile/canary; cd {HOME}; {script}')
    if not re.search('root-owned|somebody', name):
        world.own(everything=not re.search('root|another mount|immutable', name))
    result = world.run(what=name, PATH=f'{HOME}/.local/bin:{HOME}/bin:/usr/sbin:/usr/bin:/sbin:/bin')
    alternatives = want.split('|')
    if result['failed']:
        messages = '|'.join(filter(None, alternatives))
        expect(messages and re.search(messages, result['msg'], re.IGNORECASE), f'{name}: it says {result["msg"]}')
    else:
        expect('' in alternatives, f'{name}: it was not refused, but: {result["msg"]}')
        expect_whole(name)
    world.expect_no_root(name)
    if ' 1T ' not in script:
        world.expect_no_secret(name)
    return result['msg'] if result['failed'] else 'installed'


def expect_whole(name):
    """Expect programs that work for the user, and a unit that is root's."""
    said = subprocess.run(['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', PROGRAM, '--version'],
                          cwd='/',
                          capture_output=True, text=True, env={'HOME': HOME, 'PATH': '/usr/bin:/bin'}, timeout=60)
    expect(said.stdout == f'patroni {NEW}\n', f'{name}: patroni --version said {said.stdout}{said.stderr}')
    owner = world.sh(f'stat -c "%U:%G %a %F" {UNIT}').stdout.strip()
    expect(owner == 'root:root 644 regular file', f'{name}: the unit is {owner}')


def try_all(cases, saved, before, clean):
    failures = 0
    for name, script, want in cases:
        if len(sys.argv) > 1 and sys.argv[1] not in name:
            continue
        try:
            said = attack(name, script, want, before, saved)
            world.expect_nothing_outside(before, name)
            print(f'{name}: {said[:300]}', flush=True)
        except (Failed, subprocess.SubprocessError) as failure:
            failures += 1
            print(f'FAILED {failure}'[:3000], flush=True)
        clean()
    return failures


def main():
    world.prepare()
    before = world.outside()
    failures = try_all(chain(traps.directories(), traps.profiles(), traps.own_names(), traps.surroundings()),
                       world.PRISTINE, before,
                       world.remove_installation)
    world.restore()
    expect(not (result := world.run(what='an installation'))['failed'], result['msg'])
    if not INSTALLED.exists():
        world.sh(f'cp -a {HOME} {INSTALLED}')
    failures += try_all(traps.installed(), INSTALLED, before, lambda: None)
    world.restore()
    world.remove_installation()
    sys.exit(f'{failures} failed' if failures else 0)


main()

"""usage: compare.py WHEELHOUSE

Reads the lock file and the SBOM of a wheelhouse and sees that both name each of its wheels, with the
right hash, and nothing else. Prints the names of the packages.
"""

import hashlib
import json
import pathlib
import re
import sys


def locked(text):
    """Return the packages of a lock file with their hashes: comments, and name==version with hashes."""
    lines = re.sub(r'\\\n', '', re.sub(r'(?m)^#.*\n', '', text)).splitlines()
    packages = [re.fullmatch(r'([a-z0-9-]+)==([A-Za-z0-9.+!]+) +--hash=sha256:([0-9a-f]{64})', line) for line in lines]
    if None in packages:
        sys.exit(f'compare: line {packages.index(None) + 1} of the lock file is none: {lines[packages.index(None)]!r}')
    return {match.group(1, 2): match.group(3) for match in packages}


def main():
    directory = pathlib.Path(sys.argv[1])
    wheels, packages = {}, {}
    for wheel in directory.glob('*.whl'):
        name, version = wheel.name.split('-')[:2]
        wheels[wheel.name] = packages[name.lower().replace('_', '-'),
                                      version] = hashlib.sha256(wheel.read_bytes()).hexdigest()
    others = {path.name for path in directory.iterdir()} - set(wheels) - {'patroni.lock', 'sbom.cdx.json'}
    sbom = json.loads((directory / 'sbom.cdx.json').read_text())
    recorded = {(entry['name'], entry['version']): entry['hashes'][0]['content'] for entry in sbom['components']}
    unlicensed = [entry['name'] for entry in sbom['components'] if not entry.get('licenses')]
    for what, there, wanted in (
            ('lock file', locked((directory / 'patroni.lock').read_text()), packages),
            ('SBOM', recorded, packages), ('directory', others, set()), ('licenses', unlicensed, [])):
        if there != wanted:
            sys.exit(f'compare: the {what} of {directory} is not that of its wheels:\n{there}\n{wanted}')
    print('\n'.join(sorted(name for name, _ in packages)))


main()

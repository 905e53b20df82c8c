# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""usage: python3 -I wheelhouse.py DIRECTORY <SETTINGS

Fills DIRECTORY/out with the wheels of some requirements and of all that they need, for the platform
and the interpreter that this runs on, with a lock file and an SBOM of exactly these wheels. Prints
the names of the files as JSON. Runs as root, on every Python since 3.6, in a DIRECTORY of root's.

A package that comes as source is built by code of its own. So pip runs as an account that has no name
and owns nothing else, cannot get other rights, and ends with all that it started. What it made is read
without following links. The same sources give the same wheels: the time that goes into them is fixed.

SETTINGS is JSON, which keeps credentials off the command line: platform, requirements, timeout in
seconds, and index_url, extra_index_urls, ca_cert, constraints, environment as the playbook has them.
"""

import ctypes
import email.parser
import errno
import hashlib
import json
import os
import pwd
import re
import stat
import subprocess
import sys
import urllib.parse
import uuid
import zipfile

# Numbers that neither accounts nor systemd use.
ACCOUNTS = range(65520, 65534)
# The first moment that a zip file knows.
EPOCH = '315532800'
PATH = '/usr/local/bin:/usr/bin:/bin'
WHEEL = re.compile(r'(?P<name>[A-Za-z0-9._]+)-(?P<version>[A-Za-z0-9._!+]+)'
                   r'(-[0-9][A-Za-z0-9._]*)?(-[A-Za-z0-9._]+){3}\.whl')
# Far more than the metadata of any package.
METADATA_LIMIT = 4 << 20


# The number of the system call keyctl, and its operation.
KEYCTL = {'x86_64': 250, 'aarch64': 219}
JOIN_SESSION_KEYRING = 1


class Failure(Exception):
    """Why there is no wheelhouse, as a sentence for the operator."""


def main():
    os.umask(0o022)
    try:
        leave_keys()
        files = make(sys.argv[1], json.load(sys.stdin))
    except Failure as failure:
        sys.exit(str(failure))
    except OSError as error:
        sys.exit('cannot build the wheels: %s' % error)
    json.dump({'files': files}, sys.stdout)


def leave_keys():
    """Take a new session keyring: whoever has that of root's login, such as code of a package, may read its keys."""
    machine = os.uname().machine
    if machine not in KEYCTL:
        raise Failure('cannot build wheels on %s: there is no way known to keep the keys of this session from '
                      'packages' % machine)
    if join_keyring(KEYCTL[machine]) >= 0:
        return
    code = ctypes.get_errno()
    # A kernel without keys has none that could leak. A filter of system calls that forbids this also holds for pip.
    if code not in (errno.ENOSYS, errno.EPERM):
        raise Failure('cannot keep the keys of this session from packages: %s; raise the sysctls '
                      'kernel.keys.root_maxkeys and root_maxbytes if root has used up its quota of keys (/proc/keys '
                      'lists them)' % os.strerror(code))


def join_keyring(keyctl):
    return ctypes.CDLL(None, use_errno=True).syscall(keyctl, JOIN_SESSION_KEYRING, None)


def make(directory, settings):
    """Build the wheels and describe them. Return the names of the files in out."""
    account = free_account()
    build, out = os.path.join(directory, 'build'), os.path.join(directory, 'out')
    os.mkdir(build, 0o700)
    os.chown(build, account, account)
    os.mkdir(out, 0o755)
    build_wheels(build, account, settings)
    wheels = collect(build, account, out)
    write(os.path.join(out, 'patroni.lock'), lock(wheels, settings['platform']))
    write(os.path.join(out, 'sbom.cdx.json'), sbom(wheels, settings['platform']))
    return [wheel['file'] for wheel in wheels] + ['patroni.lock', 'sbom.cdx.json']


def free_account():
    """Return the number of an account that nobody has and no process runs as."""
    busy = set(map(owner, filter(str.isdigit, os.listdir('/proc'))))
    for account in ACCOUNTS:
        try:
            pwd.getpwuid(account)
        except KeyError:
            if account not in busy:
                return account
    raise Failure('cannot build wheels: the accounts %d to %d are all in use' % (ACCOUNTS[0], ACCOUNTS[-1]))


def owner(process):
    try:
        return os.stat(os.path.join('/proc', process)).st_uid
    except OSError:  # it has ended
        return None


def build_wheels(build, account, settings):
    """Let pip, as the account, put the wheels that the requirements need into build/wheels."""
    venv = os.path.join(build, 'venv')
    pip = [os.path.join(venv, 'bin', 'python'), '-I', '-m', 'pip']
    for argv in (
            [sys.executable, '-I', '-m', 'venv', venv],
            # The pip that came with the interpreter may be too old for the wheels of today. The one that replaces it
            # builds with the venv's packages.
            pip + ['install', '--upgrade', 'pip', 'setuptools', 'wheel<0.46'],
            pip + ['wheel', '--wheel-dir', os.path.join(build, 'wheels')] + settings['requirements']):
        run(argv, build, account, settings)


def run(argv, build, account, settings):
    """Run a command as the account, in a PID namespace that ends with it."""
    confined = [
        'unshare', '--pid', '--fork', '--kill-child', '--mount-proc',
        'timeout', '--signal=KILL', str(settings['timeout']),
        'setpriv', '--reuid=%d' % account, '--regid=%d' % account, '--clear-groups', '--inh-caps=-all',
        '--no-new-privs', '--']
    done = subprocess.run(
        confined + argv, cwd=build, env=environment(build, settings), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        said = without_secrets(done.stdout.decode('utf-8', 'replace'), settings).strip().splitlines()[-20:]
        status = 'exit status %d' % done.returncode
        if done.returncode == 137:
            status = 'it was killed, as after %s seconds (patroni_timeout)' % settings['timeout']
        raise Failure('cannot build the wheels: %s: %s\n%s' % (
            without_secrets(' '.join(argv[:5]), settings), status, '\n'.join(line[:400] for line in said)))


def environment(build, settings):
    """Return the variables of a command: defaults, then the operator's values, then fixed ones."""
    variables = {'PATH': PATH, 'SOURCE_DATE_EPOCH': EPOCH}
    variables.update({name: str(value) for name, value in settings['environment'].items()})
    variables.update({
        'HOME': build, 'TMPDIR': build, 'PIP_CACHE_DIR': os.path.join(build, 'cache'),
        'LC_ALL': 'C.UTF-8', 'TZ': 'UTC', 'PYTHONHASHSEED': '0', 'NO_COLOR': '1',
        'PIP_NO_INPUT': '1', 'PIP_PROGRESS_BAR': 'off', 'PIP_DISABLE_PIP_VERSION_CHECK': '1'})
    given = {
        'PIP_INDEX_URL': settings['index_url'], 'PIP_EXTRA_INDEX_URL': ' '.join(settings['extra_index_urls']),
        'PIP_CERT': settings['ca_cert'], 'PIP_CONSTRAINT': settings['constraints']}
    variables.update({name: value for name, value in given.items() if value})
    return variables


def without_secrets(text, settings):
    """Return the text with no credentials in its addresses, and none of the passwords that we were given."""
    texts = [settings['index_url']] + settings['extra_index_urls'] + list(map(str, settings['environment'].values()))
    for found in re.findall(r'://[^/\s@]*:([^/\s@]+)@', ' '.join(texts)):
        for secret in (found, urllib.parse.unquote(found)):
            text = text.replace(secret, '****')
    return re.sub(r'://[^/\s@]+@', '://****@', text)


def collect(build, account, out):
    """Copy the wheels to out. Return their file, name, version, sha256 and metadata as dictionaries, by name."""
    source = os.open(os.path.join(build, 'wheels'), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        wheels = [take(source, name, account, out) for name in os.listdir(source)]
    finally:
        os.close(source)
    return sorted(wheels, key=lambda wheel: (wheel['name'], wheel['file']))


def take(source, name, account, out):
    """Copy one wheel out of a directory that code of others could write to. Return its description."""
    match = WHEEL.fullmatch(name)
    try:
        file = os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=source), 'rb')
    except OSError as error:
        raise Failure('cannot take %r for a wheel that was built: %s' % (name, error.strerror))
    with file:
        found = os.fstat(file.fileno())
        if not match or not stat.S_ISREG(found.st_mode) or found.st_uid != account or found.st_nlink != 1:
            raise Failure('cannot take %r for a wheel that was built: its name, type or owner is another' % name)
        digest = copy(file, os.path.join(out, name))
    wheel = {'file': name, 'name': normal(match.group('name')), 'version': match.group('version'), 'sha256': digest}
    wheel['metadata'] = metadata(os.path.join(out, name), wheel['name'])
    return wheel


def copy(file, target):
    """Copy an open file to a new one that everybody may read. Return its hash."""
    digest = hashlib.sha256()
    with open(target, 'xb') as copied:
        for block in iter(lambda: file.read(1 << 20), b''):
            digest.update(block)
            copied.write(block)
    os.chmod(target, 0o644)
    return digest.hexdigest()


def normal(name):
    """Return the name of a package as indexes compare it."""
    return re.sub(r'[-_.]+', '-', name).lower()


def metadata(path, name):
    """Return a wheel's metadata of its package, as an email.message.Message."""
    try:
        with zipfile.ZipFile(path) as archive:
            files = [entry for entry in archive.namelist() if re.fullmatch(r'[^/]+\.dist-info/METADATA', entry)]
            with archive.open(files[0]) as file:
                text = file.read(METADATA_LIMIT).decode('utf-8', 'replace')
    except (zipfile.BadZipFile, IndexError, NotImplementedError) as error:
        raise Failure('cannot read the metadata of %s: %s' % (os.path.basename(path), error))
    message = email.parser.HeaderParser().parsestr(text)
    if len(files) > 1 or normal(message.get('Name', '')) != name:
        raise Failure('cannot trust the name of %s: its metadata is of %r'
                      % (os.path.basename(path), message.get('Name')))
    return message


def lock(wheels, platform):
    """Return the text of the lock file, which pip and the module read."""
    lines = ['# The wheels of this directory, for %s and %s.\n' % (platform, interpreter())]
    lines += ['%s==%s \\\n    --hash=sha256:%s\n' % (wheel['name'], wheel['version'], wheel['sha256'])
              for wheel in wheels]
    return ''.join(lines)


def interpreter():
    return 'Python %d.%d' % sys.version_info[:2]


def sbom(wheels, platform):
    """Return the SBOM in CycloneDX's JSON. The same wheels give the same text, with its serial number."""
    components = [component(wheel) for wheel in wheels]
    subject = {'type': 'application', 'bom-ref': 'wheelhouse',
               'name': 'wheelhouse of Patroni for %s and %s' % (platform, interpreter())}
    document = {
        'bomFormat': 'CycloneDX', 'specVersion': '1.6', 'version': 1,
        'metadata': {'component': subject}, 'components': components}
    document['serialNumber'] = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(document, sort_keys=True)).urn
    return json.dumps(document, indent=2, sort_keys=True) + '\n'


def component(wheel):
    purl = 'pkg:pypi/%s@%s' % (wheel['name'], urllib.parse.quote(wheel['version'], safe=''))
    found = {
        'type': 'library', 'bom-ref': purl, 'name': wheel['name'], 'version': wheel['version'],
        'purl': '%s?file_name=%s' % (purl, urllib.parse.quote(wheel['file'], safe='')),
        'hashes': [{'alg': 'SHA-256', 'content': wheel['sha256']}]}
    if wheel['metadata'].get('Summary'):
        found['description'] = wheel['metadata']['Summary'].strip()
    licenses = licenses_of(wheel['metadata'])
    if licenses:
        found['licenses'] = licenses
    return found


def licenses_of(message):
    """Return a package's licenses in CycloneDX's form: the expression, else the classifiers, else one line of text."""
    if message.get('License-Expression'):
        return [{'expression': message['License-Expression'].strip()}]
    classifiers = [entry.split(' :: ') for entry in message.get_all('Classifier', [])
                   if entry.startswith('License :: ')]
    names = {entry[-1].strip() for entry in classifiers if entry[-1] != 'OSI Approved'}
    text = message.get('License', '').strip()
    if not names and text and text != 'UNKNOWN' and '\n' not in text:
        names = {text}
    return [{'license': {'name': name}} for name in sorted(names)]


def write(path, text):
    """Write a file that everybody may read."""
    with open(path, 'x', encoding='utf-8') as file:
        file.write(text)
    os.chmod(path, 0o644)


if __name__ == '__main__':
    main()

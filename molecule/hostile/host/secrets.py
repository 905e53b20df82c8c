"""Installs from an index that takes passwords. They come from the options, a proxy's variable and the user's netrc.

Runs succeed, fail, crash and are killed. Meanwhile the command lines of all processes are read, and a stranger reads
everything that a stranger can. In the end nothing on the disk, in the journal or in a result has any of the passwords.
"""

import base64
import glob
import http.server
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import threading
import time

import world
from target import HOME, KIT, NEW, Failed, expect

PORT = 8098
INDEX, EXTRA, PROXY, NETRC = 'canary-index-7f3a', 'canary-extra-91bc', 'canary-proxy-d04e', 'canary-netrc-5a6f'
CANARIES = [word.encode() for word in (INDEX, EXTRA, PROXY, NETRC)]
ENCODED = [base64.b64encode(f'reader:{word.decode()}'.encode()) for word in CANARIES]  # as a header has it
ARGUMENTS = {'index_url': f'http://reader:{INDEX}@127.0.0.1:{PORT}/simple',
             'extra_index_urls': [f'http://reader:{EXTRA}@127.0.0.1:{PORT}/simple']}
ENVIRONMENT = {'https_proxy': f'http://me:{PROXY}@127.0.0.1:9', 'no_proxy': '127.0.0.1', 'PIP_NO_INDEX': '',
               'PIP_FIND_LINKS': ''}
STRANGER = """
import glob, sys
while True:
    for name in glob.glob('/proc/[0-9]*/*'):
        if name.endswith(('/environ', '/cmdline', '/maps', '/mem')):
            try: text = open(name, 'rb').read(1 << 20)
            except OSError: continue
            for word in sys.argv[1:]:
                if name.split('/')[2] != 'self' and (word[::-1].encode()) in text: print(name, word, flush=True)
"""


class Index(http.server.BaseHTTPRequestHandler):
    """An index that takes the passwords, and notes with which it was asked."""

    asked = set()

    def do_GET(self):
        said = self.headers.get('Authorization', '')
        known = [word.decode() for word, text in zip(CANARIES, ENCODED) if said == f'Basic {text.decode()}']
        if not known:
            self.send_response(401)
            self.send_header('WWW-Authenticate', 'Basic realm="index"')
            self.end_headers()
            return
        self.asked.update(known)
        parts = self.path.strip('/').split('/')
        if parts[0] == 'wheels':
            return self.answer((KIT / 'wheels' / parts[1]).read_bytes(), 'application/zip')
        name = parts[-1].replace('-', '_').lower()
        links = [path.name for path in (KIT / 'wheels').iterdir()
                 if path.name.lower().split('-')[0].replace('.', '_') == name]
        self.answer(''.join(f'<a href="/wheels/{link}">{link}</a>\n' for link in links).encode(), 'text/html')

    def answer(self, data, kind):
        self.send_response(200)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


class Watch(threading.Thread):
    """Looks at the command lines of all processes until it is ended."""

    def __init__(self):
        super().__init__(daemon=True)
        self.found, self.samples, self.ended = set(), 0, threading.Event()

    def run(self):
        while not self.ended.is_set():
            self.samples += 1
            for name in glob.glob('/proc/[0-9]*/cmdline'):
                try:
                    text = pathlib.Path(name).read_bytes()
                except OSError:
                    continue
                if b'stranger' not in text and any(word in text for word in CANARIES):
                    self.found.add(text.replace(b'\0', b' ').decode(errors='replace'))


def start(arguments, **env):
    """Start the module with a file of arguments of root alone, as Ansible makes it."""
    name = pathlib.Path('/run/hostile/secret.json')
    name.touch(mode=0o600)
    name.write_text(json.dumps(arguments))
    return subprocess.Popen([KIT / 'patroni_install', name], env={**os.environ, **ENVIRONMENT, **env},
                            stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd='/tmp',
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE,
                                                                  (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2))


def finish(process, what, fails=None):
    """Wait for the end of a run, in whose output no password may be."""
    stdout, stderr = process.communicate(timeout=world.LIMIT)
    shown = [word for word in CANARIES + ENCODED if word in stdout + stderr]
    expect(not shown, f'{what}: it prints {shown}: {stdout[:2000]} {stderr[:2000]}')
    if fails is not None:
        result = json.loads(stdout)
        expect(bool(result['failed']) == fails, f'{what}: {result["msg"]}')
    return stdout


def strike(arguments, signum, program):
    """Send a signal to the module, or to the program that it builds with, in the midst of a build."""
    process = start(arguments)
    for _ in range(3000):
        found = subprocess.run(['pgrep', '-u', 'postgres', '-f', 'pip'], capture_output=True, text=True).stdout.split()
        if found:
            break
        time.sleep(0.01)
    expect(found, f'no build was seen by {signal.Signals(signum).name}')
    os.kill(process.pid if program == 'module' else int(found[-1]), signum)
    finish(process, f'{signal.Signals(signum).name} to the {program}')


def left(excepted):
    """List the files on the disk that have a password, and core dumps."""
    patterns = KIT / 'patterns'  # not on a command line, where we look for them too
    patterns.write_bytes(b'\n'.join(CANARIES + ENCODED))
    places = ['/etc', '/home', '/opt', '/root', '/run', '/srv', '/tmp', '/usr/local', '/var']
    found = subprocess.run(['grep', '-rlsaF', '-D', 'skip', '-f', patterns, *places], capture_output=True,
                           text=True).stdout.splitlines()
    cores = subprocess.run(['find', '/', '-xdev', '(', '-name', 'core', '-o', '-name', 'core.[0-9]*', ')', '-newer',
                            world.NOTES, '-type', 'f', '-size', '+100k', '-not', '-path', '/proc/*'],
                           capture_output=True, text=True).stdout.splitlines()
    return [name for name in found + cores if not name.startswith(excepted)]


def main():
    world.prepare()
    world.restore()
    server = http.server.ThreadingHTTPServer(('127.0.0.1', PORT), Index)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    watch = Watch()
    watch.start()
    stranger = subprocess.Popen(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', sys.executable, '-c',
                                 '#stranger' + STRANGER,
                                 *(word.decode()[::-1] for word in CANARIES)], stdout=subprocess.PIPE, text=True,
                                cwd='/')
    try:
        finish(start(ARGUMENTS), 'an installation', fails=False)
        finish(start({**ARGUMENTS, 'version': '99'}), 'a version that is not there', fails=True)
        finish(start({**ARGUMENTS, 'state': 'latest'}), 'the newest', fails=False)
        finish(start({**ARGUMENTS, 'version': '4.0.7', '_ansible_diff': True, '_ansible_verbosity': 4}),
               'another version', fails=False)
        finish(start({'index_url': ARGUMENTS['index_url'].replace(INDEX, f'{INDEX}-wrong'), 'version': NEW}),
               'a wrong password', fails=True)
        finish(start({**ARGUMENTS, 'config_dir': ARGUMENTS['index_url'], '_ansible_no_log': True}), 'a bad value',
               fails=True)
        netrc = pathlib.Path(HOME, '.netrc')
        netrc.write_text(f'machine 127.0.0.1 login reader password {NETRC}\n')
        world.own()
        finish(start({'index_url': f'http://127.0.0.1:{PORT}/simple', 'version': NEW}), 'a netrc', fails=False)
        for signum, program in ((signal.SIGSEGV, 'build'), (signal.SIGKILL, 'build'), (signal.SIGSEGV, 'module'),
                                (signal.SIGKILL, 'module')):
            finish(start({**ARGUMENTS, 'version': NEW}), 'the version to change from',
                   fails=False)  # a build may be tried twice
            strike({**ARGUMENTS, 'version': '4.0.7'}, signum, program)
            found = left((str(netrc), '/run/hostile/secret.json', str(KIT)))
            expect(not found, f'left on the disk after {signal.Signals(signum).name} to the {program}: {found}')
        finish(start({**ARGUMENTS, 'version': NEW}), 'the run after', fails=False)
        expect(Index.asked == {INDEX, EXTRA, NETRC}, f'the index was asked with {Index.asked}')
    finally:
        watch.ended.set()
        stranger.terminate()
        seen = stranger.communicate()[0]
    watch.join()
    expect(watch.samples > 100, f'the command lines were looked at {watch.samples} times only')
    expect(not watch.found, f'on a command line: {watch.found}')
    expect(not seen, f'a stranger can read it: {seen}')
    journal = subprocess.run(['journalctl', '--no-pager', '-a', '-o', 'export'], capture_output=True).stdout
    shown = [word for word in CANARIES + ENCODED if word in journal]
    expect(b'patroni_install' in journal and not shown, f'in the journal: {shown}')
    found = left((str(netrc), '/run/hostile/secret.json', str(KIT)))
    expect(not found, f'left on the disk: {found}')
    print(f'{watch.samples} looks at all command lines, nothing found')
    finish(start({'state': 'absent'}), 'a removal', fails=False)
    world.restore()
    world.remove_installation()


try:
    main()
except Failed as failure:
    sys.exit(str(failure))

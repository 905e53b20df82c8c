"""usage: index.py DIRECTORY PORT

Serves the wheels in DIRECTORY as a package index on the loopback address. The first part of the path
names what is wrong with it:

  /good/    nothing
  /cut-N/   every connection breaks once N bytes were sent in all
  /login/   each page is one of somebody else's, as of a hotel's network
  /half/    the pages end in the middle of a link
  /json/    the pages are JSON, as was asked for, and end in the middle
  /text/    the wheels are no archives
  /hash/    the links of the pages name other hashes than the wheels have
  /silent/  nothing is ever answered
"""

import hashlib
import http.server
import pathlib
import re
import socket
import struct
import sys
import threading

DIRECTORY = pathlib.Path(sys.argv[1])
LOGIN = b'<!DOCTYPE html><html><body><h1>Welcome</h1><a href="/login">Please log in</a></body></html>'


class Budget:
    """How many bytes may still be sent, over all connections."""

    def __init__(self, count):
        self.left, self.lock = count, threading.Lock()

    def take(self, wanted):
        with self.lock:
            given = min(wanted, self.left)
            self.left -= given
        return given


class Handler(http.server.BaseHTTPRequestHandler):
    budgets = {}

    def do_GET(self):
        _, fault, *rest = self.path.split('/')
        if fault == 'silent':
            self.connection.recv(1)  # until the other side gives up
            return
        name = rest[-1] or rest[-2]
        body = self.wheel(fault, name) if name.endswith('.whl') else self.page(fault, name)
        if body is None:
            self.send_error(404)
            return
        kind = 'application/vnd.pypi.simple.v1+json' if fault == 'json' else 'text/html'
        head = f'HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n'
        self.send(fault, head.encode() + body)

    def send(self, fault, data):
        cut = re.fullmatch(r'cut-(\d+)', fault)
        if cut:
            given = self.budgets.setdefault(fault, Budget(int(cut[1]))).take(len(data))
            if given < len(data):
                self.wfile.write(data[:given])
                # No end of the stream: a reset, as when a router forgets the connection.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                self.connection.close()
                return
        self.wfile.write(data)

    def wheel(self, fault, name):
        if fault == 'text':
            return b'This is no archive.\n' * 100
        return (DIRECTORY / name).read_bytes()

    def page(self, fault, project):
        wheels = [wheel for wheel in sorted(DIRECTORY.glob('*.whl'))
                  if wheel.name.split('-')[0].lower().replace('_', '-').replace('.', '-') == project]
        if fault == 'login':
            return LOGIN
        if fault == 'json':
            return b'{"meta": {"api-version": "1.0"}, "name": "' + project.encode() + b'", "files": [{"filename": "'
        if not wheels:
            return None
        links = ''.join(f'<a href="/{fault}/files/{wheel.name}{self.hash(fault, wheel)}">{wheel.name}</a>\n'
                        for wheel in wheels)
        page = f'<!DOCTYPE html><html><body>\n{links}</body></html>\n'.encode()
        return page[:page.index(b'#sha256')] if fault == 'half' else page

    def hash(self, fault, wheel):
        if fault == 'text':
            return ''  # or nobody would look into the wheel
        return '#sha256=' + ('0' * 64 if fault == 'hash' else hashlib.sha256(wheel.read_bytes()).hexdigest())

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[2])), Handler).serve_forever()

# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""usage: python3 -I -c PROGRAM listen ADDRESS PORT...
          python3 -I -c PROGRAM connect ADDRESS SECONDS [once|until-open PORT...]...

listen   accepts connections on the ports that nobody listens on, and ends them, until it is stopped.
connect  prints the ports that cannot be reached. `until-open` tries those behind it for SECONDS: something listens
         there, or is about to. `once` takes an answer that nobody does for one that nothing is in the way.

Runs on every Python since 3.6, and needs no rights.
"""

import concurrent.futures
import errno
import selectors
import socket
import struct
import sys
import time


def main(action, address, *arguments):
    if action == 'listen':
        listen(address, [int(port) for port in arguments])
    else:
        print(*closed(address, list(tries(arguments[1:])), float(arguments[0])), sep=', ')


def tries(words):
    """Yield the ports, each with whether it is tried once."""
    once = False
    for word in words:
        if word in ('once', 'until-open'):
            once = word == 'once'
        else:
            yield int(word), once


def listen(address, ports):
    selector = selectors.DefaultSelector()
    for port in ports:
        listener = bound(address, port)
        if listener:
            listener.listen(16)
            selector.register(listener, selectors.EVENT_READ)
    while selector.get_map():
        for key, _events in selector.select():
            drop(key.fileobj)


def bound(address, port):
    """Return a socket at the address, or at all of the host's if this is none of them; None if the port is taken."""
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    for name in (address, ''):
        listener = socket.socket(family)
        # If a service has just left the port, the port is free: only its connections may linger for a minute.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((name, port))
            listener.setblocking(False)
            return listener
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRINUSE:
                return None
            if error.errno != errno.EADDRNOTAVAIL and not isinstance(error, socket.gaierror):
                raise


def drop(listener):
    """End a connection without a state that would keep the port for a while from who is to have it."""
    try:
        connection = listener.accept()[0]
    except OSError:  # its other end is gone
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connection.close()


def closed(address, ports, seconds):
    """Return the ports that cannot be reached by the deadline."""
    deadline = time.monotonic() + seconds
    with concurrent.futures.ThreadPoolExecutor(len(ports)) as pool:
        reached = list(pool.map(lambda tried: reaches(address, *tried, deadline), ports))
    return [port for (port, _once), open_ in zip(ports, reached) if not open_]


def reaches(address, port, once, deadline):
    while True:
        try:
            socket.create_connection((address, port), timeout=max(deadline - time.monotonic(), 0.1)).close()
            return True
        except ConnectionRefusedError:
            if once:
                return True
        except OSError:
            pass
        if once or time.monotonic() + 0.2 > deadline:
            return False
        time.sleep(0.2)


if __name__ == '__main__':
    main(*sys.argv[1:])

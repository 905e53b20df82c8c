#!/usr/bin/env python3
"""usage: writer.py CONNECTION REPORT

Writes one row after the other through the proxy, each in a transaction of its own, until it gets SIGTERM. Every second
of it REPORT says in JSON what was acknowledged, what failed, and how long the longest time between two
acknowledged writes was. A write that fails may have happened all the same: only acknowledged ones are promised.
"""

import json
import os
import signal
import sys
import time

import psycopg2


class Writer:
    def __init__(self, connection, report):
        self.arguments, self.report = json.load(open(connection, encoding='utf-8')), report
        self.connection, self.next, self.reported, self.stopped = None, 1, 0.0, False
        self.acknowledged, self.failed, self.longest, self.last = [], 0, 0.0, time.monotonic()

    def stop(self, *_):
        self.stopped = True

    def write(self):
        """Write one row. A row that failed is not tried again: the next one has another number."""
        number, self.next = self.next, self.next + 1
        try:
            if self.connection is None:
                self.connection = psycopg2.connect(connect_timeout=2, tcp_user_timeout=3000, **self.arguments)
                self.connection.autocommit = True
            with self.connection.cursor() as cursor:
                cursor.execute('INSERT INTO written VALUES (%s)', (number,))
        except psycopg2.Error:
            self.failed += 1
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            time.sleep(0.05)
            return
        now = time.monotonic()
        self.longest, self.last = max(self.longest, now - self.last), now
        self.acknowledged.append(number)

    def tell(self):
        text = json.dumps({'acknowledged': self.acknowledged, 'failed': self.failed,
                           'longest_gap': round(self.longest, 1)})
        with open(self.report + '.new', 'w', encoding='utf-8') as file:
            file.write(text)
        os.replace(self.report + '.new', self.report)
        self.reported = time.monotonic()

    def run(self):
        signal.signal(signal.SIGTERM, self.stop)
        while not self.stopped:
            self.write()
            if time.monotonic() - self.reported > 1:
                self.tell()
            time.sleep(0.02)
        self.tell()


Writer(*sys.argv[1:]).run()

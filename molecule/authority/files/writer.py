#!/usr/bin/env python3
"""usage: writer.py REPORT ETCDCTL [ARGUMENT...]

Puts one key after the other into etcd until it gets SIGTERM, and writes to REPORT in JSON, after each, which puts were
acknowledged, how many failed, and how long the longest time between two acknowledged ones was.
"""

import json
import os
import signal
import subprocess
import sys
import time


class Writer:
    def __init__(self, report, *command):
        self.report, self.command, self.stopped = report, command, False
        self.acknowledged, self.failed, self.longest, self.last = [], 0, 0.0, time.monotonic()

    def stop(self, *_):
        self.stopped = True

    def put(self, number):
        done = subprocess.run([*self.command, 'put', f'written/{number}', 'x'], capture_output=True, check=False)
        if done.returncode != 0:
            self.failed += 1
            return
        now = time.monotonic()
        self.longest, self.last = max(self.longest, now - self.last), now
        self.acknowledged.append(str(number))

    def tell(self):
        figures = {'acknowledged': self.acknowledged, 'failed': self.failed, 'longest_gap': round(self.longest, 1)}
        with open(self.report + '.new', 'w', encoding='utf-8') as file:
            json.dump(figures, file)
        os.replace(self.report + '.new', self.report)

    def run(self):
        signal.signal(signal.SIGTERM, self.stop)
        number = int(time.time()) * 1000
        while not self.stopped:
            number += 1
            self.put(number)
            self.tell()
            time.sleep(0.1)


Writer(*sys.argv[1:]).run()

"""What a package from the index could do while it is built, if it were let."""

import os
import subprocess

from setuptools import setup


def attempt(what):
    try:
        what()
    except Exception as error:
        print('refused:', error)


def plant():
    wheels = os.path.expanduser('~/wheels')
    os.makedirs(wheels, exist_ok=True)
    os.symlink('/etc/shadow', os.path.join(wheels, 'shadow-1.0-py3-none-any.whl'))


attempt(lambda: open('/root/owned', 'w').close())
attempt(lambda: os.setuid(0))
attempt(lambda: subprocess.check_call(['sudo', '-n', 'touch', '/root/owned'], stdin=subprocess.DEVNULL))
attempt(lambda: subprocess.Popen(
    ['sleep', '3600'], start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL))
attempt(plant)

setup(name='pipx', version='99.0', py_modules=[])

"""Brings the pip that ansible-test asks for into an empty environment: by Python's own, from the package index."""

import ensurepip
import subprocess
import sys

ensurepip.bootstrap()
wanted = [word for word in sys.argv[1:] if word not in ('--no-setuptools', '--no-wheel')]
sys.exit(subprocess.call([sys.executable, '-m', 'pip', 'install', *wanted]))

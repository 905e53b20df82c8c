"""Brings the pip that ansible-test asks for into an empty environment: by Python's own, from the package index."""

import subprocess
import sys

# In a process of its own, since it makes pip ignore its configuration.
subprocess.run([sys.executable, '-m', 'ensurepip'], check=True)
wanted = [word for word in sys.argv[1:] if word not in ('--no-setuptools', '--no-wheel')]
sys.exit(subprocess.call([sys.executable, '-m', 'pip', 'install', *wanted]))

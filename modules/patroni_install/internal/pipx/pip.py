# usage: python3 -I -c THIS DIRECTORY ARGUMENT...
#
# Runs pip with these arguments: the one in pipx's shared venv DIRECTORY where that is there, else
# the interpreter's own.
import os
import sys

python = os.path.join(sys.argv[1], "bin", "python")
if not os.path.exists(os.path.join(sys.argv[1], "bin", "pip")):
    python = sys.executable
os.execv(python, [python, "-m", "pip"] + sys.argv[2:])

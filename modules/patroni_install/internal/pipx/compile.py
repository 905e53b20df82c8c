# usage: python -I -c THIS DIRECTORY
#
# Makes the bytecode of everything below DIRECTORY, on all processors. As with pip, a file that
# does not compile, such as a template, is no failure.
import compileall
import sys

compileall.compile_dir(sys.argv[1], quiet=2, workers=0)

# usage: python3 -I -B -c bundled.py+THIS SHARED REQUIREMENT
#
# Lets pip choose from the package index what it would install for REQUIREMENT, and prints the
# name of that file after "found ". pip is the one in pipx's venv SHARED, where that is for this interpreter, else
# the one that came with the interpreter, as a wheel or installed. Every pip since 9 downloads in this way.
import importlib.util
import runpy
import tempfile


def main(shared, requirement):
    site = os.path.join(shared, "lib", "python%d.%d" % sys.version_info[:2], "site-packages")
    pip = site if os.path.isdir(os.path.join(site, "pip")) else bundled("pip")
    if not pip and not importlib.util.find_spec("pip"):
        sys.exit("there is no pip, neither in %s nor of %s" % (shared, sys.executable))
    if pip:
        sys.path.insert(0, pip)
    folder = tempfile.mkdtemp()
    sys.argv[:] = ["pip", "download", "-q", "--no-deps", "-d", folder, requirement]
    try:
        runpy.run_module("pip", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code:
            raise
    for name in os.listdir(folder):
        print("\nfound " + name)  # on a line of its own, whatever the interpreter printed when it started


main(*sys.argv[1:])

# usage: python3 -I -c bundled.py+THIS DIRECTORY [WHEELHOUSE LOCK]
#
# Adds to pipx's shared venv in DIRECTORY, where there is one, what building a package from its
# source takes and is missing. There is nothing to build where WHEELHOUSE holds no sources. LOCK
# is a file of requirements with hashes: then these tools, and no others, are installed.
import subprocess

SOURCES = (".tar.gz", ".zip")


def add(shared, wheelhouse="", lock=""):
    python = os.path.join(shared, "bin", "python")
    if not os.path.exists(os.path.join(shared, "bin", "pip")):
        return
    if wheelhouse and not any(name.endswith(SOURCES) for name in os.listdir(wheelhouse)):
        return
    # Not quietly: what became of a broken connection is no warning to pip.
    pip = [python, "-m", "pip", "install"]
    if lock:
        subprocess.check_call(pip + ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", lock])
    elif missing_tools():
        subprocess.check_call(pip + missing_tools())


add(*sys.argv[1:])

# The wheels that came with the interpreter: what the programs after this one begin with.
import glob
import os
import sys
import sysconfig


def bundled(name):
    """Return the newest wheel of a package that came with the interpreter, or None."""
    for folder in (
        sysconfig.get_config_var("WHEEL_PKG_DIR"),
        os.path.join(sysconfig.get_path("stdlib"), "ensurepip", "_bundled"),
        "/usr/share/python-wheels",
    ):
        wheels = glob.glob(os.path.join(folder or "/nonexistent", name + "-[0-9]*.whl"))
        if wheels:
            return max(wheels, key=release)
    return None


def release(wheel):
    """Return the version in a wheel's file name as numbers."""
    parts = os.path.basename(wheel).split("-")[1].split(".")
    return [int(part) if part.isdigit() else 0 for part in parts]


def bundled_pip():
    """Return the wheel of the interpreter's pip, or None where that is too old to know today's platforms."""
    pip = bundled("pip")
    return pip if pip and release(pip) >= [20, 3] else None


def missing_tools():
    """Return what building a package from its source takes beside the wheels that came with the interpreter."""
    setuptools = bundled("setuptools")
    if not setuptools:
        return ["setuptools"]
    # Since 70.1 setuptools makes wheels by itself. An older one needs a package for that, whose
    # later versions need that setuptools; without it packages would be installed with no RECORD.
    return ["wheel<0.46"] if release(setuptools) < [70, 1] else []



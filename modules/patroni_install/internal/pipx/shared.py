# usage: python3 -I -c bundled.py+THIS DIRECTORY
#
# Makes pipx's shared venv in DIRECTORY from the wheels that came with the interpreter: pip, and
# setuptools for packages that come as source only. Where there are no such wheels, or their pip is
# too old to know the platforms of today's wheels, it makes nothing, and pipx makes the venv in its
# own way.
import venv
import zipfile


def unpack(wheel, site):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)


def make(shared):
    pip, setuptools = bundled_pip(), bundled("setuptools")
    if not pip:
        return
    venv.create(shared, symlinks=True)
    site = glob.glob(os.path.join(glob.escape(shared), "lib", "python3*", "site-packages"))[0]
    unpack(pip, site)
    if setuptools:
        unpack(setuptools, site)
    # pipx takes the venv for complete when it finds this program, so it comes last.
    program = os.path.join(shared, "bin", "pip")
    with open(program, "w", encoding="utf-8") as file:
        file.write("#!%s\nimport sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n"
                   % os.path.join(shared, "bin", "python"))
    os.chmod(program, 0o755)


make(sys.argv[1])

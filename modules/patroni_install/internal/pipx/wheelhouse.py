# usage: python3 -I -B -c bundled.py+THIS look SHARED WHEELHOUSE WORD...
#        python3 -I -B -c bundled.py+THIS unpack DIRECTORY
#
# look prints what is in a wheelhouse, a directory or "-", a tar archive on standard input: a line
# "file NAME" for each package, "damaged NAME" for what is none, "takes NAME VERSION" for what pip would
# take for a requirement, "missing TEXT" for each package that an installation of them needs and does not
# find in it, and "unlocked TEXT" for each that the lock does not hold. "unknown" in place of the last three
# says that there is no pip, in pipx's shared venv SHARED, of the interpreter or in the wheelhouse, that knows
# which wheels fit. A WORD is one of
#   need:REQUIREMENT    to be installed
#   lock:REQUIREMENT    a line of the lock; without any, nothing is locked
#   bound:REQUIREMENT   a constraint
#   tools:              what builds the source archives in the wheelhouse is to come out of it, too; "again"
#                       says that this depends on wheels which come with the interpreter, and are not there yet
# unpack puts what is in the archive on standard input into DIRECTORY.
import collections
import email.parser
import io
import tarfile
import zipfile

SUFFIXES = (".whl", ".tar.gz", ".zip")
LARGEST = 1 << 20  # METADATA, in bytes

Package = collections.namedtuple("Package", "name version tag requires python file")


def members():
    """Yield the packages of the archive, each a name and an open file. Links are what they lead to in the archive."""
    with tarfile.open(fileobj=sys.stdin.buffer) as archive:
        for member in archive:
            name = os.path.basename(member.name)
            if name.endswith(SUFFIXES) and not name.startswith("."):
                file = content(archive, member)
                if file:
                    yield name, file


def content(archive, member):
    """Return the open file that a member of an archive is or leads to, or None if that is not in the archive."""
    try:
        return archive.extractfile(member)
    except (KeyError, RecursionError):  # of a link into nowhere, or in a circle
        return None


def entries(directory):
    """Yield the packages of a directory in the same way."""
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        if name.endswith(SUFFIXES) and not name.startswith(".") and os.path.isfile(path):
            with open(path, "rb") as file:
                yield name, file


def unpack(directory):
    for name, file in members():
        with open(os.path.join(directory, name), "wb") as copy:
            for block in iter(lambda: file.read(1 << 20), b""):
                copy.write(block)


def metadata(data):
    """Return the header of a wheel's METADATA."""
    with zipfile.ZipFile(io.BytesIO(data)) as wheel:
        inside = [n for n in wheel.namelist() if n.count("/") == 1 and n.endswith(".dist-info/METADATA")]
        with wheel.open(inside[0]) as text:
            return email.parser.HeaderParser().parsestr(text.read(LARGEST).decode("utf-8", "replace"))


def package(name, data):
    """Return what the name of a file tells, and what the metadata of a wheel tells."""
    if not name.endswith(".whl"):
        stem = name[: -len(".zip" if name.endswith(".zip") else ".tar.gz")]
        project, _, version = stem.rpartition("-")
        return Package(project, version, "", [], "", name)
    parts = name[: -len(".whl")].split("-")
    header = metadata(data)
    return Package(parts[0], parts[1], "-".join(parts[-3:]), header.get_all("Requires-Dist") or [],
                   header.get("Requires-Python") or "", name)


def fits(offer, tags, packaging):
    """Tell whether a package is for this interpreter and for one of the tags of this platform."""
    python = read(packaging.specifiers.SpecifierSet, offer.python)
    if python and not python.contains(".".join(str(part) for part in sys.version_info[:3])):
        return False
    if not read(packaging.version.parse, offer.version):
        return False
    return not offer.tag or bool(packaging.tags.parse_tag(offer.tag) & tags)


def read(kind, text):
    """Return a text as something of the packaging library, or None where it is none, which pip passes over, too."""
    try:
        return kind(text)
    except ValueError:
        return None


def holds(requirement, extras):
    """Tell whether a requirement's marker holds here, if it has one."""
    return not requirement.marker or any(requirement.marker.evaluate({"extra": extra}) for extra in [""] + sorted(extras))


def bounds(texts, packaging):
    """Return what constraints say of versions, by the name of the package."""
    found = {}
    for one in filter(None, (read(packaging.requirements.Requirement, text) for text in texts)):
        name = packaging.utils.canonicalize_name(one.name)
        if holds(one, []):
            found[name] = found.get(name, packaging.specifiers.SpecifierSet()) & one.specifier
    return found


def choose(need, there, tags, packaging):
    """Return the one of the packages of a name that pip would take, or None."""
    usable = {packaging.version.parse(offer.version): offer for offer in there if fits(offer, tags, packaging)}
    versions = list(need.specifier.filter(usable))
    return usable[max(versions)] if versions else None


def resolve(offers, said, packaging):
    """Yield what look prints of an installation of what was said from the packages offered."""
    name, tags = packaging.utils.canonicalize_name, set(packaging.tags.sys_tags())
    wanted = [packaging.requirements.Requirement(text) for text in said["need"]]
    wanted, seen = collections.deque(need for need in wanted if holds(need, [])), set()
    limits, locked = bounds(said["bound"] + said["lock"], packaging), bounds(said["lock"], packaging)
    roots, lost = len(wanted), set()
    while wanted:
        need, roots = wanted.popleft(), roots - 1
        if str(need) in seen or name(need.name) in lost:
            continue
        seen.add(str(need))
        if said["lock"] and name(need.name) not in locked:
            lost.add(name(need.name))
            need.extras, need.marker = set(), None
            yield "unlocked %s" % need
            continue
        need.specifier &= limits.get(name(need.name), packaging.specifiers.SpecifierSet())
        there = [offer for offer in offers if name(offer.name) == name(need.name)]
        chosen = choose(need, there, tags, packaging)
        if not chosen:
            lost.add(name(need.name))
            need.extras, need.marker = set(), None
            yield "missing %s%s" % (need, " (it has %s)" % ", ".join(offer.file for offer in there) if there else "")
            continue
        if roots >= 0:
            yield "takes %s %s" % (name(need.name), chosen.version)
        for text in chosen.requires:
            more = read(packaging.requirements.Requirement, text)
            if more and holds(more, need.extras):
                more.marker = None
                wanted.append(more)


def in_memory(data):
    """Return the path of a file that is in memory alone, or None where that cannot be."""
    if not hasattr(os, "memfd_create"):
        return None
    file = os.memfd_create("pip")
    with open(file, "wb", closefd=False) as copy:
        copy.write(data)
    return "/proc/self/fd/%d" % file


def pips(shared, wheels):
    """Return where a pip may be found, the best first."""
    site = os.path.join(shared, "lib", "python%d.%d" % sys.version_info[:2], "site-packages")
    own = os.path.join(shared, "nothing")  # in front of what the interpreter has, which is used then
    return [site if os.path.isdir(os.path.join(site, "pip")) else None, bundled("pip"), own] + wheels


def import_packaging(places):
    """Return the packaging library of the first pip that has one which works here, or None."""
    for place in filter(None, places):
        sys.path.insert(0, place)
        try:
            from pip._vendor import packaging
            from pip._vendor.packaging import requirements, specifiers, tags, utils, version  # noqa: F401
            return packaging
        except Exception:  # of whatever kind: the next pip may be one for this interpreter
            sys.path.remove(place)
            for name in [name for name in sys.modules if name.split(".")[0] == "pip"]:
                del sys.modules[name]
    return None


def look(shared, wheelhouse, *words):
    print()  # ends what the interpreter may have printed when it started
    said = {"need": [], "lock": [], "bound": [], "tools": []}
    for word in words:
        kind, _, text = word.partition(":")
        said[kind].append(text)
    offers, wheels = [], []
    for name, file in members() if wheelhouse == "-" else entries(wheelhouse):
        data = file.read() if name.endswith(".whl") else b""
        try:
            offers.append(package(name, data))
            print("file " + name)
        except Exception:  # of whatever kind: there are many ways to be no wheel
            print("damaged " + name)
            continue
        if name.startswith("pip-") and data:
            wheels.append(in_memory(data) if wheelhouse == "-" else os.path.join(wheelhouse, name))
    packaging = import_packaging(pips(shared, wheels))
    if not packaging:
        print("unknown")
        return
    if said["tools"] and not said["lock"] and not all(offer.tag for offer in offers):
        if bundled_pip():
            said["need"] += missing_tools()
        else:
            print("again")
    for line in sorted(resolve(sorted(offers), said, packaging)):
        print(line)


{"look": look, "unpack": unpack}[sys.argv[1]](*sys.argv[2:])

# usage: python3 -I -B -c bundled.py+THIS look SHARED WHEELHOUSE REQUIREMENT...
#        python3 -I -B -c bundled.py+THIS unpack DIRECTORY
#
# look prints what is in a wheelhouse, a directory or "-", a tar archive on standard input: a line
# "file NAME" for each package, "damaged NAME" for what is none, and "missing TEXT" for each package
# that an installation of the requirements needs and does not find in it. "unknown" in place of the
# latter says that there is no pip here, in pipx's shared venv SHARED or beside the interpreter, that
# knows which wheels fit. unpack puts what is in the archive on standard input into DIRECTORY.
import collections
import email.parser
import io
import tarfile
import zipfile

SUFFIXES = (".whl", ".tar.gz", ".zip")
LARGEST = 1 << 20  # METADATA, in bytes

Package = collections.namedtuple("Package", "name version tag requires python file")


def members():
    """Yield the packages of the archive, each a name and an open file."""
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|*") as archive:
        for member in archive:
            name = os.path.basename(member.name)
            if member.isreg() and name.endswith(SUFFIXES) and not name.startswith("."):
                yield name, archive.extractfile(member)


def entries(directory):
    """Yield the packages of a directory in the same way."""
    for name in sorted(os.listdir(directory)):
        if name.endswith(SUFFIXES) and not name.startswith("."):
            with open(os.path.join(directory, name), "rb") as file:
                yield name, file


def unpack(directory):
    for name, file in members():
        with open(os.path.join(directory, name), "wb") as copy:
            for block in iter(lambda: file.read(1 << 20), b""):
                copy.write(block)


def metadata(name, file):
    """Return the header of a wheel's METADATA."""
    with zipfile.ZipFile(io.BytesIO(file.read())) as wheel:
        inside = [n for n in wheel.namelist() if n.count("/") == 1 and n.endswith(".dist-info/METADATA")]
        with wheel.open(inside[0]) as text:
            return email.parser.HeaderParser().parsestr(text.read(LARGEST).decode("utf-8", "replace"))


def package(name, file):
    """Return what the name of a file tells, and what the metadata of a wheel tells."""
    if not name.endswith(".whl"):
        stem = name[: -len(".zip" if name.endswith(".zip") else ".tar.gz")]
        project, _, version = stem.rpartition("-")
        return Package(project, version, "", [], "", name)
    parts = name[: -len(".whl")].split("-")
    header = metadata(name, file)
    return Package(parts[0], parts[1], "-".join(parts[-3:]), header.get_all("Requires-Dist") or [],
                   header.get("Requires-Python") or "", name)


def fits(offer, tags, packaging):
    """Tell whether a package is for this interpreter and for one of the tags of this platform."""
    python = ".".join(str(part) for part in sys.version_info[:3])
    if not packaging.specifiers.SpecifierSet(offer.python).contains(python):
        return False
    return not offer.tag or bool(packaging.tags.parse_tag(offer.tag) & tags)


def missing(offers, wanted, packaging):
    """Yield what an installation of the requirements does not find among the packages offered."""
    name, tags = packaging.utils.canonicalize_name, set(packaging.tags.sys_tags())
    wanted, seen = collections.deque(packaging.requirements.Requirement(text) for text in wanted), set()
    while wanted:
        need = wanted.popleft()
        if str(need) in seen:
            continue
        seen.add(str(need))
        there = [offer for offer in offers if name(offer.name) == name(need.name)]
        usable = [offer for offer in there if fits(offer, tags, packaging)]
        chosen = [offer for offer in usable if need.specifier.contains(offer.version, prereleases=True)]
        if not chosen:
            need.extras, need.marker = set(), None
            yield "%s%s" % (need, " (it has %s)" % ", ".join(offer.file for offer in there) if there else "")
            continue
        newest = max(chosen, key=lambda offer: packaging.version.parse(offer.version))
        for text in newest.requires:
            more = packaging.requirements.Requirement(text)
            if not more.marker or any(more.marker.evaluate({"extra": extra}) for extra in [""] + sorted(need.extras)):
                more.marker = None
                wanted.append(more)


def look(shared, wheelhouse, *wanted):
    offers = []
    for name, file in members() if wheelhouse == "-" else entries(wheelhouse):
        try:
            offers.append(package(name, file))
            print("file " + name)
        except (zipfile.BadZipFile, IndexError):
            print("damaged " + name)
    site = os.path.join(shared, "lib", "python%d.%d" % sys.version_info[:2], "site-packages")
    sys.path.insert(0, site if os.path.isdir(os.path.join(site, "pip")) else bundled("pip") or site)
    try:
        from pip._vendor import packaging
        from pip._vendor.packaging import requirements, specifiers, tags, utils, version  # noqa: F401
    except ImportError:
        print("unknown")
        return
    for text in sorted(missing(sorted(offers), wanted, packaging)):
        print("missing " + text)


{"look": look, "unpack": unpack}[sys.argv[1]](*sys.argv[2:])

"""Fill vectors.json, whose texts are written by hand, with what packaging makes of them.

A version that packaging reads gets its normal form, its place in the order, which equal ones
share, and whether it is a pre-release. Specifiers get a 0 or 1 for each of those versions, and
whether they ask for pre-releases.
"""

import json

import packaging
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version


def main():
    with open("vectors.json") as file:
        data = json.load(file)
    versions = []
    for entry in data["versions"]:
        try:
            versions.append(Version(entry["text"]))
        except InvalidVersion:
            continue
        entry.update(string=str(versions[-1]), prerelease=versions[-1].is_prerelease)
    order = sorted(set(versions))
    for entry, version in zip((e for e in data["versions"] if "string" in e), versions):
        entry["rank"] = order.index(version)
    for entry in data["specifiers"]:
        try:
            specifiers = SpecifierSet(entry["text"])
        except InvalidSpecifier:
            continue
        entry["allows"] = "".join("01"[specifiers.contains(v, prereleases=True)] for v in versions)
        entry["prereleases"] = bool(specifiers.prereleases)
    with open("vectors.json", "w") as file:
        file.write('{\n"packaging": "%s",\n' % packaging.__version__)
        file.write('"versions": [\n%s\n],\n"specifiers": [\n%s\n]\n}\n' % (lines(data["versions"]),
                                                                           lines(data["specifiers"])))


def lines(entries):
    return ",\n".join(json.dumps(entry) for entry in entries)


main()

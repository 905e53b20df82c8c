package pipx

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/charset"
	"github.com/pgedge/platform/modules/patroni_install/internal/pep440"
)

// Lock is a set of packages with exact versions and hashes, in pip's own format, as pip-compile
// and uv write it. The zero value locks nothing.
type Lock struct {
	pins []pin
}

// pin is one requirement of a lock file.
type pin struct {
	name        string // normalised
	version     string
	requirement string // without hashes
	line        string // as pip reads it
}

// ParseLock reads "NAME[EXTRA,…]==VERSION [; MARKER] --hash=sha256:DIGEST…", a line each, which a
// backslash continues. Whatever else a requirements file may hold, options, addresses, other
// files, is refused: nothing but the hashes decides what is installed.
func ParseLock(text string) (Lock, error) {
	var lock Lock
	err := eachLine(text, func(line string) error {
		p, err := parsePin(line)
		lock.pins = append(lock.pins, p)
		return err
	})
	if err != nil {
		return Lock{}, err
	}
	if len(lock.Versions(Package)) == 0 {
		return Lock{}, fmt.Errorf("it does not hold %s", Package)
	}
	return lock, nil
}

func parsePin(line string) (pin, error) {
	requirement, hashes := line, 0
	for word := range strings.FieldsSeq(line) {
		if !strings.HasPrefix(word, "-") {
			continue
		}
		if !isHash(word) {
			return pin{}, fmt.Errorf("%.100q is not allowed in a lock file, only packages with --hash=sha256:…", shown(word))
		}
		if hashes++; hashes == 1 {
			requirement = line[:strings.Index(line, word)]
		}
	}
	whole := strings.TrimSpace(requirement)
	requirement, _, _ = strings.Cut(requirement, ";")
	name, rest := span(strings.TrimSpace(requirement), nameChars)
	if extras, found := strings.CutPrefix(rest, "["); found {
		_, rest, _ = strings.Cut(extras, "]")
	}
	version, exact := strings.CutPrefix(strings.TrimSpace(rest), "==")
	version = strings.TrimSpace(version)
	switch {
	case !isName(name) || !exact || !isPlainVersion(version):
		return pin{}, fmt.Errorf("%.100q does not name a package and its version, as in click==8.1.7",
			shown(strings.TrimSpace(requirement)))
	case hashes == 0:
		return pin{}, fmt.Errorf("%s %s has no --hash=sha256:…", name, version)
	}
	return pin{name: Normalise(name), version: version, requirement: whole, line: line}, nil
}

// isHash tells whether a word is one of pip's hash options, of a function that still holds.
func isHash(word string) bool {
	for option, size := range map[string]int{"--hash=sha256:": 64, "--hash=sha384:": 96, "--hash=sha512:": 128} {
		if digest, found := strings.CutPrefix(word, option); found {
			return len(digest) == size && charset.MadeOf(digest, charset.Digits+"abcdefABCDEF")
		}
	}
	return false
}

// IsZero tells whether nothing is locked.
func (l Lock) IsZero() bool { return len(l.pins) == 0 }

// String returns the file as pip is to read it, without comments: one may name an encoding, and pip would read all of
// it so.
func (l Lock) String() string {
	var text strings.Builder
	for _, p := range l.pins {
		text.WriteString(p.line + "\n")
	}
	return text.String()
}

// Versions returns the versions of a package, several where markers decide between them.
func (l Lock) Versions(name string) []string {
	var versions []string
	for _, p := range l.pins {
		if p.name == name {
			versions = append(versions, p.version)
		}
	}
	return versions
}

// Tools returns the part that is about the build of source packages, as pip reads it.
func (l Lock) Tools() string { return l.part("setuptools", "wheel").String() }

// Pipx returns the part that is about pipx and all that pipx 1.0 to 1.18 takes.
func (l Lock) Pipx() Lock {
	return l.part("argcomplete", "click", "distro", "filelock", "importlib-metadata", "packaging", "pipx", "platformdirs",
		"tomli", "typing-extensions", "userpath", "zipp")
}

func (l Lock) part(names ...string) Lock {
	var some Lock
	for _, p := range l.pins {
		if slices.Contains(names, p.name) {
			some.pins = append(some.pins, p)
		}
	}
	return some
}

// Requirements returns what is locked without its hashes, as in "click==8.1.7 ; python_version < '3.10'".
func (l Lock) Requirements() []string {
	var requirements []string
	for _, p := range l.pins {
		requirements = append(requirements, p.requirement)
	}
	return requirements
}

// Differs says which installed package is not of a locked version, "" when all are. What is not
// locked, or not installed, since its marker does not hold, is passed over.
func (l Lock) Differs(packages map[string]string) string {
	for _, p := range l.pins {
		installed, found := packages[p.name]
		locked := l.Versions(p.name)
		if found && !slices.ContainsFunc(locked, func(v string) bool { return sameVersion(v, installed) }) {
			return fmt.Sprintf("the lock file has %s %s in place of %s", p.name, strings.Join(locked, " or "), installed)
		}
	}
	return ""
}

// sameVersion tells whether two texts stand for one version, as 1.0 and 1.0.0 do.
func sameVersion(a, b string) bool {
	first, err := pep440.Parse(a)
	second, err2 := pep440.Parse(b)
	return a == b || err == nil && err2 == nil && first.Compare(second) == 0
}

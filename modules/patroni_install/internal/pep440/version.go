// Package pep440 reads versions of Python packages and the specifiers that select them, and
// compares them by the rules of PEP 440.
//
// It is pure, and limits the length of everything that it reads. Numbers are kept and compared as digits, so that
// none is too large. The operator === compares plain text, and is refused.
package pep440

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxVersion limits the length of a version, in bytes.
const maxVersion = 256

const (
	digits     = "0123456789"
	separators = ".-_"
)

// Version is a parsed version. The zero value is none.
type Version struct {
	epoch   string   // as every number: digits without leading zeros
	release []string // numbers, at least one
	phase   string   // of a pre-release: "a", "b" or "rc"
	pre     string   // number in that phase; like phase, post and dev "" if there is none
	post    string
	dev     string
	local   []string // numbers and words in lower case
}

// Parse reads a version in any spelling that PEP 440 allows, such as "4.0.7", "v4.1-RC.1" or
// "1!2.0-1+ubuntu.3".
func Parse(text string) (Version, error) {
	v, err := parse(strings.TrimSpace(text))
	if err != nil {
		return Version{}, fmt.Errorf("cannot read version %.40q: %w", text, err)
	}
	return v, nil
}

// MustParse reads a version that is a constant of the program, and panics if it is none.
func MustParse(text string) Version {
	v, err := Parse(text)
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return v
}

// parse reads a version without white space around it.
func parse(text string) (Version, error) {
	if len(text) > maxVersion {
		return Version{}, fmt.Errorf("it is longer than %d bytes", maxVersion)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return Version{}, errors.New("it has characters beyond ASCII") // some have an ASCII letter as lower case
	}
	s := scanner{strings.TrimPrefix(strings.ToLower(text), "v")}
	v, ok := s.version()
	if !ok || s.rest != "" {
		return Version{}, errors.New("it is not of the form of PEP 440, such as 4.0.7 or 4.1rc1")
	}
	return v, nil
}

// String returns the normal form. Equal versions differ in it only by trailing zeros of the release.
func (v Version) String() string {
	text := strings.Join(v.release, ".") + v.phase + v.pre
	if v.epoch != "0" && v.epoch != "" {
		text = v.epoch + "!" + text
	}
	if v.post != "" {
		text += ".post" + v.post
	}
	if v.dev != "" {
		text += ".dev" + v.dev
	}
	if len(v.local) > 0 {
		text += "+" + strings.Join(v.local, ".")
	}
	return text
}

// IsPrerelease tells whether it is an alpha, beta, candidate or development release.
func (v Version) IsPrerelease() bool { return v.phase != "" || v.dev != "" }

// Compare returns a negative number if v comes before w, a positive one if it comes after, and 0 if they are equal,
// as 1.0 and 1.0.0 are.
func (v Version) Compare(w Version) int {
	return cmp.Or(v.comparePublic(w), slices.CompareFunc(v.local, w.local, compareSegments))
}

// comparePublic compares all but the local parts.
func (v Version) comparePublic(w Version) int {
	return cmp.Or(
		compareNumbers(v.epoch, w.epoch),
		slices.CompareFunc(significant(v.release), significant(w.release), compareNumbers),
		cmp.Compare(v.rank(), w.rank()),
		compareNumbers(v.pre, w.pre),
		compareNumbers(v.post, w.post),
		compareDev(v.dev, w.dev),
	)
}

// rank orders the phases of one release: 1.0.dev1, 1.0a1, 1.0b1, 1.0rc1, 1.0. A development release of a pre-release
// or post-release has the rank of that one.
func (v Version) rank() int {
	if v.phase == "" && v.post == "" && v.dev != "" {
		return 0
	}
	return 1 + slices.Index([]string{"a", "b", "rc", ""}, v.phase)
}

// significant returns a release without trailing zeros.
func significant(release []string) []string {
	for len(release) > 0 && release[len(release)-1] == "0" {
		release = release[:len(release)-1]
	}
	return release
}

// compareNumbers compares digits without leading zeros. No number comes before all numbers.
func compareNumbers(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// compareDev compares the numbers of development releases. No number comes after all numbers.
func compareDev(a, b string) int {
	if a == "" || b == "" {
		return compareNumbers(b, a)
	}
	return compareNumbers(a, b)
}

// compareSegments compares segments of local versions: words come before numbers.
func compareSegments(a, b string) int {
	switch aNumber, bNumber := isNumber(a), isNumber(b); {
	case aNumber && bNumber:
		return compareNumbers(a, b)
	case aNumber:
		return 1
	case bNumber:
		return -1
	}
	return strings.Compare(a, b)
}

func isNumber(text string) bool { return strings.Trim(text, digits) == "" }

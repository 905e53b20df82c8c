package pipx

import (
	"fmt"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/pep440"
)

// Constraints returns what pip is to read of a file of constraints, a line each, and refuses one that says more than
// which versions may be installed:
//
//	NAME [SPECIFIERS | @ ADDRESS] [; MARKER]
//
// pip would take options there too, such as another index or a host whose certificate does not count. What it refuses
// by itself, it refuses only in the middle of a build. A comment is not for pip, which would read the whole file by an
// encoding that one names.
func Constraints(text string) (string, error) {
	var read strings.Builder
	err := eachLine(text, func(line string) error {
		read.WriteString(line + "\n")
		return checkConstraint(line)
	})
	if err != nil {
		return "", err
	}
	return read.String(), nil
}

func checkConstraint(line string) error {
	for word := range strings.FieldsSeq(line) {
		if isHash(word) {
			return fmt.Errorf("%.30q… belongs into a lock file (in the role: patroni_lockfile)", word)
		}
		if strings.HasPrefix(word, "-") {
			return fmt.Errorf("%.100q is not allowed in a file of constraints, only packages and their versions", shown(word))
		}
	}
	name, rest := span(line, nameChars)
	rest = strings.TrimSpace(rest)
	if strings.HasPrefix(rest, "[") {
		return fmt.Errorf("a constraint has no extras; write %s without them", name)
	}
	if isName(name) && strings.HasPrefix(rest, "@") {
		return nil
	}
	specifiers, _, _ := strings.Cut(rest, ";")
	if _, err := pep440.ParseSpecifiers(withoutBrackets(specifiers)); err != nil || !isName(name) {
		return fmt.Errorf("%.100q does not name a package and its versions, as in click<9", shown(line))
	}
	return nil
}

// withoutBrackets returns specifiers without the brackets that may be around all of them.
func withoutBrackets(specifiers string) string {
	specifiers = strings.TrimSpace(specifiers)
	inner, opened := strings.CutPrefix(specifiers, "(")
	inner, closed := strings.CutSuffix(inner, ")")
	if !opened || !closed {
		return specifiers
	}
	return inner
}

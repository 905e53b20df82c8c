package pipx

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/charset"
	"github.com/pgedge/platform/modules/patroni_install/internal/pep440"
)

// Spec says which versions are wanted. The zero value takes any.
type Spec struct {
	text  string // comma-separated clauses
	exact string
	set   pep440.Specifiers
}

// ParseSpec reads a version ("4.0.7") or PEP 440 specifiers (">=4.0,<4.1", "~=4.0", "==4.0.*").
// Whatever else a requirement may hold, names, extras, addresses, markers or options, is refused.
func ParseSpec(text string) (Spec, error) {
	if text == "" {
		return Spec{}, nil
	}
	spec := Spec{text: text}
	if isPlainVersion(text) {
		spec.text = "==" + text
	}
	for clause := range strings.SplitSeq(spec.text, ",") {
		version := strings.TrimSuffix(strings.TrimLeft(clause, "~=!<>"), ".*")
		if !isPlainVersion(version) {
			return Spec{}, badSpec(text, errors.New("it is neither a version nor a version specifier"))
		}
	}
	set, err := pep440.ParseSpecifiers(spec.text)
	if err != nil {
		return Spec{}, badSpec(text, err)
	}
	spec.set = set
	if one, found := strings.CutPrefix(spec.text, "=="); found && isPlainVersion(one) {
		spec.exact = one
	}
	return spec, nil
}

// isPlainVersion tells whether a text can be a version alone, without the white space and the
// letter v that PEP 440 lets precede it.
func isPlainVersion(text string) bool {
	return charset.MadeOf(text, versionChars+"-") && charset.MadeOf(text[:1], charset.Digits)
}

func badSpec(text string, cause error) error {
	return fmt.Errorf(`cannot use version %q: %w; write a version such as 4.0.7, or a specifier without spaces such as `+
		`">=4.0,<4.1" or "~=4.0"`, text, cause)
}

// String returns the specifiers as pip takes them, "" for any version.
func (s Spec) String() string { return s.text }

// Exact returns the one version that is wanted, if it is one.
func (s Spec) Exact() (string, bool) { return s.exact, s.exact != "" }

// Matches tells whether a version satisfies the specifiers. A pre-release is as good as any
// other version: whoever installed it wanted it.
func (s Spec) Matches(text string) bool {
	if s.text == "" {
		return true
	}
	v, err := pep440.Parse(text)
	return err == nil && s.set.Contains(v, true)
}

// Requirement returns what pip is asked for, e.g. "patroni[psycopg2-binary,etcd]==4.0.7".
func (s Spec) Requirement(extras []string) string {
	if len(extras) == 0 {
		return Package + s.text
	}
	return Package + "[" + strings.Join(extras, ",") + "]" + s.text
}

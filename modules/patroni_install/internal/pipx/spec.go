package pipx

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	version "github.com/aquasecurity/go-pep440-version"
)

// clauseForm is one version specifier of PEP 440 without the white space that it also allows.
var clauseForm = regexp.MustCompile(`^(~=|==|!=|<=|>=|<|>)([0-9][A-Za-z0-9.!+_-]*(?:\.\*)?)$`)

// plainVersion is a version alone.
var plainVersion = regexp.MustCompile(`^[0-9][A-Za-z0-9.!+_-]*$`)

// Spec says which versions are wanted. The zero value takes any.
type Spec struct {
	text  string // comma-separated clauses
	exact string
	set   version.Specifiers
}

// ParseSpec reads a version ("4.0.7") or PEP 440 specifiers (">=4.0,<4.1", "~=4.0", "==4.0.*").
// Whatever else a requirement may hold, names, extras, addresses, markers or options, is refused.
func ParseSpec(text string) (Spec, error) {
	if text == "" {
		return Spec{}, nil
	}
	spec := Spec{text: text}
	if plainVersion.MatchString(text) {
		spec.text = "==" + text
	}
	for clause := range strings.SplitSeq(spec.text, ",") {
		if !clauseForm.MatchString(clause) {
			return Spec{}, badSpec(text, errors.New("it is neither a version nor a version specifier"))
		}
	}
	set, err := version.NewSpecifiers(spec.text)
	if err != nil {
		return Spec{}, badSpec(text, err)
	}
	spec.set = set
	if one, found := strings.CutPrefix(spec.text, "=="); found && plainVersion.MatchString(one) {
		spec.exact = one
	}
	return spec, nil
}

func badSpec(text string, cause error) error {
	return fmt.Errorf(`cannot use version %q: %w; write a version such as 4.0.7, or a specifier without spaces such as ">=4.0,<4.1" or "~=4.0"`, text, cause)
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
	v, err := version.Parse(text)
	return err == nil && s.set.Check(v)
}

// Requirement returns what pip is asked for, e.g. "patroni[psycopg2-binary,etcd]==4.0.7".
func (s Spec) Requirement(extras []string) string {
	if len(extras) == 0 {
		return Package + s.text
	}
	return Package + "[" + strings.Join(extras, ",") + "]" + s.text
}

// CheckExtras refuses what cannot be the name of an extra.
func CheckExtras(extras []string) error {
	for _, extra := range extras {
		if !nameForm.MatchString(extra) {
			return fmt.Errorf("cannot use extra %q: a name of letters, digits, '-', '_' and '.' is expected, such as psycopg2-binary or etcd3", extra)
		}
	}
	return nil
}

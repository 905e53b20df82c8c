package pep440

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxSpecifiers limits the length of specifiers, in bytes.
const maxSpecifiers = 1024

// Specifiers is a set of clauses. A version has to meet all of them. The zero value has none.
type Specifiers []clause

// clause is one specifier, such as ">=4.0" or "==4.0.*".
type clause struct {
	operator string
	version  Version
	wildcard bool // any version that begins with this one's release
}

// ParseSpecifiers reads specifiers with commas between them, such as ">=4.0,<4.1", "~=4.0" or
// "!=4.0.*". White space around versions and operators means nothing; "" takes any version.
func ParseSpecifiers(text string) (Specifiers, error) {
	if len(text) > maxSpecifiers {
		return nil, fmt.Errorf("cannot read version specifiers %.40q…: they are longer than %d bytes", text, maxSpecifiers)
	}
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var set Specifiers
	for part := range strings.SplitSeq(text, ",") {
		c, err := parseClause(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("cannot read version specifier %q: %w", part, err)
		}
		set = append(set, c)
	}
	return set, nil
}

func parseClause(text string) (clause, error) {
	for _, operator := range []string{"===", "~=", "==", "!=", "<=", ">=", "<", ">"} {
		rest, found := strings.CutPrefix(text, operator)
		if !found {
			continue
		}
		number, wildcard := strings.CutSuffix(strings.TrimSpace(rest), ".*")
		v, err := parse(number)
		if err != nil {
			return clause{}, err
		}
		c := clause{operator, v, wildcard}
		return c, c.check()
	}
	return clause{}, errors.New("it begins with no operator, such as == or >=")
}

// check refuses operators with versions that they cannot compare.
func (c clause) check() error {
	v, equality := c.version, c.operator == "==" || c.operator == "!="
	switch {
	case c.operator == "===":
		return errors.New("the operator === is not supported")
	case c.wildcard && !equality:
		return errors.New("only == and != go with a wildcard")
	case c.wildcard && (v.IsPrerelease() || v.post != "" || len(v.local) > 0):
		return errors.New("a wildcard goes with a plain release only")
	case len(v.local) > 0 && !equality:
		return errors.New("only == and != go with a local version")
	case c.operator == "~=" && len(v.release) < 2:
		return errors.New("~= goes with two or more numbers, such as ~=4.0")
	}
	return nil
}

// Contains tells whether a version meets all clauses. Pre-releases count if prereleases says so, or if a clause names
// one.
func (s Specifiers) Contains(v Version, prereleases bool) bool {
	if v.IsPrerelease() && !prereleases && !slices.ContainsFunc(s, clause.namesPrerelease) {
		return false
	}
	return !slices.ContainsFunc(s, func(c clause) bool { return !c.allows(v) })
}

func (c clause) namesPrerelease() bool { return c.operator != "!=" && c.version.IsPrerelease() }

// allows tells whether a version meets the clause. Its local part counts only if the clause names one.
func (c clause) allows(v Version) bool {
	order := v.comparePublic(c.version)
	switch c.operator {
	case "==":
		return c.equals(v)
	case "!=":
		return !c.equals(v)
	case "<=":
		return order <= 0
	case ">=":
		return order >= 0
	case "<":
		return v.comparePublic(c.version.earliest()) < 0
	case ">":
		return order > 0 && !v.isPostOf(c.version)
	}
	return order >= 0 && v.isOf(c.version.epoch, c.version.release[:len(c.version.release)-1]) // ~=
}

func (c clause) equals(v Version) bool {
	switch {
	case c.wildcard:
		return v.isOf(c.version.epoch, c.version.release)
	case len(c.version.local) > 0:
		return v.Compare(c.version) == 0
	}
	return v.comparePublic(c.version) == 0
}

// isOf tells whether the release begins with these numbers; it goes on with zeros for ever.
func (v Version) isOf(epoch string, release []string) bool {
	for i, number := range release {
		if i < len(v.release) && v.release[i] != number || i >= len(v.release) && number != "0" {
			return false
		}
	}
	return v.epoch == epoch
}

// earliest returns the first pre-release of a version, or the version itself if it is one: < means before that.
func (v Version) earliest() Version {
	if !v.IsPrerelease() {
		v.dev = "0"
	}
	return v
}

// isPostOf tells whether v is a post-release of w: > does not accept these.
func (v Version) isPostOf(w Version) bool {
	v.post, v.dev = "", ""
	return v.comparePublic(w) == 0
}

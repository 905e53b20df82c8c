package pkgmgr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// Simulate implements [Manager].
func (d dnf) Simulate(ctx context.Context, names []string) ([]Package, error) {
	for _, name := range names {
		if err := checkRPMName(name); err != nil {
			return nil, err
		}
	}
	if d.ReadOnly {
		return nil, cmp.Or(d.refuseExcluded(names), ErrWouldWrite)
	}
	out, err := d.locks.exclusive(ctx, d.command(append([]string{"install", "--assumeno"}, names...)...))
	answer := parseTransaction(string(out.Stdout))
	if err == nil && len(answer.add) == 0 && answer.complete {
		return nil, nil // nothing to do
	}
	if missing := noMatch(out); len(missing) > 0 {
		return nil, &UnknownPackageError{Names: missing, Hint: hint(out)}
	}
	if err := refuseKept(names, out); err != nil {
		return nil, err
	}
	failed, ran := errors.AsType[*host.CommandError](err)
	aborted := ran && failed.Cause == nil && answer.complete &&
		strings.HasSuffix(strings.TrimSpace(failed.Stderr), "Operation aborted.")
	if err != nil && !aborted {
		return nil, fmt.Errorf("cannot simulate installing %s: %w", strings.Join(names, ", "), explainBy(dnfCauses(), err))
	}
	if len(answer.changes) > 0 {
		return nil, answer.refusal(names)
	}
	if !answer.complete {
		return nil, fmt.Errorf("cannot simulate installing %s: dnf does not say what it would do", strings.Join(names, ", "))
	}
	if len(answer.add) != answer.count {
		return nil, fmt.Errorf("cannot simulate installing %s: dnf counts %d packages and names %d",
			strings.Join(names, ", "), answer.count, len(answer.add))
	}
	return answer.add, nil
}

// transaction is dnf's answer to what it would do.
type transaction struct {
	add      []Package
	changes  []string // what it would do to installed packages: "upgrade openssl to 3.5"
	upgraded []string // their names
	count    int      // of packages to install, from the summary
	complete bool     // the whole answer was seen
}

// parseTransaction reads the table that dnf prints:
//
//	Installing dependencies:
//	 python3-setuptools   noarch   53.0.0-13.el9   baseos   944 k
//
//	Transaction Summary
//	Install  2 Packages
//
// A row with a long name goes on in the next line. Module streams do not count: only dnf's own installation would
// enable them.
func parseTransaction(text string) transaction {
	var t transaction
	section := ""
	var row []string
	end := func() {
		t.row(section, row)
		row = nil
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
			end()
			section = ""
		case line[0] != ' ':
			end()
			section = ""
			if trimmed := strings.TrimSpace(line); strings.HasSuffix(trimmed, ":") {
				section = trimmed
			}
			t.summary(words)
		case strings.HasPrefix(line, "  ") && words[0] == "replacing" && len(words) > 1:
			t.changes = append(t.changes, "replace "+words[1])
		case strings.HasPrefix(line, "  "):
			row = append(row, words...)
		default:
			end()
			row = words
		}
	}
	end()
	return t
}

// row takes a row of the table: name, architecture, version, repository, size.
func (t *transaction) row(section string, words []string) {
	verbs := map[string]string{"Upgrading:": "upgrade", "Downgrading:": "downgrade", "Reinstalling:": "reinstall"}
	switch {
	case len(words) < 4:
	case strings.HasPrefix(section, "Installing"):
		t.add = append(t.add, Package{Name: words[0], Arch: words[1], Version: words[2]})
		sortPackages(t.add)
	case strings.HasPrefix(section, "Removing"):
		t.changes = append(t.changes, "remove "+words[0])
	case verbs[section] != "":
		t.changes = append(t.changes, fmt.Sprintf("%s %s to %s", verbs[section], words[0], words[2]))
		t.upgraded = append(t.upgraded, words[0])
	}
}

func (t *transaction) summary(words []string) {
	switch {
	case len(words) == 3 && words[0] == "Install" && strings.HasPrefix(words[2], "Package"):
		t.count, _ = strconv.Atoi(words[1])
		t.complete = true
	case len(words) == 3 && words[0] == "Nothing" && words[2] == "do.":
		t.complete = true
	}
}

// refusal says what would happen to installed packages, and how to let it.
func (t *transaction) refusal(names []string) error {
	command := "install " + strings.Join(names, " ")
	if len(t.upgraded) == len(t.changes) {
		command = "upgrade " + strings.Join(t.upgraded, " ")
	}
	return fmt.Errorf("cannot install %s: it would %s, which could not be undone; do it first with: dnf %s, then run "+
		"this again",
		strings.Join(names, ", "), strings.Join(t.changes, ", "), command)
}

// noMatch returns the names that dnf said it cannot find, sorted.
func noMatch(out host.Output) []string {
	var names []string
	for line := range strings.Lines(string(out.Stdout) + "\n" + string(out.Stderr)) {
		if _, name, found := strings.Cut(strings.TrimSpace(line), "No match for argument: "); found {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// hint says what may offer a package that no enabled repository has.
func hint(out host.Output) string {
	if text := string(out.Stdout) + string(out.Stderr); strings.Contains(text, "not registered") ||
		strings.Contains(text, "subscription-manager") {
		return notRegistered
	}
	return "enable the repository that has it; dnf repolist --all names those that are known"
}

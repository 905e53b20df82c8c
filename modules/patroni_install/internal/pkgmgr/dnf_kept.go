package pkgmgr

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/ini"
)

// filter is a way in which dnf is kept from packages that a repository has.
type filter struct {
	word   string // of dnf's: "exclude", as in "filtered out by exclude filtering"
	advice string // with a place for the packages
}

func filters() []filter {
	return []filter{
		{"exclude", "dnf is told to pass over %s; change exclude in /etc/dnf/dnf.conf and in the repositories' files, or " +
			"what the plugin versionlock has (dnf versionlock list), and run this again"},
		{"modular", "no stream is enabled of the module that has %s; enable one (dnf module list shows them), and run this " +
			"again"},
	}
}

// kept returns what dnf is kept from: names that were asked for, and packages that they need, as NAME-VERSION.ARCH,
// with the advice for the first of each kind:
//
//	All matches were filtered out by exclude filtering for argument: python3-pip
//	  - package python3-setuptools-53.0.0-1.el9.noarch is filtered out by exclude filtering
func kept(out host.Output) (asked, needed []string, advice string) {
	text := string(out.Stdout) + "\n" + string(out.Stderr)
	for _, f := range filters() {
		sign := "filtered out by " + f.word + " filtering"
		for line := range strings.Lines(text) {
			before, after, found := strings.Cut(strings.TrimSpace(line), sign)
			if !found {
				continue
			}
			if name, matches := strings.CutPrefix(after, " for argument: "); matches {
				asked = append(asked, name)
			} else if words := strings.Fields(before); len(words) > 2 && words[1] == "package" {
				needed = append(needed, words[2])
			}
		}
		slices.Sort(asked)
		slices.Sort(needed)
		asked, needed = slices.Compact(asked), slices.Compact(needed)
		if names := slices.Concat(asked, needed); len(names) > 0 {
			return asked, needed, fmt.Sprintf(f.advice, strings.Join(names, ", "))
		}
	}
	return nil, nil, ""
}

// dnfConfig is the file whose section main holds for all repositories.
const dnfConfig = "/etc/dnf/dnf.conf"

// refuseExcluded refuses names that dnf's own configuration excludes: that can be read without dnf, which cannot be
// asked without writing.
func (d dnf) refuseExcluded(names []string) error {
	text, err := d.Host.FS.ReadFile(dnfConfig, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read dnf's configuration: %w", err)
	}
	patterns := excludes(string(text))
	asked := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !slices.ContainsFunc(patterns, func(pattern string) bool {
			matches, err := path.Match(pattern, name)
			return err == nil && matches
		})
	})
	if len(asked) == 0 {
		return nil
	}
	slices.Sort(asked)
	hint := fmt.Sprintf(filters()[0].advice, strings.Join(asked, ", "))
	return &UnknownPackageError{Names: asked, Hint: hint, Kept: true}
}

// excludes returns the patterns of exclude, or excludepkgs, in section main.
func excludes(text string) (patterns []string) {
	for _, s := range ini.Parse(text) {
		if s.Section == "main" && (s.Name == "exclude" || s.Name == "excludepkgs") {
			patterns = append(patterns, strings.Fields(strings.ReplaceAll(s.Value, ",", " "))...)
		}
	}
	return patterns
}

// refuseKept says which of names cannot be installed, since dnf is kept from them or from what they need; nil if it is
// kept from nothing.
func refuseKept(names []string, out host.Output) error {
	asked, needed, advice := kept(out)
	switch {
	case len(asked) > 0:
		return &UnknownPackageError{Names: asked, Hint: advice, Kept: true}
	case len(needed) > 0:
		return fmt.Errorf("cannot install %s: %s", strings.Join(names, ", "), advice)
	}
	return nil
}

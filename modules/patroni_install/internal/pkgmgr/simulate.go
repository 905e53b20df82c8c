package pkgmgr

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// action is one line of a simulation:
//
//	Inst name[:arch] [old] (version source [arch]) …
//	Remv name[:arch] [old]
//	Purg name[:arch] [old]
type action struct {
	verb string
	pkg  Package // the new version; of Remv and Purg the old one, and its architecture where foreign
	old  string  // version that Inst replaces
}

// Simulate returns the exact set that installing names would add, sorted; empty when nothing is
// missing. Names that no list offers give an *UnknownPackageError. It refuses what would replace
// or remove an installed package, naming it.
func (a APT) Simulate(ctx context.Context, names []string) ([]Package, error) {
	for _, name := range names {
		if _, err := parseRequest(name); err != nil {
			return nil, err
		}
	}
	cmd := a.command("apt-get", "-s", "-q", "install")
	if a.ReadOnly {
		cmd.Argv = append(cmd.Argv, "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=", "-o", "Dir::Log::Planner=")
	}
	cmd.Argv = append(cmd.Argv, names...)
	out, err := a.Host.Run.Run(ctx, cmd)
	if missing := unknown(out); len(missing) > 0 {
		return nil, &UnknownPackageError{Names: missing}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot simulate installing %s: %w", strings.Join(names, ", "), err)
	}
	set, changes := additions(parseActions(string(out.Stdout)))
	if len(changes) > 0 {
		return nil, fmt.Errorf("cannot install %s: it would %s; bring these up to date first",
			strings.Join(names, ", "), strings.Join(changes, ", "))
	}
	return set, nil
}

// additions splits a simulation into what it adds and what it would do to installed packages.
func additions(actions []action) (set []Package, changes []string) {
	for _, act := range actions {
		switch {
		case act.verb != "Inst":
			changes = append(changes, "remove "+act.pkg.String())
		case act.old != "":
			changes = append(changes, fmt.Sprintf("replace %s=%s by version %s", act.pkg.Name, act.old, act.pkg.Version))
		default:
			set = append(set, act.pkg)
		}
	}
	sortPackages(set)
	return set, changes
}

// parseActions reads the output of apt-get -s. "Conf" lines tell nothing new.
func parseActions(text string) []action {
	var actions []action
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 3 || !slices.Contains([]string{"Inst", "Remv", "Purg"}, words[0]) {
			continue
		}
		act := action{verb: words[0]}
		act.pkg.Name, act.pkg.Arch, _ = strings.Cut(words[1], ":")
		if strings.HasPrefix(words[2], "[") {
			act.old = strings.Trim(words[2], "[]")
		}
		if act.verb == "Inst" {
			act.pkg.Version, act.pkg.Arch = parseTarget(line)
		} else {
			act.pkg.Version, act.old = act.old, ""
		}
		actions = append(actions, act)
	}
	return actions
}

// parseTarget reads "(version source, source [arch])".
func parseTarget(line string) (version, arch string) {
	_, rest, _ := strings.Cut(line, "(")
	inner, _, _ := strings.Cut(rest, ")")
	words := strings.Fields(inner)
	if len(words) == 0 {
		return "", ""
	}
	return words[0], strings.Trim(words[len(words)-1], "[]")
}

// unknown returns the names that apt-get said it cannot find, sorted. A name that apt took for a
// pattern, since no package bears it, is unknown as well.
func unknown(out host.Output) []string {
	var names []string
	for line := range strings.Lines(string(out.Stdout) + "\n" + string(out.Stderr)) {
		line = strings.TrimSpace(line)
		if _, name, found := strings.Cut(line, "Unable to locate package "); found {
			names = append(names, name)
		}
		quoted := strings.Split(line, "'")
		switch {
		case strings.HasSuffix(line, "has no installation candidate") && len(quoted) == 3:
			names = append(names, quoted[1])
		case strings.HasSuffix(line, "was not found") && len(quoted) == 5:
			names = append(names, quoted[3]+"="+quoted[1])
		case strings.Contains(line, "for regex '") && len(quoted) == 5:
			names = append(names, quoted[3])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

package pkgmgr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// simulations bounds how often Simulate asks apt-get.
const simulations = 5

// action is one line of a simulation:
//
//	Inst name[:arch] [old] (version source [arch]) …
//	Remv name[:arch] [old]
//	Purg name[:arch] [old]
type action struct {
	verb string
	name string  // as printed, with the architecture where foreign
	pkg  Package // the new version; of Remv and Purg the old one, and its architecture where foreign
	old  string  // version that Inst replaces
}

// Simulate implements [Manager].
//
// On a host that lacks an update, a new package may bring in that update, since it goes with one
// version only, as python3.11-venv does with python3.11. Then the version that goes with what is
// installed is taken, where the lists still offer it.
func (a apt) Simulate(ctx context.Context, names []string) ([]Package, error) {
	for _, name := range names {
		if _, err := parseRequest(name); err != nil {
			return nil, err
		}
	}
	if set, known := a.addedOnly(ctx, names); known {
		return set, nil
	}
	first, err := a.simulate(ctx, names)
	if err != nil {
		return nil, err
	}
	actions, err := a.keepInstalled(ctx, names, first)
	if err != nil {
		return nil, err
	}
	set, alone := additions(actions)
	if !alone {
		return nil, refusal(names, first)
	}
	return set, nil
}

// addedOnly returns the set that installing names would add, if that is known to be all that
// would be done: the list of archives to fetch tells that in half the time of a simulation.
func (a apt) addedOnly(ctx context.Context, names []string) (set []Package, known bool) {
	out, err := a.Host.Run.Run(ctx, a.question("--print-uris", names))
	if err != nil {
		return nil, false // the simulation will say why
	}
	if len(heldChanged(out)) > 0 {
		return nil, false
	}
	return parseArchives(string(out.Stdout))
}

func (a apt) simulate(ctx context.Context, names []string) ([]action, error) {
	out, err := a.Host.Run.Run(ctx, a.question("-s", names))
	if missing := unknown(out); len(missing) > 0 {
		return nil, a.unknownPackages(ctx, missing, out)
	}
	if err != nil {
		return nil, a.explainUnmet(ctx, names, out, err)
	}
	if held := heldChanged(out); len(held) > 0 {
		return nil, refuseHeld(names, held)
	}
	return parseActions(string(out.Stdout)), nil
}

// unknownPackages is the error of names that apt-get said it cannot find, be it that a pin forbids them. A version that
// is asked for counts in spite of a pin.
func (a apt) unknownPackages(ctx context.Context, names []string, out host.Output) error {
	unknown := &UnknownPackageError{Names: names}
	if !strings.Contains(string(out.Stderr), "has no installation candidate") {
		return unknown
	}
	bare := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return strings.Contains(name, "=") })
	if pinned := a.pinned(ctx, bare); len(pinned) > 0 {
		unknown.Hint, unknown.Kept = forbidden(pinned), true
	}
	return unknown
}

// withoutCaches keeps a program of apt from writing its caches and logs, if it must not.
func (a apt) withoutCaches() []string {
	if !a.ReadOnly {
		return nil
	}
	return []string{"-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=", "-o", "Dir::Log::Planner="}
}

// question is a command that installs nothing.
func (a apt) question(mode string, names []string) host.Command {
	cmd := a.command("apt-get", mode, "-q", "install")
	cmd.Argv = append(append(cmd.Argv, a.withoutCaches()...), names...)
	return cmd
}

// parseArchives reads the output of apt-get --print-uris: a summary, and a line for each archive
//
//	'http://mirror/pool/c/click/python3-click_8.1.3-2_all.deb' python3-click_8.1.3-2_all.deb 92 SHA256:…
//
// It is known only when all that would be done is adding packages, and each has its line: an
// archive that apt has already has none.
func parseArchives(text string) (set []Package, known bool) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 3 || !strings.HasPrefix(line, "'") {
			continue
		}
		parts := strings.Split(strings.TrimSuffix(words[1], ".deb"), "_")
		if len(parts) != 3 {
			return nil, false
		}
		set = append(set, Package{Name: parts[0], Version: strings.ReplaceAll(parts[1], "%3a", ":"), Arch: parts[2]})
	}
	sortPackages(set)
	return set, strings.Contains(text, fmt.Sprintf("\n0 upgraded, %d newly installed, 0 to remove and ", len(set)))
}

// keepInstalled simulates again as long as pins may avoid an upgrade. It returns first when apt
// does not accept them.
func (a apt) keepInstalled(ctx context.Context, names []string, first []action) ([]action, error) {
	actions := first
	for range simulations - 1 {
		more := pins(names, actions)
		if len(more) == 0 {
			break
		}
		names = slices.Concat(names, more)
		var err error
		if actions, err = a.simulate(ctx, names); rejected(err) {
			return first, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return actions, nil
}

// pins returns a request for each added package that has the new version of an upgraded one: for
// the version that is installed of that one. A version that names ask for is left to them.
func pins(names []string, actions []action) []string {
	var more []string
	for _, add := range actions {
		exact := func(name string) bool {
			return strings.HasPrefix(name, add.pkg.Name+"=") || strings.HasPrefix(name, ident(add.pkg)+"=")
		}
		goesWith := func(up action) bool { return up.old != "" && up.pkg.Version == add.pkg.Version }
		if add.verb != "Inst" || add.old != "" || slices.ContainsFunc(names, exact) {
			continue
		}
		if i := slices.IndexFunc(actions, goesWith); i >= 0 {
			more = append(more, ident(add.pkg)+"="+actions[i].old)
		}
	}
	return more
}

// rejected tells whether apt-get said no: a version is not offered, or does not fit the others.
func rejected(err error) bool {
	_, missing := errors.AsType[*UnknownPackageError](err)
	failed, ran := errors.AsType[*host.CommandError](err)
	return missing || ran && failed.Cause == nil
}

// additions returns what a simulation adds, sorted, and whether that is all it does.
func additions(actions []action) (set []Package, alone bool) {
	for _, act := range actions {
		if act.verb != "Inst" || act.old != "" {
			return nil, false
		}
		set = append(set, act.pkg)
	}
	sortPackages(set)
	return set, true
}

// refusal says what a simulation would do to installed packages, and how to let it.
func refusal(names []string, actions []action) error {
	var changes, upgraded []string
	for _, act := range actions {
		switch {
		case act.verb != "Inst":
			changes = append(changes, "remove "+act.name+"="+act.pkg.Version)
		case act.old != "":
			changes = append(changes, fmt.Sprintf("upgrade %s from %s to %s", act.name, act.old, act.pkg.Version))
			upgraded = append(upgraded, act.name)
		}
	}
	command := "--only-upgrade " + strings.Join(upgraded, " ")
	if len(upgraded) < len(changes) {
		command = "--no-install-recommends " + strings.Join(names, " ")
	}
	return fmt.Errorf("cannot install %s: it would %s, which could not be undone; do it first with: "+
		"apt-get install %s, then run this again", strings.Join(names, ", "), strings.Join(changes, ", "), command)
}

// parseActions reads the output of apt-get -s. "Conf" lines tell nothing new.
func parseActions(text string) []action {
	var actions []action
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 3 || !slices.Contains([]string{"Inst", "Remv", "Purg"}, words[0]) {
			continue
		}
		act := action{verb: words[0], name: words[1]}
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

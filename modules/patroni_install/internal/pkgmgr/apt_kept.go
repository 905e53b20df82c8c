package pkgmgr

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// What the administrator keeps apt from: a package on hold, and one that a pin forbids. A simulation says of either
// only what came of it, and of a package on hold it succeeds, since apt-get refuses that one only when it installs.

// heldChanged returns the names of packages on hold that apt-get would change:
//
//	The following held packages will be changed:
//	  pipx python3-venv
func heldChanged(out host.Output) []string {
	return section(out, "The following held packages will be changed:")
}

// section returns the words of the indented lines after a heading of apt-get's.
func section(out host.Output, heading string) (words []string) {
	_, after, _ := strings.Cut(string(out.Stdout), heading+"\n")
	for line := range strings.Lines(after) {
		if !strings.HasPrefix(line, " ") {
			break
		}
		words = append(words, strings.Fields(line)...)
	}
	return words
}

// unmet returns the lines in which apt-get says which dependencies it cannot meet, without their indentation.
func unmet(out host.Output) (lines []string) {
	_, after, _ := strings.Cut(string(out.Stdout), "The following packages have unmet dependencies:\n")
	for line := range strings.Lines(after) {
		if !strings.HasPrefix(line, " ") {
			break
		}
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines
}

// named returns the packages that these lines name, sorted:
//
//	pipx : Depends: python3-userpath (>= 1.6) but it is not going to be installed
//	       Depends: python3-venv but it is not installable
func named(lines []string) (names []string) {
	for _, line := range lines {
		if name, _, found := strings.Cut(line, " : "); found {
			names = append(names, name)
		}
		if _, after, found := strings.Cut(line, "epends: "); found { // PreDepends, too
			name, _, _ := strings.Cut(after, " ")
			names = append(names, name)
		}
	}
	for i, name := range names {
		names[i], _, _ = strings.Cut(name, ":") // the architecture of a foreign one
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// refuseHeld says that these packages are on hold.
func refuseHeld(names, held []string) error {
	return fmt.Errorf("cannot install %s: a hold is on %s; release it (apt-mark unhold %s), and run this again",
		strings.Join(names, ", "), strings.Join(held, ", "), strings.Join(held, " "))
}

// explainUnmet says why names cannot be installed: what they need is on hold, a pin forbids it, or else what apt-get
// says.
func (a apt) explainUnmet(ctx context.Context, names []string, out host.Output, err error) error {
	lines := unmet(out)
	needed := named(lines)
	held, failed := a.onHold(needed)
	if failed != nil {
		return failed
	}
	why := fmt.Errorf("cannot simulate installing %s: %w", strings.Join(names, ", "), err)
	switch pinned := a.pinned(ctx, needed); {
	case len(held) > 0:
		why = refuseHeld(names, held)
	case len(pinned) > 0:
		why = fmt.Errorf("cannot install %s: %s", strings.Join(names, ", "), forbidden(pinned))
	case len(lines) > 0:
		why = fmt.Errorf("cannot install %s: what is needed cannot be had here (%s); see to apt's sources (apt-cache "+
			"policy %s shows what they offer), and run this again", strings.Join(names, ", "), strings.Join(lines, "; "),
			strings.Join(needed, " "))
	}
	return &explainedError{text: why.Error(), err: err}
}

// onHold returns those of names that dpkg has on hold.
func (a apt) onHold(names []string) (held []string, err error) {
	db, err := readDatabase(a.Host.FS)
	if err != nil {
		return nil, err
	}
	for _, s := range db.stanzas {
		if s.held() && slices.Contains(names, string(s.name)) {
			held = append(held, string(s.name))
		}
	}
	slices.Sort(held)
	return slices.Compact(held), nil
}

// pinned returns those of names that only a pin keeps from being installed: they have no candidate, and have versions
// of a priority below zero. If apt cannot tell, there are none: it only serves an explanation.
func (a apt) pinned(ctx context.Context, names []string) (pinned []string) {
	if len(names) == 0 {
		return nil
	}
	cmd := a.command("apt-cache", "policy")
	cmd.Argv = append(append(cmd.Argv, a.withoutCaches()...), names...)
	out, err := a.Host.Run.Run(ctx, cmd)
	if err != nil {
		return nil
	}
	return parsePinned(string(out.Stdout))
}

// parsePinned reads the output of apt-cache policy:
//
//	pipx:
//	  Installed: (none)
//	  Candidate: (none)
//	  Version table:
//	     1.1.0-1 -1
//	        500 http://mirror/debian bookworm/main amd64 Packages
func parsePinned(text string) (pinned []string) {
	name, candidate := "", ""
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case !strings.HasPrefix(line, " ") && strings.HasSuffix(strings.TrimSpace(line), ":"):
			name, candidate = strings.TrimSuffix(strings.TrimSpace(line), ":"), ""
		case len(words) == 2 && words[0] == "Candidate:":
			candidate = words[1]
		case len(words) == 2 && strings.HasPrefix(line, "     ") && candidate == "(none)":
			if priority, err := strconv.Atoi(words[1]); err == nil && priority < 0 {
				pinned = append(pinned, name)
			}
		}
	}
	slices.Sort(pinned)
	return slices.Compact(pinned)
}

// forbidden says that a pin forbids these packages.
func forbidden(pinned []string) string {
	return fmt.Sprintf("a pin forbids %s; change it in /etc/apt/preferences or a file below /etc/apt/preferences.d "+
		"(apt-cache policy %s shows the priorities), and run this again", strings.Join(pinned, ", "),
		strings.Join(pinned, " "))
}

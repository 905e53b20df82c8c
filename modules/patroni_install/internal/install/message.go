package install

import (
	"fmt"
	"slices"
	"strings"
)

// message says in a sentence what happened.
func (r *Report) message() string {
	if r.plan.want.State == Absent {
		return r.absentMessage()
	}
	version := "Patroni"
	if tree := r.tree(); tree != nil {
		version += " " + tree.Version
	}
	if !r.Changed() {
		return version + " is installed as it should be; nothing had to be changed."
	}
	if r.plan.seen.addsPatroni() {
		if known := r.plan.version(); r.predicted && known != "" {
			version += " " + known
		}
		return fmt.Sprintf("%s %s: %s.", version, r.verb("was installed", "would be installed"), r.changes())
	}
	if !r.plan.Builds() {
		return fmt.Sprintf("%s is installed; %s: %s.", version, r.verb("changed", "would change"), r.changes())
	}
	if known := r.plan.version(); known != "" && r.tree() == nil {
		version += " " + known
	}
	old := r.plan.seen.Installed
	switch {
	case old == nil:
		return fmt.Sprintf("%s %s.", version, r.verb("was installed", "would be installed")) + r.borrowed()
	case len(r.plan.Problems) > 0:
		return fmt.Sprintf("%s %s, since %s.",
			version, r.verb("was rebuilt", "would be rebuilt"), r.plan.Why) + r.borrowed()
	}
	return fmt.Sprintf("%s %s in place of %s, since %s.", version, r.verb("was installed", "would be installed"),
		old.Version, r.plan.Why) + r.borrowed()
}

// borrowed tells of the packages that were there for the build only.
func (r *Report) borrowed() string {
	set := r.plan.borrowed()
	if set == nil {
		return ""
	}
	return fmt.Sprintf(" The packages %s, with what they need, %s for the build and removed after it.",
		strings.Join(set.Names, ", "), r.verb("were installed", "would be installed"))
}

func (r *Report) verb(past, conditional string) string {
	if r.predicted {
		return conditional
	}
	return past
}

// changes names what changed, each kind once.
func (r *Report) changes() string {
	var names []string
	for _, d := range r.visible() {
		if name := d.Describe().Name; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if r.plan.Reload {
		names = append(names, "systemd's view of the unit")
	}
	switch last := len(names) - 1; last {
	case -1:
		return "what an interrupted run left"
	case 0:
		return names[0]
	default:
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
}

// absentMessage says in a sentence what a removal did.
func (r *Report) absentMessage() string {
	what, stays := "Patroni", r.plan.method.stays()
	if !r.plan.removesAll() {
		what, stays = r.plan.seen.unitName(), "; Patroni itself stays, since "+r.plan.seen.usedBy("")+" starts it"
	}
	if !r.Changed() {
		return what + " is not installed; nothing had to be changed" + stays + "."
	}
	return fmt.Sprintf("%s %s: %s%s.", what, r.verb("was removed", "would be removed"), r.changes(), stays)
}

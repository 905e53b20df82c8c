package install

import (
	"context"
	"slices"

	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// look is what was found on a host, as the parts of an installation.
type look struct {
	base

	method method
	parts  group // all of them, in the order in which they are looked at and made
	going  group // those of a removal, in its order
}

func newLook(b base, m method) *look {
	l := &look{base: b, method: m}
	l.parts, l.going = m.list()
	return l
}

// all lets each part look.
func (l *look) all(ctx context.Context) error {
	if l.removes() { // what is shared stays
		if err := l.seen.readServices(); err != nil {
			return err
		}
	}
	err := l.parts.Look(ctx)
	l.seen.close()
	return err
}

// removesAll tells whether the installation goes, with all that the services share.
func (l *look) removesAll() bool { return l.removes() && !l.seen.isShared() }

// Plan is what has to be done, as a pure function of what is wanted, what was found and what was decided. Its
// parts are applied in this order; what Switch needs to know of the build is its Outcome.
type Plan struct {
	*look
	Decision

	// Packages adds packages of the operating system.
	Packages []txn.Step
	// Stage makes the directories that must exist for the build, and the stage.
	Stage []txn.Step
	// Reload says that systemd has not read the unit, or its drop-ins, as they are by now.
	Reload bool
}

// newPlan says what has to be done, now that the packages which the host lacks are known.
func newPlan(l *look, d Decision) (*Plan, error) {
	p := &Plan{look: l, Decision: d}
	packages, stage := l.method.prepare(d)
	p.Stage = stage
	if l.removes() {
		return p, nil
	}
	if err := l.method.refuseOffered(d); err != nil {
		return nil, err
	}
	p.Packages = slices.Concat(packages, l.seen.Packages.steps(l.seen.Family.Manager, l.want))
	change, err := p.Switch(Outcome{})
	unread := l.seen.Service.LoadState == "not-found" || l.seen.Service.NeedDaemonReload
	p.Reload = unread && !slices.ContainsFunc(change, reloads)
	return p, err
}

// Switch is what becomes visible: everything slow is done by now.
func (p *Plan) Switch(out Outcome) ([]txn.Step, error) {
	if p.removes() {
		return p.going.Steps(p.Decision, out)
	}
	return p.parts.Steps(p.Decision, out)
}

// version is the one that the host will have, "" if that is not known yet, or for none.
func (p *Plan) version() string {
	if p.removes() {
		return ""
	}
	return p.method.version(p.Decision)
}

// borrowed is the set of packages that is there for the build only, nil if none is needed.
func (p *Plan) borrowed() *step.Packages {
	for _, s := range p.Packages {
		if set, ok := s.(*step.Packages); ok && set.Borrowed {
			return set
		}
	}
	return nil
}

// reloader is a step that may change what systemd has read.
type reloader interface {
	Reloads() bool
}

var _ reloader = (*step.File)(nil)

// reloads tells whether systemd has to read its units again after a step.
func reloads(s txn.Step) bool {
	read, ok := s.(reloader)
	return ok && read.Reloads()
}

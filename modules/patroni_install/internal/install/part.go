package install

import (
	"context"

	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// Part is one visible thing of an installation: what it looks at, why it may refuse, and the steps from what is there
// to what is wanted, which is its absence in a removal.
type Part interface {
	// Look reads, and starts nothing.
	Look(ctx context.Context) error
	// Refuse is pure, and comes before any question is asked.
	Refuse() error
	// Parents are the directories that the part needs. One part makes them all, each once.
	Parents() []string
	// Steps is pure. It is called with a predicted Outcome first, when its error is a refusal.
	Steps(d Decision, out Outcome) ([]txn.Step, error)
}

// base is what parts have in common, and a part that has nothing to look at, to refuse or to do.
type base struct {
	want *Desired
	seen *View
}

var _ Part = base{}

// Look implements [Part].
func (base) Look(context.Context) error { return nil }

// Refuse implements [Part].
func (base) Refuse() error { return nil }

// Parents implements [Part].
func (base) Parents() []string { return nil }

// Steps implements [Part].
func (base) Steps(Decision, Outcome) ([]txn.Step, error) { return nil, nil }

// group is several parts as one.
type group []Part

var _ Part = group{}

// Look implements [Part].
func (g group) Look(ctx context.Context) error {
	for _, part := range g {
		if err := part.Look(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Refuse implements [Part].
func (g group) Refuse() error {
	for _, part := range g {
		if err := part.Refuse(); err != nil {
			return err
		}
	}
	return nil
}

// Parents implements [Part].
func (g group) Parents() (dirs []string) {
	for _, part := range g {
		dirs = append(dirs, part.Parents()...)
	}
	return dirs
}

// Steps implements [Part].
func (g group) Steps(d Decision, out Outcome) (steps []txn.Step, err error) {
	for _, part := range g {
		more, err := part.Steps(d, out)
		if err != nil {
			return nil, err
		}
		steps = append(steps, more...)
	}
	return steps, nil
}

// removes tells whether the run is a removal.
func (b base) removes() bool { return b.want.State == Absent }

func first(checks ...func() error) error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// ownPackages is what parts have to know of Patroni's own packages.
type ownPackages interface {
	hasUnit() bool            // one has a unit of the service's name
	usesUnit() bool           // it is used in place of ours, and may be still to come
	newUnit() string          // the one that comes with packages which are to be installed, "" for none
	holds() bool              // they are about to come, and must not start what they bring
	brought(name string) bool // this run added them, and they made what is at a path
}

// noPackages is that of a Patroni in a venv.
type noPackages struct{}

var _ ownPackages = noPackages{}

func (noPackages) hasUnit() bool       { return false }
func (noPackages) usesUnit() bool      { return false }
func (noPackages) newUnit() string     { return "" }
func (noPackages) holds() bool         { return false }
func (noPackages) brought(string) bool { return false }

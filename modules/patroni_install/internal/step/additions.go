package step

import (
	"context"
	"path"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// Additions moves files and directories that were staged into a directory that holds others'
// things too, each by one rename to a free place. Undo moves them back.
type Additions struct {
	Name    string     `json:"name"` // what they are to people: "pipx for postgres"
	From    string     `json:"from"` // the staged directory, which only root enters
	To      string     `json:"to"`   // the directory that gets them, on the same mount
	Entries []Addition `json:"entries"`
	Text    string     `json:"text"` // for the diff, a line each for what they contain

	// Foreign are places in From at which undo found something else.
	Foreign []string `json:"-"`
}

// Addition is a file or a directory with all it holds.
type Addition struct {
	Path string `json:"path"` // relative to both directories
	ID   string `json:"id"`   // as fsys.Info has it
}

var (
	_ txn.Step     = (*Additions)(nil)
	_ txn.Borrower = (*Additions)(nil)
)

// Kind implements [txn.Step].
func (s *Additions) Kind() string { return "additions" }

// Describe implements [txn.Step].
func (s *Additions) Describe() txn.Description {
	return txn.Description{Name: s.Name, Action: "create", Path: s.To, After: s.Text}
}

// Apply implements [txn.Step].
func (s *Additions) Apply(_ context.Context, h *host.Host) error { return s.move(h, s.From, s.To) }

// Undo implements [txn.Step].
func (s *Additions) Undo(_ context.Context, h *host.Host) error { return s.move(h, s.To, s.From) }

// Borrows implements [txn.Borrower]: nothing is needed for the undo, but what a rename took from To
// instead of an addition, and could not put back, would go with the stage.
func (s *Additions) Borrows() []string { return s.Foreign }

// Finish implements [txn.Step].
func (s *Additions) Finish(context.Context, *host.Host) error { return nil }

func (s *Additions) move(h *host.Host, from, to string) error {
	for _, e := range s.Entries {
		if err := s.moveOne(h, e, path.Join(from, e.Path), path.Join(to, e.Path)); err != nil {
			return cannot("move", s.Name, path.Join(s.To, e.Path), err)
		}
	}
	return nil
}

// moveOne moves one entry. What is at neither place was taken away by its owner, which an undo
// takes as done.
func (s *Additions) moveOne(h *host.Host, e Addition, from, to string) error {
	source, err := lookup(h, from)
	if err != nil {
		return err
	}
	target, err := lookup(h, to)
	if err != nil {
		return err
	}
	undo := to == path.Join(s.From, e.Path)
	switch {
	case e.is(target):
		return nil
	case undo && target != nil:
		s.Foreign = append(s.Foreign, to)
		return conflict(to, target)
	case undo && source == nil:
		return nil
	case !e.is(source):
		return conflict(from, source)
	case target != nil:
		return conflict(to, target)
	}
	err = h.FS.Rename(entry(from, source), to)
	if found, _ := lookup(h, to); undo && found != nil && !e.is(found) {
		s.Foreign = append(s.Foreign, to)
	}
	return err
}

func (e Addition) is(found *fsys.Info) bool {
	return found != nil && found.ID != "" && found.ID == e.ID
}

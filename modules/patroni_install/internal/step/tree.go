package step

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// TreeState identifies a directory tree by its top and says what it is.
type TreeState struct {
	ID   string `json:"id"`   // as fsys.Info has it
	Text string `json:"text"` // for the diff, a line each for what it contains
}

// Tree switches a directory tree: what is at Path trades places with what is at Spare, in one
// rename. Either may be missing before, and so the other one after. Path and Spare lie on one
// mount, and Spare in a directory that only root enters.
type Tree struct {
	Name   string     `json:"name"`
	Path   string     `json:"path"`
	Spare  string     `json:"spare"`
	Before *TreeState `json:"before"` // at Path
	After  *TreeState `json:"after"`  // at Spare, before the switch

	// Copy is a copy of Before, made where a tree may come from a lower layer of an overlay file
	// system: such a tree cannot be renamed. It is removed instead, and the copy takes its place
	// again on undo.
	Copy *TreeCopy `json:"copy,omitempty"`
}

// TreeCopy is a complete copy of a tree on the same mount.
type TreeCopy struct {
	Path string `json:"path"`
	ID   string `json:"id"`
}

var (
	_ txn.Step     = (*Tree)(nil)
	_ txn.Borrower = (*Tree)(nil)
)

// Kind implements [txn.Step].
func (s *Tree) Kind() string { return "tree" }

// Describe implements [txn.Step].
func (s *Tree) Describe() txn.Description {
	return txn.Description{
		Name: s.Name, Action: action(s.Before, s.After), Path: s.Path,
		Before: s.Before.text(), After: s.After.text(),
	}
}

func (t *TreeState) text() string {
	if t == nil {
		return ""
	}
	return t.Text
}

// Apply implements [txn.Step].
func (s *Tree) Apply(_ context.Context, h *host.Host) error { return s.ensure(h, s.Before, s.After) }

// Undo implements [txn.Step].
func (s *Tree) Undo(_ context.Context, h *host.Host) error {
	if s.Copy == nil {
		return s.ensure(h, s.After, s.Before)
	}
	return cannot("restore", s.Name, s.Path, s.restore(h))
}

// Borrows implements [txn.Borrower]: the tree to put back lies at Spare, or its copy does.
func (s *Tree) Borrows() []string {
	if s.Copy != nil {
		return []string{s.Spare, s.Copy.Path}
	}
	return []string{s.Spare}
}

// Finish implements [txn.Step]: the old tree goes with the stage that holds Spare.
func (s *Tree) Finish(context.Context, *host.Host) error { return nil }

func (s *Tree) ensure(h *host.Host, from, to *TreeState) error {
	live, err := lookup(h, s.Path)
	if err != nil {
		return cannot("read", s.Name, s.Path, err)
	}
	spare, err := lookup(h, s.Spare)
	if err != nil {
		return cannot("read", s.Name, s.Spare, err)
	}
	switch {
	case s.foreign(spare):
		return conflict(s.Spare, spare)
	case to.is(live):
		return nil
	case !from.is(live):
		return conflict(s.Path, live)
	case !to.is(spare):
		return conflict(s.Spare, spare)
	}
	return cannot("switch", s.Name, s.Path, s.swap(h, live, spare))
}

// is tells whether what was found is this tree.
func (t *TreeState) is(found *fsys.Info) bool {
	if t == nil || found == nil {
		return t == nil && found == nil
	}
	return found.Type == fsys.Directory && found.ID == t.ID
}

// foreign tells whether something is at Spare that is neither tree: what a rename took from Path instead
// of one, and a crash kept from being put back. It would go with the stage.
func (s *Tree) foreign(spare *fsys.Info) bool {
	return spare != nil && !s.Before.is(spare) && !s.After.is(spare)
}

// swap makes live and spare trade places.
func (s *Tree) swap(h *host.Host, live, spare *fsys.Info) error {
	var err error
	switch {
	case live == nil:
		err = h.FS.Rename(entry(s.Spare, spare), s.Path)
	case spare == nil:
		err = h.FS.Rename(entry(s.Path, live), s.Spare)
	default:
		defer h.HoldStarts(s.Path)()
		err = h.FS.Exchange(entry(s.Spare, spare), entry(s.Path, live))
	}
	if !errors.Is(err, unix.EXDEV) || s.Copy == nil || live == nil {
		return err
	}
	if err := h.FS.RemoveTree(s.Path, only(s.Path, live.ID)); err != nil || spare == nil {
		return err
	}
	return h.FS.Rename(entry(s.Spare, spare), s.Path)
}

// restore ensures Before where a copy of it was made. The switch may have been a rename all the same:
// then Before lies at Spare. Otherwise the live tree may be half removed while the copy is in its place.
func (s *Tree) restore(h *host.Host) error {
	live, err := lookup(h, s.Path)
	if err != nil {
		return err
	}
	spare, err := lookup(h, s.Spare)
	if err != nil {
		return err
	}
	saved, err := lookup(h, s.Copy.Path)
	if err != nil {
		return err
	}
	before := &TreeState{ID: s.Copy.ID}
	switch {
	case s.foreign(spare):
		return conflict(s.Spare, spare)
	case before.is(live):
		return nil
	case !before.is(saved), s.Before.is(spare):
		return s.ensure(h, s.After, s.Before)
	case live != nil && s.After.is(live):
		err = h.FS.Rename(entry(s.Path, live), s.Spare)
	case live != nil && s.Before.is(live):
		err = h.FS.RemoveTree(s.Path, only(s.Path, live.ID))
	case live != nil:
		return conflict(s.Path, live)
	}
	if err != nil {
		return err
	}
	return h.FS.Rename(entry(s.Copy.Path, saved), s.Path)
}

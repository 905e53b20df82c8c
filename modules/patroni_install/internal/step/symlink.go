package step

import (
	"context"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// LinkState is a symbolic link's target and owner.
type LinkState struct {
	Target string `json:"target"`
	UID    int    `json:"uid"`
	GID    int    `json:"gid"`
	// Label is SELinux's label, "" for none. It is looked at only where a step names one, before or after; another
	// one is no conflict, since a relabelling at boot may come between a crash and its recovery.
	Label string `json:"label,omitempty"`
}

// Symlink makes, changes or removes a symbolic link.
type Symlink struct {
	Path   string     `json:"path"`
	Before *LinkState `json:"before"`
	After  *LinkState `json:"after"`
	// Brought tells that packages of the same transaction made the link, and take it away again: undo has nothing to
	// do with it, and people see no change.
	Brought bool `json:"brought,omitempty"`
}

var _ txn.Step = (*Symlink)(nil)

// Kind implements [txn.Step].
func (s *Symlink) Kind() string { return "symlink" }

// Describe implements [txn.Step].
func (s *Symlink) Describe() txn.Description {
	if s.Brought {
		return txn.Description{Name: "link", Path: s.Path}
	}
	return txn.Description{
		Name: "link", Action: action(s.Before, s.After), Path: s.Path,
		Before: s.Before.text(), After: s.After.text(),
	}
}

func (l *LinkState) text() string {
	if l == nil {
		return ""
	}
	return "link to " + l.Target + labelText(l.Label) + "\n"
}

// Apply implements [txn.Step].
func (s *Symlink) Apply(_ context.Context, h *host.Host) error { return s.ensure(h, s.Before, s.After) }

// Undo implements [txn.Step].
func (s *Symlink) Undo(_ context.Context, h *host.Host) error {
	if s.Brought {
		return nil
	}
	return s.ensure(h, s.After, s.Before)
}

// Finish implements [txn.Step].
func (s *Symlink) Finish(context.Context, *host.Host) error { return nil }

func (s *Symlink) ensure(h *host.Host, from, to *LinkState) error {
	found, err := lookup(h, s.Path)
	label := ""
	if err == nil && found != nil && found.Type == fsys.Link && (s.Before.labelled() || s.After.labelled()) {
		label, err = h.FS.Label(s.Path)
	}
	if err != nil {
		return cannot("read", "link", s.Path, err)
	}
	switch {
	case to.matches(found) && (to == nil || to.Label == label):
		return cannot("sweep", "link", s.Path, h.FS.Sweep(s.Path))
	case !from.matches(found) && !to.matches(found):
		return conflict(s.Path, found)
	case to == nil:
		return cannot("remove", "link", s.Path, h.FS.Remove(s.Path))
	}
	return cannot("make", "link", s.Path, h.FS.LabelledSymlink(s.Path, to.Target, to.UID, to.GID, to.Label))
}

func (l *LinkState) labelled() bool { return l != nil && l.Label != "" }

// matches tells whether what was found is the state, whatever its label.
func (l *LinkState) matches(found *fsys.Info) bool {
	if l == nil || found == nil {
		return l == nil && found == nil
	}
	return found.Type == fsys.Link && found.Target == l.Target && found.UID == l.UID && found.GID == l.GID
}

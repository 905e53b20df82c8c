package step

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// Directory makes a directory, changes its attributes, or removes it while it is empty.
type Directory struct {
	Name   string     `json:"name"` // what it is to people: "configuration directory"
	Path   string     `json:"path"`
	Before *fsys.Attr `json:"before"`
	After  *fsys.Attr `json:"after"`
	Ours   bool       `json:"ours,omitempty"` // of no interest to people
	// Label is the change of SELinux's label, nil for none. A directory that goes takes its own with it.
	Label *LabelChange `json:"label,omitempty"`
	// Brought tells that packages of the same transaction made the directory, and take it away again: undo has nothing
	// to do with it.
	Brought bool `json:"brought,omitempty"`
}

var _ txn.Step = (*Directory)(nil)

// Kind implements [txn.Step].
func (s *Directory) Kind() string { return "directory" }

// Describe implements [txn.Step].
func (s *Directory) Describe() txn.Description {
	if s.Ours {
		return txn.Description{Name: s.Name, Path: s.Path}
	}
	var label LabelChange
	if s.Label != nil {
		label = *s.Label
	}
	return txn.Description{
		Name: s.Name, Action: action(s.Before, s.After), Path: s.Path,
		Before: directoryText(s.Before, label.Before), After: directoryText(s.After, label.After),
	}
}

func directoryText(attr *fsys.Attr, label string) string {
	if attr == nil {
		return ""
	}
	return "directory " + attr.String() + labelText(label) + "\n"
}

// Apply implements [txn.Step].
func (s *Directory) Apply(_ context.Context, h *host.Host) error {
	err := s.ensure(h, s.Before, s.After)
	if err != nil || s.Label == nil {
		return err
	}
	return cannot("label", s.Name, s.Path, h.FS.SetLabel(s.Path, s.Label.After))
}

// Undo implements [txn.Step].
func (s *Directory) Undo(_ context.Context, h *host.Host) error {
	if s.Brought {
		return nil
	}
	err := s.ensure(h, s.After, s.Before)
	if err != nil || s.Label == nil || s.Before == nil {
		return err
	}
	return cannot("label", s.Name, s.Path, h.FS.SetLabel(s.Path, s.Label.Before))
}

// Finish implements [txn.Step].
func (s *Directory) Finish(context.Context, *host.Host) error { return nil }

func (s *Directory) ensure(h *host.Host, from, to *fsys.Attr) error {
	found, err := lookup(h, s.Path)
	switch {
	case err != nil:
		return cannot("read", s.Name, s.Path, err)
	case found == nil && to == nil:
		return nil
	case found == nil && from == nil:
		return cannot("make", s.Name, s.Path, h.FS.Mkdir(s.Path, *to))
	case found == nil || found.Type != fsys.Directory || !mixed(found.Attr, from, to):
		return conflict(s.Path, found)
	case to == nil:
		return s.remove(h)
	case found.Attr == *to:
		return nil
	}
	return cannot("change", s.Name, s.Path, h.FS.SetAttr(s.Path, *found, *to))
}

// remove removes the directory, which may have come to hold what is not ours.
func (s *Directory) remove(h *host.Host) error {
	err := h.FS.Remove(s.Path)
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
		return &txn.ConflictError{Path: s.Path, Found: "it is no longer empty"}
	}
	return cannot("remove", s.Name, s.Path, err)
}

// mixed tells whether attributes are those of one state or a mixture of both, since owner and
// mode change one after the other. A directory is made with 0700 and our own ids; in one with the setgid bit
// it gets that and the group from above.
func mixed(live fsys.Attr, from, to *fsys.Attr) bool {
	made := &fsys.Attr{Mode: 0o700, UID: os.Geteuid(), GID: os.Getegid()}
	if (from == nil || to == nil) && live.Mode == 0o2700 {
		made.Mode, made.GID = live.Mode, live.GID
	}
	if from == nil {
		from = made
	}
	if to == nil {
		to = made
	}
	return (live.Mode == from.Mode || live.Mode == to.Mode) &&
		(live.UID == from.UID || live.UID == to.UID) &&
		(live.GID == from.GID || live.GID == to.GID)
}

package step

import (
	"context"
	"fmt"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// Labels changes SELinux's labels of what is there: files, directories and links.
type Labels struct {
	Path  string      `json:"path"` // the directory that they lie in, for people
	Files []FileLabel `json:"files"`
}

// FileLabel is an entry and the change of its label.
type FileLabel struct {
	Path string `json:"path"`
	LabelChange
}

// LabelChange is a label before and after, "" for none.
type LabelChange struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// labelText says in a diff what label an entry has.
func labelText(label string) string {
	if label == "" {
		return ""
	}
	return ", label " + label
}

var _ txn.Step = (*Labels)(nil)

// Kind implements [txn.Step].
func (s *Labels) Kind() string { return "labels" }

// Describe implements [txn.Step].
func (s *Labels) Describe() txn.Description {
	d := txn.Description{Name: "SELinux labels", Action: "change", Path: s.Path}
	for _, f := range s.Files {
		d.Before += f.Path + " " + f.Before + "\n"
		d.After += f.Path + " " + f.After + "\n"
	}
	return d
}

// Apply implements [txn.Step].
func (s *Labels) Apply(_ context.Context, h *host.Host) error {
	for _, f := range s.Files {
		if err := ensureLabel(h, f.Path, f.Before, f.After); err != nil {
			return err
		}
	}
	return nil
}

// Undo implements [txn.Step].
func (s *Labels) Undo(_ context.Context, h *host.Host) error {
	for _, f := range s.Files {
		if err := ensureLabel(h, f.Path, f.After, f.Before); err != nil {
			return err
		}
	}
	return nil
}

// Finish implements [txn.Step].
func (s *Labels) Finish(context.Context, *host.Host) error { return nil }

func ensureLabel(h *host.Host, name, from, to string) error {
	live, err := h.FS.Label(name)
	switch {
	case err != nil:
		return cannot("read", "label", name, err)
	case live == to: // a link is labelled by making it anew
		return cannot("sweep", "label", name, h.FS.Sweep(name))
	case live != from:
		return &txn.ConflictError{Path: name, Found: fmt.Sprintf("its label is %q", live)}
	}
	return cannot("change", "label", name, h.FS.SetLabel(name, to))
}

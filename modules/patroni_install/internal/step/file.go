package step

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// fileLimit bounds a file that a step replaces, in bytes: units, profiles and our own records.
const fileLimit = 4 << 20

// FileState is a regular file's content and attributes.
type FileState struct {
	fsys.Attr

	Data []byte `json:"data"`
}

// File makes, changes or removes a regular file.
type File struct {
	Name   string     `json:"name"` // what it is to people: "unit", "shell profile"
	Path   string     `json:"path"`
	Before *FileState `json:"before"`
	After  *FileState `json:"after"`
	Ours   bool       `json:"ours,omitempty"` // a record of our own, which is of no interest to people
	// Masked is whose text of a unit somebody else may have written, or edited: people see no value of it that may be a
	// secret. Who sees a diff may not read the file.
	Masked Masking `json:"masked,omitempty"`
	// Unit tells that systemd reads the file: a unit or a drop-in.
	Unit bool `json:"unit,omitempty"`
	// While is a path. Once that is gone, Undo has nothing to do any more. "" if it always has: an undo that was
	// interrupted may have come past the steps that the file was for.
	While string `json:"while,omitempty"`
}

// Masking says which of the texts of a unit are masked.
type Masking string

// What is masked: nothing by default, what was there before, or both.
const (
	MaskBefore Masking = "before"
	MaskBoth   Masking = "both"
)

var (
	_ txn.Step     = (*File)(nil)
	_ txn.Upgrader = (*File)(nil)
)

// olderUnit is the name that older programs gave to the files that systemd reads.
const olderUnit = "unit"

// Kind implements [txn.Step].
func (s *File) Kind() string { return "file" }

// Upgrade implements [txn.Upgrader].
func (s *File) Upgrade() { s.Unit = s.Unit || s.Name == olderUnit }

// Reloads tells whether systemd has to read its units again after the step, in either direction.
func (s *File) Reloads() bool { return s.Unit }

// Describe implements [txn.Step]. Of a file that is changed, only the lines between the first and
// the last difference are shown: the rest of a shell profile can hold its owner's secrets.
func (s *File) Describe() txn.Description {
	if s.Ours {
		return txn.Description{Name: s.Name, Path: s.Path}
	}
	from, to := s.shown()
	before, after := from.text(to), to.text(from)
	if s.Before != nil && s.After != nil {
		before, after = between(before, after)
	}
	return txn.Description{
		Name: s.Name, Action: action(s.Before, s.After), Path: s.Path, Before: before, After: after,
	}
}

// shown are both states as people may see them.
func (s *File) shown() (before, after *FileState) {
	before, after = s.Before, s.After
	if s.Masked == MaskBoth {
		after = after.masked(nil)
	}
	if s.Masked != "" {
		before = before.masked(after)
	}
	return before, after
}

// masked is a state of a unit without values that may be secrets, but for lines that known has, too.
func (f *FileState) masked(known *FileState) *FileState {
	if f == nil {
		return nil
	}
	var lines string
	if known != nil {
		lines = string(known.Data)
	}
	return &FileState{Attr: f.Attr, Data: []byte(systemd.Shown(string(f.Data), lines))}
}

// between returns the parts of two texts from the first to the last line in which they differ.
func between(before, after string) (string, string) {
	a, b := strings.SplitAfter(before, "\n"), strings.SplitAfter(after, "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return strings.Join(a, ""), strings.Join(b, "")
}

// text renders a state for the diff against another; attributes only where they differ.
func (f *FileState) text(other *FileState) string {
	if f == nil {
		return ""
	}
	if other == nil || f.Attr == other.Attr {
		return string(f.Data)
	}
	return fmt.Sprintf("# mode and owner: %s\n%s", f.Attr, f.Data)
}

// Apply implements [txn.Step].
func (s *File) Apply(_ context.Context, h *host.Host) error { return s.ensure(h, s.Before, s.After) }

// Undo implements [txn.Step].
func (s *File) Undo(_ context.Context, h *host.Host) error {
	if s.While != "" {
		if found, err := lookup(h, s.While); err != nil || found == nil {
			return err
		}
	}
	return s.ensure(h, s.After, s.Before)
}

// Finish implements [txn.Step].
func (s *File) Finish(context.Context, *host.Host) error { return nil }

func (s *File) ensure(h *host.Host, from, to *FileState) error {
	live, found, err := s.read(h)
	switch {
	case err != nil:
		return cannot("read", s.Name, s.Path, err)
	case found != nil && live == nil:
		return conflict(s.Path, found)
	case live.equal(to):
		return cannot("sweep", s.Name, s.Path, h.FS.Sweep(s.Path))
	case !live.equal(from):
		return conflict(s.Path, found)
	case to == nil:
		return cannot("remove", s.Name, s.Path, h.FS.Remove(s.Path))
	}
	return cannot("write", s.Name, s.Path, h.FS.WriteFile(s.Path, to.Data, to.Attr))
}

// read returns the live state; live is nil if no regular file is there.
func (s *File) read(h *host.Host) (live *FileState, found *fsys.Info, err error) {
	found, err = lookup(h, s.Path)
	if err != nil || found == nil || found.Type != fsys.File {
		return nil, found, err
	}
	data, info, err := h.FS.ReadFileInfo(s.Path, fileLimit)
	if err != nil {
		return nil, found, err
	}
	return &FileState{Attr: info.Attr, Data: data}, &info, nil
}

func (f *FileState) equal(other *FileState) bool {
	if f == nil || other == nil {
		return f == other
	}
	return f.Attr == other.Attr && bytes.Equal(f.Data, other.Data)
}

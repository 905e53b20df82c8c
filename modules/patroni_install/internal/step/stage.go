package step

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// Stage makes the directory in which the new state is built, out of sight: root's and 0700, with
// subdirectories that belong to the user. It goes away in both directions, with all it holds;
// after a switch it holds the old state.
type Stage struct {
	Path string   `json:"path"`
	Subs []string `json:"subs"` // names of subdirectories
	UID  int      `json:"uid"`
	GID  int      `json:"gid"`
	// ID is that of the directory, as fsys.Info has it, once Apply has made it.
	ID string `json:"id,omitempty"`
	// Above is a directory above it that was there before.
	Above Place `json:"above"`
}

// Place is a directory, and its ID once Apply has seen it; the zero one is no place that anybody knows.
type Place struct {
	Path string `json:"path,omitempty"`
	ID   string `json:"id,omitempty"`
}

var (
	_ txn.Step   = (*Stage)(nil)
	_ txn.Keeper = (*Stage)(nil)
)

// Kind implements [txn.Step].
func (s *Stage) Kind() string { return "stage" }

// Describe implements [txn.Step].
func (s *Stage) Describe() txn.Description { return txn.Description{Name: "stage", Path: s.Path} }

// Apply implements [txn.Step].
func (s *Stage) Apply(_ context.Context, h *host.Host) error {
	var err error
	if s.ID, err = h.FS.MkdirID(s.Path, fsys.Attr{Mode: 0o700}); err != nil {
		return cannot("make", "staging directory", s.Path, err)
	}
	if s.Above.Path != "" {
		above, err := h.FS.Lstat(s.Above.Path)
		if err != nil {
			return cannot("make", "staging directory", s.Path, err)
		}
		s.Above.ID = above.ID
	}
	for _, sub := range s.Subs {
		attr := fsys.Attr{Mode: 0o755, UID: s.UID, GID: s.GID}
		if err := h.FS.Mkdir(path.Join(s.Path, sub), attr); err != nil {
			return cannot("make", "staging directory", s.Path, err)
		}
	}
	return nil
}

// Keeps implements [txn.Keeper].
func (s *Stage) Keeps(name string) bool { return strings.HasPrefix(name, s.Path+"/") }

// Undo implements [txn.Step].
func (s *Stage) Undo(_ context.Context, h *host.Host) error { return s.clear(h) }

// Finish implements [txn.Step].
func (s *Stage) Finish(_ context.Context, h *host.Host) error { return s.clear(h) }

// clear removes the stage, and nothing that the owner of the directory above put into its place.
func (s *Stage) clear(h *host.Host) error {
	found, err := lookup(h, s.Path)
	if err == nil && found == nil {
		err = s.mounted(h)
	}
	switch {
	case err != nil:
		return cannot("read", "staging directory", s.Path, err)
	case found == nil:
		return nil
	case found.Type != fsys.Directory:
		return conflict(s.Path, found)
	}
	return cannot("remove", "staging directory", s.Path, h.FS.RemoveTree(s.Path, s.check))
}

// mounted tells whether a stage that is not there is gone. If its file system is not mounted, as after a power
// cut, neither it nor what it serves could be looked at, and the journal has to stay.
func (s *Stage) mounted(h *host.Host) error {
	if s.Above.ID == "" {
		return nil
	}
	above, err := h.FS.Lstat(s.Above.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && above.ID != s.Above.ID {
		return fmt.Errorf("%s is not the directory that it was; mount its file system, and run this again", s.Above.Path)
	}
	return err
}

// check wants the directory that Apply made. After a crash before its ID was in the journal, nothing
// was built yet: then it must be one that holds nothing but what a fresh stage holds.
func (s *Stage) check(found fsys.Info, walk func(fsys.Visit) error) error {
	if s.ID != "" {
		return only(s.Path, s.ID)(found, walk)
	}
	private := found.UID == 0 && found.Mode&0o777 == 0o700
	if !private {
		return conflict(s.Path, &found)
	}
	return walk(func(rel string, info fsys.Info, _ *os.File) (bool, error) {
		if info.Type != fsys.Directory || !slices.Contains(s.Subs, rel) {
			return false, conflict(path.Join(s.Path, rel), &info)
		}
		return true, nil
	})
}

package step

import (
	"context"
	"path"
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
	if err := h.FS.Mkdir(s.Path, fsys.Attr{Mode: 0o700}); err != nil {
		return cannot("make", "staging directory", s.Path, err)
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

func (s *Stage) clear(h *host.Host) error {
	return cannot("remove", "staging directory", s.Path, h.FS.RemoveAll(s.Path))
}

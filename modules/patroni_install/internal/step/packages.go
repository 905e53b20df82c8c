package step

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// Packages installs packages of the operating system: the ones asked for and what they need.
// Undo removes exactly the set that was added, but nothing that something else came to need.
//
// A borrowed set is there for the build only: whoever built has it undone early, so that the undo
// of the transaction finds nothing left to do, or completes what a crash cut short.
type Packages struct {
	Manager     string           `json:"manager"` // as [pkgmgr.New] takes it
	Names       []string         `json:"names"`   // asked for
	Add         []pkgmgr.Package `json:"add"`     // the whole set, as simulated
	Archives    string           `json:"archives"`
	Borrowed    bool             `json:"borrowed,omitempty"`
	LockTimeout time.Duration    `json:"lock_timeout"` // nanoseconds
	Env         []string         `json:"-"`            // of the task: proxies; not needed to undo
}

var _ txn.Step = (*Packages)(nil)

// Kind implements [txn.Step].
func (s *Packages) Kind() string { return "packages" }

// Describe implements [txn.Step].
func (s *Packages) Describe() txn.Description {
	after := packageList(s.Add, "\n") + "\n"
	if len(s.Add) == 0 {
		after = strings.Join(s.Names, "\n") + " (predicted: the newest, and what it needs)\n"
	}
	if s.Borrowed {
		return txn.Description{Name: "packages for the build", Path: strings.Join(s.Names, " ")}
	}
	return txn.Description{
		Name: "package set", Action: "create", Path: strings.Join(s.Names, " "), After: after,
	}
}

func packageList(set []pkgmgr.Package, separator string) string {
	words := make([]string, len(set))
	for i, p := range set {
		words[i] = p.String()
	}
	return strings.Join(words, separator)
}

func (s *Packages) manager(h *host.Host) (pkgmgr.Manager, error) {
	m, err := pkgmgr.New(s.Manager, pkgmgr.Settings{Host: h, LockTimeout: s.LockTimeout, Env: s.Env})
	if err != nil {
		return nil, fmt.Errorf("cannot change packages: %w", err)
	}
	return m, nil
}

// Apply implements [txn.Step].
func (s *Packages) Apply(ctx context.Context, h *host.Host) error {
	manager, err := s.manager(h)
	if err != nil {
		return err
	}
	if err := h.FS.Mkdir(s.Archives, fsys.Attr{Mode: 0o700}); err != nil {
		return cannot("make", "directory", s.Archives, err)
	}
	if err := manager.Download(ctx, s.Add, s.Archives); err != nil {
		return err
	}
	if err := s.refuseForeign(ctx, h, manager); err != nil {
		return err
	}
	if err := manager.Remember(ctx, s.Add, s.Archives); err != nil {
		return err
	}
	return manager.Install(ctx, s.Add, s.Names, s.Archives)
}

// refuseForeign gives up if somebody else has installed one of the packages since the
// simulation: Undo would take it away. Without the archives Undo knows that nothing was begun.
func (s *Packages) refuseForeign(ctx context.Context, h *host.Host, manager pkgmgr.Manager) error {
	if err := manager.Ready(ctx); err != nil {
		return err
	}
	names := make([]string, len(s.Add))
	for i, p := range s.Add {
		names[i] = p.Name
	}
	installed, _, err := manager.Installed(ctx, names)
	if err != nil || len(installed) == 0 {
		return err
	}
	return errors.Join(fmt.Errorf("cannot install packages: somebody else has installed %s meanwhile; run this again",
		packageList(installed, ", ")), s.Finish(ctx, h))
}

// Undo implements [txn.Step]. Without the archives directory nothing was begun, or all was taken
// back already. What a killed run left half-way is completed first, since only an installed
// package can be removed cleanly.
func (s *Packages) Undo(ctx context.Context, h *host.Host) error {
	begun, err := lookup(h, s.Archives)
	if err != nil || begun == nil {
		return err
	}
	manager, err := s.manager(h)
	if err != nil {
		return err
	}
	if err := manager.Recover(ctx, s.Add, s.Archives); err != nil {
		return err
	}
	kept, err := manager.Remove(ctx, s.Add, s.Archives)
	if err != nil {
		return err
	}
	if err := s.Finish(ctx, h); err != nil || len(kept) == 0 {
		return err
	}
	return &txn.ConflictError{Path: "the set of packages", Found: "kept, since something else needs it now: " +
		packageList(kept, ", ")}
}

// Finish implements [txn.Step].
func (s *Packages) Finish(_ context.Context, h *host.Host) error {
	return cannot("remove", "directory", s.Archives, h.FS.RemoveAll(s.Archives))
}

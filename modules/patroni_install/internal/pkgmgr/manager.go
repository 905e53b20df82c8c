package pkgmgr

import (
	"context"
	"fmt"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// Manager is a package manager of an operating system. It first tells what installing packages would add, as an exact
// set, and then adds that set or takes it away; dir is a directory of the caller's that keeps the set's archives from
// Download until nothing has to be undone any more.
type Manager interface {
	// Ready waits until nobody else changes packages, and refuses if somebody's change was interrupted. After
	// LockTimeout it gives a *LockError that names who holds the lock.
	Ready(ctx context.Context) error
	// Installed tells which of names are there and whole, and which are missing, both sorted. For the name of something
	// that a package provides it returns that package.
	Installed(ctx context.Context, names []string) (installed []Package, missing []string, err error)
	// Simulate returns the exact set that installing names would add, sorted; empty when nothing is missing. Names that
	// nothing offers give an *UnknownPackageError. What would upgrade or remove an installed package could not be undone:
	// that is refused, naming it. [ErrWouldWrite] says that a read-only manager cannot tell.
	Simulate(ctx context.Context, names []string) ([]Package, error)
	// Refresh fetches the package lists. An error does not mean that nothing was fetched: one source of several may be
	// down. So simulate again first, and report it only if that fails too.
	Refresh(ctx context.Context) error
	// Download fetches the archives of exactly set into dir, checked by the manager's own sums or keys, and makes them
	// durable. If a server no longer has one, it refreshes the lists once; [ErrChanged] then says that they offer other
	// versions by now.
	Download(ctx context.Context, set []Package, dir string) error
	// Remember writes down in dir what is there of set and would not survive its removal. Call it right before Install.
	Remember(ctx context.Context, set []Package, dir string) error
	// Install installs set from the archives in dir, and from nowhere else. asked holds the names that the set was
	// simulated for. When it fails, call Recover and Remove.
	Install(ctx context.Context, set []Package, asked []string, dir string) error
	// Recover repairs what a killed run left of set, until Remove can take it away. It touches no other package.
	Recover(ctx context.Context, set []Package, dir string) error
	// Remove takes away what is there of set, whatever its version by now, and nothing else, and puts back what Remember
	// wrote down. What other packages came to need stays, and is returned sorted.
	Remove(ctx context.Context, set []Package, dir string) (kept []Package, err error)
}

// refreshTimeout bounds fetching the package lists. A source that does not answer must not use
// up the time of the whole run.
const refreshTimeout = 5 * time.Minute

// Settings are what a manager works with.
type Settings struct {
	Host        *host.Host
	LockTimeout time.Duration // how long to wait for others' locks
	Env         []string      // "NAME=value" added to every command's environment: proxies
	// ReadOnly keeps Simulate from writing the manager's caches and logs; it then takes longer, or gives ErrWouldWrite.
	ReadOnly bool
}

// managers are those that there are, by the names that journals have.
func managers() map[string]func(Settings) Manager {
	return map[string]func(Settings) Manager{
		"":  newAPT, // in journals of older programs, which knew no other
		APT: newAPT,
		DNF: newDNF,
	}
}

// New returns the manager of that name.
func New(name string, s Settings) (Manager, error) {
	manager, known := managers()[name]
	if !known {
		return nil, fmt.Errorf("this program knows no package manager %q", name)
	}
	return manager(s), nil
}

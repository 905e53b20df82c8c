package install

import (
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// Packages is what the operating system has to add before Patroni can be built.
type Packages struct {
	Missing      []string         // asked for and not installed
	Add          []pkgmgr.Package // the whole set that installing them adds
	Alternatives [][]string       // what else to ask for, where the package lists do not know Missing
	Unknown      bool             // the package lists do not know them, so Add is not known
	Borrow       []string         // asked for while Patroni is built, and not installed
	Lent         []pkgmgr.Package // what installing them adds beside Add
}

// archives is where the packages that stay are kept until nothing has to be undone any more.
func archives() string { return path.Join(StateDir, "archives") }

// borrowedArchives is the same for those that are there for the build only.
func borrowedArchives() string { return path.Join(StateDir, "borrowed") }

// steps adds what stays, and then what is there for the build only.
func (p Packages) steps(manager string, want *Desired) []txn.Step {
	set := func(names []string, add []pkgmgr.Package, archives string) *step.Packages {
		return &step.Packages{
			Manager: manager, Names: names, Add: add, Archives: archives,
			LockTimeout: want.LockTimeout, Env: proxies(want.Environ),
		}
	}
	var steps []txn.Step
	if len(p.Missing) > 0 {
		steps = append(steps, set(p.Missing, p.Add, archives()))
	}
	if len(p.Borrow) > 0 {
		borrowed := set(p.Borrow, p.Lent, borrowedArchives())
		borrowed.Borrowed = true
		steps = append(steps, borrowed)
	}
	return steps
}

// needs are packages of the operating system.
type needs struct {
	names        []string   // those that must be there
	alternatives [][]string // what else to ask for if no list knows them
	build        []string   // those that must be there while Patroni is built
}

// upstream returns the version of a package without what the distribution added: 1.1.0 of 1:1.1.0-1.
func upstream(version string) string {
	if _, rest, found := strings.Cut(version, ":"); found {
		version = rest
	}
	if i := strings.LastIndexByte(version, '-'); i >= 0 {
		version = version[:i]
	}
	return version
}

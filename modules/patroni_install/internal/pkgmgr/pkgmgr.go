// Package pkgmgr adds packages of the operating system to a host and takes them away again
// without a trace.
//
// A transaction works on an exact set of packages: the simulation names it, the download fetches
// that set, the installation takes nothing but those archives, and the removal purges that set
// and nothing else. What would touch a package that was there before is refused.
//
// A package manager that has begun is never stopped: it outlives us, and whoever recovers waits
// for its lock. What its database says of a package afterwards counts, never an exit status alone.
//
// A package manager is one [Manager] in a file of its own, and a line in managers. What several
// share because they have one database is a type of its own, such as rpm.
package pkgmgr

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Package is one version of a package for one architecture.
type Package struct {
	Name    string `json:"name"`    // "pipx"
	Version string `json:"version"` // "1:2.0-1"
	Arch    string `json:"arch"`    // as the manager calls it: "amd64", "noarch"
}

// String returns "name=version".
func (p Package) String() string { return p.Name + "=" + p.Version }

func sortPackages(set []Package) {
	slices.SortFunc(set, func(a, b Package) int { return strings.Compare(a.key(), b.key()) })
}

func (p Package) key() string { return p.Name + " " + p.Arch + " " + p.Version }

// count says how many packages, for an error whose cause names what is wrong with which.
func count(set []Package) string {
	if len(set) == 1 {
		return set[0].String()
	}
	return fmt.Sprintf("%d packages", len(set))
}

// ErrChanged reports that the package lists no longer offer the simulated versions: simulate again.
var ErrChanged = errors.New("the package lists were old and no longer offer these versions; run this again")

// UnknownPackageError reports packages that the package lists, perhaps empty or old, do not offer.
type UnknownPackageError struct {
	Names []string // as asked for, sorted
	Hint  string   // what may offer them, or what keeps them away; "" when there is nothing to say
	// Kept tells that the administrator keeps the package manager from them: newer lists change nothing.
	Kept bool
}

// Error names the packages.
func (e *UnknownPackageError) Error() string {
	names := strings.Join(e.Names, ", ")
	switch {
	case e.Kept:
		return "cannot install " + names + ": " + e.Hint
	case e.Hint != "":
		return "no package source offers " + names + ": " + e.Hint
	}
	return "no package source offers " + names
}

// ErrWouldWrite reports a question that the package manager cannot answer without writing.
var ErrWouldWrite = errors.New("the package manager cannot tell without writing its caches")

// LockError reports a lock that stayed taken for as long as we may wait.
type LockError struct {
	Holder string // "process 123 (apt-get upgrade)", or "another process"
	Waited string // "5m0s"
}

// Error names the holder.
func (e *LockError) Error() string {
	return fmt.Sprintf("cannot lock the package database: %s still holds it after %s", e.Holder, e.Waited)
}

package install

import (
	"slices"
	"strings"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
)

// Installed is the Patroni that is there, in a venv or as packages of the operating system.
type Installed struct {
	Version     string            // Patroni's, "4.1.5"; "" if that cannot be told
	Python      string            // version of the interpreter that runs it, "3.11"
	Interpreter string            // its path
	Apps        []string          // names of its programs, sorted; safe as file names
	Packages    map[string]string // name → version: Python's in a venv, else the operating system's
	Problems    []string          // what is wrong with it, in sentences for people
	Since       time.Time         // a process that is older runs something else
	ID          string            // of the venv, or of the package's program
	RealPath    string            // the venv's without links, as pipx writes it into its own; "" for packages
	Record      []byte            // what is to be written down of it, nil if it is
	Recorded    string            // its version as it was written down, if a broken venv does not tell it any more
	// Venv is the venv that pipx made; nil if Patroni came as packages. What only a venv has is asked of it.
	Venv *pipx.Venv
}

// installedVenv describes a venv as an installation.
func installedVenv(v *pipx.Venv) *Installed {
	return &Installed{
		Version: v.PatroniVersion, Python: v.Python, Interpreter: v.Interpreter, Apps: v.Apps, Packages: v.Packages,
		Problems: v.Problems, Since: v.InstalledAt, ID: v.Info.ID, Venv: v,
	}
}

// installedPackage describes a package's program as an installation, as long as nothing but its inode is known. The
// program's modification time is the package's; the inode changed last when it was unpacked.
func installedPackage(program fsys.Info) *Installed {
	return &Installed{ID: program.ID, Since: program.CTime, Packages: map[string]string{}}
}

// note adds packages to the description.
func (i *Installed) note(packages []pkgmgr.Package) {
	for _, p := range packages {
		i.Packages[p.Name] = p.Version
	}
}

// contents lists the distributions of an installation.
func (i *Installed) contents() string {
	lines := []string{"python " + i.Python + "\n"}
	for name, version := range i.Packages {
		lines = append(lines, name+" "+version+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

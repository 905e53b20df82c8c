package pipx

import (
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// Installer is what pipx fills a venv with, each in a file of its own. All else about a build is the same, whichever
// does it: what is fetched for a lock file, pipx's commands, and what a finished venv looks like.
type Installer interface {
	// Find looks for it where a build of the user's finds it. The error is fs.ErrNotExist if it is not there, a
	// *ClosedError if it is there for others.
	Find(files *fsys.FS, user *host.User) error
	// Check refuses a pipx that cannot build by it.
	Check(p Program) error
	// UsesPip tells whether pipx's shared venv must have a pip, and what builds source packages, before pipx starts.
	UsesPip() bool
	// Unread are the files with settings of its own that are there, and that a build does not let it read: they could
	// lead the installation elsewhere. pip's are [Build.PipFiles].
	Unread(files *fsys.FS, user *host.User) []Unread
	// settings are its variables in the environment of a build.
	settings(b Build) settings
}

// Unread is a file of settings that no build reads.
type Unread struct {
	Path string
	// Sources names the settings in it that tell where packages come from.
	Sources []string
}

// Installers are those that there are, by the names that people choose them by.
func Installers() map[string]Installer {
	return map[string]Installer{
		"pip": Pip{},
		"uv":  UV{},
	}
}

// Preferred names the one that is better than pip where it works and nobody chose.
const Preferred = "uv"

// installer is pip if nothing else was chosen.
func (b Build) installer() Installer {
	if b.Installer == nil {
		return Pip{}
	}
	return b.Installer
}

// Pip is the installer that every pipx knows.
type Pip struct{}

var _ Installer = Pip{}

// Find implements [Installer]. pipx's shared venv has it, or gets it.
func (Pip) Find(*fsys.FS, *host.User) error { return nil }

// Check implements [Installer].
func (Pip) Check(Program) error { return nil }

// UsesPip implements [Installer].
func (Pip) UsesPip() bool { return true }

// Unread implements [Installer].
func (Pip) Unread(*fsys.FS, *host.User) []Unread { return nil }

// settings are those of every build beside this: see [Build.Env], since a pip fetches packages for any installer.
func (Pip) settings(Build) settings { return settings{{"PIPX_DEFAULT_BACKEND", "pip"}} }

// PipIsConfigured tells whether pip has settings of its own, which no other installer reads: in the files that it
// reads, or in the environment that the operator set.
func PipIsConfigured(files []PipFile, environ []string) bool {
	return len(files) > 0 || slices.ContainsFunc(passed(environ), func(variable string) bool {
		return strings.HasPrefix(variable, "PIP_")
	})
}

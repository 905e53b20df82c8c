package pipx

import (
	"path"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// Installer is the program by which pipx fills a venv, each in a file of its own. All else about a build is the same,
// whichever does it.
type Installer interface {
	// UsesPip tells whether pipx's shared venv must have a pip, and what builds source packages, before pipx starts.
	UsesPip() bool
	// Brings names the packages by which it comes for a build alone, none if the host has it.
	Brings() []string
	// settings are its variables in the environment of a build.
	settings(b Build) settings
}

// installer is pip where nothing else was chosen.
func (b Build) installer() Installer {
	if b.Installer == nil {
		return Pip{}
	}
	return b.Installer
}

// brought is where an installer lies that comes for a build alone.
func (b Build) brought() string { return path.Join(b.Scratch, "installer") }

// bring returns the command that takes the installer from where the packages come from.
func (b Build) bring() host.Command {
	argv := []string{
		b.Python, "-I", "-c", runPip, b.Shared(), "install", "--no-deps", "--only-binary", ":all:", "--target", b.brought(),
	}
	return b.command(append(argv, b.installer().Brings()...)...)
}

// searchPath is where a build searches programs, an installer that it brings among them.
func (b Build) searchPath() string {
	if len(b.installer().Brings()) > 0 {
		return path.Join(b.brought(), "bin") + ":" + buildPath
	}
	return buildPath
}

// Pip is the installer that every pipx knows.
type Pip struct{}

var _ Installer = Pip{}

// UsesPip implements [Installer].
func (Pip) UsesPip() bool { return true }

// Brings implements [Installer].
func (Pip) Brings() []string { return nil }

// settings are those of every build beside this: see [Build.Env], since a pip fetches packages for any installer.
func (Pip) settings(Build) settings { return settings{{"PIPX_DEFAULT_BACKEND", "pip"}} }

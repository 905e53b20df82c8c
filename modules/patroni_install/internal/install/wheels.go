package install

import (
	"cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/pep440"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
)

// wanted is what one interpreter is to find in a wheelhouse.
type wanted struct {
	python string
	needs  pipx.Needs
	remedy string // what to do if it finds too little
}

// wantedOf is what a build of that takes. pipx is for the system's interpreter, whatever the venv's is.
func wantedOf(want *Desired, seen *View, requirement string) []wanted {
	python, lock := cmp.Or(want.Python, systemPython), want.Lock
	// All that is locked is fetched, whether it is needed or not.
	needs := pipx.Needs{
		Requirements: append([]string{requirement}, lock.Requirements()...), Lock: lock, Constraints: want.constraints,
		Tools: installerOf(want, seen, seen.Pipx).UsesPip(),
	}
	if lacksPipx(seen) && python == systemPython {
		needs.Requirements = append(needs.Requirements, "pipx")
	}
	all := []wanted{{python, needs, buildWheelhouse}}
	if lacksPipx(seen) && python != systemPython {
		needs := pipx.Needs{Lock: lock, Constraints: want.constraints}
		needs.Requirements = append([]string{"pipx"}, lock.Pipx().Requirements()...)
		all = append(all, wanted{systemPython, needs, addPipx})
	}
	return all
}

// newestIn is the newest version of Patroni that can be installed, as far as that is known: names
// alone do not tell which Python a wheel is for.
func newestIn(want *Desired, c pipx.Contents) string {
	if c.Unknown {
		return want.Version.Bound(want.constraints).NewestIn(c.Files)
	}
	return c.Newest
}

// What to do about a wheelhouse that lacks something.
const (
	buildWheelhouse = "build it on a host of the same platform (playbook pgedge.platform.wheelhouse)"
	// The playbook builds for one interpreter.
	addPipx = "pipx is installed by that interpreter, not by option python: add its wheels (" + systemPython +
		" -m pip wheel pipx), or install a pipx for all users"
)

// installerOf is what a pipx, nil for one that is not known yet, fills the venv by. Only if nobody chose does pip stand
// in for an installer that this pipx cannot use.
func installerOf(want *Desired, seen *View, program *pipx.Program) pipx.Installer {
	if want.Installer == Auto && (program == nil || seen.Installer.Check(*program) != nil) {
		return pipx.Pip{}
	}
	return seen.Installer
}

// isAfter tells whether a version comes after the one that is installed.
func isAfter(version, installed string) bool {
	offered, err := pep440.Parse(version)
	if err != nil {
		return false // none
	}
	have, err := pep440.Parse(installed)
	return err != nil || offered.Compare(have) > 0
}

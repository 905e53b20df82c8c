package pipx

// Installer is the program that pipx fills a venv with, each in a file of its own. All else about a build is the same,
// whichever does it.
type Installer interface {
	// UsesPip tells whether pipx's shared venv must have a pip, and what builds source packages, before pipx starts.
	UsesPip() bool
	// settings are its variables in the environment of a build.
	settings(b Build) settings
}

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

// UsesPip implements [Installer].
func (Pip) UsesPip() bool { return true }

// settings are those of every build beside this: see [Build.Env], since a pip fetches packages for any installer.
func (Pip) settings(Build) settings { return settings{{"PIPX_DEFAULT_BACKEND", "pip"}} }

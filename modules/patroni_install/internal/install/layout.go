package install

import (
	"fmt"
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// StateDir holds the journal and its belongings, and is the lock.
const StateDir = "/var/lib/pgedge/patroni_install"

// loginPath is the PATH that login shells have without any profile, on every family.
const loginPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Layout is where everything of one installation lies.
type Layout struct {
	pipx.Layout // Home, BinDir

	User      *host.User
	Packaged  bool // Patroni comes as a package of the operating system
	ConfigDir string
	Config    string // Patroni's configuration file
	Unit      string // path of the unit file
	Stage     string // the directory in which the new tree is built
	UserStage string // the same for what goes into the user's own Python environment
	Scratch   string // the same for root's own files
	OldHome   string // where pipx before 1.3 looks for its home by itself
}

// layout fills in what follows from the user. A home that is not the user's is refused, and so is root, whatever the
// account is called: what the package index sends runs as the user. What root has from earlier can be removed.
func (d Desired) layout(user *host.User) (Layout, error) {
	if user.UID == 0 && d.State != Absent {
		return Layout{}, fmt.Errorf("cannot install for user %s: it has uid 0, so that what comes from the package index "+
			"would run as root; set user (in the role: patroni_user) to an account of its own, such as postgres", user.Name)
	}
	if d.Home != "" && d.Home != path.Clean(user.Home) {
		return Layout{}, fmt.Errorf("value of home is %s, but the home of user %s is %s: "+
			"leave home (in the role: pg_home) unset, or set it to that", d.Home, user.Name, user.Home)
	}
	home := path.Clean(user.Home)
	if !path.IsAbs(home) || home == "/" {
		return Layout{}, fmt.Errorf("cannot install for user %s: its home %q is no directory of its own; "+
			"give the user one, such as role init_server does", user.Name, user.Home)
	}
	l := Layout{
		Layout:    pipx.Layout{Home: d.PipxHome, BinDir: d.BinDir},
		User:      user,
		Packaged:  d.packaged(),
		ConfigDir: d.ConfigDir,
		Config:    path.Join(d.ConfigDir, d.ConfigFile),
		Unit:      path.Join(systemd.Directory, d.ServiceName+".service"),
		Scratch:   path.Join(StateDir, "stage"),
		OldHome:   path.Join(home, ".local/pipx"),
	}
	if l.Home == "" {
		l.Home = path.Join(home, ".local/share/pipx")
	}
	if l.BinDir == "" {
		l.BinDir = path.Join(home, ".local/bin")
	}
	l.Stage = path.Join(l.Home, ".patroni_install.stage")
	l.UserStage = path.Join(l.userBase(), ".patroni_install.stage")
	return l, l.check()
}

// check refuses directories that would lie inside one another.
func (l Layout) check() error {
	for _, inner := range []struct{ option, path string }{{"bin_dir", l.BinDir}, {"config_dir", l.ConfigDir}} {
		if below(inner.path, l.Home) {
			return fmt.Errorf("value of %s, %s, lies inside pipx_home, %s: choose a directory outside of it",
				inner.option, inner.path, l.Home)
		}
	}
	if below(l.Home, l.BinDir) {
		return fmt.Errorf("pipx_home, %s, lies inside bin_dir, %s: choose a directory outside of it", l.Home, l.BinDir)
	}
	return l.checkShared()
}

// checkShared refuses directories that hold what is not theirs. The configuration directory becomes the user's and
// nobody else's; pipx's home is covered while the user's programs run, and the links in the bin directory are no
// package's. See places.go for the places on the host where it may be at all.
func (l Layout) checkShared() error {
	home := path.Clean(l.User.Home)
	for _, inner := range []string{home, l.Home, l.BinDir, systemd.Directory, StateDir} {
		if below(inner, l.ConfigDir) {
			return fmt.Errorf("value of config_dir, %s, must be a directory of its own: it becomes 0700 and user %s's, and %s "+
				"is in it",
				l.ConfigDir, l.User.Name, inner)
		}
	}
	for _, program := range []string{"/bin", "/sbin", "/usr/bin", "/usr/sbin", "/etc"} {
		if below(program, l.Home) || below(program, l.BinDir) {
			return fmt.Errorf("values of bin_dir, %s, and pipx_home, %s, must not be or hold %s, which belongs to the "+
				"operating system",
				l.BinDir, l.Home, program)
		}
	}
	return nil
}

// below tells whether name is dir or lies inside it.
func below(name, dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }

// inHome tells whether a path belongs to the user's home.
func (l Layout) inHome(name string) bool { return below(name, path.Clean(l.User.Home)) }

// onLoginPath tells whether shells find programs in BinDir without any profile.
func (l Layout) onLoginPath() bool {
	for dir := range strings.SplitSeq(loginPath, ":") {
		if dir == l.BinDir {
			return true
		}
	}
	return false
}

// userBase is where pip installs what the user alone has, in the words of Python.
func (l Layout) userBase() string { return path.Join(l.User.Home, ".local") }

// stagedBase is the user base while it is staged.
func (l Layout) stagedBase() string { return path.Join(l.UserStage, "user") }

// venvs is the directory that holds the tree and the other venvs.
func (l Layout) venvs() string { return path.Dir(l.Layout.Venv()) }

// stagedHome is pipx's home while the new tree is built.
func (l Layout) stagedHome() string { return path.Join(l.Stage, "home") }

// staged returns where a path below pipx's home lies while it is staged.
func (l Layout) staged(name string) string {
	return path.Join(l.stagedHome(), strings.TrimPrefix(name, l.Home))
}

// unit describes the service.
func (l Layout) unit(d Desired) systemd.Unit {
	u := systemd.Unit{
		Name: d.ServiceName, User: l.User.Name, Group: l.User.Group,
		Exec: path.Join(l.BinDir, "patroni"), ConfigPath: l.Config, Hardened: d.Hardening,
	}
	if l.Packaged {
		u.Exec = path.Join(osPrograms, "patroni")
	}
	return u
}

// unitName is the name of the service's unit.
func (l Layout) unitName() string { return path.Base(l.Unit) }

// programs is the directory of the programs that the links in the bin directory lead to.
func (l Layout) programs() string {
	if l.Packaged {
		return osPrograms
	}
	return path.Join(l.Layout.Venv(), "bin")
}

// systemPython is the interpreter of the operating system.
const systemPython = "/usr/bin/python3"

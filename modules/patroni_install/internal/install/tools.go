package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
)

// findFamily tells which family the host is of. A system of no known one still has the package manager of one if its
// program is there, and no other's, which might be the one that manages the system.
func (o *observer) findFamily() {
	v := o.seen
	for _, known := range families() {
		if v.Release.Is(known.IDs...) {
			v.Family = known
			return
		}
	}
	var there []Packaging
	for _, known := range families() {
		if v.finds(known.Program) {
			there = append(there, known.Packaging)
		}
	}
	if len(there) == 1 {
		v.Family = Family{Packaging: there[0]}
	}
}

// findTools looks for what can build: a pipx, the system's, else the user's own; interpreters, and an installer.
func (o *observer) findTools() error {
	v, files := o.seen, o.host.FS
	v.Python = pipx.PythonVersion(files, systemPython)
	v.PythonClosed = pipx.CheckProgram(files, v.User, systemPython)
	if o.want.Python != "" {
		_, err := files.Resolve(o.want.Python)
		v.Asked = Interpreter{
			Missing: errors.Is(err, fs.ErrNotExist), Version: pipx.PythonVersion(files, o.want.Python),
			Closed: pipx.CheckProgram(files, v.User, o.want.Python),
		}
	}
	v.PipFiles = pipx.PipFiles(files, v.User, o.want.Environ, systemPython, cmp.Or(o.want.Python, systemPython))
	if o.want.CACert != "" {
		err := files.CheckAccess(o.want.CACert, v.User.UID, v.User.GID, fsys.Read)
		if closed, ok := errors.AsType[*fsys.ClosedError](err); ok {
			v.CACertClosed = closed
		}
	}
	if err := o.findInstaller(); err != nil {
		return err
	}
	program, err := findPipx(o.host, v.User, v.Python)
	if errors.Is(err, fs.ErrNotExist) {
		v.NoPipx = err
		return nil
	}
	if err != nil {
		return err
	}
	v.Pipx = &program
	return nil
}

// findInstaller looks for the installer that was asked for. If none was, the preferred one is taken if it is there and
// nobody told pip anything that it would not know, or itself what no build lets it know.
func (o *observer) findInstaller() error {
	v, name, auto := o.seen, o.want.Installer, o.want.Installer == Auto
	if auto {
		name = pipx.Preferred
	}
	installer := pipx.Installers()[name]
	err := installer.Find(o.host.FS, v.User)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if auto && (err != nil || pipx.PipIsConfigured(v.PipFiles, o.want.Environ)) {
		v.Installer = pipx.Pip{}
		return nil
	}
	if v.Unread = installer.Unread(o.host.FS, v.User); auto && len(v.Unread) > 0 {
		installer = pipx.Pip{}
	}
	v.Installer, v.NoInstaller = installer, err
	return nil
}

func findPipx(h *host.Host, user *host.User, python string) (pipx.Program, error) {
	program, err := pipx.Find(h.FS, user)
	if errors.Is(err, fs.ErrNotExist) {
		if own, found := pipx.FindOfUser(h.FS, systemPython, user.Home, python); found {
			return own, nil
		}
	}
	return program, err
}

// ofPatroni are the packages of these names that have Patroni's program. Without a package manager that is known,
// nobody can say whether one has it.
func (o *observer) ofPatroni(ctx context.Context, names []string) ([]pkgmgr.Package, error) {
	if o.seen.Family.Manager == "" {
		return nil, fmt.Errorf("cannot tell whether %s came with a package: the package manager of %s is not known here; "+
			"if no package has that program, move it away", osProgram, o.seen.Release.Name)
	}
	installed, _, err := o.packageManager().Installed(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("cannot tell whether %s came with a package: %w", osProgram, err)
	}
	return installed, nil
}

// pythonOf is the version of an interpreter of the system.
func (o *observer) pythonOf(interpreter string) string {
	return pipx.PythonVersion(o.host.FS, interpreter)
}

// packageManager is that of the host's family.
func (o *observer) packageManager() pkgmgr.Manager {
	m, err := pkgmgr.New(o.seen.Family.Manager, pkgmgr.Settings{
		Host: o.host, LockTimeout: o.want.LockTimeout, Env: proxies(o.want.Environ), ReadOnly: !o.mayRefresh,
	})
	if err != nil {
		panic("internal error: " + err.Error()) // families names it
	}
	return m
}

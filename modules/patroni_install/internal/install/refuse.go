package install

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
)

// refuseDecided refuses what the decision makes impossible. It needs no knowledge of the packages that the host lacks,
// so that it can come before looking for them.
func (p *Plan) refuseDecided(check bool) error {
	switch {
	case p.removes():
		return nil
	case !p.Builds():
		return first(p.refuseExtras, p.refuseSwitch)
	}
	sources := func() error { return p.refuseSources(check) }
	return first(p.refuseClosedPython, p.refusePipFiles, p.refuseNoInstaller, p.refuseLock, p.refusePipx, p.refuseSwitch,
		sources)
}

// refuseSwitch refuses what the switch would refuse, now and not after the build.
func (p *Plan) refuseSwitch() error {
	_, err := p.Switch(Outcome{})
	return err
}

// refuseExtras refuses those that the venv which is there, and stays, does not know.
func (p *Plan) refuseExtras() error {
	if there := p.seen.Installed; there != nil && there.Venv != nil {
		return there.Venv.CheckExtras(p.want.Extras)
	}
	return nil
}

// refusePipx refuses one that cannot build.
func (p *Plan) refusePipx() error {
	if p.seen.Pipx == nil {
		return nil
	}
	return p.seen.Pipx.Check()
}

// refuseClosedPython refuses an interpreter that the user cannot start. The system's also starts the user's own pipx.
func (p *Plan) refuseClosedPython() error {
	closed, remedy := p.seen.Asked.Closed, "leave python unset (in the role: patroni_python)"
	own := p.seen.Pipx != nil && len(p.seen.Pipx.Argv) > 1
	if closed == nil && (p.want.Python == "" || p.BringsPipx || own) {
		closed, remedy = p.seen.PythonClosed, "set python (in the role: patroni_python) to one that everybody can start"
	}
	return refuseClosed(closed, remedy)
}

// refuseClosed refuses what the user cannot start; nil if that is not so.
func refuseClosed(err error, remedy string) error {
	closed, isClosed := errors.AsType[*pipx.ClosedError](err)
	if !isClosed {
		return nil
	}
	return fmt.Errorf("cannot build Patroni: user %s cannot start %s: %w; %s, or open that to the user",
		closed.User, closed.Program, closed.Cause, remedy)
}

// refusePipFiles refuses settings of pip's if it is pip that builds.
func (p *Plan) refusePipFiles() error {
	if err := refuseUnread(p.want, p.seen, p.Decision); err != nil {
		return err
	}
	if p.want.Lock.IsZero() && !p.BringsPipx && !installerOf(p.want, p.seen, p.seen.Pipx).UsesPip() {
		return refuseCACert(p.want, p.seen)
	}
	return refusePipFiles(p.want, p.seen)
}

// refusePipFiles refuses settings that pip would obey and that nothing takes back, and those that it would not see.
func refusePipFiles(want *Desired, seen *View) error {
	build := want.pipxBuild(seen.Layout, seen.Stage)
	build.PipFiles = seen.PipFiles
	const without = "PIP_CONFIG_FILE=/dev/null in the task's environment lets pip read no file"
	if name := build.ConfigFile(); name != "" {
		return fmt.Errorf("cannot build Patroni: PIP_CONFIG_FILE in the task's environment is no absolute path; pip would "+
			"look for %.100q in a directory of the build; set it to the whole path on this host", name)
	}
	if build.WantsHashes() {
		return fmt.Errorf("cannot build Patroni: PIP_REQUIRE_HASHES in the task's environment asks for the hashes of all " +
			"packages, and only a lock file has them; set lockfile (in the role: patroni_lockfile), or remove that variable")
	}
	for _, file := range seen.PipFiles {
		lost := build.Lost(file)
		stays, found := build.Stays(file)
		switch {
		case file.Closed != nil && len(lost) > 0:
			return fmt.Errorf("cannot build Patroni: user %s cannot use pip's settings in %s (%s): %w, and pip would go "+
				"without them and say nothing; open the file to the user (chmod o+r %[2]s), or do without it (%s)",
				seen.User.Name, file.Path, strings.Join(lost, ", "), file.Closed, without)
		case file.Damaged != nil:
			return fmt.Errorf("cannot build Patroni: pip cannot load its settings in %s: %w; mend the line, or do without that "+
				"file (%s)", file.Path, file.Damaged, without)
		case file.Closed != nil || !found:
		case pipx.NeedsHashes(stays):
			return fmt.Errorf("cannot build Patroni: %s sets %s in [%s], and only a lock file has the hashes of all "+
				"packages; set lockfile (in the role: patroni_lockfile), or do without that file (%s)",
				file.Path, stays.Name, stays.Section, without)
		default:
			return fmt.Errorf("cannot build Patroni: %s sets %s in [%s], which pip obeys and a build cannot take back; "+
				"remove the line, or do without that file (%s)", file.Path, stays.Name, stays.Section, without)
		}
	}
	if where := build.NoIndex(); where != "" {
		return fmt.Errorf("cannot build Patroni: %s keeps pip from every index, and no other place for packages is set; set "+
			"index_url (in the role: patroni_index_url) or wheelhouse (in the role: patroni_wheelhouse), or remove that setting",
			where)
	}
	return refuseCACert(want, seen)
}

// refuseUnread refuses files that no build reads, if an installer would have had its packages from where they say. What
// is given another source, or a lock file, which pip fetches, makes do without.
func refuseUnread(want *Desired, seen *View, d Decision) error {
	if want.IndexURL != "" || want.Wheelhouse != "" || !want.Lock.IsZero() {
		return nil
	}
	for _, file := range unreadBy(want, seen, d) {
		if len(file.Sources) > 0 {
			return fmt.Errorf("cannot build Patroni: %s tells uv where packages come from (%s), and no build reads that file; "+
				"set index_url (in the role: patroni_index_url), or installer to pip (in the role: patroni_installer), which "+
				"has an index of its own", file.Path, strings.Join(file.Sources, ", "))
		}
	}
	return nil
}

// refuseCACert refuses a file that the user cannot read: it is the user who asks the index.
func refuseCACert(want *Desired, seen *View) error {
	if seen.CACertClosed == nil {
		return nil
	}
	return fmt.Errorf("cannot use ca_cert %s: it is user %s who asks the index, and %w; open it to the user, or copy it "+
		"to where everybody can read it, such as /etc/ssl/certs", want.CACert, seen.User.Name, seen.CACertClosed)
}

// refuseNoInstaller refuses an installer that is not there.
func (p *Plan) refuseNoInstaller() error {
	if p.seen.NoInstaller == nil {
		return nil
	}
	if err := refuseClosed(p.seen.NoInstaller, "leave installer unset (in the role: patroni_installer)"); err != nil {
		return err
	}
	return fmt.Errorf("cannot build Patroni by %[1]s: there is no %[1]s in /usr/local/bin or /usr/bin that is root's "+
		"alone; install one, or leave installer unset (in the role: patroni_installer)", p.want.Installer)
}

// refuseLock refuses a lock file without pipx where pip is to bring it: nothing is let in but what is
// locked. Prerequisites of somebody's choice may bring one themselves.
func (p *Plan) refuseLock() error {
	lock := p.want.Lock
	if !p.BringsPipx || p.want.Prerequisites != nil || lock.IsZero() || len(lock.Versions("pipx")) > 0 {
		return nil
	}
	return fmt.Errorf("cannot install pipx: lockfile %s does not hold it, and nothing else may be fetched; lock pipx "+
		"and what it needs, too, or install a pipx for all users", p.want.Lockfile)
}

// refuseOffered implements [method].
func (m *byPipx) refuseOffered(d Decision) error {
	if !d.Builds() {
		return nil
	}
	return first(m.refusePython, func() error { return m.refuseInstaller(d) }, func() error { return m.refuseNoPipx(d) },
		func() error { return refuseUnread(m.want, m.seen, d) })
}

// refusePython refuses an interpreter that is not there and that no package is to bring.
func (m *byPipx) refusePython() error {
	if !m.seen.Asked.Missing || len(m.seen.Packages.Missing) > 0 {
		return nil
	}
	return fmt.Errorf("cannot build Patroni with %s: it is not there; install it, name its package in prerequisites, "+
		"or leave python unset (in the role: patroni_python)", m.want.Python)
}

// refuseNoPipx refuses a build that no pipx can do.
func (m *byPipx) refuseNoPipx(d Decision) error {
	if m.seen.Pipx != nil {
		return nil
	}
	if version := pipxVersion(m.seen, d); version != "" {
		return pipx.Program{Argv: []string{"the package pipx"}, Version: version}.Check()
	}
	if d.BringsPipx {
		return pipx.CheckPython(m.seen.Python)
	}
	if len(m.seen.Packages.Missing) > 0 {
		return nil
	}
	if err := refuseClosed(m.seen.NoPipx, "install pipx for all users ("+m.seen.Family.Install+" pipx)"); err != nil {
		return err
	}
	return fmt.Errorf("cannot build Patroni: there is no pipx on this host and prerequisites names no package that is "+
		"missing; install pipx 1.0 or newer (%s pipx), or leave prerequisites unset", m.seen.Family.Install)
}

// refuseInstaller refuses an installer that was asked for if pipx cannot build by it.
func (m *byPipx) refuseInstaller(d Decision) error {
	version := pipxVersion(m.seen, d)
	if m.want.Installer == Auto || version == "" && d.BringsPipx {
		return nil // the build sees which one pip brings
	}
	return m.seen.Installer.Check(pipx.Program{Version: version})
}

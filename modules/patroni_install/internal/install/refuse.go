package install

import (
	"fmt"
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
)

// refuse names what stands in the way and must not be touched. Every refusal says what to do. It
// needs no knowledge of the packages that the host lacks, so that it can come before looking for them.
func refuse(want Desired, seen *Observed) error {
	p := &Plan{want: want, seen: seen}
	if want.State == Absent {
		return first(p.refuseMethod, p.refuseService, p.refuseUnit)
	}
	return first(
		p.refuseMethod, p.refuseForeign, p.refuseShadow, p.refuseOSPackage, // another Patroni
		p.refuseMasked, p.refuseUnit, p.refuseForeignUnit, p.refuseAdopted, seen.unit(want).Check, // the unit
		p.refusePlaces, p.refuseConfigDir, p.refuseClosed, p.refuseShared, p.refuseApart, p.refuseSELinux, p.refuseSwitch,
	)
}

func first(checks ...func() error) error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// refuseService keeps the program of a running service from being taken away.
func (p *Plan) refuseService() error {
	if p.seen.Foreign.File != "" || p.seen.Foreign.Elsewhere != "" {
		return nil // what runs is somebody else's service
	}
	s, unit := p.seen.Service, path.Base(p.seen.Unit)
	active := s.ActiveState != "" && s.ActiveState != "inactive" && s.ActiveState != "failed"
	enabled := strings.HasPrefix(s.UnitFileState, "enabled")
	if !active && !enabled {
		return nil
	}
	return fmt.Errorf("cannot remove Patroni: %s is %s and %s; stopping it stops PostgreSQL's failover, which this module "+
		"never does: run systemctl stop %s and systemctl disable %s first",
		unit, s.ActiveState, s.UnitFileState, unit, unit)
}

// refuseOSPackage keeps our unit from shadowing the one of a package.
func (p *Plan) refuseOSPackage() error {
	if p.seen.OSPackage == "" {
		return nil
	}
	return fmt.Errorf("cannot install Patroni beside the operating system's package %s, whose unit and programs ours "+
		"would shadow: set method to package (in the role: patroni_method) to use it, or run this once with that and state absent, "+
		"and then remove it (%s %s)", p.seen.OSPackage, p.seen.Family.Remove, p.seen.OSPackage)
}

// refuseMasked respects somebody's decision that the service must not exist.
func (p *Plan) refuseMasked() error {
	if !p.seen.masked() && p.seen.Service.LoadState != "masked" {
		return nil
	}
	unit := path.Base(p.seen.Unit)
	return fmt.Errorf("cannot install the unit %s: it is masked, so somebody decided that it must not run; "+
		"run systemctl unmask %s first, or set service_name (in the role: patroni_service_name)", unit, unit)
}

// refuseUnit keeps a unit that is not a plain file as it is.
func (p *Plan) refuseUnit() error {
	e, found := p.seen.Entries[p.seen.Unit]
	if !found || e.Type == fsys.File || p.want.State == Absent && p.seen.masked() {
		return nil
	}
	what := "a " + string(e.Type)
	if e.Type == fsys.Link {
		what = "a link to " + e.Target
	}
	return fmt.Errorf("cannot manage the unit %s: it is %s, not a file; remove it, or set service_name "+
		"(in the role: patroni_service_name) to another name", p.seen.Unit, what)
}

func (p *Plan) refuseConfigDir() error {
	e, found := p.seen.Entries[p.seen.ConfigDir]
	if foreign := p.seen.ConfigForeign; foreign != "" {
		return fmt.Errorf("cannot use config_dir %s: it holds %s, and belongs to user %d, not to %s, whose alone it would become; set config_dir "+
			"(in the role: patroni_config_dir) to a directory of its own, or, if it is Patroni's, give it to the user (chown %[4]s %[1]s)",
			p.seen.ConfigDir, foreign, e.UID, p.seen.User.Name)
	}
	if !found || e.Type == fsys.Directory {
		return nil
	}
	return fmt.Errorf("cannot use config_dir %s: it is a %s, not a directory; move it away, or set config_dir "+
		"(in the role: patroni_config_dir) to another directory", p.seen.ConfigDir, e.Type)
}

// refuseShared refuses what cannot trade places with pipx's shared libraries: the switch would find out only after the
// build, and an undo could not go on at it.
func (p *Plan) refuseShared() error {
	e, found := p.seen.Entries[p.seen.Shared()]
	if !found || e.Type == fsys.Directory || p.whyBuild() == "" {
		return nil
	}
	what := "a " + string(e.Type)
	if e.Type == fsys.Link {
		what = "a link to " + e.Target
	}
	return fmt.Errorf("cannot build Patroni: %s, where pipx has its shared libraries, is %s, not a directory; move it away, or set "+
		"pipx_home (in the role: patroni_pipx_home)", p.seen.Shared(), what)
}

// refuseApart refuses what the switch cannot rename across, which it would find out only after the build.
func (p *Plan) refuseApart() error {
	if p.seen.Apart == "" || p.whyBuild() == "" {
		return nil
	}
	return fmt.Errorf("cannot build Patroni: %s is on another file system than pipx's home, %s, so that what was built could not take "+
		"its place in one step; mount that file system at pipx's home instead, or set pipx_home (in the role: patroni_pipx_home) to "+
		"another directory", p.seen.Apart, p.seen.Home)
}

// refuseStage keeps a stage of which no journal tells: it may hold the only copy of an installation.
func refuseStage(seen *Observed) error {
	for _, stage := range []string{seen.Stage, seen.UserStage} {
		if seen.exists(stage) {
			return fmt.Errorf("cannot stage anything: %s is there, and no journal tells of it; it may hold an installation that "+
				"was taken out of use; look at it, then move it away or remove it", stage)
		}
	}
	for _, dir := range []string{seen.Scratch, archives(), borrowedArchives()} {
		if seen.exists(dir) {
			return fmt.Errorf("cannot stage anything: %s is there, and no journal tells of it; an interrupted run has left it, whose "+
				"journal was moved away; remove it (rm -r %[1]s)", dir)
		}
	}
	return nil
}

// refuseSwitch refuses what the switch would refuse, now and not after the build.
func (p *Plan) refuseSwitch() error {
	p.Build = p.whyBuild()
	_, err := p.Switch(Outcome{})
	return err
}

// refuseBuild refuses a pipx that cannot build the tree, where one has to be built, and extras
// that the tree which is there does not know.
func (p *Plan) refuseBuild() error {
	if p.want.packaged() {
		return p.refusePackages()
	}
	if p.whyBuild() == "" {
		return p.seen.Current.CheckExtras(p.want.Extras)
	}
	if p.seen.Asked.Missing && len(p.seen.Packages.Missing) == 0 {
		return fmt.Errorf("cannot build Patroni with %s: it is not there; install it, name its package in prerequisites, or leave "+
			"python unset (in the role: patroni_python)", p.want.Python)
	}
	if err := first(p.refuseUV, p.refuseLock); err != nil {
		return err
	}
	if p.seen.Pipx != nil {
		return p.seen.Pipx.Check()
	}
	if version := p.pipxVersion(); version != "" {
		return pipx.Program{Argv: []string{"the package pipx"}, Version: version}.Check()
	}
	if p.bringsPipx() {
		return pipx.CheckPython(p.seen.Python)
	}
	if len(p.seen.Packages.Missing) == 0 {
		return fmt.Errorf("cannot build Patroni: there is no pipx on this host and prerequisites names no package that is "+
			"missing; install pipx 1.0 or newer (%s pipx), or leave prerequisites unset", p.seen.Family.Install)
	}
	return nil
}

// refuseLock refuses a lock file without pipx where pip is to bring it: nothing is let in but what is
// locked. Prerequisites of somebody's choice may bring one themselves.
func (p *Plan) refuseLock() error {
	lock := p.want.Lock
	if !p.bringsPipx() || p.want.Prerequisites != nil || lock.IsZero() || len(lock.Versions("pipx")) > 0 {
		return nil
	}
	return fmt.Errorf("cannot install pipx: lockfile %s does not hold it, and nothing else may be fetched; lock pipx and what it "+
		"needs, too, or install a pipx for all users", p.want.Lockfile)
}

// takesUV tells whether a pipx builds by uv: where that was asked for, and by itself where it can and
// nobody told pip anything that uv would not know.
func (p *Plan) takesUV(program pipx.Program) bool {
	possible := p.seen.UV && program.TakesUV()
	return possible && (p.want.Installer == UV || p.want.Installer == Auto && !p.seen.PipConfig)
}

// refuseUV refuses installer uv where pipx cannot build by it.
func (p *Plan) refuseUV() error {
	if p.want.Installer != UV {
		return nil
	}
	if !p.seen.UV {
		return fmt.Errorf("cannot build Patroni by uv: there is no uv in /usr/local/bin or /usr/bin that is root's alone; install one, " +
			"or leave installer unset (in the role: patroni_installer)")
	}
	version := p.pipxVersion()
	if version == "" && p.bringsPipx() {
		return nil // the build sees which one pip brings
	}
	return unfitForUV(pipx.Program{Version: version})
}

// unfitForUV is the error about a pipx that cannot build by uv, nil for one that can.
func unfitForUV(program pipx.Program) error {
	if program.TakesUV() {
		return nil
	}
	return fmt.Errorf("cannot build Patroni by uv: pipx %s cannot, 1.12 or newer is needed; install one for all users into "+
		"/usr/local, or leave installer unset (in the role: patroni_installer)", program.Version)
}

package install

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// dropInName is our file among the drop-ins of a package's unit.
const dropInName = "patroni_install.conf"

// dropIn makes the package's unit the service that was asked for.
func (l Layout) dropIn() string { return path.Join(l.Unit+".d", dropInName) }

// osHold keeps what a package brings from being started. Its name comes last, so that no other drop-in overrides it.
func osHold() string {
	return path.Join(systemd.Directory, osUnit+".d", "zz-patroni_install-hold.conf")
}

// osEnabled is the link by which Debian's package enables its unit.
func osEnabled() string { return path.Join(systemd.Directory, "multi-user.target.wants", osUnit) }

// atFirst is what was found when the run began.
func (o *Observed) atFirst() *Observed {
	if o.Before != nil {
		return o.Before
	}
	return o
}

// brings tells whether Patroni comes with the packages that the run adds.
func (o *Observed) brings(want *Desired) bool {
	first := o.atFirst()
	return want.packaged() && want.State != Absent && first.Installed == nil && len(first.Packages.Missing) > 0
}

// candidate is the version that the package has, or will have; "" when it is not known yet.
func (p *Plan) candidate() string {
	if p.seen.Installed != nil {
		return p.seen.Installed.Version
	}
	for _, add := range p.seen.Packages.Add {
		if slices.Contains(patroniNames(p.want, p.seen.Family), add.Name) {
			return versionOfPackage(add)
		}
	}
	return ""
}

// usesPackageUnit tells whether the package has a unit for the service, or is expected to bring one.
func (o *Observed) usesPackageUnit(want *Desired) bool {
	return want.packaged() && (o.Package.Unit || o.Before == nil && o.brings(want) && path.Base(o.Unit) == osUnit)
}

func (p *Plan) brings() bool { return p.seen.brings(&p.want) }

// hold comes before the packages, where Patroni is among them: one that runs must stay able to restart. Debian's
// package starts and enables what it brings; with this a start does nothing, also after a crash. And a directory that is
// empty is taken away, since the package's removal does that too: undo makes it again.
func (p *Plan) hold() []txn.Step {
	if p.seen.Before != nil || !p.brings() {
		return nil
	}
	var steps []txn.Step
	if e := p.seen.Entries[osConfigDir]; p.seen.Package.EmptyDir {
		steps = append(steps, &step.Directory{Name: "configuration directory", Path: osConfigDir, Before: &e.Attr, Ours: true})
	}
	steps = append(steps, p.unlink()...)
	steps = append(steps, p.missingDirs(map[string]bool{}, systemd.Directory)...)
	if dir := path.Dir(osHold()); !p.seen.exists(dir) {
		steps = append(steps, &step.Directory{Name: "directory", Path: dir, After: &fsys.Attr{Mode: 0o755}, Ours: !p.seen.keepsHoldDir(&p.want)})
	}
	held := unitStep(osHold(), p.fileState(osHold()), &step.FileState{Data: []byte(systemd.NeverStart), Attr: fsys.Attr{Mode: 0o644}})
	held.Ours = true
	return append(steps, held)
}

// release is the end of hold.
func (p *Plan) release() []txn.Step {
	before := p.seen.Before
	if before == nil || !p.brings() {
		return nil
	}
	held := unitStep(osHold(), p.fileState(osHold()), nil)
	held.Ours, held.While = true, archives()
	steps := []txn.Step{held}
	dir := path.Dir(osHold())
	if e := p.seen.Entries[dir]; !before.exists(dir) && !p.seen.keepsHoldDir(&p.want) {
		steps = append(steps, &step.Directory{Name: "directory", Path: dir, Before: &e.Attr, Ours: !before.keepsHoldDir(&p.want)})
	}
	return steps
}

// keepsHoldDir tells whether the drop-in goes into the same directory.
func (o *Observed) keepsHoldDir(want *Desired) bool {
	return o.usesPackageUnit(want) && path.Dir(osHold()) == path.Dir(o.dropIn())
}

// brought tells whether the packages that this run added made what is at a path, in the place of an empty directory or
// of nothing. Their removal takes it away again.
func (p *Plan) brought(name string) bool {
	before := p.seen.Before
	return before != nil && p.brings() && p.seen.exists(name) &&
		(!before.exists(name) || slices.Contains(before.Enabling, name) || name == osConfigDir && before.Package.EmptyDir)
}

// disable takes back that a package enabled its service, as systemctl disable does. Debian then leaves it
// disabled in its upgrades, too.
func (p *Plan) disable() []txn.Step {
	if !p.brought(osEnabled()) {
		return nil
	}
	e := p.seen.Entries[osEnabled()]
	before := &step.LinkState{Target: e.Target, UID: e.UID, GID: e.GID}
	return []txn.Step{&step.Symlink{Path: osEnabled(), Before: before, Brought: true}}
}

// dropInStep writes the drop-in.
func (p *Plan) dropInStep() []txn.Step {
	after := &step.FileState{Data: p.seen.unit(p.want).DropIn(), Attr: fsys.Attr{Mode: 0o644}}
	s := unitStep(p.seen.dropIn(), p.fileState(p.seen.dropIn()), after)
	s.Masked = p.masks(p.seen.dropIn())
	if s.Before != nil && s.Before.Attr == s.After.Attr && string(s.Before.Data) == string(s.After.Data) {
		return nil
	}
	return []txn.Step{s}
}

// removeDropIn removes it, and its directory where nothing else is in there.
func (p *Plan) removeDropIn() []txn.Step {
	before := p.fileState(p.seen.dropIn())
	if !p.want.packaged() || before == nil {
		return nil
	}
	steps := []txn.Step{removeUnitFile(p.seen.dropIn(), before, p.seen.unit(p.want).DropIn())}
	if dir := path.Dir(p.seen.dropIn()); p.seen.Package.Alone {
		attr := p.seen.Entries[dir].Attr
		steps = append(steps, &step.Directory{Name: "directory", Path: dir, Before: &attr})
	}
	return steps
}

// keptPackages says that a removal keeps the packages.
func (p *Plan) keptPackages() string {
	if name := p.seen.Package.Name; name != "" {
		return fmt.Sprintf("; the package %s stays, which %s %s removes", name, p.seen.Family.Remove, name)
	}
	return ""
}

// refuseMethod keeps an installation of one kind from being made, or removed, beside or as one of the other.
func (p *Plan) refuseMethod() error {
	verb := "install"
	if p.want.State == Absent {
		verb = "remove"
	}
	switch {
	case p.want.packaged() && p.seen.Package.Tree && p.want.State == Absent:
		return fmt.Errorf("cannot remove Patroni as a package: it was installed by pipx, in %s; set method to pipx "+
			"(in the role: patroni_method) to remove it", p.seen.Layout.Venv())
	case p.want.packaged() && p.seen.Package.Tree:
		return fmt.Errorf("cannot install Patroni as a package: it is installed by pipx, in %s; remove that first, by a run with "+
			"method pipx and state absent (in the role: patroni_method, patroni_state), and then run this again", p.seen.Layout.Venv())
	case !p.want.packaged() && p.seen.exists(p.seen.dropIn()):
		return fmt.Errorf("cannot %s what pipx installs: Patroni was installed as a package, of which %s tells; set method to package "+
			"(in the role: patroni_method), to keep it or, with state absent, to remove what belongs to it",
			verb, p.seen.dropIn())
	}
	return nil
}

// refuseForeign keeps a package from taking the place of programs that are somebody else's.
func (p *Plan) refuseForeign() error {
	if !p.seen.Package.Foreign {
		return nil
	}
	return fmt.Errorf("cannot install Patroni as a package: %s is there, and no installed package is named %s; name its package in "+
		"packages (in the role: patroni_packages), or move it away", path.Join(osPrograms, "patroni"),
		strings.Join(patroniNames(p.want, p.seen.Family), " or "))
}

// refuseShadow keeps a unit of the administrator's from standing in for the package's, where that has one.
func (p *Plan) refuseShadow() error {
	if !p.want.packaged() || !p.seen.Package.Unit {
		return nil
	}
	return p.refuseInPlaceOf(p.seen.Unit)
}

// refuseShadowOfNew does so for the unit that a package is expected to bring.
func (p *Plan) refuseShadowOfNew() error {
	var names []string
	if p.seen.usesPackageUnit(&p.want) {
		names = append(names, p.seen.Unit)
	}
	if len(p.seen.Packages.Missing) > 0 {
		names = append(names, path.Join(systemd.Directory, osUnit))
	}
	return p.refuseInPlaceOf(names...)
}

func (p *Plan) refuseInPlaceOf(names ...string) error {
	for _, name := range names {
		e, found := p.seen.Entries[name]
		if found && !(e.Type == fsys.Link && e.Target == "/dev/null") {
			return fmt.Errorf("cannot use the unit of the package: %s is there and would take its place; stop and disable that service, "+
				"and move the file away, or set service_name (in the role: patroni_service_name) to another name", name)
		}
	}
	return nil
}

// refusePackages refuses a package that is not as it should be, since none is upgraded or repaired: that could not be
// undone.
func (p *Plan) refusePackages() error {
	there, version, name := p.seen.Installed, p.candidate(), p.seen.Package.Name
	missing := p.seen.Packages.Missing
	switch {
	case there == nil && len(missing) == 0:
		return fmt.Errorf("cannot use the package %s: it is installed, and %s is not there; install it again by the package manager",
			strings.Join(patroniNames(p.want, p.seen.Family), " or "), path.Join(osPrograms, "patroni"))
	case len(p.Problems) > 0:
		return fmt.Errorf("cannot use the package %s: %s", name, strings.Join(p.Problems, "; "))
	case there != nil && !p.want.Version.Matches(version):
		return fmt.Errorf("cannot install Patroni %s: the package %s has %s and is installed, and its upgrade could not be undone; "+
			"do it first by the package manager, or set version (in the role: patroni_version) to what is there", p.want.Version, name, version)
	case version != "" && !p.want.Version.Matches(version):
		return fmt.Errorf("cannot install Patroni %s: the package that the sources offer has %s; name one with its version in packages "+
			"(in the role: patroni_packages), such as patroni=4.0.4-2, or set version to what there is", p.want.Version, version)
	case there == nil && !p.seen.Service.Running && p.seen.Family.Manager == step.APT && !p.seen.exists(osPolicy):
		return fmt.Errorf("cannot install Patroni as a package: systemd does not run on this host, so that the package's scripts start "+
			"and stop the service by themselves, and fail where they cannot; make a %s that exits with 101, which keeps them from it, "+
			"and run this again", osPolicy)
	case there == nil:
		return p.refuseConfigs()
	}
	return nil
}

// refuseConfigs keeps configuration files of an earlier package from being purged by an undo.
func (p *Plan) refuseConfigs() error {
	for _, name := range osConfigs() {
		if p.seen.exists(name) {
			return fmt.Errorf("cannot install Patroni as a package: %s is there, which the package takes for its own, so that an undo "+
				"would remove it; move it away, or purge what an earlier package left, and run this again", name)
		}
	}
	return nil
}

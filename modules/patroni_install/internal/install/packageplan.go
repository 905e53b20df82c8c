package install

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// version implements [method]: the one that the package has, or will have.
func (m *byPackage) version(Decision) string {
	if m.seen.Installed != nil {
		return m.seen.Installed.Version
	}
	for _, add := range m.seen.Packages.Add {
		if slices.Contains(patroniNames(m.want, m.seen.Family), add.Name) {
			return versionOfPackage(add)
		}
	}
	return ""
}

// usesUnit implements [ownPackages]: the package has a unit for the service, or is expected to bring one.
func (m *byPackage) usesUnit() bool {
	return m.unit || m.beforePackages == nil && m.seen.addsPatroni() && m.seen.unitName() == osUnit
}

// hold comes before the packages, if Patroni is among them: one that runs must stay able to restart. Debian's package
// starts and enables what it brings; with this a start does nothing, also after a crash. And a directory that is empty
// is taken away, since the package's removal does that too: undo makes it again.
func (m *byPackage) hold() []txn.Step {
	if !m.holds() {
		return nil
	}
	var steps []txn.Step
	if e, _ := m.seen.At(osConfigDir); m.emptyDir {
		steps = append(steps, &step.Directory{Name: "configuration directory", Path: osConfigDir, Before: &e.Attr,
			Ours: true})
	}
	steps = append(steps, m.enabling.unlink()...)
	steps = append(steps, m.seen.missingDirs(map[string]bool{}, systemd.Directory)...)
	if dir := path.Dir(osHold()); !m.seen.exists(dir) {
		made := &step.Directory{Name: "directory", Path: dir, After: &fsys.Attr{Mode: 0o755}, Ours: !m.keepsHoldDir()}
		steps = append(steps, made)
	}
	text := &step.FileState{Data: []byte(systemd.NeverStart), Attr: fsys.Attr{Mode: 0o644}}
	held := unitStep(osHold(), m.seen.fileState(osHold()), text)
	held.Ours = true
	return append(steps, held)
}

// holds implements [ownPackages].
func (m *byPackage) holds() bool { return m.beforePackages == nil && m.seen.addsPatroni() }

// keepsHoldDir tells whether the drop-in goes into the same directory.
func (m *byPackage) keepsHoldDir() bool {
	return m.usesUnit() && path.Dir(osHold()) == path.Dir(m.seen.dropIn())
}

// prepare implements [method]: nothing is built, and so nothing is staged.
func (m *byPackage) prepare(Decision) (packages, stage []txn.Step) { return m.hold(), nil }

// earlier are the steps before the switch.
func (m *byPackage) earlier(Decision) []txn.Step { return m.hold() }

// brought implements [ownPackages]: what came in the place of an empty directory or of nothing. The packages' removal
// takes it away again.
func (m *byPackage) brought(name string) bool {
	before := m.beforePackages
	if before == nil || !m.seen.addsPatroni() || !m.seen.exists(name) {
		return false
	}
	unlinked := slices.Contains(before.enabling.links, name)
	return !before.seen.exists(name) || unlinked || name == osConfigDir && before.emptyDir
}

// disabling takes back that a package enabled its service, as systemctl disable does. Debian then leaves it
// disabled in its upgrades, too.
type disabling struct {
	base

	packages *byPackage
}

// Steps implements [Part].
func (p *disabling) Steps(Decision, Outcome) ([]txn.Step, error) {
	if !p.packages.brought(osEnabled()) {
		return nil, nil
	}
	e, _ := p.seen.At(osEnabled())
	before := &step.LinkState{Target: e.Target, UID: e.UID, GID: e.GID}
	return []txn.Step{&step.Symlink{Path: osEnabled(), Before: before, Brought: true}}, nil
}

// release is the end of hold.
type release struct {
	base

	packages *byPackage
}

// Steps implements [Part].
func (p *release) Steps(Decision, Outcome) ([]txn.Step, error) {
	before := p.packages.beforePackages
	if before == nil || !p.seen.addsPatroni() {
		return nil, nil
	}
	held := unitStep(osHold(), p.seen.fileState(osHold()), nil)
	held.Ours, held.While = true, archives()
	steps := []txn.Step{held}
	dir := path.Dir(osHold())
	if e, _ := p.seen.At(dir); !before.seen.exists(dir) && !p.packages.keepsHoldDir() {
		gone := &step.Directory{Name: "directory", Path: dir, Before: &e.Attr, Ours: !before.keepsHoldDir()}
		steps = append(steps, gone)
	}
	return steps, nil
}

// dropIn makes the package's unit the service that was asked for.
type dropIn struct {
	base

	packages *byPackage

	alone bool // nothing but it is in the directory of the unit's drop-ins
}

// Look implements [Part].
func (p *dropIn) Look(context.Context) error {
	names, err := p.seen.Names(path.Dir(p.seen.dropIn()))
	p.alone = slices.Equal(names, []string{dropInName})
	return err
}

// Parents implements [Part].
func (p *dropIn) Parents() []string {
	if !p.packages.usesUnit() {
		return nil
	}
	return []string{path.Dir(p.seen.dropIn())}
}

// Steps implements [Part].
func (p *dropIn) Steps(Decision, Outcome) ([]txn.Step, error) {
	if p.removes() {
		return p.remove(), nil
	}
	s := p.seen.changeUnit(p.seen.dropIn(), p.text())
	if s == nil || !p.packages.usesUnit() {
		return nil, nil
	}
	return []txn.Step{s}, nil
}

func (p *dropIn) text() []byte { return p.seen.unit(*p.want).DropIn() }

// remove removes it, and its directory if nothing else is in there.
func (p *dropIn) remove() []txn.Step {
	name := p.seen.dropIn()
	before := p.seen.fileState(name)
	if before == nil {
		return nil
	}
	steps := []txn.Step{removeUnit(name, before, p.text())}
	if e, _ := p.seen.At(path.Dir(name)); p.alone {
		steps = append(steps, &step.Directory{Name: "directory", Path: path.Dir(name), Before: &e.Attr})
	}
	return steps
}

// stays implements [method]: the packages.
func (m *byPackage) stays() string {
	if m.name == "" {
		return ""
	}
	return fmt.Sprintf("; the package %s stays, which %s %s removes", m.name, m.seen.Family.Remove, m.name)
}

// refuseOffered implements [method]. A package that is not as it should be is refused, since none is upgraded or
// repaired: that could not be undone.
func (m *byPackage) refuseOffered(d Decision) error {
	return first(m.refuseUnits, func() error { return m.refusePackages(d) })
}

// refuseUnits keeps units of the administrator's from standing in for the one that the package brings.
func (m *byPackage) refuseUnits() error {
	var names []string
	if m.usesUnit() {
		names = append(names, m.seen.Unit)
	}
	if len(m.seen.Packages.Missing) > 0 {
		names = append(names, path.Join(systemd.Directory, osUnit))
	}
	return m.refuseInPlaceOf(names...)
}

func (m *byPackage) refusePackages(d Decision) error {
	there, version, name := m.seen.Installed, m.version(d), m.name
	missing, policy := m.seen.Packages.Missing, m.seen.Family.Policy
	switch {
	case there == nil && len(missing) == 0:
		return fmt.Errorf("cannot use the package %s: it is installed, and %s is not there; install it again by the "+
			"package manager",
			strings.Join(patroniNames(m.want, m.seen.Family), " or "), osProgram)
	case len(d.Problems) > 0:
		return fmt.Errorf("cannot use the package %s: %s", name, strings.Join(d.Problems, "; "))
	case there != nil && !m.want.Version.Matches(version):
		return fmt.Errorf("cannot install Patroni %s: the package %s has %s and is installed, and its upgrade could "+
			"not be undone; do it first by the package manager, or set version (in the role: patroni_version) to what "+
			"is there", m.want.Version, name, version)
	case version != "" && !m.want.Version.Matches(version):
		return fmt.Errorf("cannot install Patroni %s: the package that the sources offer has %s; name one with its "+
			"version in packages (in the role: patroni_packages), such as patroni=4.0.4-2, or set version to what "+
			"there is", m.want.Version, version)
	case there == nil && !m.seen.Service.Running && policy != "" && !m.seen.exists(policy):
		return fmt.Errorf("cannot install Patroni as a package: systemd does not run on this host, so that the package's "+
			"scripts start and stop the service by themselves, and fail where they cannot; make a %s that exits with 101, "+
			"which keeps them from it, and run this again", policy)
	case there == nil:
		return m.refuseConfigs()
	}
	return nil
}

// refuseConfigs keeps configuration files of an earlier package from being purged by an undo.
func (m *byPackage) refuseConfigs() error {
	for _, name := range osConfigs() {
		if m.seen.exists(name) {
			return fmt.Errorf("cannot install Patroni as a package: %s is there, which the package takes for its own, so that "+
				"an undo would remove it; move it away, or purge what an earlier package left, and run this again", name)
		}
	}
	return nil
}

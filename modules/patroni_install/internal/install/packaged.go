package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// packageRecord stands where the manifest of a tree does: a package manager knows its own files.
const packageRecord = "installed by the package manager\n"

// byPackage is Patroni as packages of the operating system. In the list of a venv's parts, this replaces the trees,
// their labels and rules, the links for pipx and the unit, which is the package's own with a drop-in. Nothing is built,
// so nothing is staged; what a build tells there, a second look at the host tells here, when the packages are there
// (see beforePackages).
type byPackage struct {
	base

	// beforePackages is the method of the look before this run added packages; nil until it has.
	beforePackages *byPackage

	name     string // of the installed package, "" for none
	unowned  bool   // its program is there, and none of the packages in question is installed
	unit     bool   // a package has a unit of the service's name
	tree     bool   // there is an installation by pipx, too
	emptyDir bool   // the package's configuration directory is there and holds nothing

	enabling *enabling
	parts    group
	going    group
}

var (
	_ method      = (*byPackage)(nil)
	_ ownPackages = (*byPackage)(nil)
)

// newByPackage makes the parts.
func newByPackage(b base, pending bool, beforePackages *byPackage) *byPackage {
	m := &byPackage{base: b, beforePackages: beforePackages}
	rules := &rules{base: b} // it has none: the programs are in a directory that every policy knows
	both := newBoth(b, rules, m)
	m.enabling = both.unit.enabling
	record, dropIn := &record{base: b}, &dropIn{base: b, packages: m}
	dirs := &dirs{base: b, rules: rules, parts: func() group { return m.parts }, earlier: m.earlier}
	m.parts = group{
		m,                                  // nothing of another method, and what the package has
		&stages{base: b, pending: pending}, // nothing that an interrupted run has left
		record,                             // that the package manager knows its own files
		dirs,                               // missing
		both.links,                         // the programs in bin_dir
		both.former,                        // which is another one than before
		both.places,                        // nothing that lets the user become root
		both.config,                        // for setup_patroni to fill
		both.profiles,                      // bin_dir on the PATH, and the configuration for patronictl
		both.comforts,                      // what other programs are told about Patroni
		&disabling{base: b, packages: m},   // what a package enabled
		both.unit,                          // the service, if the package has none of its name
		dropIn,                             // the package's own unit, if it has
		&release{base: b, packages: m},     // it may be started by now
	}
	// As for a venv. The packages stay: their purge would take what people have put into the configuration.
	m.going = group{
		both.unit, dropIn, both.comforts, both.links, both.former, both.profiles, record, both.config,
	}
	return m
}

func (m *byPackage) list() (list, going group) { return m.parts, m.going }

// newUnit implements [ownPackages].
func (m *byPackage) newUnit() string {
	if m.removes() || m.seen.Installed != nil || m.seen.exists(path.Join(systemd.Directory, osUnit)) {
		return ""
	}
	return osUnit
}

// hasUnit implements [ownPackages].
func (m *byPackage) hasUnit() bool { return m.unit }

// Look implements [Part].
func (m *byPackage) Look(context.Context) error {
	v := m.seen
	m.tree = v.finds(v.Layout.Venv())
	for _, dir := range osUnitDirs() {
		m.unit = m.unit || m.isPatroniUnit(path.Join(dir, v.unitName()))
	}
	places := append(osConfigs(), v.dropIn(), osHold(), osEnabled(), path.Join(systemd.Directory, osUnit))
	if v.Family.Policy != "" {
		places = append(places, v.Family.Policy)
	}
	for _, name := range places {
		err := v.Look(name)
		if below(name, systemd.Directory) {
			err = v.Read(name)
		}
		for dir := path.Dir(name); err == nil && dir != "/"; dir = path.Dir(dir) {
			err = v.Look(dir)
		}
		if err != nil {
			return v.explainLink(err)
		}
	}
	names, err := v.Names(osConfigDir)
	m.emptyDir = err == nil && v.isDirectory(osConfigDir) && len(names) == 0
	return err
}

// isPatroniUnit tells whether there is a unit of a package's, and no other service's: a drop-in of ours would make that
// one start Patroni.
func (m *byPackage) isPatroniUnit(name string) bool {
	text, _, err := m.seen.files.ReadFileInfo(name, entryLimit)
	if err != nil {
		return false
	}
	commands := systemd.Commands(text)
	return len(commands) == 0 || slices.ContainsFunc(commands, func(command string) bool {
		return slices.ContainsFunc(systemd.Paths(command), func(word string) bool { return path.Base(word) == "patroni" })
	})
}

// find implements [method]. The package database is read only if its program is there.
func (m *byPackage) find(ctx context.Context, o *observer) error {
	v := m.seen
	info, err := v.files.Lstat(osProgram)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot look at the program: %w", err)
	}
	installed, err := o.ofPatroni(ctx, patroniNames(m.want, v.Family))
	if err != nil {
		return err
	}
	if len(installed) == 0 {
		m.unowned = true
		return nil
	}
	if err := v.readManifest(); err != nil {
		return err
	}
	m.name = installed[0].Name
	there := installedPackage(info)
	there.Version, there.Interpreter = versionOfPackage(installed[0]), interpreterOf(v.files)
	there.Python = o.pythonOf(there.Interpreter)
	for _, app := range usualApps() {
		if v.finds(path.Join(osPrograms, app)) {
			there.Apps = append(there.Apps, app)
		}
	}
	there.note(installed)
	if old := v.dataAt(v.manifestPath()); string(old) != packageRecord {
		there.Record = []byte(packageRecord)
	}
	v.Installed = there
	return nil
}

// interpreterOf is the Python that the program names in its first line, else the system's.
func interpreterOf(files reader) string {
	text, _, err := files.ReadFileInfo(osProgram, entryLimit)
	first, _, _ := strings.Cut(string(text), "\n")
	words := strings.Fields(strings.TrimPrefix(first, "#!"))
	if err != nil || !strings.HasPrefix(first, "#!") || len(words) == 0 || path.Dir(words[0]) != osPrograms {
		return systemPython
	}
	return words[0]
}

// Refuse implements [Part]. It keeps an installation of one kind from being made, or removed, beside or as one of the
// other, and a package from taking the place of programs that are somebody else's.
func (m *byPackage) Refuse() error {
	switch {
	case m.tree && m.removes():
		return fmt.Errorf("cannot remove Patroni as a package: it was installed by pipx, in %s; set method to pipx "+
			"(in the role: patroni_method) to remove it", m.seen.Layout.Venv())
	case m.tree:
		return fmt.Errorf("cannot install Patroni as a package: it is installed by pipx, in %s; remove that first, by "+
			"a run with method pipx and state absent (in the role: patroni_method, patroni_state), and then run this "+
			"again", m.seen.Layout.Venv())
	case m.removes():
		return nil
	case m.unowned:
		return fmt.Errorf("cannot install Patroni as a package: %s is there, and no installed package is named %s; "+
			"name its package in packages (in the role: patroni_packages), or move it away",
			osProgram, strings.Join(patroniNames(m.want, m.seen.Family), " or "))
	case m.unit:
		return m.refuseInPlaceOf(m.seen.Unit)
	}
	return nil
}

// refuseInPlaceOf keeps a unit of the administrator's from standing in for the package's.
func (m *byPackage) refuseInPlaceOf(names ...string) error {
	for _, name := range names {
		e, found := m.seen.At(name)
		if found && !(e.Type == fsys.Link && e.Target == "/dev/null") {
			return fmt.Errorf("cannot use the unit of the package: %s is there and would take its place; stop and "+
				"disable that service, and move the file away, or set service_name (in the role: patroni_service_name) "+
				"to another name", name)
		}
	}
	return nil
}

package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// Where packages of Patroni have their things.
const (
	osPrograms  = "/usr/bin"
	osUnit      = "patroni.service"
	osConfigDir = "/etc/patroni"
	osPolicy    = "/usr/sbin/policy-rc.d" // Debian's: whether packages may start and stop services
)

// osUnitDirs are where a package's unit may be, the second one while the directories of / and /usr are two.
func osUnitDirs() []string { return []string{"/usr/lib/systemd/system", "/lib/systemd/system"} }

// osConfigs are the configuration files of Debian's package, which are purged with it.
func osConfigs() []string {
	return []string{osConfigDir + "/dcs.yml", osConfigDir + "/config.yml.in"}
}

// packageRecord stands where the manifest of a tree does: a package manager knows its own files.
const packageRecord = "installed by the package manager\n"

// OSPatroni is what is known of a Patroni that comes as a package of the operating system, beside Observed.Installed.
type OSPatroni struct {
	Name     string // of the installed package, "" when there is none
	Foreign  bool   // its program is there, and none of the packages in question is installed
	Unit     bool   // a package has a unit of the service's name
	Tree     bool   // there is an installation by pipx, too
	Alone    bool   // nothing but our drop-in is in the directory of the unit's drop-ins
	EmptyDir bool   // the package's configuration directory is there and holds nothing
}

func (d Desired) packaged() bool { return d.Method == ByPackage }

// verb is what a run does to get Patroni.
func (d Desired) verb() string {
	if d.packaged() {
		return "install"
	}
	return "build"
}

// checkMethod refuses values that the method cannot keep to.
func (d Desired) checkMethod() error {
	switch {
	case !d.packaged() && d.Packages != nil:
		return errors.New("packages is of use with method package only (in the role: patroni_method)")
	case !d.packaged():
		return nil
	case d.State == Latest:
		return errors.New("state latest cannot be had with method package: an upgrade of a package could not be undone; " +
			"upgrade it by the package manager, and set state to present")
	case d.Packages != nil && len(d.Packages) == 0:
		return errors.New("packages must name at least one package, Patroni's own first; leave it unset for the family's")
	}
	for _, o := range []struct{ name, value string }{
		{"python", d.Python}, {"constraints", d.Constraints}, {"lockfile", d.Lockfile}, {"wheelhouse", d.Wheelhouse},
	} {
		if o.value != "" {
			return fmt.Errorf("%s cannot be had with method package, where the package decides: leave it unset", o.name)
		}
	}
	return nil
}

// triedExtras are the extras whose modules must be there: with packages of the site's own choice it knows best.
func (d Desired) triedExtras() []string {
	if d.Packages != nil {
		return nil
	}
	return d.Extras
}

// packaged looks for Patroni as a package of the operating system, and for what an installation of it touches.
func (o *observer) packaged(ctx context.Context) error {
	f := o.found
	f.Package.Tree = o.exists(f.Layout.Venv())
	for _, dir := range osUnitDirs() {
		f.Package.Unit = f.Package.Unit || o.isPatroniUnit(path.Join(dir, path.Base(f.Unit)))
	}
	for _, name := range slices.Concat(osConfigs(), []string{
		f.dropIn(), osHold(), osEnabled(), path.Join(systemd.Directory, osUnit), osPolicy,
	}) {
		err := o.look(name, below(name, systemd.Directory))
		for dir := path.Dir(name); err == nil && dir != "/"; dir = path.Dir(dir) {
			err = o.look(dir, false)
		}
		if err != nil {
			return err
		}
	}
	if err := o.readManifest(); err != nil {
		return err
	}
	inConfig, err := o.names(osConfigDir)
	if err != nil {
		return err
	}
	inDropIns, err := o.names(path.Dir(f.dropIn()))
	f.Package.EmptyDir = f.Entries[osConfigDir].Type == fsys.Directory && len(inConfig) == 0
	f.Package.Alone = slices.Equal(inDropIns, []string{dropInName})
	return cmp.Or(err, o.installedPatroni(ctx))
}

// isPatroniUnit tells whether there is a unit of a package's, and no other service's: a drop-in of ours would make that one
// start Patroni.
func (o *observer) isPatroniUnit(name string) bool {
	text, err := o.host.FS.ReadFile(name, entryLimit)
	if err != nil {
		return false
	}
	commands := systemd.Commands(text)
	return len(commands) == 0 || slices.ContainsFunc(commands, func(command string) bool {
		return slices.ContainsFunc(systemd.Paths(command), func(word string) bool { return path.Base(word) == "patroni" })
	})
}

// names lists a directory; nil where it is not there.
func (o *observer) names(dir string) ([]string, error) {
	names, err := o.host.FS.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return names, err
}

// installedPatroni describes the installed package as an installation. The package database is read only where its
// program is there.
func (o *observer) installedPatroni(ctx context.Context) error {
	f := o.found
	program := path.Join(osPrograms, "patroni")
	info, err := o.host.FS.Lstat(program)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot look at the program: %w", err)
	}
	installed, _, err := o.packageManager().Installed(ctx, o.patroniNames())
	if err != nil {
		return fmt.Errorf("cannot tell which package Patroni came with: %w", err)
	}
	if len(installed) == 0 {
		f.Package.Foreign = true
		return nil
	}
	f.Package.Name = installed[0].Name
	interpreter := o.interpreterOf(program)
	f.Installed = installedPackage(info)
	f.Installed.Version = versionOfPackage(installed[0])
	f.Installed.Interpreter, f.Installed.Python = interpreter, pipx.PythonVersion(o.host.FS, interpreter)
	for _, app := range usualApps() {
		if o.exists(path.Join(osPrograms, app)) {
			f.Installed.Apps = append(f.Installed.Apps, app)
		}
	}
	f.noteInstalled(installed)
	if old := f.Record.Old; old == nil || string(old.Data) != packageRecord {
		f.Record.New = []byte(packageRecord)
	}
	return nil
}

// interpreterOf is the Python that a program names in its first line, else the system's.
func (o *observer) interpreterOf(program string) string {
	text, err := o.host.FS.ReadFile(program, entryLimit)
	first, _, _ := strings.Cut(string(text), "\n")
	words := strings.Fields(strings.TrimPrefix(first, "#!"))
	if err != nil || !strings.HasPrefix(first, "#!") || len(words) == 0 || path.Dir(words[0]) != osPrograms {
		return systemPython
	}
	return words[0]
}

// noteInstalled adds packages to the description of the installation.
func (o *Observed) noteInstalled(installed []pkgmgr.Package) {
	if !o.Packaged || o.Installed == nil {
		return
	}
	for _, p := range installed {
		o.Installed.Packages[p.Name] = p.Version
	}
}

// versionOfPackage is Patroni's version as Python spells it: 4.1.0rc1 of 4.1.0~rc1-2.
func versionOfPackage(p pkgmgr.Package) string {
	return strings.ReplaceAll(upstream(p.Version), "~", "")
}

// patroniNames are the packages one of which has Patroni itself, the preferred first.
func (o *observer) patroniNames() []string { return patroniNames(o.want, o.found.Family) }

func patroniNames(want Desired, f Family) []string {
	if want.Packages != nil {
		name, _, _ := strings.Cut(want.Packages[0], "=")
		return []string{name}
	}
	if f.Patroni == nil {
		return osPackages()
	}
	return f.Patroni
}

// packageNames are the packages that must be there, and others that will do where no source offers the first ones.
func (o *observer) packageNames() (names []string, others [][]string, err error) {
	f := o.found
	if o.want.Packages != nil {
		return o.want.Packages, nil, nil
	}
	if f.Family.Patroni == nil {
		return nil, nil, fmt.Errorf("cannot tell which package of %s has Patroni: its family is not known here; name it in packages "+
			"(in the role: patroni_packages), with those of the database driver and of the client of the DCS", f.Release.Name)
	}
	bases := f.Family.Patroni
	if f.Package.Name != "" {
		bases = []string{f.Package.Name}
	}
	for _, base := range bases {
		set := []string{base}
		for _, extra := range o.want.Extras {
			driver, known := f.Family.Drivers[pipx.Normalise(extra)]
			if !known {
				return nil, nil, fmt.Errorf("cannot tell which package has what Patroni's extra %q needs: name all in packages "+
					"(in the role: patroni_packages), such as %s", extra, strings.Join(bases, " or "))
			}
			if strings.HasPrefix(driver, "-") {
				driver = base + driver
			}
			if driver != "" && !slices.Contains(set, driver) {
				set = append(set, driver)
			}
		}
		others = append(others, set)
	}
	return others[0], others[1:], nil
}

// otherSets asks for the other packages where no list offers those that are missing. err is what came of asking for
// these.
func (o *observer) otherSets(ctx context.Context, err error) error {
	p := &o.found.Packages
	var all []string
	for _, names := range p.Others {
		var unknown *pkgmgr.UnknownPackageError
		if !errors.As(err, &unknown) {
			return err
		}
		all = append(all, unknown.Names...)
		_, missing, failed := o.packageManager().Installed(ctx, names)
		if failed != nil {
			return failed
		}
		var add []pkgmgr.Package
		if add, err = o.packageManager().Simulate(ctx, missing); err == nil {
			p.Missing, p.Add, p.Others = missing, add, nil
		}
	}
	if unknown, ok := errors.AsType[*pkgmgr.UnknownPackageError](err); ok {
		all = append(all, unknown.Names...)
		return &pkgmgr.UnknownPackageError{Names: all, Hint: unknown.Hint}
	}
	return err
}

// afterPackages sees that the programs of the packages work, and plans what is left to do now that what they brought
// is there. It returns the plan itself if that added none.
func (i *Installer) afterPackages(ctx context.Context, first *Plan) (*Plan, error) {
	if !first.want.packaged() || len(first.Packages) == 0 {
		return first, nil
	}
	plan, err := i.look(ctx, &observer{want: first.want, mayRefresh: true, before: first.seen})
	if err == nil && len(plan.Packages) > 0 {
		err = fmt.Errorf("cannot use the installed packages: %s still missing", isAre(plan.seen.Packages.Missing))
	}
	return plan, err
}

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
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// entryLimit bounds a file whose content decides something: units and shell profiles, in bytes.
const entryLimit = 1 << 20

// binLimit bounds the entries of the bin directory that are looked at.
const binLimit = 20000

// Entry is what is at a path, with the content of a regular file where it was asked for.
type Entry struct {
	fsys.Info

	Data []byte
}

// Service is the state of the unit as systemd knows it.
type Service struct {
	systemd.State

	Running bool // systemd manages this host
}

// Interpreter is what is at the path of one.
type Interpreter struct {
	Missing bool
	Version string // "3.11", "" when its name does not tell
}

// Observed is the host as it was found.
type Observed struct {
	Layout

	Real    Real
	Release host.Release
	Family  Family
	Python  string // version of the system's interpreter, "3.9"; "" when there is none
	// Asked is the interpreter that option python names.
	Asked Interpreter
	// Entries holds what is at every path that the plan may touch; absent ones are missing.
	Entries map[string]Entry
	// Bin holds the entries of the bin directory.
	Bin      map[string]fsys.Info
	Dangling map[string]bool // those that lead into a Patroni venv which is no longer there
	// ConfigEmpty tells that the configuration directory is there and holds nothing.
	ConfigEmpty bool
	// ConfigMissing tells that the configuration file is not there.
	ConfigMissing bool
	// ConfigForeign is a file in it by which it is something else's: it is neither the user's nor Patroni's package's, and has
	// no configuration.
	ConfigForeign string
	// OtherVenvs are the names of those in the same pipx home.
	OtherVenvs []string
	// Apart is the directory for the venvs, or the one of ours, on another file system than pipx's home; "": none.
	Apart     string
	Installed *Installed    // nil: there is none
	RealVenv  string        // the venv's path without links, as pipx writes it into its own links
	Pipx      *pipx.Program // nil: there is none
	UV        bool          // the system has a uv
	PipConfig bool          // pip has settings of its own
	Packages  Packages
	SELinux   SELinux
	// Services are the other services of the host, where something depends on them.
	Services []OtherService
	// OtherBinDirs are the directories on the PATH of shell profiles in which another installation has its programs.
	OtherBinDirs []string
	OSPackage    string // the operating system's own Patroni, "" when not installed
	Package      OSPatroni
	Record       Record // of the tree
	Service      Service
	Foreign      ForeignUnit
	Former       FormerBin
	UnitStays    bool     // a removal leaves the unit, which is somebody else's
	Enabling     []string // the links that go with it, or that would enable the one that is made
	Warnings     []string
	// Before is what was found before this run added packages; nil until it has.
	Before *Observed
}

func (o *Observed) exists(name string) bool {
	_, found := o.Entries[name]
	return found || name == "/"
}

// isMount tells whether another file system than that of the directory above begins at a path.
func (o *Observed) isMount(name string) bool {
	here, above := o.Entries[name], o.Entries[path.Dir(name)]
	return here.Type == fsys.Directory && above.Type == fsys.Directory && here.Dev != above.Dev
}

// Services asks systemd about a unit.
type Services interface {
	State(ctx context.Context, unit string) (systemd.State, error)
	Reload(ctx context.Context) error
}

// observer collects an Observed.
type observer struct {
	host     *host.Host
	services Services
	want     Desired
	// mayRefresh allows what a check must not do: refreshing the package lists.
	mayRefresh bool
	// pending tells that an interrupted run is still to be undone or finished.
	pending bool
	// before is what was found before this run added packages.
	before *Observed
	found  *Observed
}

// observe looks at the host, all but the packages that it lacks. On a healthy one it starts no process by default;
// for a package of the operating system it may ask the package manager.
func (o *observer) observe(ctx context.Context) (*Observed, error) {
	user, err := o.host.LookupUser(ctx, o.want.User)
	gone := errors.Is(err, host.ErrNoUser)
	if gone && o.want.State == Absent {
		user, err = o.want.goneUser(), nil
	}
	if errors.Is(err, host.ErrNoUser) {
		return nil, fmt.Errorf("cannot find the installation of user %s: there is no such user on this host; run the role "+
			"init_server first, which makes it, or set user (in the role: patroni_user) to an account that exists", o.want.User)
	}
	if err != nil {
		return nil, err
	}
	layout, err := o.want.layout(user)
	if err != nil {
		return nil, err
	}
	o.found = &Observed{
		Layout: layout, Entries: map[string]Entry{}, Bin: map[string]fsys.Info{}, Dangling: map[string]bool{}, Before: o.before,
	}
	if gone {
		o.warnOfGoneUser()
	}
	looks := []func(context.Context) error{o.release, o.family, o.adopt, o.entries, o.real, o.bin, o.config, o.service}
	if o.want.packaged() {
		looks = append(looks, o.packaged)
	} else {
		looks = append(looks, o.venv, o.osPackage, o.pipx, o.selinux)
	}
	for _, look := range looks {
		if err := look(ctx); err != nil {
			return nil, o.explainLink(err)
		}
	}
	if err := cmp.Or(o.profiles(), o.comfort(), o.formerBin(), o.otherServices()); err != nil {
		return nil, err
	}
	o.neighbours()
	o.places()
	return o.found, cmp.Or(o.foreignUnit(ctx), o.formerTexts(), o.leftovers(), o.goingUnit())
}

func (o *observer) release(context.Context) (err error) {
	o.found.Release, err = o.host.Release()
	return err
}

// adopt takes the old home of pipx where an installation lies there and none in the new one.
func (o *observer) adopt(context.Context) error {
	f := o.found
	if o.want.PipxHome != "" || o.exists(f.Layout.Venv()) {
		return nil
	}
	old, err := o.host.FS.Lstat(path.Join(f.OldHome, "venvs/patroni"))
	if err != nil || old.Type != fsys.Directory {
		return nil //nolint:nilerr // absent or behind a link: not an installation to adopt
	}
	f.Home = f.OldHome
	f.Stage = path.Join(f.Home, path.Base(f.Stage))
	return nil
}

func (o *observer) exists(name string) bool {
	_, err := o.host.FS.Lstat(name)
	return err == nil
}

// entries looks at every path of the contract, and at their directories.
func (o *observer) entries(context.Context) error {
	f := o.found
	home := path.Clean(f.User.Home)
	for _, name := range []string{"/", f.Unit, f.dropIn(), f.Scratch, archives(), borrowedArchives()} {
		if err := o.look(name, true); err != nil {
			return err
		}
	}
	for _, name := range []string{home, f.ConfigDir, f.BinDir, path.Dir(f.Unit), f.venvs(), f.Shared(), f.OldHome, f.Stage, f.UserStage} {
		if err := o.lookAlong(name); err != nil && o.needs(name) {
			return err
		}
	}
	if e, found := f.Entries[home]; !found || e.Type != fsys.Directory && e.Type != fsys.Link {
		return o.missingHome(home)
	}
	return nil
}

// lookAlong looks at a path and at every directory above it.
func (o *observer) lookAlong(name string) error {
	for ; name != "/"; name = path.Dir(name) {
		if err := o.look(name, false); err != nil {
			return err
		}
	}
	return nil
}

// needs tells whether the run is about a path. A home that root may not enter, as on NFS, is in nobody's way while
// everything lies elsewhere.
func (o *observer) needs(name string) bool {
	f := o.found
	switch name {
	case f.OldHome:
		return f.inHome(f.Home)
	case f.UserStage:
		return f.inHome(f.Home) || f.Family.PipxByPip && o.want.State != Absent
	}
	return true
}

// look adds the entry of a path, with its content when that is wanted.
func (o *observer) look(name string, content bool) error {
	if _, known := o.found.Entries[name]; known {
		return nil
	}
	info, err := o.host.FS.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot look at %s: %w", name, err)
	}
	e := Entry{Info: info}
	if content && info.Type == fsys.File {
		if e.Data, e.Info, err = o.host.FS.ReadFileInfo(name, entryLimit); err != nil {
			return fmt.Errorf("cannot read %s: %w", name, err)
		}
	}
	o.found.Entries[name] = e
	return nil
}

// bin looks at the entries of the bin directory.
func (o *observer) bin(context.Context) error {
	dir := o.found.BinDir
	names, err := o.host.FS.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read bin_dir: %w", err)
	}
	if len(names) > binLimit {
		return fmt.Errorf("cannot use bin_dir %s: it has %d entries, more than %d", dir, len(names), binLimit)
	}
	for _, name := range names {
		info, err := o.host.FS.Lstat(path.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot look at bin_dir: %w", err)
		}
		if err == nil {
			o.found.Bin[name] = info
			o.found.Dangling[name] = o.dangles(name, info)
		}
	}
	return nil
}

// config tells what is in the configuration directory.
func (o *observer) config(context.Context) error {
	o.found.ConfigMissing = !o.exists(o.found.Config)
	if _, err := o.host.FS.Resolve(o.found.Config); errors.Is(err, fs.ErrNotExist) {
		o.found.ConfigMissing = true // a link of root's that leads nowhere
	}
	e, found := o.found.Entries[o.found.ConfigDir]
	if !found || e.Type != fsys.Directory {
		return nil
	}
	names, err := o.host.FS.ReadDir(o.found.ConfigDir)
	if err != nil {
		return fmt.Errorf("cannot read config_dir: %w", err)
	}
	o.found.ConfigEmpty = len(names) == 0
	foreign := slices.IndexFunc(names, func(name string) bool { return !strings.Contains(name, ".yml") && !strings.Contains(name, ".yaml") })
	packages := o.found.Packaged && o.found.ConfigDir == osConfigDir
	if e.UID != o.found.User.UID && foreign >= 0 && !slices.Contains(names, o.want.ConfigFile) && !packages {
		o.found.ConfigForeign = names[foreign]
	}
	return nil
}

// venv inspects the tree that is there and names its neighbours.
func (o *observer) venv(context.Context) error {
	f := o.found
	venv, err := pipx.Inspect(o.host.FS, f.Layout.Venv(), f.User.UID)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot inspect the installation: %w", err)
	}
	if failed := o.verify(venv); failed != nil {
		return failed
	}
	if err == nil {
		f.Installed = installedVenv(venv)
		if f.RealVenv, err = o.host.FS.RealPath(f.Layout.Venv()); err != nil {
			return fmt.Errorf("cannot inspect the installation: %w", err)
		}
	}
	names, err := o.host.FS.ReadDir(f.venvs())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot inspect pipx's home: %w", err)
	}
	for _, name := range names {
		if name != path.Base(f.Layout.Venv()) {
			f.OtherVenvs = append(f.OtherVenvs, name)
		}
	}
	f.Apart = o.apart()
	return nil
}

// apart finds what no tree can be renamed into from pipx's home. What cannot be looked at is refused elsewhere.
func (o *observer) apart() string {
	home, known := o.device(o.found.Home)
	for _, name := range []string{o.found.venvs(), o.found.Layout.Venv()} {
		if device, found := o.device(name); known && found && device != home {
			return name
		}
	}
	return ""
}

// device tells the file system that a directory lies on, where it is there.
func (o *observer) device(name string) (number uint64, found bool) {
	target, err := o.host.FS.Resolve(name)
	if err != nil {
		return 0, false
	}
	info, err := o.host.FS.Lstat(target)
	return info.Dev, err == nil
}

// service asks systemd about the unit.
func (o *observer) service(ctx context.Context) error {
	f := o.found
	f.Service.Running = systemd.Running(o.host.FS.Real("/"))
	if !f.Service.Running {
		f.Warnings = append(f.Warnings, "systemd does not run on this host (as in an image build): "+
			"the unit is installed, but was not loaded")
		return nil
	}
	state, err := o.services.State(ctx, path.Base(f.Unit))
	f.Service.State = state
	return err
}

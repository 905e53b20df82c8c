package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// entryLimit bounds a file whose content decides something: units and shell profiles, in bytes.
const entryLimit = 1 << 20

// reader reads files and changes none.
type reader interface {
	Lstat(name string) (fsys.Info, error)
	ReadFileInfo(name string, limit int64) ([]byte, fsys.Info, error)
	ReadDir(name string) ([]string, error)
	RealPath(name string) (string, error)
	Resolve(name string) (string, error)
	Label(name string) (string, error)
	NoExec(name string) (bool, error)
}

var _ reader = (*fsys.FS)(nil)

// sight is what came of looking at a path.
type sight struct {
	Entry

	found bool
	err   error
}

// Entry is what is at a path, with the content of a regular file if that was asked for.
type Entry struct {
	fsys.Info

	Data []byte
}

// Service is the state of the unit as systemd knows it.
type Service struct {
	systemd.State

	Running bool // systemd manages this host
	// Unconfigured tells that Patroni's configuration is not there, so that the service would not start.
	Unconfigured bool
}

// Services asks systemd about a unit.
type Services interface {
	State(ctx context.Context, unit string) (systemd.State, error)
	Reload(ctx context.Context) error
}

// Interpreter is what is at the path of one.
type Interpreter struct {
	Missing bool
	Version string // "3.11", "" when its name does not tell
	Closed  error  // why the user cannot start it, nil if that is not known
}

// Tools are what a build can use of the host.
type Tools struct {
	Python string // version of the system's interpreter, "3.9"; "" when there is none
	// PythonClosed says why the user cannot start that one.
	PythonClosed error
	// Asked is the interpreter that option python names.
	Asked Interpreter
	Pipx  *pipx.Program // nil: there is none
	// NoPipx is a *pipx.ClosedError if there is one that the user cannot start.
	NoPipx error
	// Installer is the one that was asked for, or, if none was, the one that suits this host.
	Installer   pipx.Installer
	NoInstaller error // it is not there, or the user cannot start it
	PipFiles    []pipx.PipFile
	// Unread are files of the installer's settings, or of the one that would stand in for pip without them.
	Unread []pipx.Unread
	// CACertClosed says why the user cannot read the file of option ca_cert.
	CACertClosed error
}

// View is the host as parts see it. They read it in Look. What is looked at with [View.Look] and its like is looked at
// once, however many ask, and afterwards At tells what was found there. What one part alone wants to know it reads from
// files itself. Nothing in the view changes the host, or starts a program.
type View struct {
	Layout
	Tools

	// Mount is where the file system of the venv is mounted, "" if that is the root directory.
	Mount     string
	Release   host.Release
	Family    Family
	Installed *Installed // nil: there is none
	// OtherVenvs are the names of those in the same pipx home.
	OtherVenvs []string
	Packages   Packages
	SELinux    SELinux
	Service    Service
	Warnings   []string
	// BeforePackages is what was found before this run added packages; nil until it has.
	BeforePackages *View

	files    reader           // closed when all have looked
	entries  map[string]sight // by path
	services *[]OtherService  // nil: nobody has read them
}

// newView is a view in which nothing was looked at yet.
func newView(files reader, layout Layout) *View {
	return &View{Layout: layout, files: files, entries: map[string]sight{}}
}

// close ends the time in which parts look.
func (v *View) close() { v.files = closed{} }

// Look looks what is at a path.
func (v *View) Look(name string) error {
	if s, known := v.entries[name]; known {
		return s.err
	}
	s := sight{}
	info, err := v.files.Lstat(name)
	switch {
	case err == nil:
		s.Info, s.found = info, true
	case !errors.Is(err, fs.ErrNotExist):
		s.err = fmt.Errorf("cannot look at %s: %w", name, err)
	}
	v.entries[name] = s
	return s.err
}

// Read does the same, and reads a regular file.
func (v *View) Read(name string) error { return v.readUpTo(name, entryLimit) }

// readUpTo does so for a file of up to limit bytes.
func (v *View) readUpTo(name string, limit int64) error {
	if err := v.Look(name); err != nil {
		return err
	}
	s := v.entries[name]
	if s.Type != fsys.File || s.Data != nil {
		return nil
	}
	var err error
	if s.Data, s.Info, err = v.files.ReadFileInfo(name, limit); err != nil {
		s = sight{err: fmt.Errorf("cannot read %s: %w", name, err)}
	} else if s.Data == nil {
		s.Data = []byte{} // known to be empty
	}
	v.entries[name] = s
	return s.err
}

// LookAlong looks at a path and at every directory above it.
func (v *View) LookAlong(name string) error {
	for ; name != "/"; name = path.Dir(name) {
		if err := v.Look(name); err != nil {
			return v.explainLink(err)
		}
	}
	return v.Look("/")
}

// Names lists a directory; nil if it is not there.
func (v *View) Names(dir string) ([]string, error) {
	names, err := v.files.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return names, err
}

// finds tells whether something is at a path, as far as that can be told.
func (v *View) finds(name string) bool {
	_, err := v.files.Lstat(name)
	return err == nil
}

// At is what was found at a path, which must have been looked at. What could not be looked at, and is not needed, is
// not there.
func (v *View) At(name string) (_ Entry, found bool) {
	s, known := v.entries[name]
	if !known {
		panic("internal error: nobody has looked at " + name)
	}
	return s.Entry, s.found
}

// dataAt is the content of a file there, nil if there is none.
func (v *View) dataAt(name string) []byte {
	e, _ := v.At(name)
	return e.Data
}

// exists tells whether something was found at a path.
func (v *View) exists(name string) bool {
	_, found := v.At(name)
	return found
}

// fileState is the regular file at a path, nil if nothing is there.
func (v *View) fileState(name string) *step.FileState {
	e, found := v.At(name)
	if !found {
		return nil
	}
	return &step.FileState{Data: e.Data, Attr: e.Attr}
}

// isMount tells whether another file system than that of the directory above begins at a path.
func (v *View) isMount(name string) bool {
	here, _ := v.At(name)
	above, _ := v.At(path.Dir(name))
	return here.Type == fsys.Directory && above.Type == fsys.Directory && here.Dev != above.Dev
}

// isDirectory tells whether a directory was found at a path.
func (v *View) isDirectory(name string) bool {
	e, _ := v.At(name)
	return e.Type == fsys.Directory
}

func (v *View) warn(format string, args ...any) {
	v.Warnings = append(v.Warnings, fmt.Sprintf(format, args...))
}

// explainLink says what to do about a link that is not followed, by the options whose directories lie behind it.
func (v *View) explainLink(err error) error {
	var link *fsys.LinkError
	if !errors.As(err, &link) {
		return err
	}
	var options, variables []string
	for _, place := range []struct{ option, path string }{
		{"config_dir", v.ConfigDir}, {"bin_dir", v.BinDir}, {"pipx_home", v.Home},
	} {
		var met *fsys.LinkError
		if _, failed := v.files.RealPath(place.path); errors.As(failed, &met) && met.Path == link.Path {
			options, variables = append(options, place.option), append(variables, "patroni_"+place.option)
		}
	}
	if options == nil {
		options, variables = []string{"bin_dir", "pipx_home"}, []string{"patroni_bin_dir", "patroni_pipx_home"}
	}
	return fmt.Errorf("cannot work below %s: %w, and root does not follow it; set %s (in the role: %s) to real "+
		"directories, such as below %s",
		link.Path, err, strings.Join(options, " and "), strings.Join(variables, ", "), link.Target)
}

// atFirst is what was found when the run began.
func (v *View) atFirst() *View {
	if v.BeforePackages != nil {
		return v.BeforePackages
	}
	return v
}

// addsPatroni tells whether Patroni comes with the packages that the run adds, or has added.
func (v *View) addsPatroni() bool {
	first := v.atFirst()
	return v.Packaged && first.Installed == nil && len(first.Packages.Missing) > 0
}

// sortedKeys returns a map's keys in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// SELinux is what has to be known of it.
type SELinux struct {
	Enforcing bool   // whether the kernel enforces a policy; the rest is not looked at if it does not
	Rules     string // the file of the policy's local file-context rules
	Tools     bool   // whether semanage is there
}

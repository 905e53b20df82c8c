package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

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
}

var _ reader = (*fsys.FS)(nil)

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
}

// Tools are what a build can use of the host.
type Tools struct {
	Python string // version of the system's interpreter, "3.9"; "" when there is none
	// Asked is the interpreter that option python names.
	Asked     Interpreter
	Pipx      *pipx.Program // nil: there is none
	UV        bool          // the system has a uv
	PipConfig bool          // pip has settings of its own
}

// View is the host as parts see it. They read it in Look, where each path is looked at once; afterwards At tells what
// was found there. Nothing in it changes the host, or starts a program.
type View struct {
	Layout
	Tools

	Release   host.Release
	Family    Family
	Installed *Installed // nil: there is none
	// OtherVenvs are the names of those in the same pipx home.
	OtherVenvs []string
	Packages   Packages
	SELinux    SELinux
	Service    Service
	Warnings   []string
	// Before is what was found before this run added packages; nil until it has.
	Before *View

	files    reader            // nil when all have looked
	entries  map[string]*Entry // by path; nil: nothing is there, or nobody needs to know
	services *[]OtherService   // nil: nobody has asked for them
}

// newView is a view in which nothing was looked at yet.
func newView(files reader, layout Layout) *View {
	return &View{Layout: layout, files: files, entries: map[string]*Entry{}}
}

// close ends the time in which parts look. Whoever reads something afterwards has not said so in time.
func (v *View) close() { v.files = nil }

// Look looks what is at a path.
func (v *View) Look(name string) error {
	if _, known := v.entries[name]; known {
		return nil
	}
	v.entries[name] = nil
	info, err := v.files.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot look at %s: %w", name, err)
	}
	v.entries[name] = &Entry{Info: info}
	return nil
}

// Read does the same, and reads a regular file.
func (v *View) Read(name string) error { return v.readUpTo(name, entryLimit) }

// readUpTo does so for a file of up to limit bytes.
func (v *View) readUpTo(name string, limit int64) error {
	if err := v.Look(name); err != nil {
		return err
	}
	e := v.entries[name]
	if e == nil || e.Type != fsys.File || e.Data != nil {
		return nil
	}
	data, info, err := v.files.ReadFileInfo(name, limit)
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", name, err)
	}
	if data == nil {
		data = []byte{}
	}
	v.entries[name] = &Entry{Info: info, Data: data}
	return nil
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

// At is what was found at a path, which must have been looked at.
func (v *View) At(name string) (_ Entry, found bool) {
	e, known := v.entries[name]
	if !known {
		panic("internal error: nobody has looked at " + name)
	}
	if e == nil {
		return Entry{}, false
	}
	return *e, true
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

// leadsTo tells whether an entry of a directory is a link to the installation's program app, spelt in any way.
func (v *View) leadsTo(dir string, entry fsys.Info, app string) bool {
	if entry.Type != fsys.Link || !utf8.ValidString(entry.Target) {
		return false
	}
	found := targetIn(dir, entry)
	return found == path.Join(v.programs(), app) || found == path.Join(v.realVenv(), "bin", app)
}

// realVenv is the path of the venv that is there without links, as pipx writes it into its own; "" for none.
func (v *View) realVenv() string {
	if v.Installed == nil {
		return ""
	}
	return v.Installed.RealPath
}

// startedBy tells whether commands have a program of the installation in them.
func (v *View) startedBy(commands []string) bool {
	places := []string{v.Layout.Venv() + "/"}
	if v.realVenv() != "" {
		places = append(places, v.realVenv()+"/")
	}
	for _, app := range usualApps() {
		places = append(places, path.Join(v.BinDir, app), path.Join(v.programs(), app))
	}
	return slices.ContainsFunc(places, func(place string) bool { return systemd.Mention(commands, place) })
}

// linksHere tells whether commands name a link to a program of the installation: a service may have a
// bin_dir of its own.
func (v *View) linksHere(commands []string) bool {
	for _, command := range commands {
		for _, name := range systemd.Paths(command) {
			link, err := v.files.Lstat(name)
			if err == nil && link.Type == fsys.Link && v.leadsTo(path.Dir(name), link, path.Base(link.Target)) {
				return true
			}
		}
	}
	return false
}

// masked tells whether the unit is masked by what is at its path.
func (v *View) masked() bool {
	e, found := v.At(v.Unit)
	return found && (e.Type == fsys.Link && e.Target == "/dev/null" || e.Type == fsys.File && len(e.Data) == 0)
}

// configuredToday tells whether the service that is there has its configuration in the configuration directory.
func (v *View) configuredToday() bool {
	commands := slices.Concat(systemd.Commands(v.dataAt(v.Unit)), systemd.Commands(v.dataAt(v.dropIn())))
	return systemd.Mention(commands, v.ConfigDir+"/")
}

// isOurs tells whether a text is that of a file which this program wrote.
func isOurs(text []byte) bool { return strings.HasPrefix(string(text), oursHeader) }

// targetIn is the path that a link in a directory leads to.
func targetIn(dir string, link fsys.Info) string {
	if path.IsAbs(link.Target) {
		return path.Clean(link.Target)
	}
	return path.Join(dir, link.Target)
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
	if v.Before != nil {
		return v.Before
	}
	return v
}

// addsPatroni tells whether Patroni comes with the packages that the run adds, or has added.
func (v *View) addsPatroni() bool {
	first := v.atFirst()
	return v.Packaged && first.Installed == nil && len(first.Packages.Missing) > 0
}

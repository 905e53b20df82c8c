package install

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
	"github.com/pgedge/platform/modules/patroni_install/internal/profile"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// The attributes of what the plan makes: the user's, and root's.
var (
	users   = fsys.Attr{Mode: 0o755, UID: 26, GID: 27}
	roots   = fsys.Attr{Mode: 0o755}
	private = fsys.Attr{Mode: 0o700, UID: 26, GID: 27}
)

const (
	stage  = pipxHome + "/.patroni_install.stage"
	staged = stage + "/home/venvs/patroni"
)

// sketch is a host as the tests of plans describe it: by its files, and by what more than files tells.
type sketch struct {
	Layout
	Tools

	Entries    map[string]Entry
	Family     Family
	Installed  *Installed
	OtherVenvs []string
	Packages   Packages
	Services   []OtherService
	Service    Service
	OSPackage  string // the operating system's own Patroni, with method pipx
	Package    string // the one that is installed, with method package
	Foreign    bool   // a program is there that no package has
	Before     *sketch
}

// view is what is seen of it.
func (o *sketch) view() *View {
	v := newView(sketched(o.Entries), o.Layout)
	v.Tools, v.Family, v.Installed, v.OtherVenvs = o.Tools, o.Family, o.Installed, o.OtherVenvs
	v.Packages, v.Service = o.Packages, o.Service
	if o.Services != nil {
		v.services = &o.Services
	}
	if o.Before != nil {
		v.BeforePackages = o.Before.view()
	}
	return v
}

// look lets all parts look.
func (o *sketch) look(t testing.TB, want *Desired) *look {
	t.Helper()
	v := o.view()
	var before method
	if o.Before != nil {
		first := o.Before.look(t, want)
		v.BeforePackages, before = first.seen, first.method
	}
	b := base{want: want, seen: v}
	m := newMethod(b, false, before)
	switch m := m.(type) {
	case *byPipx:
		m.osPackage = o.OSPackage
	case *byPackage:
		m.name, m.unowned = o.Package, o.Foreign
	}
	l := newLook(b, m)
	for _, look := range []func() error{
		func() error { return v.Read(v.Unit) }, func() error { return v.Read(v.dropIn()) },
		func() error { return v.LookAlong(v.User.Home) }, func() error { return l.all(t.Context()) },
	} {
		if err := look(); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// sketched reads the files of a sketch.
type sketched map[string]Entry

func (s sketched) Lstat(name string) (fsys.Info, error) {
	if e, found := s[name]; found {
		return e.Info, nil
	}
	return fsys.Info{}, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
}

func (s sketched) ReadFileInfo(name string, _ int64) ([]byte, fsys.Info, error) {
	info, err := s.Lstat(name)
	return s[name].Data, info, err
}

func (s sketched) ReadDir(name string) (names []string, err error) {
	for _, entry := range sortedKeys(s) {
		if path.Dir(entry) == name && entry != "/" {
			names = append(names, path.Base(entry))
		}
	}
	if names == nil {
		_, err = s.Lstat(name)
	}
	return names, err
}

func (s sketched) RealPath(name string) (string, error) {
	info, err := s.Lstat(name)
	if err == nil && info.Type == fsys.Link {
		return s.RealPath(targetIn(path.Dir(name), info))
	}
	return name, err
}

func (s sketched) Resolve(name string) (string, error) { return s.RealPath(name) }

// noExecDevice is the number of a file system on which no program can be started.
const noExecDevice = 99

func (s sketched) Label(string) (string, error)     { return "", nil }
func (s sketched) NoExec(name string) (bool, error) { return s[name].Dev == noExecDevice, nil }

// bare is a host with the user, its home and pipx 1.7.1, and without Patroni.
func bare(t testing.TB, arguments string) *sketch {
	t.Helper()
	layout, err := desired(t, arguments).layout(postgres())
	if err != nil {
		t.Fatal(err)
	}
	o := &sketch{
		Layout: layout, Entries: map[string]Entry{"/": {Info: fsys.Info{Type: fsys.Directory, Attr: roots}}},
		Family:  families()[0],
		Tools:   Tools{Pipx: &pipx.Program{Argv: []string{"/usr/bin/pipx"}, Version: "1.7.1"}, Installer: pipx.Pip{}},
		Service: Service{Running: true},
	}
	o.Service.LoadState = "not-found"
	o.dir("/var", roots).dir("/var/lib", roots).dir(home, users).dir("/etc", roots).dir("/opt", roots)
	o.dir("/etc/systemd", roots).dir("/etc/systemd/system", roots)
	return o
}

// healthy is a host on which Patroni 4.0.7 is installed as it should be, in a tree with inode 7.
func healthy(t testing.TB, arguments string) *sketch {
	t.Helper()
	o := bare(t, arguments)
	for _, dir := range []string{home + "/.local", home + "/.local/share", pipxHome, pipxHome + "/venvs", o.BinDir} {
		o.dir(dir, users)
	}
	o.dir(o.ConfigDir, private)
	o.file(o.Config, "", fsys.Attr{Mode: 0o600, UID: 26, GID: 27})
	o.file(unitFile, string(o.unit(desired(t, arguments)).Render()), fsys.Attr{Mode: 0o644})
	login, _ := profile.New(profile.Login, ".bash_profile", profile.Settings{Dir: o.BinDir})
	o.file(home+"/.bash_profile", login, fsys.Attr{Mode: 0o644, UID: 26, GID: 27})
	rc, _ := profile.New(profile.Interactive, ".bashrc", profile.Settings{Dir: o.BinDir})
	o.file(home+"/.bashrc", rc, fsys.Attr{Mode: 0o644, UID: 26, GID: 27})
	o.Installed = inspected(t, "psycopg2-binary", "etcd")
	for _, app := range o.Installed.Apps {
		o.bin(app, linkTo(venv+"/bin/"+app))
	}
	o.Service.LoadState = "loaded"
	return o
}

// inspected is Patroni 4.0.7 with these extras, as it is found on disk; its inode is said to be 7.
func inspected(t testing.TB, extras ...string) *Installed {
	t.Helper()
	m := &machine{TB: t, root: t.TempDir(), uid: os.Getuid(), gid: os.Getgid()}
	m.files = fsys.New(m.root)
	m.program("/usr/bin/python3.11", "", 0o755)
	m.link("/usr/bin/python3", "python3.11")
	m.must((&namespace{machine: m}).venv(venv, "4.0.7", extras))
	tree, err := pipx.Inspect(m.files, venv, m.uid)
	m.must(err)
	if len(tree.Problems) > 0 {
		t.Fatal(tree.Problems)
	}
	tree.Info.ID, tree.Apps = "7", []string{"patroni", "patronictl"}
	return installedVenv(tree)
}

func linkTo(target string) fsys.Info {
	return fsys.Info{Type: fsys.Link, Target: target, Attr: fsys.Attr{Mode: 0o777, UID: 26, GID: 27}}
}

// bin puts something into the bin directory.
func (o *sketch) bin(name string, info fsys.Info) {
	o.Entries[path.Join(o.BinDir, name)] = Entry{Info: info}
}

// noBin empties it.
func (o *sketch) noBin() {
	for name := range o.Entries {
		if path.Dir(name) == o.BinDir {
			delete(o.Entries, name)
		}
	}
}

func (o *sketch) dir(name string, attr fsys.Attr) *sketch {
	o.Entries[name] = Entry{Info: fsys.Info{Type: fsys.Directory, Attr: attr, ID: fmt.Sprint(100 + len(o.Entries))}}
	return o
}

func (o *sketch) file(name, text string, attr fsys.Attr) {
	o.Entries[name] = Entry{Info: fsys.Info{Type: fsys.File, Attr: attr}, Data: []byte(text)}
}

func (o *sketch) link(name, target string) {
	o.Entries[name] = Entry{Info: linkTo(target)}
}

// The steps, in short.

func makeDir(name string, attr fsys.Attr) txn.Step {
	return &step.Directory{Name: "directory", Path: name, After: &attr}
}

func configDirStep(name string, before *fsys.Attr) txn.Step {
	after := private
	return &step.Directory{Name: "configuration directory", Path: name, Before: before, After: &after}
}

func makeLink(name, target string) txn.Step {
	return &step.Symlink{Path: name, After: &step.LinkState{Target: target, UID: 26, GID: 27}}
}

func removeLink(name, target string) txn.Step {
	return &step.Symlink{Path: name, Before: &step.LinkState{Target: target, UID: 26, GID: 27}}
}

func stageSteps(above string) []txn.Step {
	return []txn.Step{
		&step.Stage{Path: stage, Subs: []string{"home", "home/venvs", "home/scratch", "one", "other"}, UID: 26, GID: 27,
			Above: step.Place{Path: above}},
		&step.Stage{Path: StateDir + "/stage"},
	}
}

func newProfile(kind profile.Kind, name, dir string) txn.Step {
	text, _ := profile.New(kind, name, profile.Settings{Dir: dir})
	return &step.File{Name: "shell profile", Path: home + "/" + name, After: &step.FileState{
		Data: []byte(text), Attr: fsys.Attr{Mode: 0o644, UID: 26, GID: 27},
	}}
}

func newUnit(o *sketch, d Desired) *step.File {
	return &step.File{Name: "unit", Unit: true, Path: o.Unit, After: &step.FileState{
		Data: o.unit(d).Render(), Attr: fsys.Attr{Mode: 0o644},
	}}
}

// built is what a build of 4.1.5 gives, in a tree with inode 8.
func built() Outcome {
	return Outcome{
		ID: "8", PipxVersion: "1.1.0",
		Tree: &pipx.Venv{
			Path: venv, Python: "3.11", PatroniVersion: "4.1.5", Apps: []string{"patroni", "patroni_aws", "patronictl"},
			Packages: map[string]string{"patroni": "4.1.5", "click": "8.1.7"},
		},
	}
}

const (
	oldText = "click 8.1.7\npatroni 4.0.7\npsycopg2-binary 2.9.9\npython 3.11\npython-etcd 0.4.5\n"
	newText = "click 8.1.7\npatroni 4.1.5\npython 3.11\n"
)

func switchTree() *step.Tree {
	return &step.Tree{
		Name: treeName, Path: venv, Spare: staged,
		Before: &step.TreeState{ID: "7", Text: oldText}, After: &step.TreeState{ID: "8", Text: newText},
	}
}

// unasked is who answers no question but that of a trial, which finds nothing.
type unasked struct{ testing.TB }

func (unasked) Trial(context.Context) (string, error) { return "", nil }

func (u unasked) Index(context.Context) (Answer, error) {
	u.Fatal("the index is asked")
	return Answer{}, nil
}

func (u unasked) Wheels(context.Context, []wanted) (pipx.Contents, error) {
	u.Fatal("the wheelhouse is looked into")
	return pipx.Contents{}, nil
}

// planFor is what a run plans that finds this host.
func planFor(t testing.TB, want Desired, o *sketch) (*Plan, error) {
	t.Helper()
	l := o.look(t, &want)
	if err := l.parts.Refuse(); err != nil {
		return nil, err
	}
	decision, err := Decide(t.Context(), &want, l.seen, unasked{t})
	if err != nil {
		return nil, err
	}
	if err := (&Plan{look: l, Decision: decision}).refuseDecided(false); err != nil {
		return nil, err
	}
	return newPlan(l, decision)
}

// parts is everything that a plan will do.
type parts struct {
	Build                   string
	Packages, Stage, Switch []txn.Step
	Reload                  bool
}

func planOf(t testing.TB, arguments string, o *sketch, out Outcome) (parts, error) {
	t.Helper()
	p, err := planFor(t, desired(t, arguments), o)
	if err != nil {
		return parts{}, err
	}
	change, err := p.Switch(out)
	return parts{p.Why, p.Packages, p.Stage, change, p.Reload}, err
}

func mustPlan(t *testing.T, arguments string, o *sketch, out Outcome) parts {
	t.Helper()
	got, err := planOf(t, arguments, o, out)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func comparePlans(t *testing.T, want, got parts) {
	t.Helper()
	for _, steps := range []*[]txn.Step{&want.Packages, &want.Stage, &want.Switch, &got.Packages, &got.Stage,
		&got.Switch} {
		if len(*steps) == 0 {
			*steps = nil
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/ansible"
	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/mountns"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// The machine's account and the places of the default installation.
const (
	home     = "/var/lib/postgresql"
	pipxHome = home + "/.local/share/pipx"
	oldPipx  = home + "/.local/pipx"
	binDir   = home + "/.local/bin"
	venv     = pipxHome + "/venvs/patroni"
	unitFile = "/etc/systemd/system/patroni.service"

	otherUnit        = "/etc/systemd/system/patroni-b.service"
	completionFile   = home + "/.local/share/bash-completion/completions/patronictl"
	needrestartFile  = "/etc/needrestart/conf.d/patroni.service.conf"
	otherNeedrestart = "/etc/needrestart/conf.d/patroni-b.service.conf"
)

// machine is a host below a temporary directory. Its commands, its namespace and its systemd are
// fakes that act on that directory as the real ones act on a host; all else is the product.
type machine struct {
	testing.TB
	root     string
	files    *fsys.FS
	uid, gid int // of the user
	// newest is the version of Patroni that the package index offers when none is asked for.
	newest string
	// interpreter is what builds last had for the venv, "" for the system's.
	interpreter string
	// pipxByPip is the version of pipx that pip brings.
	pipxByPip string
	// backend is what pipx was last told to install by.
	backend string
	// takes is the version that pip would take from a wheelhouse, if it is not that of the file in it.
	takes       string
	description string // in the metadata of Patroni
	policy      string // of apt-cache; with one, nothing that is asked for has a candidate

	// unlocked is what the lock file does not hold, and lacks what a wheelhouse misses, for lacksFor if that is an
	// interpreter; asked is what it was last asked for, by interpreter.
	unlocked, lacks string
	lacksFor        string
	// unlooked tells that no pip knows what fits, until pipx, which comes with one, is there.
	unlooked bool
	asked    map[string][]string
	// service is what systemd says beyond LoadState, and loaded the units that it has read.
	service systemd.State
	loaded  string
	// index is what the index's refusal looks like to those who want to know everything.
	index string
	// offersNothing lets the index have no versions at all.
	offersNothing bool
	// needed is a package that somebody else's, which is no part of the machine, needs.
	needed string
	// compiled tells that the index has no wheel of psycopg2-binary.
	compiled bool
	// says, when set, tells what a command fails with after it has acted; "": it does not.
	says func(line string) string

	trace []string // the operations announced since the last run began
	fault fsys.Fault
}

// newMachine returns a Debian 12 as a cloud image has it, with PostgreSQL's user and no package
// lists. Giving files to root and to the user takes root; see TestMain.
func newMachine(t testing.TB) *machine {
	t.Helper()
	if os.Getenv(isolated) == "" {
		t.Skip("an installation gives files to root and the user: it needs root and namespaces")
	}
	m := &machine{TB: t, root: tempDir(t), newest: "4.1.5", pipxByPip: "1.11.2", uid: 105, gid: 110}
	m.files = fsys.New(m.root)
	m.files.Fault = m.announced
	for _, dir := range []string{
		"/run/systemd/system", "/etc/systemd/system", "/etc/apt", "/var/lib/dpkg/updates", "/var/lib/apt/lists",
		"/usr/lib/python3/dist-packages", "/usr/include", "/var/tmp",
	} {
		m.dir(dir, 0o755)
	}
	m.write("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"+
		fmt.Sprintf("postgres:x:%d:%d:PostgreSQL:%s:/bin/bash\n", m.uid, m.gid, home))
	m.write("/etc/group", fmt.Sprintf("root:x:0:\npostgres:x:%d:\n", m.gid))
	m.write("/etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n")
	m.program("/usr/bin/python3.11", "#!", 0o755)
	m.link("/usr/bin/python3", "python3.11")
	m.write("/var/lib/dpkg/arch", "amd64\n")
	m.write("/var/lib/dpkg/status", "")
	m.setStatus(debian{Package: basePackage(), status: "install ok installed"})
	m.dir(home, 0o755)
	m.write(home+"/.bashrc", "# ~/.bashrc\n\ncase $- in *i*) ;; *) return;; esac\n")
	m.write(home+"/.profile", "# ~/.profile\n\numask 027\n")
	m.own(home)
	return m
}

// tempDir is a directory on the fastest file system there is: matrices make thousands of trees.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "patroni_install") //nolint:usetesting // t.TempDir is where TMPDIR says
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (m *machine) real(name string) string { return filepath.Join(m.root, name) }

// must stops the test where the machine itself fails.
func (m *machine) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

func (m *machine) dir(name string, mode fs.FileMode) {
	m.Helper()
	m.must(os.MkdirAll(m.real(name), 0o755))
	m.must(os.Chmod(m.real(name), mode))
}

func (m *machine) write(name, text string) { m.program(name, text, 0o644) }

func (m *machine) program(name, text string, mode fs.FileMode) {
	m.Helper()
	m.must(os.MkdirAll(filepath.Dir(m.real(name)), 0o755))
	if err := os.Remove(m.real(name)); err != nil && !errors.Is(err, fs.ErrNotExist) { // clones may share it
		m.Fatal(err)
	}
	m.must(os.WriteFile(m.real(name), []byte(text), mode))
	m.must(os.Chmod(m.real(name), mode))
}

func (m *machine) link(name, target string) {
	m.Helper()
	m.must(os.MkdirAll(filepath.Dir(m.real(name)), 0o755))
	m.must(os.Symlink(target, m.real(name)))
}

func (m *machine) remove(names ...string) {
	m.Helper()
	for _, name := range names {
		m.must(os.RemoveAll(m.real(name)))
	}
}

// append adds to a file of the user's, which keeps its inode, owner and mode.
func (m *machine) append(name, text string) {
	m.Helper()
	file, err := os.OpenFile(m.real(name), os.O_APPEND|os.O_WRONLY, 0)
	m.must(err)
	_, err = file.WriteString(text)
	m.must(errors.Join(err, file.Close()))
}

// removeGlob removes what a pattern stands for, which must be something.
func (m *machine) removeGlob(pattern string) {
	m.Helper()
	found, err := filepath.Glob(m.real(pattern))
	m.must(err)
	if len(found) == 0 {
		m.Fatalf("nothing to remove: %s", pattern)
	}
	for _, name := range found {
		m.must(os.RemoveAll(name))
	}
}

func (m *machine) read(name string) string {
	data, err := os.ReadFile(m.real(name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.Fatal(err)
	}
	return string(data)
}

func (m *machine) has(name string) bool {
	_, err := os.Lstat(m.real(name))
	return err == nil
}

// own gives everything below a path to the user.
func (m *machine) own(name string) {
	m.Helper()
	m.must(filepath.WalkDir(m.real(name), func(full string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(full, m.uid, m.gid))
	}))
}

// announced is the machine's fault hook.
func (m *machine) announced(kind, object string) error {
	m.trace = append(m.trace, kind+" "+strings.ReplaceAll(object, m.root, ""))
	if m.fault == nil {
		return nil
	}
	return m.fault(kind, object)
}

// desired is what the arguments ask for.
func desired(t testing.TB, arguments string) Desired {
	t.Helper()
	req, err := ansible.ParseRequest(Spec(), []byte(arguments))
	if err != nil {
		t.Fatal(err)
	}
	want, err := NewDesired(req.Params, nil)
	if err != nil {
		t.Fatal(err)
	}
	want.LockTimeout = min(want.LockTimeout, 2*time.Second) // a lock left behind fails the test, soon
	return want
}

// installer is a process of the product on this machine.
func (m *machine) installer(arguments string) *Installer {
	m.trace = nil
	return &Installer{
		Host:         &host.Host{FS: m.files, Run: m, Progress: func(string) {}},
		Services:     m,
		Want:         desired(m.TB, arguments),
		Namespace:    m.namespace,
		TryNamespace: mountns.Try,
	}
}

// run makes the machine as the arguments ask, which must succeed.
func (m *machine) run(arguments string) *Report {
	m.Helper()
	report, err := m.installer(arguments).Run(m.Context())
	m.must(err)
	return report
}

// refuses requires that a run is refused with these words, in check mode alike, before anything is changed.
func (m *machine) refuses(arguments string, parts ...string) {
	m.Helper()
	before := m.snapshot()
	_, foretold := m.installer(arguments).Check(m.Context())
	_, refused := m.installer(arguments).Run(m.Context())
	if foretold == nil || refused == nil || foretold.Error() != refused.Error() {
		m.Fatalf("check: %v\nrun: %v", foretold, refused)
	}
	for _, part := range append(parts, "nothing was changed") {
		if !strings.Contains(refused.Error(), part) {
			m.Errorf("message %q lacks %q", refused, part)
		}
	}
	if diff := cmp.Diff(before, m.snapshot()); diff != "" {
		m.Errorf("it changed something (-before +after):\n%s", diff)
	}
}

// failAtUnit has a run fail at the unit, near the end of its steps, and requires that everything is as before.
func (m *machine) failAtUnit(arguments string) {
	m.Helper()
	before := m.state()
	m.fault = func(kind, object string) error {
		if kind == "rename" && object == unitFile {
			return errInjected
		}
		return nil
	}
	defer func() { m.fault = nil }()
	if _, err := m.installer(arguments).Run(m.Context()); err == nil {
		m.Fatal("the run was to fail")
	}
	if diff := cmp.Diff(before, m.state()); diff != "" {
		m.Errorf("after the undo (-before +after):\n%s", diff)
	}
}

// State implements [Services]: systemd knows what it has read at the last Reload.
func (m *machine) State(_ context.Context, unit string) (systemd.State, error) {
	state := m.service
	state.LoadState = "not-found"
	one, other, _ := strings.Cut(m.loaded, unitMark)
	if unit == filepath.Base(unitFile) && one != "" || unit == filepath.Base(otherUnit) && other != "" {
		state.LoadState = "loaded"
	}
	return state, nil
}

// Reload implements [Services].
func (m *machine) Reload(ctx context.Context) error {
	if err := m.files.Announce("reload", ""); err != nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	m.loaded = m.units()
	return nil
}

// unitMark stands between the texts of two units.
const unitMark = "\n# the other unit\n"

// units are the texts of the units that are there.
func (m *machine) units() string {
	text := m.read(unitFile) + m.read(packageUnit) + m.read(osHold()) + m.read(dropInFile) + m.read(adoptedFile)
	if m.has(otherUnit) {
		text += unitMark + m.read(otherUnit)
	}
	return text
}

var (
	_ Services    = (*machine)(nil)
	_ host.Runner = (*machine)(nil)
)

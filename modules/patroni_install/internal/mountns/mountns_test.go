package mountns

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// place is a source directory holding the file "staged" and an empty target, which belongs to user 65534.
type place struct {
	files          *fsys.FS
	source, target string
}

func newPlace(t *testing.T) place {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: only root may make mount namespaces")
	}
	root := t.TempDir()
	// The test's own directories must not decide whether a user may reach what is in them.
	for dir := root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p := place{files: fsys.New("/"), source: filepath.Join(root, "stage"), target: filepath.Join(root, "home", "target")}
	for _, dir := range []string{p.source, p.target} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{p.source, filepath.Dir(p.target), p.target} {
		if err := os.Chown(name, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(p.source, "staged"), []byte("staged\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p place) bind(t *testing.T) Bind {
	t.Helper()
	source, err := p.files.OpenDir(p.source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close() })
	return Bind{Source: source, Target: p.target}
}

func (p place) open(t *testing.T) *Namespace {
	t.Helper()
	n, err := Open(p.files, []Bind{p.bind(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

func sh(script string) host.Command {
	return host.Command{Argv: []string{"/bin/sh", "-c", script}, Env: host.SystemEnv()}
}

func stdout(t *testing.T, n *Namespace, cmd host.Command) string {
	t.Helper()
	out, err := n.Run(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	return string(out.Stdout)
}

func TestRunSeesTheBindAndOthersDoNot(t *testing.T) {
	p := newPlace(t)
	n := p.open(t)
	stdout(t, n, sh("echo made > "+p.target+"/made"))
	type view struct {
		Inside  string
		Staged  []string
		Outside []string
	}
	got := view{Inside: stdout(t, n, sh("ls "+p.target)), Staged: names(t, p.source), Outside: names(t, p.target)}
	want := view{Inside: "made\nstaged\n", Staged: []string{"made", "staged"}, Outside: []string{}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what is seen where (-want +got):\n%s", diff)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), p.target) {
		t.Errorf("the process itself sees the mount over %s", p.target)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{}
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

func TestRunGivesWhatIsAsked(t *testing.T) {
	p := newPlace(t)
	n := p.open(t)
	nobody := &host.User{Name: "nobody", UID: 65534, GID: 65534}
	options := "awk -v at=" + p.target + ` '$5 == at { print $6 }' /proc/self/mountinfo | tr , '\n' | ` +
		`grep -E '^no(suid|dev)$' | sort`
	tests := map[string]struct {
		cmd  host.Command
		want string
	}{
		"is the first process":       {sh("echo $$"), "1\n"},
		"runs as the user":           {host.Command{Argv: []string{"/usr/bin/id", "-u"}, User: nobody}, "65534\n"},
		"in its primary group alone": {host.Command{Argv: []string{"/usr/bin/id", "-G"}, User: nobody}, "65534\n"},
		"in the directory":           {host.Command{Argv: []string{"/bin/cat", "staged"}, Dir: p.target}, "staged\n"},
		"with the environment alone": {host.Command{Argv: []string{"/usr/bin/env"}, Env: []string{"A=b"}}, "A=b\n"},
		"ignores set-id and devices": {sh(options), "nodev\nnosuid\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, stdout(t, n, test.cmd)); diff != "" {
				t.Errorf("stdout (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRunHasAUmaskOfItsOwn(t *testing.T) {
	p := newPlace(t)
	before := unix.Umask(0o077)
	defer unix.Umask(before)
	n := p.open(t)
	if got := stdout(t, n, sh("umask")); got != "0022\n" {
		t.Errorf("umask inside is %q, want 0022", got)
	}
	if got := unix.Umask(0o077); got != 0o077 {
		t.Errorf("our own umask became %04o", got)
	}
}

func TestRunReportsFailures(t *testing.T) {
	p := newPlace(t)
	n := p.open(t)
	_, err := n.Run(t.Context(), sh("echo broken >&2; exit 3"))
	var failed *host.CommandError
	if !errors.As(err, &failed) {
		t.Fatalf("got %v, want a CommandError", err)
	}
	if diff := cmp.Diff([]any{3, "broken"}, []any{failed.Code, failed.Stderr}); diff != "" {
		t.Errorf("failure (-want +got):\n%s", diff)
	}
	if _, err := n.Run(t.Context(), host.Command{Argv: []string{"/nonexistent"}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing program gave %v", err)
	}
	if _, err := n.Run(t.Context(), host.Command{Argv: []string{"/bin/true"}, Detached: true}); err == nil {
		t.Error("a detached command was accepted")
	}
}

func TestRunAsksTheFaultHook(t *testing.T) {
	p := newPlace(t)
	n := p.open(t)
	crash := errors.New("crash")
	p.files.Fault = func(kind, object string) error {
		if kind == "run" && object == "/bin/true" {
			return crash
		}
		return nil
	}
	if _, err := n.Run(t.Context(), host.Command{Argv: []string{"/bin/true"}}); !errors.Is(err, crash) {
		t.Errorf("got %v, want the hook's error", err)
	}
}

func TestRunAfterClose(t *testing.T) {
	p := newPlace(t)
	n := p.open(t)
	n.Close()
	n.Close()
	if _, err := n.Run(t.Context(), host.Command{Argv: []string{"/bin/true"}}); !errors.Is(err, errClosed) {
		t.Errorf("Run gave %v", err)
	}
	if err := n.Check(); !errors.Is(err, errClosed) {
		t.Errorf("Check gave %v", err)
	}
}

func TestEndOfNamespaceKillsNothingElse(t *testing.T) {
	p := newPlace(t)
	first, second := p.open(t), p.open(t)
	first.Close()
	if got := stdout(t, second, sh("ls "+p.target)); got != "staged\n" {
		t.Errorf("the second namespace shows %q", got)
	}
}

// TestMemory: a directory in memory is its owner's alone, covers the target, and leaves nothing.
func TestMemory(t *testing.T) {
	p := newPlace(t)
	if err := os.WriteFile(filepath.Join(p.target, "covered"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	n, err := Open(p.files, []Bind{{Target: p.target, Owner: &host.User{UID: 65534, GID: 65534}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	script := "cd " + p.target + "; stat -c '%a %u %g' .; echo made > made; ls; stat -f -c %T ."
	if diff := cmp.Diff("700 65534 65534\nmade\ntmpfs\n", stdout(t, n, sh(script))); diff != "" {
		t.Errorf("inside (-want +got):\n%s", diff)
	}
	if err := n.Check(); err != nil {
		t.Errorf("check: %v", err)
	}
	if diff := cmp.Diff([]string{"covered"}, names(t, p.target)); diff != "" {
		t.Errorf("outside (-want +got):\n%s", diff)
	}
}

// TestCommandsAtOnce lets two commands wait for each other.
func TestCommandsAtOnce(t *testing.T) {
	p := newPlace(t)
	n, err := Open(p.files, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	var waits []func() (host.Output, error)
	for _, script := range []string{
		`mkfifo a; read line < a; echo "$line"`, "until test -p a; do :; done; echo word > a",
	} {
		wait, err := n.Start(t.Context(), sh("cd "+p.source+"; "+script))
		if err != nil {
			t.Fatal(err)
		}
		waits = append(waits, wait)
	}
	for i, want := range []string{"word\n", ""} {
		out, err := waits[i]()
		if err != nil || string(out.Stdout) != want {
			t.Errorf("command %d: %q, %v, want %q", i, out.Stdout, err, want)
		}
	}
}

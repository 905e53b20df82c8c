package mountns

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// waitMillis bounds the wait for a process to die that must be dying already.
const waitMillis = 20_000

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
	options := "awk -v at=" + p.target + ` '$5 == at { print $6 }' /proc/self/mountinfo | tr , '\n' | grep -E '^no(suid|dev)$' | sort`
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

// sleeper starts a grandchild in a session of its own that says its process number as seen from
// outside, since /proc is the outer one. The command itself ignores SIGTERM and waits.
const sleeper = `trap '' TERM; setsid sh -c 'read pid rest </proc/self/stat; echo $pid; exec sleep 3600' & wait`

func TestEndOfContextKillsDescendants(t *testing.T) {
	p := newPlace(t)
	n := p.open(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped by the test")
	var grandchild int
	cmd := sh(sleeper)
	cmd.Output = func(line string) {
		grandchild = openProcess(t, line)
		cancel(stopped)
	}
	if _, err := n.Run(ctx, cmd); !errors.Is(err, stopped) {
		t.Errorf("got %v, want the context's cause", err)
	}
	awaitDeath(t, grandchild)
	if _, err := n.Run(ctx, sh("true")); !errors.Is(err, stopped) {
		t.Errorf("an ended context gave %v", err)
	}
	if got := stdout(t, n, sh("echo again")); got != "again\n" {
		t.Errorf("the next command printed %q", got)
	}
}

func TestEndOfCommandKillsDescendants(t *testing.T) {
	p := newPlace(t)
	n := p.open(t)
	var grandchild int
	// The fifo holds the command until the grandchild has been seen alive.
	fifo := filepath.Join(p.source, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := sh(strings.TrimSuffix(sleeper, "wait") + "read go < " + fifo)
	cmd.Output = func(line string) {
		grandchild = openProcess(t, line)
		if err := os.WriteFile(fifo, []byte("go\n"), 0o600); err != nil {
			t.Error(err)
		}
	}
	stdout(t, n, cmd)
	awaitDeath(t, grandchild)
}

// openProcess returns a descriptor of the process whose number line is.
func openProcess(t *testing.T, line string) int {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("not a process number: %q", line)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatalf("process %d: %v", pid, err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// awaitDeath waits until the process of a descriptor has ended.
func awaitDeath(t *testing.T, process int) {
	t.Helper()
	if process == 0 {
		t.Fatal("the grandchild was never seen")
	}
	fds := []unix.PollFd{{Fd: int32(process), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, waitMillis)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n != 1 {
			t.Fatalf("the grandchild lives on: poll gave %d, %v", n, err)
		}
		return
	}
}

// helperSource and helperTarget are the directories of the namespace that the helper process owns.
const (
	helperSource = "MOUNTNS_TEST_SOURCE"
	helperTarget = "MOUNTNS_TEST_TARGET"
)

// TestMain runs the tests or, started by one of them, is the helper process: it owns a
// Namespace and runs the sleeper in it until it is killed.
func TestMain(m *testing.M) {
	if os.Getenv(helperTarget) == "" {
		os.Exit(m.Run())
	}
	fmt.Fprintln(os.Stderr, own(os.Getenv(helperSource), os.Getenv(helperTarget)))
	os.Exit(1)
}

func own(from, to string) error {
	files := fsys.New("/")
	source, err := files.OpenDir(from)
	if err != nil {
		return err
	}
	n, err := Open(files, []Bind{{Source: source, Target: to}})
	if err != nil {
		return err
	}
	cmd := sh(sleeper)
	cmd.Output = func(line string) { fmt.Println(line) }
	_, err = n.Run(context.Background(), cmd)
	return fmt.Errorf("the command ended: %w", err)
}

func TestDeathOfOwnerKillsDescendants(t *testing.T) {
	p := newPlace(t)
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), helperTarget+"="+p.target, helperSource+"="+p.source)
	owner.Stderr = os.Stderr
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	grandchild := openProcess(t, line)
	if err := owner.Process.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := owner.Wait(); err == nil {
		t.Error("the owner was not killed")
	}
	awaitDeath(t, grandchild)
}

func TestEndOfNamespaceKillsNothingElse(t *testing.T) {
	p := newPlace(t)
	first, second := p.open(t), p.open(t)
	first.Close()
	if got := stdout(t, second, sh("ls "+p.target)); got != "staged\n" {
		t.Errorf("the second namespace shows %q", got)
	}
}

package mountns

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// waitMillis bounds the wait for a process to die that must be dying already.
const waitMillis = 20_000

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
	if os.Getenv(helperKeys) != "" {
		os.Exit(showKeys())
	}
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

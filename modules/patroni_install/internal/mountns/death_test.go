package mountns

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// dying bounds the wait for a process to die that must be dying already.
const dying = 20 * time.Second

// sleeper starts a grandchild in a session of its own that says its process number as seen from
// outside, since /proc is the outer one. The command itself ignores SIGTERM and waits.
const sleeper = `trap '' TERM; setsid sh -c 'read pid rest </proc/self/stat; echo $pid; exec sleep 3600' & wait`

func TestEndOfContextKillsDescendants(t *testing.T) {
	p := newPlace(t)
	n := p.open(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped by the test")
	var grandchild *os.File
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
	var grandchild *os.File
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

// openProcess opens what the kernel says of the process whose number line is. Whatever gets that number later, it
// tells of this one only.
func openProcess(t *testing.T, line string) *os.File {
	t.Helper()
	stat, err := os.Open("/proc/" + strings.TrimSpace(line) + "/stat")
	if err != nil {
		t.Fatalf("not a process number: %q: %v", line, err)
	}
	t.Cleanup(func() { _ = stat.Close() })
	return stat
}

// awaitDeath waits until an open process has ended.
func awaitDeath(t *testing.T, process *os.File) {
	t.Helper()
	if process == nil {
		t.Fatal("the grandchild was never seen")
	}
	for end := time.Now().Add(dying); ; time.Sleep(10 * time.Millisecond) {
		text := make([]byte, 4096)
		n, err := process.ReadAt(text, 0)
		_, after, _ := strings.Cut(string(text[:n]), ") ") // the state follows the name
		switch {
		case errors.Is(err, unix.ESRCH), strings.HasPrefix(after, "Z"), strings.HasPrefix(after, "X"):
			return
		case n == 0:
			t.Fatalf("the grandchild cannot be told about: %v", err)
		case time.Now().After(end):
			t.Fatalf("the grandchild lives on: %s", text[:n])
		}
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
	if err := putOnFilter(os.Getenv(filtered)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
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

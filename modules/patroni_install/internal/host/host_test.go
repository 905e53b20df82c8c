package host

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// lockVariable makes this program hold a lock instead of running tests: "flock:/a/file",
// "fcntl:/a/file" or "lease:/a/file". It says so on stdout and ends when its stdin does.
const lockVariable = "HOST_TEST_LOCK"

func TestMain(m *testing.M) {
	if spec := os.Getenv(lockVariable); spec != "" {
		if err := holdLock(spec); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv(sessionVariable) != "" {
		if err := showChild(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if pid := os.Getenv(traceVariable); pid != "" {
		if err := holdTracee(pid); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	for _, variable := range []string{detachVariable, attachVariable} {
		if dir := os.Getenv(variable); dir != "" {
			if err := runTalkative(dir, variable == detachVariable); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		}
	}
	os.Exit(m.Run())
}

func holdLock(spec string) error {
	kind, name := spec[:5], spec[6:]
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // the process ends
	switch kind {
	case "flock":
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX)
	case "lease":
		_, err = unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_WRLCK)
	default:
		err = unix.FcntlFlock(file.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
	}
	if err != nil {
		return err
	}
	if _, err := os.Stdout.WriteString("locked\n"); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// startHolder starts a process that holds a lock until the test ends and returns its id.
func startHolder(t *testing.T, kind, name string) int {
	t.Helper()
	program, err := os.Executable()
	must(t, err)
	holder := exec.Command(program, "the", "holder")
	holder.Env = []string{lockVariable + "=" + kind + ":" + name}
	stdin, err := holder.StdinPipe()
	must(t, err)
	stdout, err := holder.StdoutPipe()
	must(t, err)
	must(t, holder.Start())
	t.Cleanup(func() { _ = stdin.Close(); _ = holder.Wait() })
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "locked\n" {
		t.Fatalf("holder said %q, %v", line, err)
	}
	return holder.Process.Pid
}

// fakeRunner answers commands and records them.
type fakeRunner struct {
	answer func(cmd Command) (Output, error)
	argv   [][]string
}

func (f *fakeRunner) Run(_ context.Context, cmd Command) (Output, error) {
	f.argv = append(f.argv, cmd.Argv)
	return f.answer(cmd)
}

// newHost returns a host with these files and a runner that is not expected to be called.
func newHost(t *testing.T, files map[string]string) (*Host, *fakeRunner, string) {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o755))
	for name, text := range files {
		at := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(at), 0o755))
		must(t, os.WriteFile(at, []byte(text), 0o600))
	}
	runner := &fakeRunner{answer: func(cmd Command) (Output, error) {
		t.Errorf("unexpected command %q", cmd.Argv)
		return Output{}, nil
	}}
	return &Host{FS: fsys.New(dir), Run: runner}, runner, dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

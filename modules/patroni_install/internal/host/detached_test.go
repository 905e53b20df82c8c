package host

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// These make this program run a command, detached or not, in the directory that they name instead
// of running tests.
const (
	detachVariable = "HOST_TEST_DETACH"
	attachVariable = "HOST_TEST_ATTACH"
)

// talkative goes on to print more than a pipe holds, then says that it came to its end.
const talkative = `set -e
exec 3>alive
echo ready >ready
read -r answer <go
head -c 300000 /dev/zero
i=0; while [ $i -lt 100 ]; do echo out; echo err >&2; i=$((i+1)); done
echo "$answer" >marker`

func runTalkative(dir string, detached bool) error {
	cmd := sh(talkative)
	cmd.Dir, cmd.Detached = dir, detached
	_, err := run(context.Background(), cmd)
	return err
}

// killParent kills the process that started a talkative command once that is ready, and returns
// the command's fifos: alive ends with it, and it waits for a line in go.
func killParent(t *testing.T, dir, variable string) map[string]*os.File {
	t.Helper()
	fifos := map[string]*os.File{}
	for name, flag := range map[string]int{"alive": os.O_RDONLY, "ready": os.O_RDWR, "go": os.O_RDWR} {
		must(t, unix.Mkfifo(filepath.Join(dir, name), 0o600))
		file, err := os.OpenFile(filepath.Join(dir, name), flag|unix.O_NONBLOCK, 0)
		must(t, err)
		t.Cleanup(func() { _ = file.Close() })
		fifos[name] = file
	}
	program, err := os.Executable()
	must(t, err)
	parent := exec.Command(program)
	parent.Env = []string{variable + "=" + dir}
	parent.Stderr = os.Stderr
	must(t, parent.Start())

	must(t, fifos["ready"].SetReadDeadline(time.Now().Add(20*time.Second)))
	_, err = fifos["ready"].Read(make([]byte, 1))
	must(t, err)
	must(t, parent.Process.Kill())
	if err := parent.Wait(); err == nil || parent.ProcessState.ExitCode() != -1 {
		t.Errorf("the parent ended by itself: %v", err)
	}
	return fifos
}

// TestOthersDieWithUs: a download that goes on would find the directory gone that it was to fill,
// and apt then fills the root directory.
func TestOthersDieWithUs(t *testing.T) {
	waitForEnd(t, killParent(t, t.TempDir(), attachVariable)["alive"])
}

// TestDetachedOutlivesUs kills the process that started a detached command, which prints only
// after that.
func TestDetachedOutlivesUs(t *testing.T) {
	dir := t.TempDir()
	fifos := killParent(t, dir, detachVariable)
	_, err := fifos["go"].WriteString("finished\n")
	must(t, err)
	waitForEnd(t, fifos["alive"])
	got, err := os.ReadFile(filepath.Join(dir, "marker"))
	if diff := cmp.Diff("finished\n", string(got)); diff != "" {
		t.Errorf("marker (-want +got):\n%s%v", diff, err)
	}
}

func TestDetachedOutput(t *testing.T) {
	long := strings.Repeat("x", outputLimit-len("end\n")) + "end\n"
	for name, tt := range map[string]struct {
		script string
		want   Output
	}{
		"both streams": {"echo out; echo err >&2; echo more", Output{Stdout: []byte("out\nmore\n"), Stderr: []byte("err\n")}},
		"nothing":      {"exit 0", Output{Stdout: []byte{}, Stderr: []byte{}}},
		"bounded":      {"head -c 700000 /dev/zero | tr '\\0' x; echo end", Output{Stdout: []byte(long), Stderr: []byte{}}},
		// A script that opens a stream anew truncates it. Later output must not be written past a hole.
		"opened anew": {"echo long line; echo anew >/dev/stdout; echo last", Output{Stdout: []byte("anew\nlast\n"), Stderr: []byte{}}},
		"not reset":   {"echo first; echo second >>/dev/stdout; echo last", Output{Stdout: []byte("first\nsecond\nlast\n"), Stderr: []byte{}}},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := sh(tt.script)
			cmd.Detached = true
			out, err := run(t.Context(), cmd)
			must(t, err)
			if diff := cmp.Diff(tt.want, out); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestConfinedCommandPrintsToPipes: SELinux's policy keeps semanage from a file in memory. It still behaves like any
// detached command, and nobody waits for a child of it that keeps the pipes open.
func TestConfinedCommandPrintsToPipes(t *testing.T) {
	cmd := sh(`readlink /proc/self/fd/1; readlink /proc/self/fd/2 >&2; head -c 700000 /dev/zero; echo; ` +
		`sleep 1000 & echo $!; exit 3`)
	cmd.Detached, cmd.Confined = true, true
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it is not stopped with us
	out, err := Execute(ctx, fsys.New("/"), cmd, func(process *exec.Cmd) { process.WaitDelay = soon })
	failed, ok := errors.AsType[*CommandError](err)
	if !ok || failed.Code != 3 || !strings.HasPrefix(string(out.Stderr), "pipe:[") || len(out.Stdout) != outputLimit {
		t.Errorf("error %v; %d bytes, stderr %q", err, len(out.Stdout), out.Stderr)
	}
	lines := strings.Fields(string(out.Stdout[len(out.Stdout)-20:]))
	pid, err := strconv.Atoi(lines[len(lines)-1])
	must(t, err)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("its child did not live on: %v", err)
	}
	cmd = sh("readlink /proc/self/fd/1")
	cmd.Detached, cmd.Confined = true, true
	if got := fields(t, cmd); len(got) != 1 || !strings.HasPrefix(got[0], "pipe:[") {
		t.Errorf("it prints to %q", got)
	}
}

func TestDetachedFailure(t *testing.T) {
	cmd := sh("echo out; echo why >&2; exit 3")
	cmd.Detached = true
	_, err := run(t.Context(), cmd)
	want := &CommandError{Argv: cmd.Argv, Status: "exit status 3", Code: 3, Stderr: "why"}
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// traceVariable makes this program trace a process, whose number it is, instead of running tests. It says so on stdout
// and never waits for the process; it ends when its stdin does.
const traceVariable = "HOST_TEST_TRACE"

func holdTracee(pid string) error {
	runtime.LockOSThread()
	number, err := strconv.Atoi(pid)
	if err != nil || number < 2 {
		return fmt.Errorf("no process to trace: %q, %w", pid, err)
	}
	if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(number), 0, 0, 0, 0); errno != 0 {
		return errno
	}
	fmt.Println("traced")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// trace lets another process trace one, and returns its number.
func trace(t *testing.T, pid string) int {
	t.Helper()
	tracer := exec.Command("/proc/self/exe")
	tracer.Env = append(os.Environ(), traceVariable+"="+pid)
	tracer.Stderr = os.Stderr
	stdin, err := tracer.StdinPipe()
	must(t, err)
	stdout, err := tracer.StdoutPipe()
	must(t, err)
	must(t, tracer.Start())
	t.Cleanup(func() { must(t, errors.Join(stdin.Close(), tracer.Wait())) })
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "traced\n" {
		t.Skipf("process %s cannot be traced here: %q, %v", pid, line, err)
	}
	return tracer.Process.Pid
}

// TestTracedCommandIsGivenUp: somebody who traces a process and never waits for it hides its end from its parent.
// Nobody waits for that longer than for SIGTERM and for SIGKILL, whether the command itself is traced or a process
// that it has started.
func TestTracedCommandIsGivenUp(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: opens a PID namespace")
	}
	// /proc is the outer one, so that the numbers are those outside of the namespace.
	const say = "read pid rest </proc/self/stat; echo $pid; "
	for name, script := range map[string]string{
		"the command":     say + "exec sleep 3600",
		"what it started": "sh -c '" + say + "exec sleep 3600' & wait",
		"a dead one":      say + "read line; exit 3",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each takes killDelay
			ctx, cancel := context.WithCancelCause(t.Context())
			stopped := errors.New("stopped by the test")
			cmd := sh(script)
			var tracer int
			stdin, feed, err := os.Pipe()
			must(t, err)
			defer stdin.Close() //nolint:errcheck // read only
			cmd.Stdin = stdin
			cmd.Output = func(line string) {
				tracer = trace(t, line)
				must(t, feed.Close())
				cancel(stopped)
			}
			_, err = Execute(ctx, fsys.New("/"), cmd, func(process *exec.Cmd) {
				process.WaitDelay = soon
				process.SysProcAttr.Cloneflags |= unix.CLONE_NEWPID
				process.Cancel = func() error { return process.Process.Kill() }
			})
			held, ok := errors.AsType[*HeldError](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			number := strconv.Itoa(tracer)
			for _, part := range []string{"does not end", "is traced by process " + number, "kill -9 " + number} {
				if !strings.Contains(held.Error(), part) {
					t.Errorf("message %q lacks %q", held, part)
				}
			}
		})
	}
}

// TestCommandsOfUsersAreBounded: another user can stop its processes at any moment (SIGSTOP), or loop for ever.
func TestCommandsOfUsersAreBounded(t *testing.T) {
	long, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	user := &User{UID: 12345}
	for name, c := range map[string]struct {
		ctx  context.Context
		cmd  Command
		want time.Duration // 0: none
	}{
		"root's":                    {t.Context(), Command{}, 0},
		"another user's":            {t.Context(), Command{User: user}, userLimit},
		"one that somebody bounded": {long, Command{User: user}, time.Hour},
	} {
		ctx, release := bound(c.ctx, c.cmd)
		deadline, bounded := ctx.Deadline()
		if left := time.Until(deadline); bounded != (c.want != 0) || bounded && (left > c.want || left < c.want-time.Minute) {
			t.Errorf("%s: %v, %v", name, bounded, left)
		}
		release()
	}
}

// TestStoppedCommandEnds: a process that is stopped does not end by SIGTERM.
func TestStoppedCommandEnds(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped by the test")
	cmd := sh("echo $$; kill -STOP $$")
	cmd.Output = func(pid string) {
		for range 10000 {
			if status, _ := os.ReadFile("/proc/" + pid + "/status"); strings.Contains(string(status), "\tT (stopped)") {
				break
			}
			time.Sleep(time.Millisecond)
		}
		cancel(stopped)
	}
	_, err := Execute(ctx, fsys.New("/"), cmd, func(process *exec.Cmd) { process.WaitDelay = soon })
	failed, ok := errors.AsType[*CommandError](err)
	if !ok || !errors.Is(err, stopped) || failed.Status != "signal: killed" {
		t.Errorf("got %v", err)
	}
}

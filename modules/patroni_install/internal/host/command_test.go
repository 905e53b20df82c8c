package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// soon is the WaitDelay of tests that wait for it to pass.
const soon = 20 * time.Millisecond

func sh(script string, args ...string) Command {
	return Command{Argv: append([]string{"sh", "-c", script, "sh"}, args...), Env: SystemEnv()}
}

func run(ctx context.Context, cmd Command) (Output, error) {
	return Exec{FS: fsys.New("/")}.Run(ctx, cmd)
}

// fields runs a script that succeeds and returns the words it printed.
func fields(t *testing.T, cmd Command) []string {
	t.Helper()
	out, err := run(t.Context(), cmd)
	must(t, err)
	return strings.Fields(string(out.Stdout))
}

func TestOutput(t *testing.T) {
	out, err := run(t.Context(), sh("echo to stdout; echo to stderr >&2"))
	must(t, err)
	if diff := cmp.Diff(Output{Stdout: []byte("to stdout\n"), Stderr: []byte("to stderr\n")}, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEnvironmentIsExact(t *testing.T) {
	t.Setenv("LEAKED", "1")
	for _, env := range [][]string{{}, nil, {"A=1", "PATH=/nowhere", "B=x y"}} {
		out, err := run(t.Context(), Command{Argv: []string{"/usr/bin/env"}, Env: env})
		must(t, err)
		if diff := cmp.Diff(strings.Join(env, "\n"), strings.TrimSpace(string(out.Stdout))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestSurroundings looks at what a command gets beside its environment.
func TestSurroundings(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	script := sh("pwd; readlink /proc/self/fd/0")
	if diff := cmp.Diff([]string{"/", "/dev/null"}, fields(t, script)); diff != "" {
		t.Errorf("directory and stdin (-want +got):\n%s", diff)
	}
	script.Dir = dir
	if diff := cmp.Diff([]string{dir, "/dev/null"}, fields(t, script)); diff != "" {
		t.Errorf("directory and stdin (-want +got):\n%s", diff)
	}
	// pid (comm) state ppid pgrp session tty
	stat := fields(t, Command{Argv: []string{"cat", "/proc/self/stat"}, Env: SystemEnv()})
	if diff := cmp.Diff([]string{stat[0], stat[0], "0"}, stat[4:7]); diff != "" {
		t.Errorf("group, session and terminal (-want +got):\n%s", diff)
	}
}

func TestNoDescriptorIsInherited(t *testing.T) {
	for name, mark := range map[string]func() error{"at once": closeOnExec, "one by one": closeEachOnExec} {
		t.Run(name, func(t *testing.T) {
			fd, err := unix.FcntlInt(os.Stdin.Fd(), unix.F_DUPFD, 100) // without close-on-exec
			must(t, err)
			defer unix.Close(fd) //nolint:errcheck // a test's
			must(t, mark())
			flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
			must(t, err)
			if flags&unix.FD_CLOEXEC == 0 {
				t.Error("the descriptor is not marked")
			}
		})
	}
	fd, err := unix.FcntlInt(os.Stdin.Fd(), unix.F_DUPFD, 100)
	must(t, err)
	defer unix.Close(fd) //nolint:errcheck // a test's
	// ls itself opens the third.
	got := fields(t, Command{Argv: []string{"ls", "/proc/self/fd"}, Env: SystemEnv()})
	if diff := cmp.Diff([]string{"0", "1", "2", "3"}, got); diff != "" {
		t.Errorf("descriptors (-want +got):\n%s", diff)
	}
}

func TestProgramIsSearchedInTheCommandsPath(t *testing.T) {
	ours, theirs := t.TempDir(), t.TempDir()
	for dir, text := range map[string]string{ours: "ours", theirs: "theirs"} {
		script := []byte("#!/bin/sh\necho " + text + " $0\n")
		must(t, os.WriteFile(filepath.Join(dir, "program"), script, 0o755)) //nolint:gosec // a program
	}
	must(t, os.Mkdir(filepath.Join(ours, "directory"), 0o755))
	t.Setenv("PATH", ours)
	t.Chdir(ours)
	got := fields(t, Command{Argv: []string{"program"}, Env: []string{"PATH=/nowhere:" + theirs}})
	if diff := cmp.Diff("theirs", got[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, env := range [][]string{nil, {"PATH="}, {"PATH=:."}, {"PATH=/nowhere"}} {
		if _, err := run(t.Context(), Command{Argv: []string{"program"}, Env: env}); !errors.Is(err, exec.ErrNotFound) {
			t.Errorf("with %q: %v", env, err)
		}
	}
	directory := Command{Argv: []string{"directory"}, Env: []string{"PATH=" + ours}}
	if _, err := run(t.Context(), directory); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("a directory: %v", err)
	}
}

func TestRunAsUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: runs as another user")
	}
	cmd := sh("id -u; id -g; id -G")
	cmd.User = &User{UID: 12345, GID: 23456}
	if diff := cmp.Diff([]string{"12345", "23456", "23456"}, fields(t, cmd)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFailure(t *testing.T) {
	numbers := make([]string, 20)
	for i := range numbers {
		numbers[i] = strconv.Itoa(i + 1)
	}
	for name, tt := range map[string]struct {
		script string
		want   CommandError
	}{
		"last lines":   {"seq 20 >&2; exit 3", CommandError{Status: "exit status 3", Code: 3, Stderr: strings.Join(numbers[8:], "\n")}},
		"stdout":       {"echo; echo out; exit 1", CommandError{Status: "exit status 1", Code: 1, Stderr: "out"}},
		"stderr first": {"echo out; echo err >&2; exit 1", CommandError{Status: "exit status 1", Code: 1, Stderr: "err"}},
		"silent":       {"exit 1", CommandError{Status: "exit status 1", Code: 1}},
		"signal":       {"kill -9 $$", CommandError{Status: "signal: killed", Code: -1}},
		"no text":      {`printf 'a\377b' >&2; exit 1`, CommandError{Status: "exit status 1", Code: 1, Stderr: "a?b"}},
		"no half of a word, which may be a secret": {
			"printf 'https://me:hidden-word@host %s' $(head -c 4080 /dev/zero | tr '\\0' x) >&2; exit 1",
			CommandError{Status: "exit status 1", Code: 1, Stderr: strings.Repeat("x", 4080)},
		},
		"one long line": {
			"head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1",
			CommandError{Status: "exit status 1", Code: 1, Stderr: strings.Repeat("x", errorBytes)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := sh(tt.script)
			_, err := run(t.Context(), cmd)
			var failed *CommandError
			if !errors.As(err, &failed) {
				t.Fatalf("error %v, want a CommandError", err)
			}
			tt.want.Argv = cmd.Argv
			if diff := cmp.Diff(&tt.want, failed); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNotStarted(t *testing.T) {
	stopped, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("the reason")
	cancel(reason)
	for name, tt := range map[string]struct {
		ctx  context.Context
		cmd  Command
		want error
	}{
		"missing":   {t.Context(), Command{Argv: []string{"/nowhere/program"}}, os.ErrNotExist},
		"directory": {t.Context(), Command{Argv: []string{"/usr"}}, os.ErrPermission},
		"dir":       {t.Context(), Command{Argv: []string{"/bin/sh"}, Dir: "/nowhere"}, os.ErrNotExist},
		"stopped":   {stopped, sh("exit 0"), reason},
	} {
		_, err := run(tt.ctx, tt.cmd)
		var ran *CommandError
		if !errors.Is(err, tt.want) || errors.As(err, &ran) {
			t.Errorf("%s: error %v, want %v and no CommandError", name, err, tt.want)
		}
	}
}

func TestCommandsAreAnnounced(t *testing.T) {
	files := fsys.New("/")
	fault := errors.New("injected fault")
	var announced []string
	files.Fault = func(kind, object string) error {
		announced = append(announced, kind+" "+object)
		return fault
	}
	marker := filepath.Join(t.TempDir(), "marker")
	_, err := Exec{FS: files}.Run(t.Context(), Command{Argv: []string{"touch", marker}, Env: SystemEnv()})
	if !errors.Is(err, fault) {
		t.Errorf("error %v, want %v", err, fault)
	}
	if diff := cmp.Diff([]string{"run touch " + marker}, announced); diff != "" {
		t.Errorf("announced (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(marker); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the command ran: %v", err)
	}
}

func TestOutputIsBounded(t *testing.T) {
	out, err := run(t.Context(), sh("head -c 700000 /dev/zero | tr '\\0' x; echo end"))
	must(t, err)
	want := strings.Repeat("x", outputLimit-len("end\n")) + "end\n"
	if string(out.Stdout) != want {
		t.Errorf("kept %d bytes, want the last %d", len(out.Stdout), len(want))
	}
}

// TestLinesComeOneAtATime has both streams busy at once.
func TestLinesComeOneAtATime(t *testing.T) {
	var inside atomic.Int32
	var lines []string
	cmd := sh(`i=0; while [ $i -lt 500 ]; do echo out $i; i=$((i+1)); done &
i=0; while [ $i -lt 500 ]; do echo err $i >&2; i=$((i+1)); done; wait; printf unfinished`)
	cmd.Output = func(line string) {
		if inside.Add(1) != 1 {
			t.Error("the callback is called twice at once")
		}
		lines = append(lines, line)
		inside.Add(-1)
	}
	_, err := run(t.Context(), cmd)
	must(t, err)
	want := []string{"unfinished"}
	for i := range 500 {
		want = append(want, fmt.Sprintf("out %d", i), fmt.Sprintf("err %d", i))
	}
	slices.Sort(want)
	slices.Sort(lines)
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// TestLinesComeAsTheyArePrinted answers a command that waits for us to have seen its line.
func TestLinesComeAsTheyArePrinted(t *testing.T) {
	fifo := newFIFO(t)
	cmd := sh(`echo ready; read answer <"$1"; echo "$answer"`, fifo)
	cmd.Output = func(line string) {
		if line == "ready" {
			must(t, os.WriteFile(fifo, []byte("go on\n"), 0o600))
		}
	}
	out, err := run(t.Context(), cmd)
	must(t, err)
	if diff := cmp.Diff("ready\ngo on\n", string(out.Stdout)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func newFIFO(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "fifo")
	must(t, unix.Mkfifo(name, 0o600))
	return name
}

// stopWhenReady makes cmd cancel the context it returns when it prints a line.
func stopWhenReady(t *testing.T, cmd *Command) (context.Context, error) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	reason := errors.New("the reason")
	cmd.Output = func(string) { cancel(reason) }
	return ctx, reason
}

func TestCancellationTerminatesTheGroup(t *testing.T) {
	fifo := newFIFO(t)
	alive := openAlive(t, fifo)
	cmd := sh(`sleep 1000 3>"$1" & trap 'echo terminated; exit 3' TERM; echo ready; wait`, fifo)
	ctx, reason := stopWhenReady(t, &cmd)
	out, err := run(ctx, cmd)
	var failed *CommandError
	if !errors.As(err, &failed) || !errors.Is(err, reason) || failed.Code != 3 {
		t.Errorf("error %v, want exit status 3 because of %v", err, reason)
	}
	if diff := cmp.Diff("ready\nterminated\n", string(out.Stdout)); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	waitForEnd(t, alive)
}

// TestCancellationKillsTheGroup has processes that ignore SIGTERM; one is no child of ours.
func TestCancellationKillsTheGroup(t *testing.T) {
	for name, tt := range map[string]struct{ script, status string }{
		"the first ignores SIGTERM": {`trap '' TERM; sleep 1000 3>"$1" & exec 4>"$1"; echo ready; wait`, "signal: killed"},
		"only a child ignores it":   {`(trap '' TERM; exec sleep 1000 3>"$1") & exec 4>"$1"; echo ready; sleep 1000`, "signal: terminated"},
	} {
		t.Run(name, func(t *testing.T) {
			fifo := newFIFO(t)
			alive := openAlive(t, fifo)
			cmd := sh(tt.script, fifo)
			ctx, reason := stopWhenReady(t, &cmd)
			_, err := Execute(ctx, fsys.New("/"), cmd, func(process *exec.Cmd) { process.WaitDelay = soon })
			var failed *CommandError
			if !errors.As(err, &failed) || !errors.Is(err, reason) {
				t.Fatalf("error %v, want a command stopped because of %v", err, reason)
			}
			if diff := cmp.Diff(tt.status, failed.Status); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			waitForEnd(t, alive)
		})
	}
}

// openAlive opens a FIFO that processes keep open for writing.
func openAlive(t *testing.T, fifo string) *os.File {
	t.Helper()
	file, err := os.OpenFile(fifo, os.O_RDONLY|unix.O_NONBLOCK, 0)
	must(t, err)
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// waitForEnd waits until no process has the FIFO open.
func waitForEnd(t *testing.T, alive *os.File) {
	t.Helper()
	must(t, alive.SetReadDeadline(time.Now().Add(20*time.Second)))
	if _, err := io.ReadAll(alive); err != nil {
		t.Errorf("processes of the command live on: %v", err)
	}
}

func TestDetachedIgnoresCancellation(t *testing.T) {
	ready, fifo := newFIFO(t), newFIFO(t)
	cmd := sh(`echo ready >"$1"; read answer <"$2"; echo "$answer"`, ready, fifo)
	cmd.Detached = true
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = os.ReadFile(ready)
		cancel()
		_ = os.WriteFile(fifo, []byte("done\n"), 0o600)
	}()
	out, err := run(ctx, cmd)
	must(t, err)
	if diff := cmp.Diff("done\n", string(out.Stdout)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := run(ctx, Command{Argv: []string{"true"}, Env: SystemEnv(), Detached: true}); err != nil {
		t.Errorf("started after the cancellation: %v", err)
	}
}

// TestServiceKeepsOutputOpen is a package whose service inherits the output: the command that
// started it succeeded all the same.
func TestServiceKeepsOutputOpen(t *testing.T) {
	for name, detached := range map[string]bool{"a pipe": false, "a file": true} {
		t.Run(name, func(t *testing.T) {
			cmd := sh("sleep 1000 & echo $!")
			cmd.Detached = detached
			out, err := Execute(t.Context(), fsys.New("/"), cmd, func(process *exec.Cmd) { process.WaitDelay = soon })
			pid, parsed := strconv.Atoi(strings.TrimSpace(string(out.Stdout)))
			must(t, parsed)
			if err != nil {
				t.Errorf("error %v", err)
			}
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Errorf("the service did not live on: %v", err)
			}
		})
	}
}

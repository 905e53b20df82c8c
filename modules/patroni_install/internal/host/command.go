package host

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// outputLimit limits the kept part of each of a command's streams, in bytes.
const outputLimit = 256 << 10

// killDelay is how long a stopped command may take to end after SIGTERM before SIGKILL.
const killDelay = 5 * time.Second

// errorLines is the number of last lines of stderr in an error.
const errorLines = 12

// errorBytes limits these lines.
const errorBytes = 4 << 10

// CommandError reports a command that ran and did not succeed.
type CommandError struct {
	Argv   []string
	Status string // "exit status 1", "signal: killed"
	Code   int    // exit status, -1 for a signal
	Stderr string // the last lines; of stdout if stderr is empty
	Cause  error  // the context's end, when that stopped it
}

// Error says which command failed, how, and its last lines. [CommandError.Command] has the whole command line.
func (e *CommandError) Error() string {
	line := Command{Argv: e.Argv}.Short()
	text := fmt.Sprintf("command %q failed: %s", line, e.Status)
	if e.Cause != nil {
		text = fmt.Sprintf("command %q was stopped: %v", line, e.Cause)
	}
	if e.Stderr == "" {
		return text
	}
	return text + ": " + e.Stderr
}

// Command returns the command for people.
func (e *CommandError) Command() string { return Command{Argv: e.Argv}.String() }

// Unwrap returns why the command was stopped.
func (e *CommandError) Unwrap() error { return e.Cause }

// Exec runs commands for real.
type Exec struct {
	FS *fsys.FS // its fault hook is told of every command
}

var _ Runner = Exec{}

// Run implements [Runner]. Commands that are not detached die with this process, however it ends.
func (e Exec) Run(ctx context.Context, cmd Command) (Output, error) {
	if cmd.Detached {
		return Execute(ctx, e.FS, cmd, nil)
	}
	if cmd.User != nil {
		return e.runApart(ctx, cmd)
	}
	// The kernel takes the end of the thread that started a process for that of its parent.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return Execute(ctx, e.FS, cmd, dieWithUs)
}

// runApart runs a command of another user's, with nothing of root's session.
func (e Exec) runApart(ctx context.Context, cmd Command) (out Output, err error) {
	OnFreshThread(func() {
		if err = LeaveSession(); err == nil {
			out, err = Execute(ctx, e.FS, cmd, dieWithUs)
		}
	})
	return out, err
}

func dieWithUs(process *exec.Cmd) { process.SysProcAttr.Pdeathsig = syscall.SIGKILL }

// Execute runs cmd; adapt, when set, may change how the process is made before it starts.
func Execute(ctx context.Context, files *fsys.FS, cmd Command, adapt func(*exec.Cmd)) (Output, error) {
	wait, err := Start(ctx, files, cmd, adapt)
	if err != nil {
		return Output{}, err
	}
	return wait()
}

// Start is [Execute] that does not wait for the end. The caller must call wait, once. If a command does not end when
// it is killed, the error is a *HeldError.
func Start(
	ctx context.Context, files *fsys.FS, cmd Command, adapt func(*exec.Cmd),
) (wait func() (Output, error), err error) {
	if err := files.Announce("run", strings.Join(cmd.Argv, " ")); err != nil {
		return nil, err
	}
	if cmd.Detached {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, release := bound(ctx, cmd)
	end, err := start(ctx, files, cmd, adapt)
	if err != nil {
		release()
		return nil, fmt.Errorf("cannot run %s: %w", cmd.Argv[0], err)
	}
	return func() (Output, error) { defer release(); return end() }, nil
}

func start(
	ctx context.Context, files *fsys.FS, cmd Command, adapt func(*exec.Cmd),
) (wait func() (Output, error), err error) {
	process, err := newProcess(ctx, cmd)
	if err != nil {
		return nil, err
	}
	collect, err := redirect(process, cmd)
	if err != nil {
		return nil, err
	}
	if adapt != nil {
		adapt(process)
	}
	if err := startGuarded(files, process, cmd.User); err != nil {
		collect()
		return nil, cmp.Or(context.Cause(ctx), err)
	}
	return func() (Output, error) {
		err := await(ctx, files, process)
		if _, held := errors.AsType[*HeldError](err); held {
			return Output{}, err
		}
		out := collect()
		if ctx.Err() != nil {
			// Processes of the group may outlive the first one and SIGTERM.
			_ = signalGroup(process.Process.Pid, syscall.SIGKILL)
		}
		return out, commandError(ctx, cmd.Argv, out, err)
	}, nil
}

// redirect makes the process print to a place that collect reads in the end. A pipe is given up when the
// process has ended and others keep it open, see WaitDelay; its output is limited.
func redirect(process *exec.Cmd, cmd Command) (collect func() Output, err error) {
	if cmd.Detached && !cmd.Confined {
		return toMemory(process)
	}
	line := serialised(cmd.Output)
	stdout, stderr := &tail{line: line}, &tail{line: line}
	process.Stdout, process.Stderr = stdout, stderr
	return func() Output {
		stdout.end()
		stderr.end()
		return Output{Stdout: stdout.bytes(), Stderr: stderr.bytes()}
	}, nil
}

// newProcess prepares the process: a session of its own, so that no signal meant for our
// process group and no terminal reaches it; stdin is /dev/null unless the command has one, and no
// other descriptor is inherited.
func newProcess(ctx context.Context, cmd Command) (*exec.Cmd, error) {
	program, err := lookPath(cmd.Argv[0], cmd.Env)
	if err != nil {
		return nil, err
	}
	if err := closeOnExec(); err != nil {
		return nil, err
	}
	process := exec.CommandContext(ctx, program, cmd.Argv[1:]...) //nolint:gosec // argv comes from our own plan
	process.Args[0] = cmd.Argv[0]
	process.Env = append([]string{}, cmd.Env...)
	process.Dir = cmp.Or(cmd.Dir, "/")
	process.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if cmd.User != nil {
		process.SysProcAttr.Credential = cmd.User.credential()
	}
	process.Cancel = func() error { return signalGroup(process.Process.Pid, syscall.SIGTERM) }
	process.WaitDelay = killDelay
	if cmd.Stdin != nil {
		process.Stdin = cmd.Stdin
	}
	return process, nil
}

// lookPath finds a program in the PATH that the command is given, not in ours.
func lookPath(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, variable := range env {
		dirs, found := strings.CutPrefix(variable, "PATH=")
		if !found {
			continue
		}
		for dir := range strings.SplitSeq(dirs, ":") {
			program := path.Join(dir, name)
			if _, err := exec.LookPath(program); path.IsAbs(dir) && err == nil {
				return program, nil
			}
		}
	}
	return "", exec.ErrNotFound
}

// NoCoreDumps keeps a crash of this process, or of one that it starts, from leaving a core dump: the index's
// credentials are in their memory. With a limit of one byte Linux does not even start a program that collects core
// dumps; with a limit of 0 it does.
func NoCoreDumps() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CORE, &limit) == nil {
		limit.Cur = min(1, limit.Max)
		_ = unix.Setrlimit(unix.RLIMIT_CORE, &limit) // lowering a limit is always allowed
	}
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) // nor may others read our memory
}

// closeOnExec keeps every descriptor but the standard ones from being inherited. Go marks those that it opens; this
// marks those that we were started with, such as the pipe of an ssh session: a service that a package starts would
// hold it open.
func closeOnExec() error {
	if unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return nil
	}
	return closeEachOnExec()
}

// closeEachOnExec is for Linux before 5.11.
func closeEachOnExec() error {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return err
	}
	open, err := dir.Readdirnames(-1)
	if err := errors.Join(err, dir.Close()); err != nil {
		return err
	}
	for _, name := range open {
		if fd, err := strconv.Atoi(name); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

// signalGroup signals every process of a group.
func signalGroup(leader int, signal syscall.Signal) error {
	err := syscall.Kill(-leader, signal)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

func commandError(ctx context.Context, argv []string, out Output, err error) error {
	// A service that the command started may keep its output open: the command itself succeeded.
	if err == nil || errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		return nil
	}
	failure := &CommandError{Argv: argv, Status: err.Error(), Code: -1, Stderr: lastLines(out), Cause: context.Cause(ctx)}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		failure.Status, failure.Code = exit.String(), exit.ExitCode()
	}
	return failure
}

// lastLines returns the end of stderr, or of stdout if stderr is empty.
func lastLines(out Output) string {
	text := bytes.TrimSpace(out.Stderr)
	if len(text) == 0 {
		text = bytes.TrimSpace(out.Stdout)
	}
	if more := len(text) - errorBytes; more > 0 {
		text = text[more:]
		// A cut word may be the end of a secret, and would not be recognised as one.
		if space := bytes.IndexAny(text, " \t\n"); space >= 0 {
			text = bytes.TrimSpace(text[space:])
		}
	}
	lines := strings.Split(strings.ToValidUTF8(string(text), "?"), "\n")
	return strings.Join(lines[max(0, len(lines)-errorLines):], "\n")
}

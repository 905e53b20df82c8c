package ansible

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"
)

// maxArguments bounds the arguments file, in bytes.
const maxArguments = 16 << 20

// stackVerbosity is the least number of -v that returns a panic's stack.
const stackVerbosity = 3

// Handler does the module's work. With an error the result fails with the error's
// text as msg, and the result's other fields stay: they tell how far it came.
//
// The context ends at the first SIGTERM, SIGINT or SIGHUP; later ones change
// nothing. A panic is caught in the handler's own goroutine only.
type Handler func(ctx context.Context, req *Request) (Result, error)

// Main runs a module: it reads the arguments file that args names after the
// program ("-" is standard input), calls handle, writes the result to standard
// output, and returns the exit status, 1 for a failed result. From then on the
// process's file descriptor 1 is its standard error. To be called once, from main.
func Main(spec Spec, args []string, handle Handler) int {
	stdout, err := guardStdout()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer stdout.Close() //nolint:errcheck // the result was written, or its error reported
	leaveUnreadableDirectory()
	ctx, stop := UntilSignal()
	defer stop()
	m := module{spec: spec, logs: hostLogs(), stdin: os.Stdin, stdout: stdout, stderr: os.Stderr}
	return m.run(ctx, args, handle)
}

// Refuse is [Main] for a process that is not fit for it: it writes a failed result with that message, opens no
// file, and returns the exit status.
func Refuse(stdout io.Writer, err error) int {
	data, failed := encode(newRequest(Spec{}), failure(Result{}, err))
	if failed == nil {
		_, failed = stdout.Write(data)
	}
	if failed != nil {
		fmt.Fprintln(os.Stderr, failed)
	}
	return 1
}

// guardStdout keeps the process's standard output for the result, and sends what
// anybody else writes there to standard error. Child processes get neither.
func guardStdout() (*os.File, error) {
	fd, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("cannot keep standard output for the result: %w", err)
	}
	if err := unix.Dup3(2, 1, 0); err != nil {
		return nil, fmt.Errorf("cannot redirect standard output: %w", err)
	}
	return os.NewFile(uintptr(fd), "result"), nil
}

// leaveUnreadableDirectory goes to the root where the working directory is gone
// or another user's, as it may be after becoming one; commands would fail there.
func leaveUnreadableDirectory() {
	_, err := os.Getwd()
	if err != nil || unix.Access(".", unix.R_OK|unix.X_OK) != nil {
		_ = os.Chdir("/")
	}
}

// UntilSignal returns a context that a request to end cancels, with the signal as
// its cause. SIGHUP stays ignored where the process was started so, by nohup.
// From then on a closed pipe is an error of writing, and no longer the end.
func UntilSignal() (context.Context, context.CancelFunc) {
	signals := []os.Signal{unix.SIGTERM, unix.SIGINT}
	if !signal.Ignored(unix.SIGHUP) {
		signals = append(signals, unix.SIGHUP)
	}
	// A dropped connection closes standard error: writing there must not kill the
	// process between a change and its undoing. Nobody reads the channel.
	signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE)
	return signal.NotifyContext(context.Background(), signals...)
}

// module is what one run needs of its surroundings.
type module struct {
	spec   Spec
	logs   logs
	stdin  io.Reader
	stdout io.Writer // for the result
	stderr io.Writer // for what prevents the result
}

func (m module) run(ctx context.Context, args []string, handle Handler) int {
	req, result := m.perform(ctx, args, handle)
	data, err := encode(req, result)
	if err != nil {
		if result.Failed {
			err = fmt.Errorf("%w, which says: %s", err, result.Msg)
		}
		result = failure(Result{Changed: result.Changed}, err)
		if data, err = encode(req, result); err != nil {
			fmt.Fprintln(m.stderr, err)
			return 1
		}
	}
	if _, err := m.stdout.Write(data); err != nil {
		fmt.Fprintf(m.stderr, "cannot write the result: %v\n", err)
		return 1
	}
	if result.Failed {
		return 1
	}
	return 0
}

// perform reads the request and has it handled. It always has an answer.
func (m module) perform(ctx context.Context, args []string, handle Handler) (req *Request, result Result) {
	req = newRequest(m.spec)
	defer func() {
		if reason := recover(); reason != nil {
			stack := string(debug.Stack())
			result = panicked(req, reason, stack)
			req.Log.Info(result.Msg + "\n" + stack)
		}
	}()
	data, err := m.readArguments(args)
	if err != nil {
		return req, failure(Result{}, err)
	}
	if req, err = ParseRequest(m.spec, data); err != nil {
		return req, failure(Result{}, err)
	}
	m.logs.invoked(req)
	req.Log = Logger{send: m.logs.journal, req: req}
	if result, err = handle(ctx, req); err != nil {
		result = failure(result, interrupted(ctx, err))
	}
	return req, result
}

func (m module) readArguments(args []string) ([]byte, error) {
	if len(args) != 2 {
		return nil, errors.New("cannot read the module's arguments: expected one operand, the arguments file")
	}
	from := m.stdin
	if args[1] != "-" {
		file, err := os.Open(args[1])
		if err != nil {
			return nil, fmt.Errorf("cannot read the module's arguments: %w", err)
		}
		defer file.Close() //nolint:errcheck // read only
		from = file
	}
	data, err := io.ReadAll(io.LimitReader(from, maxArguments+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the module's arguments: %w", err)
	}
	if len(data) > maxArguments {
		return nil, fmt.Errorf("cannot read the module's arguments: more than %d bytes", maxArguments)
	}
	return data, nil
}

// failure turns result into a failed one that says why.
func failure(result Result, err error) Result {
	result.Failed = true
	result.Msg = oneLine(err.Error())
	return result
}

// interrupted names the signal in an error that it caused.
func interrupted(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if cause == nil || strings.Contains(err.Error(), cause.Error()) {
		return err
	}
	return fmt.Errorf("%w (%w)", err, cause)
}

// panicked is the answer of a program that has a bug. The stack is only for
// those who asked for so much; ansible-core from 2.19 on shows it to those who
// asked for tracebacks.
func panicked(req *Request, reason any, stack string) Result {
	msg := fmt.Sprint(reason)
	if !strings.HasPrefix(msg, "internal error:") {
		msg = "internal error: " + msg
	}
	result := Result{Failed: true, Msg: msg}
	if req.Tracebacks || req.Verbosity >= stackVerbosity {
		result.Exception = stack
	}
	return result
}

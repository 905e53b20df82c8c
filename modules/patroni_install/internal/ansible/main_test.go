package ansible

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	ossignal "os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// asModule in the environment makes the test binary a module; its value says how
// the handler behaves.
const asModule = "ANSIBLE_TEST_MODULE"

func TestMain(m *testing.M) {
	if behaviour := os.Getenv(asModule); behaviour != "" {
		os.Exit(Main(testSpec(), os.Args, handlers()[behaviour]))
	}
	os.Exit(m.Run())
}

func handlers() map[string]Handler {
	return map[string]Handler{
		"noisy": noisy,
		"panic": func(context.Context, *Request) (Result, error) { panic("boom") },
		"wait":  waitForSignal,
		"chatter": func(context.Context, *Request) (Result, error) {
			_, err := fmt.Fprintln(os.Stderr, "nobody listens")
			return Result{Changed: errors.Is(err, syscall.EPIPE)}, nil
		},
		"where": func(context.Context, *Request) (Result, error) {
			dir, err := os.Getwd()
			return Result{Msg: dir}, err
		},
	}
}

// noisy prints in every way that reaches file descriptor 1.
func noisy(ctx context.Context, _ *Request) (Result, error) {
	fmt.Println("printed")
	_, _ = syscall.Write(1, []byte("written\n"))
	command := exec.CommandContext(ctx, "/bin/sh", "-c", "echo from a child; ls -l /proc/self/fd >&2")
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return Result{Msg: "done"}, command.Run()
}

// waitForSignal says that it is ready, waits for the first signal, and then for
// leave to end: what comes between must not kill it.
func waitForSignal(ctx context.Context, _ *Request) (Result, error) {
	fmt.Fprintln(os.Stderr, "ready")
	<-ctx.Done()
	fmt.Fprintln(os.Stderr, "undoing")
	if _, err := io.ReadAll(os.Stdin); err != nil {
		return Result{}, err
	}
	return Result{Changed: false}, fmt.Errorf("cannot go on: %w", ctx.Err())
}

func moduleCommand(t *testing.T, behaviour, data string) *exec.Cmd {
	t.Helper()
	file := filepath.Join(t.TempDir(), "args")
	if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, file)
	command.Env = append(os.Environ(), asModule+"="+behaviour)
	return command
}

func TestStdoutIsGuarded(t *testing.T) {
	command := moduleCommand(t, "noisy", `{"_ansible_no_log": true}`)
	stdout, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer stdout.Close() //nolint:errcheck // read only
	var stderr bytes.Buffer
	command.Stdout, command.Stderr = stdout, &stderr
	if err := command.Run(); err != nil {
		t.Fatal(err)
	}
	result, err := os.ReadFile(stdout.Name())
	if err != nil {
		t.Fatal(err)
	}
	if msg := decoded(t, string(result))["msg"]; msg != "done" {
		t.Errorf("msg %v", msg)
	}
	if !strings.HasPrefix(stderr.String(), "printed\nwritten\nfrom a child\n") {
		t.Errorf("stderr %q", stderr.String())
	}
	if strings.Contains(stderr.String(), stdout.Name()) {
		t.Errorf("the child has the module's standard output:\n%s", stderr.String())
	}
}

func TestPanicBecomesAResult(t *testing.T) {
	command := moduleCommand(t, "panic", `{"_ansible_no_log": true, "_ansible_verbosity": 3}`)
	stdout, err := command.Output()
	result := decoded(t, string(stdout))
	stack, _ := result["exception"].(string)
	if exitStatus(err) != 1 || result["msg"] != "internal error: boom" || !strings.Contains(stack, "main_test.go") {
		t.Errorf("%v, result %v", err, result)
	}
}

func TestSignalCancelsAndNothingElse(t *testing.T) {
	// Who started the tests by nohup ignores SIGHUP, and the module would do so, too. What is handled here is not ignored
	// there.
	handled := make(chan os.Signal, 1)
	ossignal.Notify(handled, syscall.SIGHUP)
	defer ossignal.Stop(handled)
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			command := moduleCommand(t, "wait", `{"_ansible_no_log": true}`)
			var stdout bytes.Buffer
			command.Stdout = &stdout
			stdin, stderr := pipes(t, command)
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			expectLine(t, stderr, "ready")
			_ = command.Process.Signal(signal)
			expectLine(t, stderr, "undoing")
			_ = command.Process.Signal(signal)
			_ = command.Process.Signal(syscall.SIGTERM)
			_ = stdin.Close()
			err := command.Wait()
			want := fmt.Sprintf("cannot go on: context canceled (%s signal received)", signal)
			if msg := decoded(t, stdout.String())["msg"]; exitStatus(err) != 1 || msg != want {
				t.Errorf("%v, msg %q, want %q", err, msg, want)
			}
		})
	}
}

func pipes(t *testing.T, command *exec.Cmd) (io.WriteCloser, *bufio.Reader) {
	t.Helper()
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	return stdin, bufio.NewReader(stderr)
}

func expectLine(t *testing.T, from *bufio.Reader, want string) {
	t.Helper()
	line, err := from.ReadString('\n')
	if err != nil || line != want+"\n" {
		t.Fatalf("line %q, error %v; want %q", line, err, want)
	}
}

func exitStatus(err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return 0
}

func TestClosedStderrDoesNotKill(t *testing.T) {
	command := moduleCommand(t, "chatter", `{"_ansible_no_log": true}`)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = read.Close()
	defer write.Close() //nolint:errcheck // ends the other side
	command.Stderr = write
	stdout, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	if result := decoded(t, string(stdout)); result["changed"] != true {
		t.Errorf("writing to the closed pipe went well: %v", result)
	}
}

func TestClosedStdoutFails(t *testing.T) {
	command := moduleCommand(t, "panic", `{"_ansible_no_log": true}`)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = read.Close()
	defer write.Close() //nolint:errcheck // ends the other side
	var stderr bytes.Buffer
	command.Stdout, command.Stderr = write, &stderr
	err = command.Run()
	if exitStatus(err) != 1 || !strings.Contains(stderr.String(), "cannot write the result: ") {
		t.Errorf("%v, stderr %q", err, stderr.String())
	}
}

func TestLeavesAVanishedDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "vanishing")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	command := moduleCommand(t, "where", `{"_ansible_no_log": true}`)
	// The shell goes there, removes it, and becomes the module.
	command.Args = []string{"sh", "-c", `cd "$1" && rmdir "$1" && exec "$2" "$3"`, "sh", dir, command.Path,
		command.Args[1]}
	command.Path = "/bin/sh"
	stdout, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	if msg := decoded(t, string(stdout))["msg"]; msg != "/" {
		t.Errorf("working directory %v", msg)
	}
}

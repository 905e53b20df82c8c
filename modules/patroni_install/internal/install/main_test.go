package install

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// isolated is the variable that tells that the tests run as root in a mount namespace of their own.
const isolated = "PATRONI_INSTALL_TESTS"

// TestMain runs the tests once more in a mount namespace: whatever they mount ends with them. Without root, and
// where namespaces are forbidden, tests that need them are skipped.
//
// The second process writes no log of the files it opens: millions of temporary ones, 1 GB of text. By that log
// go test tells whether a result in its cache still holds. What does matter to a result is asked for here.
func TestMain(m *testing.M) {
	if os.Getenv(isolated) != "" || os.Geteuid() != 0 {
		os.Exit(m.Run())
	}
	_ = os.Getenv("MATRIX")
	args := slices.DeleteFunc(os.Args[1:], func(arg string) bool { return strings.HasPrefix(arg, "-test.testlogfile=") })
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), isolated+"=root")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Unshareflags: unix.CLONE_NEWNS}
	err := cmd.Run()
	var ended *exec.ExitError
	switch {
	case err == nil:
		os.Exit(0)
	case errors.As(err, &ended):
		os.Exit(max(ended.ExitCode(), 1))
	}
	fmt.Fprintln(os.Stderr, "no namespaces for the tests:", err)
	os.Exit(m.Run())
}

package kerneltest

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// filtered names the filter that this program puts on itself.
const filtered = "KERNELTEST_FILTER"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(filtered) {
	case "old":
		err = OldKernel()
	case "forbid":
		err = Forbid(unix.EPERM, unix.SYS_UNSHARE, unix.SYS_MOUNT)
	}
	if err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// answers calls what came before and after Linux 4.18, each in a way that fails.
func answers() string {
	_, _, clone3 := unix.RawSyscall(unix.SYS_CLONE3, 0, 0, 0)
	_, _, statx := unix.RawSyscall6(unix.SYS_STATX, ^uintptr(0), 0, 0, 0, 0, 0)
	calls := []error{
		clone3, statx, unix.CloseRange(5, 4, 0), unix.Unshare(1),
		unix.Mount("none", "/nonexistent", "", unix.MS_BIND, ""), // ENOENT for root
	}
	var said []string
	for _, err := range calls {
		switch {
		case errors.Is(err, unix.ENOSYS):
			said = append(said, "ENOSYS")
		case errors.Is(err, unix.EPERM):
			said = append(said, "EPERM")
		default:
			said = append(said, "other")
		}
	}
	return strings.Join(said, " ")
}

func TestFilters(t *testing.T) {
	if filter := os.Getenv(filtered); filter != "" {
		want := map[string]string{"old": "ENOSYS other ENOSYS other other", "forbid": "other other other EPERM EPERM"}[filter]
		if got := answers(); got != want {
			t.Errorf("filter %s: got %s, want %s", filter, got, want)
		}
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root: without it a filter takes away set-id programs")
	}
	for _, filter := range []string{"old", "forbid"} {
		again := exec.Command("/proc/self/exe", "-test.run=^TestFilters$", "-test.v")
		again.Env = append(os.Environ(), filtered+"="+filter)
		if out, err := again.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestFilters") {
			t.Errorf("filter %s: %v\n%s", filter, err, out)
		}
	}
}

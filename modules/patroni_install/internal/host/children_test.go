package host

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// TestNoCoreDumps: a child that crashes is not written out, whatever limit we were started with.
func TestNoCoreDumps(t *testing.T) {
	var before unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_CORE, &before))
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	must(t, err)
	t.Cleanup(func() {
		must(t, unix.Setrlimit(unix.RLIMIT_CORE, &before))
		must(t, unix.Prctl(unix.PR_SET_DUMPABLE, uintptr(dumpable), 0, 0, 0))
	})
	must(t, unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: before.Max, Max: before.Max}))
	NoCoreDumps()
	now, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil || now != 0 {
		t.Errorf("dumpable %d, %v", now, err)
	}
	cmd := sh("grep '^Max core' /proc/self/limits; kill -SEGV $$")
	cmd.Dir = t.TempDir()
	out, err := run(t.Context(), cmd)
	var failed *CommandError
	if !errors.As(err, &failed) || failed.Status != "signal: segmentation fault" {
		t.Errorf("it ended by %v", err)
	}
	if limits := strings.Fields(string(out.Stdout)); before.Max > 0 && (len(limits) < 5 || limits[4] != "1") {
		t.Errorf("limits %q", limits)
	}
	if left, err := os.ReadDir(cmd.Dir); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestChildOfAPrivilegedParent: nothing that we have comes with the user: groups, capabilities, descriptors,
// signals, environment, directory, terminal.
func TestChildOfAPrivilegedParent(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: runs as another user")
	}
	groups, err := syscall.Getgroups()
	must(t, err)
	must(t, syscall.Setgroups([]int{0, 4, 27, 999})) // as a login of root's may have
	t.Cleanup(func() { must(t, syscall.Setgroups(groups)) })
	secret, err := os.Open("/etc/shadow")
	must(t, err)
	defer secret.Close() //nolint:errcheck // read only
	_, err = unix.FcntlInt(secret.Fd(), unix.F_SETFD, 0)
	must(t, err)
	t.Setenv("SECRET", "x")
	cmd := sh(`grep -E '^(Uid|Gid|Groups|CapPrm|CapEff|CapAmb|SigBlk|SigIgn):' /proc/self/status | tr -d '\n\t '; echo; ` +
		`ls /proc/self/fd | tr '\n' ' '; env | grep -v '^PWD='; pwd; (exec </dev/tty) 2>/dev/null || echo none`)
	cmd.User = &User{UID: 12345, GID: 23456}
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	out, err := run(t.Context(), cmd)
	must(t, err)
	zero := strings.Repeat("0", 16)
	// What our own parent has ignored stays ignored: some of it no program in Go can change.
	status, err := os.ReadFile("/proc/self/status")
	must(t, err)
	_, after, _ := strings.Cut(string(status), "SigIgn:\t")
	ignored, _, _ := strings.Cut(after, "\n")
	want := strings.Join([]string{
		"Uid:" + strings.Repeat("12345", 4) + "Gid:" + strings.Repeat("23456", 4) + "Groups:" + "SigBlk:" + zero + "SigIgn:" + ignored + "CapPrm:" + zero + "CapEff:" + zero + "CapAmb:" + zero,
		"0 1 2 3 PATH=/usr/bin:/bin", "/", "none",
	}, "\n") + "\n"
	if diff := cmp.Diff(want, string(out.Stdout)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

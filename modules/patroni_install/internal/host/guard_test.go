package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// TestHeldProgramIsGivenUp: until a process executes its program, its parent waits in the kernel. Its user can stop it
// there; a lease on the program does the same and, unlike a signal, comes in time each time.
func TestHeldProgramIsGivenUp(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: runs as another user")
	}
	dir := t.TempDir()
	for above := dir; above != os.TempDir(); above = filepath.Dir(above) {
		must(t, os.Chmod(above, 0o755)) //nolint:gosec // another user executes what is in it
	}
	program := filepath.Join(dir, "program")
	must(t, os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755)) //nolint:gosec // it is a program
	file, err := os.Open(program)
	must(t, err)
	defer file.Close() //nolint:errcheck // ends the lease
	if _, err := unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Skip("no leases here:", err)
	}
	cmd := Command{Argv: []string{program}, User: &User{Name: "somebody", UID: 12345, GID: 23456}}
	OnFreshThread(func() {
		_, err = Execute(t.Context(), fsys.New("/"), cmd, func(process *exec.Cmd) { process.WaitDelay = soon })
	})
	if err == nil || !strings.Contains(err.Error(), "a process of user somebody stopped it before its program began") {
		t.Errorf("got %v", err)
	}
}

package step_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/step"
)

// TestTreeHoldsStarts starts a program of the tree right before the switch: it waits, and finds the new tree.
func TestTreeHoldsStarts(t *testing.T) {
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC, unix.O_RDONLY)
	if err != nil {
		t.Skipf("holding starts needs root, and a kernel that can: %v", err)
	}
	w := newWorld(t, func(w *world) {
		w.must(unix.Close(fd))
		for _, tree := range []string{"venv", "spare"} {
			w.write(tree+"/text", tree, 0o644)
			w.write(tree+"/bin/program", "#!/bin/cat "+w.real("venv/text")+"\n", 0o755)
		}
	})
	s := &step.Tree{
		Name: "Patroni", Path: "/venv", Spare: "/spare",
		Before: &step.TreeState{ID: w.id("/venv")}, After: &step.TreeState{ID: w.id("/spare")},
	}
	// By a shell: this process itself would be stopped until its child has started.
	program := exec.CommandContext(t.Context(), "/bin/sh", "-c", "exec "+w.real("venv/bin/program"))
	var out bytes.Buffer
	program.Stdout = &out
	w.host.FS.Fault = func(kind, _ string) error {
		if kind == "rename" {
			w.must(program.Start())
			awaitStop(t, program.Process.Pid)
		}
		return nil
	}
	w.must(s.Apply(t.Context(), w.host))
	w.must(program.Wait())
	if got, _, _ := bytes.Cut(out.Bytes(), []byte("#!")); string(got) != "spare" {
		t.Errorf("the program found %q, want the new tree", got)
	}
}

// awaitStop returns when a child is held at its start, or has ended. A child that waits for a disk has the same
// state; what it waits in tells them apart, on kernels that say so.
func awaitStop(t *testing.T, pid int) {
	t.Helper()
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	for {
		stat, err := os.ReadFile(filepath.Join(proc, "stat")) //nolint:gosec // of our child
		if err != nil {
			t.Fatal(err)
		}
		where, _ := os.ReadFile(filepath.Join(proc, "wchan")) //nolint:gosec // likewise
		held := bytes.Contains(where, []byte("fanotify")) || len(where) == 0 || bytes.Equal(where, []byte("0"))
		if bytes.Contains(stat, []byte(") D ")) && held || bytes.Contains(stat, []byte(") Z ")) {
			return
		}
	}
}

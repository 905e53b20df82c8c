package host

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// TestLoading: only a program that was started from the environment a moment ago is loading.
func TestLoading(t *testing.T) {
	stat := func(start int) string {
		return fmt.Sprintf("7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 %d 0 0", start)
	}
	for name, tt := range map[string]struct {
		argv, stat string
		want       bool
	}{
		"just started":        {"/venv/bin/python\x00/home/bin/patroni\x00", stat(99900), true},
		"loaded by now":       {"/venv/bin/python\x00/home/bin/patroni\x00", stat(99600), false},
		"another environment": {"/venv2/bin/python\x00-c\x00", stat(99900), false},
		"no program":          {"", stat(99900), false},
		"gone meanwhile":      {"/venv/bin/python\x00", "", false},
		"unreadable":          {"/venv/bin/python\x00", "7 (a) S 1", false},
	} {
		t.Run(name, func(t *testing.T) {
			h, _, dir := newHost(t, map[string]string{
				"proc/uptime": "1000.00 1.00\n", "proc/7/cmdline": tt.argv, "proc/7/stat": tt.stat, "proc/self/cmdline": tt.argv,
			})
			if got := h.loading("/venv"); got != tt.want {
				t.Errorf("loading: %t", got)
			}
			must(t, os.Remove(filepath.Join(dir, "proc/uptime")))
			if h.loading("/venv") {
				t.Error("loading, though nobody tells the time")
			}
		})
	}
}

// TestHoldStarts starts a program while starts are held: it waits, and then runs with what came into
// its place meanwhile.
func TestHoldStarts(t *testing.T) {
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC, unix.O_RDONLY)
	if err != nil {
		t.Skipf("holding starts needs root, and a kernel that can: %v", err)
	}
	must(t, unix.Close(fd))
	venv, spare := t.TempDir(), t.TempDir()
	for dir, text := range map[string]string{venv: "old", spare: "new"} {
		must(t, os.Mkdir(filepath.Join(dir, "bin"), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, "text"), []byte(text), 0o600))
		script := "#!/bin/cat " + filepath.Join(venv, "text") + "\n"
		must(t, os.WriteFile(filepath.Join(dir, "bin/program"), []byte(script), 0o700)) //nolint:gosec // a program
	}
	h := &Host{FS: fsys.New("/")}
	release := h.HoldStarts(venv)
	// By a shell: this process itself would be stopped until its child has started.
	program := exec.Command("/bin/sh", "-c", "exec "+filepath.Join(venv, "bin/program")) //nolint:gosec // made above
	var out bytes.Buffer
	program.Stdout = &out
	ended := make(chan error, 1)
	go func() { ended <- program.Run() }()
	if !waits(t, ended) {
		t.Fatalf("the program was not held: it said %q", out.String())
	}
	must(t, unix.Renameat2(unix.AT_FDCWD, spare, unix.AT_FDCWD, venv, unix.RENAME_EXCHANGE))
	release()
	must(t, <-ended)
	if !bytes.HasPrefix(out.Bytes(), []byte("new")) {
		t.Errorf("the program said %q", out.String())
	}
}

// waits tells that a child of ours waits for the kernel, or that the program has ended without.
func waits(t *testing.T, ended chan error) bool {
	t.Helper()
	for len(ended) == 0 {
		tasks, err := filepath.Glob("/proc/self/task/*/children")
		must(t, err)
		for _, task := range tasks {
			children, _ := os.ReadFile(task) //nolint:gosec // a thread may have ended
			for pid := range bytes.FieldsSeq(children) {
				stat, _ := os.ReadFile(filepath.Join("/proc", string(pid), "stat")) //nolint:gosec // likewise
				if bytes.Contains(stat, []byte(") D ")) {
					return true
				}
			}
		}
	}
	return false
}

// TestHoldStartsWhereNothingIs: an environment that is broken or gone has no programs to hold.
func TestHoldStartsWhereNothingIs(t *testing.T) {
	h, _, _ := newHost(t, map[string]string{"venv/lib": ""})
	h.HoldStarts("/venv")()
	h.HoldStarts("/nothing")()
}

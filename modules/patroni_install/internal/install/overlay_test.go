package install

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// onOverlay is a machine whose files lie in the lower layer of an overlay, as those of a
// container image do: a directory from there cannot be renamed.
func onOverlay(t *testing.T, s scenario) func() *machine {
	t.Helper()
	lower := s.machine(t)
	if lower.uid == 0 {
		t.Skip("overlays of ordinary users depend on the kernel and the file system: needs root")
	}
	return func() *machine {
		m := *lower
		layers := tempDir(t)
		m.root = layers + "/merged"
		for _, dir := range []string{"upper", "work", "merged"} {
			m.must(os.Mkdir(layers+"/"+dir, 0o755))
		}
		options := fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", lower.root, layers, layers)
		err := errors.Join(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), unix.Mount("overlay", m.root, "overlay", 0, options))
		if err != nil {
			t.Skip("no overlay can be mounted here: ", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(m.root, unix.MNT_DETACH) })
		m.files = fsys.New(m.root)
		m.files.Fault = m.announced
		return &m
	}
}

// TestOverlay replaces and removes a tree of an image, with an error and with a crash at each
// operation.
func TestOverlay(t *testing.T) {
	for _, s := range scenarios() {
		if s.name != "upgrade" && s.name != "remove" {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			start := onOverlay(t, s)
			x := &matrix{scenario: s, start: start(), proven: map[string]bool{}}
			x.before = x.start.state()
			x.start.run(s.arguments)
			x.after, x.operations = x.start.state(), x.start.trace
			if !strings.Contains(strings.Join(x.operations, "\n"), "removeall "+venv) {
				t.Fatalf("no tree of a lower layer was replaced: %q", x.operations)
			}
			for _, n := range killsOf(x.operations) {
				m := start()
				f := m.failAt(n)
				report, err := x.attempt(t, m)
				what := fmt.Sprintf("error at operation %d, %s", n, f.operation)
				x.judge(t, m, report, err, what)
				m = start()
				f = m.killAt(n)
				_, _ = x.attempt(t, m)
				x.recovers(t, m, fmt.Sprintf("crash at operation %d, %s", n, f.operation))
			}
		})
	}
}

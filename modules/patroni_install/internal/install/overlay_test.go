package install

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// onOverlay is a machine whose files lie in a layer of an overlay: in the lower one as those of a
// container image do, whose directories cannot be renamed, or in the upper one.
func onOverlay(t *testing.T, s scenario, layer string) func() *machine {
	t.Helper()
	origin := s.machine(t)
	return func() *machine {
		m := *origin
		layers := tempDir(t)
		m.root = layers + "/merged"
		for _, dir := range []string{"lower", "upper", "work", "merged"} {
			m.must(os.Mkdir(layers+"/"+dir, 0o755))
		}
		m.must(exec.Command("cp", "-a", origin.root+"/.", layers+"/"+layer).Run())
		options := fmt.Sprintf("lowerdir=%[1]s/lower,upperdir=%[1]s/upper,workdir=%[1]s/work", layers)
		err := errors.Join(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("overlay", m.root, "overlay", 0, options))
		if err != nil {
			t.Skip("no overlay can be mounted here: ", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(m.root, unix.MNT_DETACH) })
		m.files = fsys.New(m.root)
		m.files.Fault = m.announced
		return &m
	}
}

// TestOverlay replaces and removes a tree of an image and one that was made since, with an error and
// with a crash at each operation.
func TestOverlay(t *testing.T) {
	for _, s := range scenarios() {
		if s.name != "upgrade" && s.name != "remove" {
			continue
		}
		for _, layer := range []string{"lower", "upper"} {
			t.Run(s.name+" "+layer, func(t *testing.T) {
				t.Parallel()
				testOverlay(t, s, layer)
			})
		}
	}
}

func testOverlay(t *testing.T, s scenario, layer string) {
	t.Helper()
	start := onOverlay(t, s, layer)
	x := &matrix{scenario: s, start: start(), proven: map[string]bool{}}
	x.before = x.start.state()
	x.start.run(s.arguments)
	x.after, x.operations = x.start.state(), x.start.trace
	if removed := strings.Contains(strings.Join(x.operations, "\n"), "removeall "+venv); removed != (layer == "lower") {
		t.Fatalf("a tree of the %s layer was removed in its place: %t: %q", layer, removed, x.operations)
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
}

package install

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKeptFrom: what a pin forbids is refused by a check and by a run alike, without refreshing the lists for it.
func TestKeptFrom(t *testing.T) {
	m := newMachine(t)
	m.write("/var/lib/apt/lists/bookworm", "pipx")
	m.policy = "pipx:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n     1.1.0-1 -1\n        500 http://x\n"
	before := m.snapshot()
	i := m.installer(`{}`)
	for name, run := range map[string]func() error{
		"check": func() error { _, err := i.Check(t.Context()); return err },
		"run":   func() error { _, err := i.Run(t.Context()); return err },
	} {
		err := run()
		if err == nil || !strings.Contains(err.Error(), "a pin forbids pipx; change it in /etc/apt/preferences") ||
			!strings.HasSuffix(err.Error(), "nothing was changed") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if diff := cmp.Diff(before, m.snapshot()); diff != "" {
		t.Errorf("the host was changed (-before +after):\n%s", diff)
	}
}

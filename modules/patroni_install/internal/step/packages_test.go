package step_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
)

// noCommands fails a test that starts one.
type noCommands struct{ t *testing.T }

func (n noCommands) Run(_ context.Context, cmd host.Command) (host.Output, error) {
	n.t.Errorf("unexpected command %q", cmd.Argv)
	return host.Output{}, nil
}

// TestPackagesOfAnUnknownManager: a newer program's journal may name one. Nothing of the set is touched, and its
// archives stay, and with them the newer program undoes it.
func TestPackagesOfAnUnknownManager(t *testing.T) {
	w := newWorld(t, func(w *world) { w.write("/archives/a.pkg", "", 0o644) })
	w.host.Run = noCommands{t}
	before := w.snapshot(t)
	set := []pkgmgr.Package{{Name: "a", Version: "1", Arch: "all"}}
	s := &step.Packages{Manager: "zypper", Add: set, Archives: "/archives"}
	for what, do := range map[string]func() error{
		"Apply": func() error { return s.Apply(t.Context(), w.host) },
		"Undo":  func() error { return s.Undo(t.Context(), w.host) },
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), `no package manager "zypper"`) {
			t.Errorf("%s: error %v", what, err)
		}
	}
	if d := cmp.Diff(before, w.snapshot(t)); d != "" {
		t.Errorf("the host changed (-want +got):\n%s", d)
	}
}

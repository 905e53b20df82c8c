package step_test

import (
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// TestUndoBesidePackages: what packages of the same transaction made goes with them, whether undo comes to it before or
// after them; and a file that an undo needs for them is made again only as long as they may be there.
func TestUndoBesidePackages(t *testing.T) {
	for name, c := range map[string]struct {
		step       func(w *world) txn.Step
		path       string
		after      bool // whether something is at path after Apply
		afterUndo  bool
		goneBefore string // removed between Apply and Undo
	}{
		"link": {func(w *world) txn.Step {
			w.must(w.host.FS.Symlink("/dir/link", "/unit", 0, 0))
			return &step.Symlink{Path: "/dir/link", Before: &step.LinkState{Target: "/unit"}, Brought: true}
		}, "/dir/link", false, false, ""},
		"directory": {func(w *world) txn.Step {
			return &step.Directory{Path: "/dir", Before: &fsys.Attr{Mode: 0o755}, After: &fsys.Attr{Mode: 0o700}, Brought: true}
		}, "/dir", true, false, "/dir"},
		"file while they are there": {func(w *world) txn.Step {
			w.write("/dir/hold", "hold", 0o644)
			return &step.File{Path: "/dir/hold", Before: &step.FileState{Data: []byte("hold"), Attr: fsys.Attr{Mode: 0o644}},
				While: "/archives"}
		}, "/dir/hold", false, true, ""},
		"file when they are gone": {func(w *world) txn.Step {
			w.write("/dir/hold", "hold", 0o644)
			return &step.File{Path: "/dir/hold", Before: &step.FileState{Data: []byte("hold"), Attr: fsys.Attr{Mode: 0o644}},
				While: "/archives"}
		}, "/dir/hold", false, false, "/archives"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(w *world) {
				w.write("/archives/a.deb", "", 0o644)
				w.write("/dir/.keep", "", 0o644)
			})
			s := c.step(w)
			expect := func(when string, want bool) {
				t.Helper()
				if _, err := w.host.FS.Lstat(c.path); (err == nil) != want {
					t.Errorf("%s: %v, want it to be there: %t", when, err, want)
				}
			}
			w.must(s.Apply(t.Context(), w.host))
			expect("after Apply", c.after)
			if c.goneBefore != "" {
				w.must(w.host.FS.RemoveAll(c.goneBefore))
			}
			w.must(s.Undo(t.Context(), w.host))
			expect("after Undo", c.afterUndo)
		})
	}
}

package step_test

import (
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

const (
	oldLabel = "old_u:object_r:test_t:s0"
	newLabel = "new_u:object_r:test_t:s0"
)

// labelCases are those about SELinux's labels; none where the tests may not give any.
func labelCases() []testCase {
	probe, err := os.MkdirTemp("", "label")
	if err == nil {
		defer os.Remove(probe) //nolint:errcheck // an empty directory
		err = fsys.New("/").SetLabel(probe, oldLabel)
	}
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	labelled := func(target, label string) *step.LinkState {
		l := link(target)
		l.Label = label
		return l
	}
	old := func(w *world) {
		w.must(w.host.FS.LabelledSymlink("/link", "/old", os.Geteuid(), os.Getegid(), oldLabel))
	}
	dir := func(w *world) {
		w.must(os.Mkdir(w.real("/dir"), 0o755))
		w.must(w.host.FS.SetLabel("/dir", oldLabel))
	}
	relink := func(w *world) { w.must(w.host.FS.Symlink("/link", "/elsewhere", os.Geteuid(), os.Getegid())) }
	return []testCase{
		{
			name:     "labelled link created",
			step:     func(*world) txn.Step { return &step.Symlink{Path: "/link", After: labelled("/new", newLabel)} },
			conflict: relink,
		},
		{
			name: "link's label changed", setup: old,
			step: func(*world) txn.Step {
				return &step.Symlink{Path: "/link", Before: labelled("/old", oldLabel), After: labelled("/old", newLabel)}
			},
			conflict: relink,
		},
		{
			name: "labelled link removed", setup: old,
			step:     func(*world) txn.Step { return &step.Symlink{Path: "/link", Before: labelled("/old", oldLabel)} },
			conflict: relink,
		},
		{
			name: "labelled directory created",
			step: func(*world) txn.Step {
				a := attr(0o750)
				return &step.Directory{Name: "d", Path: "/dir", After: &a, Label: &step.LabelChange{After: newLabel}}
			},
			conflict: func(w *world) {
				w.must(errors.Join(w.host.FS.RemoveAll("/dir"), os.Symlink("/elsewhere", w.real("/dir"))))
			},
		},
		{
			name: "directory's label changed", setup: dir,
			step: func(*world) txn.Step {
				a := attr(0o755)
				return &step.Directory{Name: "d", Path: "/dir", Before: &a, After: &a,
					Label: &step.LabelChange{Before: oldLabel, After: newLabel}}
			},
			conflict: func(w *world) { w.must(os.Chmod(w.real("/dir"), 0o711)) },
		},
		{
			name: "labels of each kind changed", setup: func(w *world) { old(w); dir(w) },
			step: func(*world) txn.Step {
				change := step.LabelChange{Before: oldLabel, After: newLabel}
				return &step.Labels{Path: "/",
					Files: []step.FileLabel{{Path: "/link", LabelChange: change}, {Path: "/dir", LabelChange: change}}}
			},
			conflict: func(w *world) { w.must(w.host.FS.SetLabel("/link", "x"+oldLabel)) },
		},
	}
}

// TestRelabelledBetween: a policy that labels everything anew, after a crash, keeps nobody from undoing.
func TestRelabelledBetween(t *testing.T) {
	for _, c := range labelCases() {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.setup)
			s, before := c.step(w), w.snapshot(t)
			if s.Kind() == "labels" {
				t.Skip("it is about labels alone")
			}
			do(t, w, s.Apply)
			for _, name := range []string{"/link", "/dir"} {
				if _, err := w.host.FS.Lstat(name); err == nil {
					w.must(w.host.FS.SetLabel(name, "restored"+oldLabel))
				}
			}
			do(t, w, s.Undo)
			if diff := cmp.Diff(before, w.snapshot(t)); diff != "" {
				t.Errorf("(-before +after):\n%s", diff)
			}
		})
	}
}

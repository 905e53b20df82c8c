package step_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
)

// Whoever owns a directory can put one of root's into the place of one of its own, between root's look
// and root's hand. These tests do so when an operation is announced.

// at calls do once, right before the operation.
func (w *world) at(operation, object string, do func()) {
	w.host.FS.Fault = func(kind, name string) error {
		if kind == operation && name == object {
			w.host.FS.Fault = nil
			do()
		}
		return nil
	}
}

// swapIn puts what is at from into the place of name, which goes aside.
func (w *world) swapIn(from, name string) {
	w.must(os.Rename(w.real(name), w.real(name+".aside")))
	w.must(os.Rename(w.real(from), w.real(name)))
}

// roots makes a directory of root's, with something in it.
func (w *world) roots(name string) {
	w.write(name+"/secret", "root's", 0o600)
	w.must(os.Chmod(w.real(name), 0o755))
}

// TestDirectoryGivesNothingElseAway: neither apply nor undo gives away a directory that was swapped in.
func TestDirectoryGivesNothingElseAway(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("gives directories away: needs root")
	}
	w := newWorld(t, func(w *world) {
		w.write("/home/mine/.keep", "", 0o644)
		w.must(os.Chown(w.real("/home/mine"), 12, 34)) // half applied
		w.roots("/home/root")
	})
	private := fsys.Attr{Mode: 0o700, UID: 12, GID: 34}
	s := &step.Directory{Name: "d", Path: "/home/mine", Before: &fsys.Attr{Mode: 0o755}, After: &private}
	for name, a := range map[string]act{"apply": s.Apply, "undo": s.Undo} {
		w.at("chmod", "/home/mine", func() { w.swapIn("/home/root", "/home/mine") })
		if err := a(t.Context(), w.host); err == nil {
			t.Errorf("%s: no error", name)
		}
		info, err := w.host.FS.Lstat("/home/mine")
		w.must(err)
		if diff := cmp.Diff(fsys.Attr{Mode: 0o755}, info.Attr); diff != "" {
			t.Errorf("%s: root's directory (-want +got):\n%s", name, diff)
		}
		w.must(os.Rename(w.real("/home/mine"), w.real("/home/root")))
		w.must(os.Rename(w.real("/home/mine.aside"), w.real("/home/mine")))
	}
}

// TestDirectoryHalfChanged: a crash between owner and mode leaves a mixture, which both ways go on from.
func TestDirectoryHalfChanged(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("gives directories away: needs root")
	}
	before, after := fsys.Attr{Mode: 0o755}, fsys.Attr{Mode: 0o700, UID: 12, GID: 34}
	s := reload(t, &step.Directory{Name: "d", Path: "/dir", Before: &before, After: &after})
	for _, c := range []struct {
		do    act
		mixed fsys.Attr
		want  fsys.Attr
	}{
		{s.Apply, fsys.Attr{Mode: 0o755, UID: 12, GID: 34}, after},
		{s.Undo, fsys.Attr{Mode: 0o755, UID: 12, GID: 34}, before},
		{s.Apply, fsys.Attr{Mode: 0o700}, after},
		{s.Undo, fsys.Attr{Mode: 0o700}, before},
	} {
		w := newWorld(t, func(w *world) { w.must(w.host.FS.Mkdir("/dir", c.mixed)) })
		do(t, w, c.do)
		info, err := w.host.FS.Lstat("/dir")
		w.must(err)
		if diff := cmp.Diff(c.want, info.Attr); diff != "" {
			t.Errorf("from %s (-want +got):\n%s", c.mixed, diff)
		}
	}
}

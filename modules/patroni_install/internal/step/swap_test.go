package step_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
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

// TestDirectoryHalfMadeBelowSetgid: a crash between a directory and its attributes leaves one of the group above.
func TestDirectoryHalfMadeBelowSetgid(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("gives directories away: needs root")
	}
	after := fsys.Attr{Mode: 0o755, UID: 12, GID: 34}
	s := reload(t, &step.Directory{Name: "d", Path: "/dir", After: &after})
	for name, a := range map[string]act{"apply": s.Apply, "undo": s.Undo} {
		w := newWorld(t, func(w *world) { w.must(w.host.FS.Mkdir("/dir", fsys.Attr{Mode: 0o2700, GID: 110})) })
		do(t, w, a)
		info, err := w.host.FS.Lstat("/dir")
		if there := err == nil; there != (name == "apply") || there && info.Attr != after {
			t.Errorf("%s: %v, %v", name, info.Attr, err)
		}
	}
}

// isConflict fails the test where an error is no conflict.
func isConflict(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*txn.ConflictError](err); !ok {
		t.Errorf("error %v, want a conflict", err)
	}
}

// stageWorld is a world with a stage, as the next save of the journal has it or as it was before.
func stageWorld(t *testing.T, saved bool) (*world, *step.Stage) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a stage is root's: needs root")
	}
	w := newWorld(t, func(w *world) { w.write("/home/.keep", "", 0o644) })
	s := &step.Stage{Path: "/home/.stage", Subs: []string{"home", "home/scratch"}, UID: 12, GID: 34}
	do(t, w, s.Apply)
	if !saved {
		s.ID = ""
	}
	return w, s
}

// below is what a snapshot has at name and below it.
func (w *world) below(t *testing.T, name string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for at, text := range w.snapshot(t) {
		if rel, inside := strings.CutPrefix("/"+at, name); inside {
			found[rel] = text
		}
	}
	return found
}

// TestStageRemovesNothingElse: what was put into the place of the stage stays, whenever that was done.
func TestStageRemovesNothingElse(t *testing.T) {
	private := func(w *world) { w.must(os.Chmod(w.real("/home/root"), 0o700)) }
	for name, c := range map[string]struct {
		saved   bool           // whether the journal has the stage's ID
		late    bool           // whether it is swapped in when the removal has begun
		prepare func(w *world) // of what is swapped in
	}{
		"known stage":                 {saved: true},
		"known stage at its removal":  {saved: true, late: true},
		"stage of an unsaved journal": {},
		"as private as the stage":     {prepare: private},
		"with names of the stage's": {prepare: func(w *world) {
			private(w)
			w.must(os.Mkdir(w.real("/home/root/home"), 0o755))
			w.must(os.Rename(w.real("/home/root/secret"), w.real("/home/root/home/secret")))
		}},
		"of a user": {prepare: func(w *world) {
			private(w)
			w.must(errors.Join(os.Remove(w.real("/home/root/secret")), os.Chown(w.real("/home/root"), 12, 34)))
		}},
		"file": {saved: true, prepare: func(w *world) {
			w.must(os.RemoveAll(w.real("/home/root")))
			w.write("/home/root", "a file", 0o600)
		}},
	} {
		for _, end := range []string{"undo", "finish"} {
			t.Run(name+", "+end, func(t *testing.T) {
				w, s := stageWorld(t, c.saved)
				w.roots("/home/root")
				if c.prepare != nil {
					c.prepare(w)
				}
				want := w.below(t, "/home/root")
				if c.late {
					w.at("removeall", "/home/.stage", func() { w.swapIn("/home/root", "/home/.stage") })
				} else {
					w.swapIn("/home/root", "/home/.stage")
				}
				isConflict(t, map[string]act{"undo": s.Undo, "finish": s.Finish}[end](t.Context(), w.host))
				w.must(os.Rename(w.real("/home/.stage.aside"), w.real("/home/aside")))
				if diff := cmp.Diff(want, w.below(t, "/home/.stage")); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestStageAfterACrash: what may be there when its directory was not journaled yet goes away, and so
// does a stage that lacks a part.
func TestStageAfterACrash(t *testing.T) {
	for n := 1; ; n++ {
		w, s := stageWorld(t, true)
		do(t, w, s.Undo)
		before := w.snapshot(t)
		fired := crashAt(t, w, n, s.Apply)
		s.ID = ""
		do(t, w, s.Undo)
		if diff := cmp.Diff(before, w.snapshot(t)); diff != "" {
			t.Errorf("crash at %d of apply, undo (-before +after):\n%s", n, diff)
		}
		if !fired {
			return
		}
	}
}

// atRenames calls the functions one after the other, each right before a rename.
func (w *world) atRenames(do ...func()) {
	w.host.FS.Fault = func(kind, _ string) error {
		if kind == "rename" && len(do) > 0 {
			next := do[0]
			do = do[1:]
			next()
		}
		return nil
	}
}

// swaps are the ways in which a tree is taken from a directory of the user's.
func swaps() map[string]func(w *world) (s *step.Tree, a act) {
	return map[string]func(w *world) (*step.Tree, act){
		"exchange": func(w *world) (*step.Tree, act) { s := tree(w, true, true); return s, s.Apply },
		"exchange back": func(w *world) (*step.Tree, act) {
			s := tree(w, true, true)
			w.must(s.Apply(context.Background(), w.host))
			return s, s.Undo
		},
		"removal": func(w *world) (*step.Tree, act) {
			w.must(os.RemoveAll(w.real("/home/stage/venvs/patroni")))
			s := tree(w, true, false)
			return s, s.Apply
		},
		"undo of a creation": func(w *world) (*step.Tree, act) {
			w.must(os.RemoveAll(w.real("/home/venvs/patroni")))
			s := tree(w, false, true)
			w.must(s.Apply(context.Background(), w.host))
			return s, s.Undo
		},
	}
}

// TestTreeTakesNothingElse: a directory of root's in the place of the tree is not left where the stage's
// removal would take it.
func TestTreeTakesNothingElse(t *testing.T) {
	for name, prepare := range swaps() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, trees)
			s, a := prepare(w)
			w.roots("/home/venvs/root")
			var want map[string]string
			w.atRenames(func() {
				w.swapIn("/home/venvs/root", s.Path)
				want = w.snapshot(t)
			})
			isConflict(t, a(t.Context(), w.host))
			if diff := cmp.Diff(want, w.snapshot(t)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestTreeTakenAndNotGivenBack: a crash keeps what was taken from being put back, and its owner puts all
// in place as if nothing had been. Undo does not take that for its work: the stage has to be kept.
func TestTreeTakenAndNotGivenBack(t *testing.T) {
	for name, prepare := range swaps() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, trees)
			s, a := prepare(w)
			w.roots("/home/venvs/root")
			func() {
				defer func() { _ = recover() }()
				w.atRenames(func() { w.swapIn("/home/venvs/root", s.Path) }, func() { panic(crash{}) })
				_ = a(t.Context(), w.host)
				t.Error("no second rename")
			}()
			w.host.FS.Fault = nil
			w.must(os.RemoveAll(w.real(s.Path)))
			if s.Before != nil && s.Before.ID == w.id(s.Path+".aside") {
				w.must(os.Rename(w.real(s.Path+".aside"), w.real(s.Path)))
			}
			isConflict(t, s.Undo(t.Context(), w.host))
			if _, err := w.host.FS.Lstat(s.Spare + "/secret"); err != nil {
				t.Error("root's directory is not there any more:", err)
			}
		})
	}
}

// TestTreeRemovesNothingElse: where a tree cannot be renamed, what came into its place is not removed, in
// either direction.
func TestTreeRemovesNothingElse(t *testing.T) {
	for _, undo := range []bool{false, true} {
		w := newWorld(t, trees)
		s := tree(w, true, true)
		s.Copy = &step.TreeCopy{Path: "/home/stage/copy"}
		w.must(w.host.FS.CopyTree(s.Path, s.Copy.Path))
		s.Copy.ID = w.id(s.Copy.Path)
		w.roots("/home/venvs/root")
		var want map[string]string
		w.host.FS.Fault = func(kind, _ string) error {
			switch {
			case kind == "rename" && want == nil:
				return unix.EXDEV
			case kind == "removeall" && want == nil:
				w.swapIn("/home/venvs/root", s.Path)
				want = w.snapshot(t)
			}
			return nil
		}
		isConflict(t, map[bool]act{false: s.Apply, true: s.Undo}[undo](t.Context(), w.host))
		if diff := cmp.Diff(want, w.snapshot(t)); diff != "" {
			t.Errorf("undo %t (-want +got):\n%s", undo, diff)
		}
	}
}

package step_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// attr is an Attr that any user may give to what is theirs.
func attr(mode uint32) fsys.Attr {
	return fsys.Attr{Mode: mode, UID: os.Getuid(), GID: os.Getgid()}
}

func file(text string, mode uint32) *step.FileState {
	return &step.FileState{Attr: attr(mode), Data: []byte(text)}
}

func link(target string) *step.LinkState {
	return &step.LinkState{Target: target, UID: os.Getuid(), GID: os.Getgid()}
}

// world is a host below a temporary directory, prepared by setup.
type world struct {
	root string
	host *host.Host
}

func newWorld(t *testing.T, setup func(w *world)) *world {
	t.Helper()
	w := &world{root: t.TempDir()}
	w.host = &host.Host{FS: fsys.New(w.root), Progress: func(string) {}}
	if setup != nil {
		setup(w)
	}
	return w
}

func (w *world) real(name string) string { return filepath.Join(w.root, name) }

func (w *world) must(err error) {
	if err != nil {
		panic(err)
	}
}

func (w *world) write(name, text string, mode fs.FileMode) {
	w.must(os.MkdirAll(filepath.Dir(w.real(name)), 0o755))
	w.must(os.WriteFile(w.real(name), []byte(text), mode))
	w.must(os.Chmod(w.real(name), mode))
}

func (w *world) id(name string) string {
	info, err := w.host.FS.Lstat(name)
	w.must(err)
	return info.ID
}

// snapshot describes everything below the root: type, mode, and content or target.
func (w *world) snapshot(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := w.host.FS.Walk("/", func(rel string, info fsys.Info, _ *os.File) (bool, error) {
		text := fmt.Sprintf("%s %04o %s", info.Type, info.Mode, info.Target)
		if info.Type == fsys.File {
			data, err := os.ReadFile(w.real(rel))
			if err != nil {
				return false, err
			}
			text += string(data)
		}
		if label, err := w.host.FS.Label("/" + rel); err == nil && strings.HasSuffix(label, ":test_t:s0") {
			text += " " + label
		}
		found[rel] = text
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Cases of every kind. A step is made after setup, since trees are known by their inodes.
type testCase struct {
	name  string
	setup func(w *world)
	step  func(w *world) txn.Step
	// conflict is an edit between Apply and Undo, or before Apply, that nobody may overwrite.
	conflict func(w *world)
}

func trees(w *world) {
	w.write("/home/venvs/patroni/old", "old", 0o644)
	w.write("/home/stage/venvs/patroni/new", "new", 0o644)
}

func cases() []testCase { return append(plainCases(), labelCases()...) }

func plainCases() []testCase {
	edit := func(name string) func(*world) { return func(w *world) { w.write(name, "edited", 0o600) } }
	relink := func(name string) func(*world) {
		return func(w *world) {
			_ = os.Remove(w.real(name))
			w.must(os.Symlink("/elsewhere", w.real(name)))
		}
	}
	replaceTree := func(w *world) {
		w.must(os.RemoveAll(w.real("/home/venvs/patroni")))
		w.write("/home/venvs/patroni/mine", "mine", 0o644)
	}
	return []testCase{
		{
			name: "file created", step: func(*world) txn.Step {
				return &step.File{Name: "unit", Path: "/unit", After: file("new", 0o644)}
			},
			conflict: edit("/unit"),
		},
		{
			name: "file changed", setup: func(w *world) { w.write("/unit", "old", 0o600) },
			step: func(*world) txn.Step {
				return &step.File{Name: "unit", Path: "/unit", Before: file("old", 0o600), After: file("new", 0o644)}
			},
			conflict: edit("/unit"),
		},
		{
			name: "file's mode changed", setup: func(w *world) { w.write("/unit", "same", 0o600) },
			step: func(*world) txn.Step {
				return &step.File{Name: "unit", Path: "/unit", Before: file("same", 0o600), After: file("same", 0o644)}
			},
			conflict: relink("/unit"),
		},
		{
			name: "file with bytes that are no text", setup: func(w *world) { w.write("/profile", "\xff\x00\xfe", 0o644) },
			step: func(*world) txn.Step {
				return &step.File{Name: "profile", Path: "/profile", Before: file("\xff\x00\xfe", 0o644),
					After: file("\xff\x00\xfe#", 0o644)}
			},
			conflict: edit("/profile"),
		},
		{
			name: "file removed", setup: func(w *world) { w.write("/unit", "old", 0o644) },
			step:     func(*world) txn.Step { return &step.File{Name: "unit", Path: "/unit", Before: file("old", 0o644)} },
			conflict: edit("/unit"),
		},
		{
			name: "link created", step: func(*world) txn.Step { return &step.Symlink{Path: "/link", After: link("/new")} },
			conflict: relink("/link"),
		},
		{
			name: "link changed", setup: func(w *world) { w.must(os.Symlink("/old", w.real("/link"))) },
			step:     func(*world) txn.Step { return &step.Symlink{Path: "/link", Before: link("/old"), After: link("/new")} },
			conflict: func(w *world) { _ = os.Remove(w.real("/link")); edit("/link")(w) },
		},
		{
			name: "link removed", setup: func(w *world) { w.must(os.Symlink("/old", w.real("/link"))) },
			step:     func(*world) txn.Step { return &step.Symlink{Path: "/link", Before: link("/old")} },
			conflict: relink("/link"),
		},
		{
			name:     "directory created",
			step:     func(*world) txn.Step { a := attr(0o750); return &step.Directory{Name: "d", Path: "/dir", After: &a} },
			conflict: func(w *world) { _ = os.Remove(w.real("/dir")); edit("/dir")(w) },
		},
		{
			name: "directory changed", setup: func(w *world) { w.must(os.Mkdir(w.real("/dir"), 0o755)) },
			step: func(*world) txn.Step {
				b, a := attr(0o755), attr(0o700)
				return &step.Directory{Name: "d", Path: "/dir", Before: &b, After: &a}
			},
			conflict: func(w *world) { w.must(os.Chmod(w.real("/dir"), 0o711)) },
		},
		{
			name: "directory removed", setup: func(w *world) { w.must(os.Mkdir(w.real("/dir"), 0o755)) },
			step:     func(*world) txn.Step { b := attr(0o755); return &step.Directory{Name: "d", Path: "/dir", Before: &b} },
			conflict: func(w *world) { _ = os.Remove(w.real("/dir")); edit("/dir")(w) },
		},
		{
			name: "tree exchanged", setup: trees,
			step:     func(w *world) txn.Step { return tree(w, true, true) },
			conflict: replaceTree,
		},
		{
			name: "tree created", setup: func(w *world) { trees(w); w.must(os.RemoveAll(w.real("/home/venvs/patroni"))) },
			step:     func(w *world) txn.Step { return tree(w, false, true) },
			conflict: replaceTree,
		},
		{
			name: "tree removed", setup: func(w *world) { trees(w); w.must(os.RemoveAll(w.real("/home/stage/venvs/patroni"))) },
			step:     func(w *world) txn.Step { return tree(w, true, false) },
			conflict: replaceTree,
		},
	}
}

func tree(w *world, before, after bool) *step.Tree {
	s := &step.Tree{Name: "Patroni", Path: "/home/venvs/patroni", Spare: "/home/stage/venvs/patroni"}
	if before {
		s.Before = &step.TreeState{ID: w.id(s.Path)}
	}
	if after {
		s.After = &step.TreeState{ID: w.id(s.Spare)}
	}
	return s
}

// reload passes a step through the journal's text.
func reload(t *testing.T, s txn.Step) txn.Step {
	t.Helper()
	text, err := jsonvalue.EncodeExactly(s)
	if err != nil {
		t.Fatal(err)
	}
	back := step.Kinds()[s.Kind()]()
	if err := jsonvalue.Decode(text, back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, back); diff != "" {
		t.Fatalf("step through the journal (-want +got):\n%s", diff)
	}
	return back
}

type act func(context.Context, *host.Host) error

func do(t *testing.T, w *world, acts ...act) {
	t.Helper()
	for i, a := range acts {
		if err := a(t.Context(), w.host); err != nil {
			t.Fatalf("action %d: %v", i, err)
		}
	}
}

// TestApplyUndo: undoing gives the state before; either direction may be repeated, and undo may
// come without apply.
func TestApplyUndo(t *testing.T) {
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.setup)
			s := reload(t, c.step(w))
			before := w.snapshot(t)
			do(t, w, s.Undo)
			if diff := cmp.Diff(before, w.snapshot(t)); diff != "" {
				t.Errorf("undo without apply (-before +after):\n%s", diff)
			}
			do(t, w, s.Apply)
			after := w.snapshot(t)
			if cmp.Equal(before, after) {
				t.Error("apply changed nothing")
			}
			do(t, w, s.Apply)
			if diff := cmp.Diff(after, w.snapshot(t)); diff != "" {
				t.Errorf("apply twice (-once +twice):\n%s", diff)
			}
			do(t, w, s.Undo, s.Undo)
			if diff := cmp.Diff(before, w.snapshot(t)); diff != "" {
				t.Errorf("apply, undo, undo (-before +after):\n%s", diff)
			}
			do(t, w, s.Apply, s.Finish, s.Finish)
			if diff := cmp.Diff(after, w.snapshot(t)); diff != "" {
				t.Errorf("apply, finish (-want +got):\n%s", diff)
			}
		})
	}
}

// TestConflict: what somebody else made is reported and stays, in both directions.
func TestConflict(t *testing.T) {
	for _, c := range cases() {
		for name, first := range map[string]bool{"before apply": true, "before undo": false} {
			t.Run(c.name+" "+name, func(t *testing.T) {
				w := newWorld(t, c.setup)
				s := c.step(w)
				a := s.Apply
				if !first {
					do(t, w, s.Apply)
					a = s.Undo
				}
				c.conflict(w)
				edited := w.snapshot(t)
				err := a(t.Context(), w.host)
				if _, conflict := errors.AsType[*txn.ConflictError](err); !conflict {
					t.Errorf("error %v, want a conflict", err)
				}
				if diff := cmp.Diff(edited, w.snapshot(t)); diff != "" {
					t.Errorf("the edit was touched (-edited +got):\n%s", diff)
				}
			})
		}
	}
}

type crash struct{}

// TestCrash kills apply, and then undo, at each of their operations; the next undo, or apply,
// gives the state before, or after, without a trace of the crash.
func TestCrash(t *testing.T) {
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			for n := 1; ; n++ {
				w := newWorld(t, c.setup)
				s := c.step(w)
				before := w.snapshot(t)
				fired := crashAt(t, w, n, s.Apply)
				do(t, w, s.Undo)
				if diff := cmp.Diff(before, w.snapshot(t)); diff != "" {
					t.Errorf("crash at %d of apply, undo (-before +after):\n%s", n, diff)
				}
				do(t, w, s.Apply)
				after := w.snapshot(t)
				crashAt(t, w, n, s.Undo)
				do(t, w, s.Apply)
				if diff := cmp.Diff(after, w.snapshot(t)); diff != "" {
					t.Errorf("crash at %d of undo, apply (-want +got):\n%s", n, diff)
				}
				if !fired {
					return
				}
			}
		})
	}
}

// crashAt does a up to its n-th operation, and tells whether it has that many.
func crashAt(t *testing.T, w *world, n int, a act) (fired bool) {
	t.Helper()
	count := 0
	w.host.FS.Fault = func(string, string) error {
		if count++; count == n {
			panic(crash{})
		}
		return nil
	}
	defer func() {
		w.host.FS.Fault = nil
		r := recover()
		if fired = r == any(crash{}); r != nil && !fired {
			panic(r)
		}
	}()
	if err := a(t.Context(), w.host); err != nil {
		t.Fatalf("operation before %d: %v", n, err)
	}
	return false
}

// TestInodeUsedAgain: a tree that somebody made where ours was removed is not ours, though on many
// file systems it gets the inode of the one that went.
func TestInodeUsedAgain(t *testing.T) {
	for range 20 {
		w := newWorld(t, trees)
		s := tree(w, true, true)
		do(t, w, s.Apply)
		w.must(os.RemoveAll(w.real(s.Path)))
		w.must(os.Mkdir(w.real(s.Path), 0o755))
		err := s.Undo(t.Context(), w.host)
		if _, conflict := errors.AsType[*txn.ConflictError](err); !conflict {
			t.Errorf("error %v, want a conflict", err)
		}
	}
}

// TestStageKeepsWhatCannotBePutBack: an old tree whose place somebody has taken is not thrown away.
func TestStageKeepsWhatCannotBePutBack(t *testing.T) {
	w := newWorld(t, func(w *world) { w.write("/home/venvs/patroni/old", "old", 0o644) })
	h := w.host
	if err := os.Mkdir(w.real("/state"), 0o700); err != nil {
		t.Fatal(err)
	}
	transaction := &txn.Transaction{
		Host: h, Dir: "/state", Kinds: step.Kinds(), Settle: func(context.Context, []txn.Step) error { return nil },
	}
	stage := &step.Stage{Path: "/home/.stage", Subs: []string{"venvs"}, UID: os.Getuid(), GID: os.Getgid()}
	batches := []txn.Batch{
		func(context.Context) ([]txn.Step, error) { return []txn.Step{stage}, nil },
		func(context.Context) ([]txn.Step, error) {
			w.write("/home/.stage/venvs/patroni/new", "new", 0o644)
			s := &step.Tree{Name: "venv", Path: "/home/venvs/patroni", Spare: "/home/.stage/venvs/patroni"}
			s.Before, s.After = &step.TreeState{ID: w.id(s.Path)}, &step.TreeState{ID: w.id(s.Spare)}
			return []txn.Step{s}, nil
		},
		func(context.Context) ([]txn.Step, error) {
			w.must(os.Rename(w.real("/home/venvs/patroni"), w.real("/home/mine")))
			w.must(os.Mkdir(w.real("/home/venvs/patroni"), 0o755))
			return nil, errors.New("the next step failed")
		},
	}
	_, _, err := transaction.Run(t.Context(), batches...)
	for _, want := range []string{"the next step failed", "/home/venvs/patroni was changed by somebody else",
		"/home/.stage was kept"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
	if text, err := os.ReadFile(w.real("/home/.stage/venvs/patroni/old")); string(text) != "old" {
		t.Errorf("the old tree is lost: %v", err)
	}
}

func TestStageGoesAwayInBothDirections(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a stage is root's: needs root")
	}
	w := newWorld(t, func(w *world) { w.write("/home/keep", "", 0o644) })
	s := reload(t, &step.Stage{Path: "/home/.stage", Subs: []string{"home", "home/scratch"}, UID: 12, GID: 34})
	before := w.snapshot(t)
	do(t, w, s.Undo, s.Apply)
	for name, want := range map[string]fsys.Attr{
		"/home/.stage": {Mode: 0o700}, "/home/.stage/home/scratch": {Mode: 0o755, UID: 12, GID: 34},
	} {
		info, err := w.host.FS.Lstat(name)
		if diff := cmp.Diff(want, info.Attr); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	for _, end := range []act{s.Undo, s.Finish} {
		do(t, w, s.Undo, s.Apply)
		w.write("/home/.stage/home/scratch/left", "over", 0o600)
		do(t, w, end, end)
		if diff := cmp.Diff(before, w.snapshot(t)); diff != "" {
			t.Errorf("after the end (-want +got):\n%s", diff)
		}
	}
}

func TestDescriptions(t *testing.T) {
	private, open := attr(0o700), attr(0o755)
	for name, c := range map[string]struct {
		step txn.Step
		want txn.Description
	}{
		"created file": {
			&step.File{Name: "unit", Path: "/u", After: file("text\n", 0o644)},
			txn.Description{Name: "unit", Action: "create", Path: "/u", After: "text\n"},
		},
		"changed mode": {
			&step.File{Name: "unit", Path: "/u", Before: file("t\n", 0o600), After: file("t\n", 0o644)},
			txn.Description{
				Name: "unit", Action: "change", Path: "/u",
				Before: fmt.Sprintf("# mode and owner: 0600 %d:%d\n", os.Getuid(), os.Getgid()),
				After:  fmt.Sprintf("# mode and owner: 0644 %d:%d\n", os.Getuid(), os.Getgid()),
			},
		},
		"added lines": {
			&step.File{Name: "p", Path: "/p", Before: file("secret\nlast\n", 0o600),
				After: file("secret\nblock\nlast\n", 0o600)},
			txn.Description{Name: "p", Action: "change", Path: "/p", After: "block\n"},
		},
		"removed link": {
			&step.Symlink{Path: "/l", Before: link("/t")},
			txn.Description{Name: "link", Action: "remove", Path: "/l", Before: "link to /t\n"},
		},
		"changed directory": {
			&step.Directory{Name: "d", Path: "/d", Before: &open, After: &private},
			txn.Description{
				Name: "d", Action: "change", Path: "/d",
				Before: fmt.Sprintf("directory 0755 %d:%d\n", os.Getuid(), os.Getgid()),
				After:  fmt.Sprintf("directory 0700 %d:%d\n", os.Getuid(), os.Getgid()),
			},
		},
		"stage": {&step.Stage{Path: "/s"}, txn.Description{Name: "stage", Path: "/s"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.step.Describe()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

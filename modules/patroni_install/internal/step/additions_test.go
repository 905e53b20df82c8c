package step

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// staged is a host with a directory and a file to be added to /to, which holds something already.
func staged(t *testing.T) (*host.Host, *Additions) {
	t.Helper()
	root := t.TempDir()
	h := &host.Host{FS: fsys.New(root)}
	for _, dir := range []string{"from/lib/pipx", "from/bin", "to/lib/requests", "to/bin"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "from/bin/pipx"), []byte("#!"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := &Additions{Name: "pipx", From: "/from", To: "/to"}
	for _, name := range []string{"lib/pipx", "bin/pipx"} {
		info, err := h.FS.Lstat("/from/" + name)
		if err != nil {
			t.Fatal(err)
		}
		s.Entries = append(s.Entries, Addition{Path: name, ID: info.ID})
	}
	return h, s
}

// at tells where the two additions are.
func at(h *host.Host) string {
	where := ""
	for _, name := range []string{"/from/lib/pipx", "/from/bin/pipx", "/to/lib/pipx", "/to/bin/pipx"} {
		if _, err := h.FS.Lstat(name); err == nil {
			where += name + " "
		}
	}
	return where
}

const (
	bothStaged = "/from/lib/pipx /from/bin/pipx "
	bothAdded  = "/to/lib/pipx /to/bin/pipx "
)

func TestAdditions(t *testing.T) {
	h, s := staged(t)
	for _, c := range []struct {
		name string
		do   func() error
		want string
	}{
		{"apply", func() error { return s.Apply(t.Context(), h) }, bothAdded},
		{"apply again", func() error { return s.Apply(t.Context(), h) }, bothAdded},
		{"undo", func() error { return s.Undo(t.Context(), h) }, bothStaged},
		{"undo again", func() error { return s.Undo(t.Context(), h) }, bothStaged},
		{"half an apply", func() error {
			return h.FS.Rename(fsys.Entry{Path: "/from/lib/pipx", ID: s.Entries[0].ID}, "/to/lib/pipx")
		}, "/from/bin/pipx /to/lib/pipx "},
		{"undo of that", func() error { return s.Undo(t.Context(), h) }, bothStaged},
	} {
		if err := c.do(); err != nil || at(h) != c.want {
			t.Errorf("%s: at %q, want %q: %v", c.name, at(h), c.want, err)
		}
	}
	if _, err := h.FS.Lstat("/to/lib/requests"); err != nil {
		t.Error("what was there is gone:", err)
	}
}

func TestAdditionsLeaveOthersAlone(t *testing.T) {
	h, s := staged(t)
	if err := h.FS.WriteFile("/to/bin/pipx", []byte("somebody's"),
		fsys.Attr{Mode: 0o755, UID: os.Getuid(), GID: os.Getgid()}); err != nil {
		t.Fatal(err)
	}
	_, conflict := errors.AsType[*txn.ConflictError](s.Apply(t.Context(), h))
	if !conflict {
		t.Error("no conflict with somebody else's file")
	}
	_ = s.Undo(t.Context(), h) // reports it once more
	if data, err := h.FS.ReadFile("/to/bin/pipx", 100); err != nil || string(data) != "somebody's" {
		t.Errorf("it holds %q: %v", data, err)
	}
}

// TestAdditionsTakenAwayByOwner: what the owner removed since needs no undo.
func TestAdditionsTakenAwayByOwner(t *testing.T) {
	h, s := staged(t)
	if err := errors.Join(s.Apply(t.Context(), h), h.FS.Remove("/to/bin/pipx")); err != nil {
		t.Fatal(err)
	}
	if err := s.Undo(t.Context(), h); err != nil || at(h) != "/from/lib/pipx " {
		t.Errorf("at %q: %v", at(h), err)
	}
}

// atRenames calls the functions one after the other, each right before a rename.
func atRenames(h *host.Host, do ...func() error) {
	h.FS.Fault = func(kind, _ string) error {
		if kind != "rename" || len(do) == 0 {
			return nil
		}
		next := do[0]
		do = do[1:]
		return next()
	}
}

// TestAdditionsTakeNothingElse: undo moves nothing into the stage but what came from there. If it did
// and cannot move it back, also a later undo says that the stage holds something.
func TestAdditionsTakeNothingElse(t *testing.T) {
	for _, stuck := range []bool{false, true} {
		h, s := staged(t)
		if err := s.Apply(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		to := h.FS.Real("/to/lib")
		atRenames(h, func() error {
			return errors.Join(os.Rename(to+"/pipx", to+"/aside"), os.Mkdir(to+"/pipx", 0o755),
				os.Mkdir(to+"/pipx/roots", 0o700))
		}, func() error {
			return map[bool]error{true: errors.New("stuck")}[stuck]
		})
		for _, undo := range []string{"first", "second"} {
			s.Foreign = nil
			if _, conflict := errors.AsType[*txn.ConflictError](s.Undo(t.Context(), h)); !conflict {
				t.Errorf("stuck %t, %s undo: no conflict", stuck, undo)
			}
			want := map[bool]string{true: "/from/lib/pipx", false: "/to/lib/pipx"}[stuck]
			if _, err := h.FS.Lstat(want + "/roots"); err != nil {
				t.Errorf("stuck %t, %s undo: %v", stuck, undo, err)
			}
			if diff := cmp.Diff(map[bool][]string{true: {"/from/lib/pipx"}}[stuck], s.Borrows()); diff != "" {
				t.Errorf("stuck %t, %s undo: kept (-want +got):\n%s", stuck, undo, diff)
			}
		}
	}
}

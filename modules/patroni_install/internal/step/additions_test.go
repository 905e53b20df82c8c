package step

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

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
		{"half an apply", func() error { return h.FS.Rename("/from/lib/pipx", "/to/lib/pipx") }, "/from/bin/pipx /to/lib/pipx "},
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
	if err := h.FS.WriteFile("/to/bin/pipx", []byte("somebody's"), fsys.Attr{Mode: 0o755, UID: os.Getuid(), GID: os.Getgid()}); err != nil {
		t.Fatal(err)
	}
	_, conflict := errors.AsType[*txn.ConflictError](s.Apply(t.Context(), h))
	if !conflict {
		t.Error("no conflict where somebody else's file is")
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

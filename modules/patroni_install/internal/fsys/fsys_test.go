package fsys

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// longAgo is the time that tests give to files whose times are compared.
var longAgo = time.Date(2020, 2, 3, 4, 5, 6, 789_000_000, time.UTC)

// newFS returns a file system below a new directory, and that directory.
func newFS(t *testing.T) (*FS, string) {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o755))
	return New(dir), dir
}

// own returns attributes with the calling user's ids.
func own(mode uint32) Attr { return Attr{Mode: mode, UID: os.Geteuid(), GID: os.Getegid()} }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rename moves what is at from, and exchange swaps what is at both paths.
func rename(f *FS, from, to string) error { return f.Rename(at(f, from), to) }

func exchange(f *FS, from, to string) error { return f.Exchange(at(f, from), at(f, to)) }

// at is the entry at a path, without an ID if there is none.
func at(f *FS, name string) Entry {
	info, _ := f.Lstat(name)
	return Entry{Path: name, ID: info.ID}
}

func lstat(t *testing.T, f *FS, name string) Info {
	t.Helper()
	info, err := f.Lstat(name)
	must(t, err)
	return info
}

func needRoot(t *testing.T, reason string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: " + reason)
	}
}

// entry is what a test puts at a path and expects to find there.
type entry struct {
	Type  Type
	Text  string // content of a file, target of a link
	Mode  uint32
	UID   int
	GID   int
	MTime time.Time // of files and links
}

// build puts entries below dir; parents come first in the order of names.
func build(t *testing.T, dir string, entries map[string]entry) {
	t.Helper()
	for _, name := range sortedKeys(entries) {
		at, e := filepath.Join(dir, name), entries[name]
		switch e.Type {
		case Directory:
			must(t, os.Mkdir(at, 0o700))
		case Link:
			must(t, os.Symlink(e.Text, at))
		case Other:
			must(t, unix.Mkfifo(at, 0o600))
		case File:
			must(t, os.WriteFile(at, []byte(e.Text), 0o600))
		}
		if e.Mode != 0 {
			must(t, unix.Chmod(at, e.Mode))
		}
	}
}

// snapshot describes everything below dir, by relative path.
func snapshot(t *testing.T, dir string) map[string]entry {
	t.Helper()
	found := map[string]entry{}
	must(t, filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(name, &st); err != nil {
			return err
		}
		info := infoOf(&st)
		e := entry{Type: info.Type, Mode: info.Mode, UID: info.UID, GID: info.GID}
		if info.Type != Directory {
			e.MTime = info.MTime.UTC()
		}
		switch info.Type {
		case File:
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			e.Text = string(data)
		case Link:
			e.Text, err = os.Readlink(name)
		}
		found[strings.TrimPrefix(name, dir+"/")] = e
		return err
	}))
	return found
}

// names lists everything below dir.
func names(t *testing.T, dir string) []string {
	t.Helper()
	return sortedKeys(snapshot(t, dir))
}

// trace returns a fault hook that records what is announced and fails at the n-th operation
// (from 0), never for a negative n.
func trace(n int) (fault Fault, seen *[]string) {
	seen = &[]string{}
	return func(kind, object string) error {
		*seen = append(*seen, kind+" "+object)
		if len(*seen) == n+1 {
			return errInjected
		}
		return nil
	}, seen
}

var errInjected = errors.New("injected fault")

// openDescriptors counts this process's descriptors.
func openDescriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(open)
}

func TestReal(t *testing.T) {
	for _, tt := range []struct{ root, name, want string }{
		{"/", "/etc/passwd", "/etc/passwd"},
		{"/srv/root", "/etc/passwd", "/srv/root/etc/passwd"},
		{"/srv/root", "/", "/srv/root"},
	} {
		if diff := cmp.Diff(tt.want, New(tt.root).Real(tt.name)); diff != "" {
			t.Errorf("Real(%q) below %q (-want +got):\n%s", tt.name, tt.root, diff)
		}
	}
}

func TestAttrString(t *testing.T) {
	if diff := cmp.Diff("0644 0:26", Attr{Mode: 0o644, GID: 26}.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

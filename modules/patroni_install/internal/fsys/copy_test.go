package fsys

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestCopyTree(t *testing.T) {
	strictUmask(t)
	f, dir := newFS(t)
	build(t, dir, map[string]entry{
		"from":              {Type: Directory, Mode: 0o2751},
		"from/big":          {Type: File, Text: strings.Repeat("0123456789", 100_000), Mode: 0o644},
		"from/bin":          {Type: Directory, Mode: 0o755},
		"from/bin/absolute": {Type: Link, Text: "/nowhere"},
		"from/bin/python":   {Type: File, Text: "\x7fELF\x00", Mode: 0o755},
		"from/closed":       {Type: Directory, Mode: 0o500},
		"from/empty":        {Type: File, Mode: 0o600},
		"from/sub":          {Type: Directory, Mode: 0o777},
		"from/sub/link":     {Type: Link, Text: "../bin/python"},
	})
	for _, name := range oddNames {
		must(t, os.WriteFile(filepath.Join(dir, "from/sub", name), []byte(name), 0o600))
	}
	at := unix.NsecToTimespec(longAgo.UnixNano())
	for _, name := range []string{"from/bin/python", "from/sub/link"} {
		must(t, unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(dir, name), []unix.Timespec{at, at}, unix.AT_SYMLINK_NOFOLLOW))
	}
	if os.Geteuid() == 0 {
		must(t, os.Lchown(filepath.Join(dir, "from/sub/link"), 12345, 23456))
		must(t, os.Lchown(filepath.Join(dir, "from/big"), 12345, 23456))
		must(t, os.Lchown(filepath.Join(dir, "from/sub"), 12345, 23456))
	}
	must(t, f.CopyTree("/from", "/to"))
	if diff := cmp.Diff(snapshot(t, filepath.Join(dir, "from")), snapshot(t, filepath.Join(dir, "to"))); diff != "" {
		t.Errorf("copy (-from +to):\n%s", diff)
	}
	from, err := f.Lstat("/from")
	must(t, err)
	to, err := f.Lstat("/to")
	must(t, err)
	if from.Attr != to.Attr || !from.MTime.Equal(to.MTime) {
		t.Errorf("top of the copy is %s %v, want %s %v", to.Attr, to.MTime, from.Attr, from.MTime)
	}
	must(t, os.Chmod(filepath.Join(dir, "from/closed"), 0o700))
	must(t, os.Chmod(filepath.Join(dir, "to/closed"), 0o700))
}

func TestCopyTreeRefuses(t *testing.T) {
	f, dir := sample(t)
	build(t, dir, map[string]entry{"special": {Type: Directory}, "special/fifo": {Type: Other}})
	if err := f.CopyTree("/special", "/new"); err == nil || !strings.Contains(err.Error(), "/special/fifo") {
		t.Errorf("CopyTree with a FIFO: %v", err)
	}
	build(t, dir, map[string]entry{"huge": {Type: Directory}, "huge/a": {Type: File}})
	must(t, os.Truncate(filepath.Join(dir, "huge/a"), maxCopied+1))
	want := "/huge/a: the tree has more than 4294967296 bytes"
	if err := f.CopyTree("/huge", "/new3"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("CopyTree of a huge file: %v", err)
	}
	for _, to := range []string{"/d/full", "/d/file", "/d/link"} {
		if err := f.CopyTree("/e", to); !errors.Is(err, os.ErrExist) {
			t.Errorf("CopyTree to %s: %v", to, err)
		}
	}
	if err := f.CopyTree("/d/file", "/new2"); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("CopyTree of a file: %v", err)
	}
}

// TestCopyIsPrivateUntilComplete fails a copy in the middle and looks at what was made.
func TestCopyIsPrivateUntilComplete(t *testing.T) {
	f, dir := newFS(t)
	build(t, dir, map[string]entry{
		"from": {Type: Directory, Mode: 0o777}, "from/a": {Type: File, Mode: 0o666}, "from/b": {Type: Other},
	})
	if err := f.CopyTree("/from", "/to"); err == nil {
		t.Fatal("CopyTree of a FIFO: no error")
	}
	info, err := f.Lstat("/to")
	must(t, err)
	if diff := cmp.Diff(own(0o700), info.Attr); diff != "" {
		t.Errorf("incomplete copy (-want +got):\n%s", diff)
	}
}

package fsys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func anything(Info, func(Visit) error) error { return nil }

// TestRemoveAllAtBindMount has the same device number on both sides of the mount.
func TestRemoveAllAtBindMount(t *testing.T) {
	needRoot(t, "mounts")
	f, dir := sample(t)
	at := filepath.Join(dir, "d/full/sub")
	if err := unix.Mount(filepath.Join(dir, "e"), at, "", unix.MS_BIND, ""); err != nil {
		t.Skipf("mounting is forbidden here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) })
	for _, name := range []string{"/d", "/d/full/sub"} {
		if err := f.RemoveTree(name, anything); !errors.Is(err, unix.EBUSY) {
			t.Errorf("RemoveTree %s: %v, want EBUSY", name, err)
		}
		if err := f.RemoveAll(name); !errors.Is(err, unix.EBUSY) {
			t.Errorf("RemoveAll %s: %v, want EBUSY", name, err)
		}
	}
	if _, err := f.Lstat("/e/other/mark"); err != nil {
		t.Errorf("what is mounted was emptied: %v", err)
	}
}

func TestRemoveAll(t *testing.T) {
	f, dir := newFS(t)
	build(t, dir, map[string]entry{
		"keep":       {Type: Directory},
		"keep/file":  {Type: File},
		"v":          {Type: Directory},
		"v/fifo":     {Type: Other},
		"v/hard":     {Type: File},
		"v/locked":   {Type: File, Mode: 0o400},
		"v/out":      {Type: Link, Text: "../keep"},
		"v/sub":      {Type: Directory},
		"v/sub/odd":  {Type: Directory},
		"v/sub/self": {Type: Link, Text: "."},
	})
	must(t, os.Remove(filepath.Join(dir, "v/hard")))
	must(t, os.Link(filepath.Join(dir, "keep/file"), filepath.Join(dir, "v/hard")))
	for _, name := range oddNames {
		must(t, os.WriteFile(filepath.Join(dir, "v/sub/odd", name), nil, 0o600))
	}
	for i := range 2*removeBatch + 1 {
		must(t, os.WriteFile(filepath.Join(dir, "v", fmt.Sprint(i)), nil, 0o600))
	}
	for range 2 { // the second time it is gone already
		must(t, f.RemoveAll("/v"))
		if diff := cmp.Diff([]string{"keep", "keep/file"}, names(t, dir)); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
	}
	must(t, f.RemoveAll("/v/below/nothing"))
}

// TestRemoveAllBesideWriter lets somebody rename and make things in the tree meanwhile. It may
// be too fast for us, but nothing outside may go and no descriptor may stay open.
func TestRemoveAllBesideWriter(t *testing.T) {
	f, dir := newFS(t)
	build(t, dir, map[string]entry{
		"keep": {Type: Directory}, "keep/file": {Type: File}, "v": {Type: Directory},
	})
	open := openDescriptors(t)
	for range 20 {
		var racing sync.WaitGroup
		racing.Go(func() {
			for i := range 50 {
				at, made := filepath.Join(dir, "v", fmt.Sprint(i%5)), filepath.Join(dir, "v/made")
				_ = os.MkdirAll(filepath.Join(made, "sub"), 0o700)
				_ = os.Remove(at)
				_ = os.Rename(made, at)
				_ = os.Rename(at, at+"x")
				_ = os.Symlink("../keep", at)
			}
		})
		if err := f.RemoveAll("/v"); err != nil && !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, unix.ENOTDIR) {
			t.Errorf("RemoveAll: %v", err)
		}
		racing.Wait()
	}
	must(t, f.RemoveAll("/v"))
	if diff := cmp.Diff([]string{"keep", "keep/file"}, names(t, dir)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if now := openDescriptors(t); now != open {
		t.Errorf("%d descriptors open, %d before", now, open)
	}
}

// TestRemoveTree: check sees what is removed, and what it refuses stays.
func TestRemoveTree(t *testing.T) {
	f, dir := sample(t)
	before := names(t, dir)
	refused := errors.New("refused")
	for _, answer := range []error{refused, nil} {
		err := f.RemoveTree("/d/full", func(found Info, walk func(Visit) error) error {
			var seen []string
			must(t, walk(func(rel string, _ Info, _ *os.File) (bool, error) { seen = append(seen, rel); return true, nil }))
			if diff := cmp.Diff([]string{"file", "link", "sub", "sub/end"}, seen); diff != "" {
				t.Errorf("seen (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(lstat(t, f, "/d/full").ID, found.ID); diff != "" {
				t.Errorf("ID (-want +got):\n%s", diff)
			}
			return answer
		})
		if !errors.Is(err, answer) {
			t.Errorf("error %v, want %v", err, answer)
		}
		if diff := cmp.Diff(before, names(t, dir)); (diff == "") != (answer != nil) {
			t.Errorf("check said %v (-want +got):\n%s", answer, diff)
		}
	}
	must(t, f.RemoveTree("/d/full", func(Info, func(Visit) error) error { return refused })) // it is gone
}

// TestRemoveTreeThatMoves has another directory in the place of the one that was checked: that one stays.
func TestRemoveTreeThatMoves(t *testing.T) {
	f, dir := sample(t)
	err := f.RemoveTree("/d/full", func(Info, func(Visit) error) error {
		return errors.Join(os.Rename(dir+"/d/full", dir+"/d/aside"), os.Rename(dir+"/e/other", dir+"/d/full"))
	})
	if !errors.Is(err, unix.ENOTEMPTY) {
		t.Errorf("error %v, want ENOTEMPTY", err)
	}
	left := []string{"d", "d/aside", "d/empty", "d/file", "d/full", "d/full/mark", "d/link", "e"}
	if diff := cmp.Diff(left, names(t, dir)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func TestRemove(t *testing.T) {
	f, dir := sample(t)
	build(t, dir, map[string]entry{"e/gone" + TempSuffix: {Type: File}})
	for _, name := range []string{"/d/empty", "/d/file", "/d/link", "/d/link", "/e/gone", "/x/y"} {
		if err := f.Remove(name); err != nil {
			t.Errorf("Remove %s: %v", name, err)
		}
	}
	if err := f.Remove("/d/full"); !errors.Is(err, unix.ENOTEMPTY) {
		t.Errorf("Remove of a full directory: %v", err)
	}
	want := []string{
		"d", "d/full", "d/full/file", "d/full/link", "d/full/sub", "d/full/sub/end", "e", "e/other", "e/other/mark",
	}
	if diff := cmp.Diff(want, names(t, dir)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

// TestImmutable wants the kernel's own answer for a file that nobody may remove.
func TestImmutable(t *testing.T) {
	needRoot(t, "chattr +i")
	f, dir := sample(t)
	for _, name := range []string{"d/full/file", "e/other"} {
		file, err := os.Open(filepath.Join(dir, name))
		must(t, err)
		defer file.Close() //nolint:errcheck // read only
		const immutable = 0x10
		if err := unix.IoctlSetPointerInt(int(file.Fd()), unix.FS_IOC_SETFLAGS, immutable); err != nil {
			t.Skipf("no such attribute here: %v", err)
		}
		t.Cleanup(func() {
			again, err := os.Open(filepath.Join(dir, name))
			must(t, err)
			must(t, errors.Join(unix.IoctlSetPointerInt(int(again.Fd()), unix.FS_IOC_SETFLAGS, 0), again.Close()))
		})
	}
	for call, err := range map[string]error{
		"Remove a file":        f.Remove("/d/full/file"),
		"RemoveAll above it":   f.RemoveAll("/d"),
		"Remove a directory":   f.Remove("/e/other"),
		"WriteFile":            f.WriteFile("/d/full/file", nil, own(0o600)),
		"RemoveAll of its own": f.RemoveAll("/e/other"),
	} {
		if !errors.Is(err, unix.EPERM) {
			t.Errorf("%s: %v, want EPERM", call, err)
		}
	}
}

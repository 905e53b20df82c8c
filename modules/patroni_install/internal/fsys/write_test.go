package fsys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// strictUmask makes the process's umask 077 for the time of a test.
func strictUmask(t *testing.T) {
	t.Helper()
	old := unix.Umask(0o077)
	t.Cleanup(func() { unix.Umask(old) })
}

func TestAttributesAreExact(t *testing.T) {
	strictUmask(t)
	for _, attr := range []Attr{own(0o644), own(0o600), own(0o777), own(0o755), own(0o700), own(0o2750), own(0)} {
		f, dir := newFS(t)
		must(t, f.WriteFile("/file", []byte("x"), attr))
		must(t, f.Mkdir("/made", attr))
		must(t, f.Mkdir("/changed", own(0o711)))
		must(t, f.SetAttr("/changed", lstat(t, f, "/changed"), attr))
		for _, name := range []string{"/file", "/made", "/changed"} {
			info, err := f.Lstat(name)
			must(t, err)
			if diff := cmp.Diff(attr, info.Attr); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		must(t, os.Chmod(filepath.Join(dir, "made"), 0o700))
		must(t, os.Chmod(filepath.Join(dir, "changed"), 0o700))
	}
}

func TestOwners(t *testing.T) {
	needRoot(t, "gives files away")
	f, dir := newFS(t)
	attr := Attr{Mode: 0o4750, UID: 12345, GID: 23456}
	must(t, f.WriteFile("/file", nil, attr))
	must(t, f.Mkdir("/dir", own(0o700)))
	must(t, f.SetAttr("/dir", lstat(t, f, "/dir"), attr))
	must(t, f.Symlink("/link", "/file", attr.UID, attr.GID))
	want := map[string]entry{
		"dir":  {Type: Directory, Mode: 0o4750, UID: 12345, GID: 23456},
		"file": {Type: File, Mode: 0o4750, UID: 12345, GID: 23456},
		"link": {Type: Link, Mode: 0o777, UID: 12345, GID: 23456, Text: "/file"},
	}
	if diff := cmp.Diff(want, snapshot(t, dir), ignoreTimes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestReplaceWhateverIsThere puts something else in the place of a file or link, and of its
// temporary name.
func TestReplaceWhateverIsThere(t *testing.T) {
	calls := map[string]struct {
		do   func(f *FS) error
		want entry
	}{
		"WriteFile": {
			do:   func(f *FS) error { return f.WriteFile("/d/name", []byte("text"), own(0o640)) },
			want: entry{Type: File, Text: "text", Mode: 0o640, UID: os.Geteuid(), GID: os.Getegid()},
		},
		"Symlink": {
			do:   func(f *FS) error { return f.Symlink("/d/name", "text", os.Geteuid(), os.Getegid()) },
			want: entry{Type: Link, Text: "text", Mode: 0o777, UID: os.Geteuid(), GID: os.Getegid()},
		},
	}
	for name, call := range calls {
		for _, there := range []entry{
			{}, {Type: File, Text: "old"}, {Type: Other}, {Type: Link, Text: "../victim"}, {Type: Link, Text: "nowhere"},
		} {
			f, dir := newFS(t)
			victim := entry{Type: File, Text: "victim", Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid()}
			build(t, dir, map[string]entry{
				"d": {Type: Directory}, "d/name": there, "d/name" + TempSuffix: there, "victim": victim,
			})
			must(t, os.Chmod(filepath.Join(dir, "d"), 0o755))
			must(t, call.do(f))
			want := map[string]entry{
				"d":      {Type: Directory, Mode: 0o755, UID: os.Geteuid(), GID: os.Getegid()},
				"d/name": call.want,
				"victim": victim,
			}
			if diff := cmp.Diff(want, snapshot(t, dir), ignoreTimes); diff != "" {
				t.Errorf("%s over %q (-want +got):\n%s", name, there.Type, diff)
			}
		}
	}
}

// TestHardLinkIsNotWritten replaces a name, not the file that has other names too.
func TestHardLinkIsNotWritten(t *testing.T) {
	f, dir := newFS(t)
	build(t, dir, map[string]entry{"victim": {Type: File, Text: "victim"}})
	must(t, os.Link(filepath.Join(dir, "victim"), filepath.Join(dir, "name")))
	must(t, os.Link(filepath.Join(dir, "victim"), filepath.Join(dir, "name"+TempSuffix)))
	must(t, f.WriteFile("/name", []byte("text"), own(0o644)))
	data, err := f.ReadFile("/victim", 100)
	if err != nil || string(data) != "victim" {
		t.Errorf("the other name holds %q, %v", data, err)
	}
}

func TestReplaceRefusesDirectories(t *testing.T) {
	f, dir := newFS(t)
	build(t, dir, map[string]entry{
		"dir":               {Type: Directory},
		"file" + TempSuffix: {Type: Directory},
	})
	before := snapshot(t, dir)
	for call, err := range map[string]error{
		"WriteFile": f.WriteFile("/dir", nil, own(0o600)),
		"Symlink":   f.Symlink("/dir", "x", os.Geteuid(), os.Getegid()),
	} {
		if !errors.Is(err, fs.ErrExist) && !errors.Is(err, unix.EISDIR) {
			t.Errorf("%s over a directory: %v", call, err)
		}
	}
	// Whoever owns the directory may block the temporary name: the error has to say so.
	if err := f.WriteFile("/file", nil, own(0o600)); err == nil || !strings.Contains(err.Error(), TempSuffix) {
		t.Errorf("WriteFile with its temporary name taken: %v", err)
	}
	if diff := cmp.Diff(before, snapshot(t, dir), ignoreTimes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMkdirExisting(t *testing.T) {
	f, dir := newFS(t)
	build(t, dir, map[string]entry{"dir": {Type: Directory, Mode: 0o711}, "file": {Type: File}, "link": {Type: Link, Text: "dir"}})
	before := snapshot(t, dir)
	for _, name := range []string{"/dir", "/file", "/link"} {
		if err := f.Mkdir(name, own(0o755)); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Mkdir %s: %v", name, err)
		}
	}
	for _, name := range []string{"/file", "/link"} {
		if err := f.SetAttr(name, lstat(t, f, name), own(0o755)); err == nil {
			t.Errorf("SetAttr %s: no error", name)
		}
	}
	if err := f.Mkdir("/missing/dir", own(0o755)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Mkdir without a parent: %v", err)
	}
	if diff := cmp.Diff(before, snapshot(t, dir), ignoreTimes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestMkdirLeavesNothing fails before the new directory is synced.
func TestMkdirLeavesNothing(t *testing.T) {
	f, dir := newFS(t)
	for n := range 3 {
		f.Fault, _ = trace(n)
		if err := f.Mkdir("/new", own(0o755)); !errors.Is(err, errInjected) {
			t.Errorf("fault at %d: %v", n, err)
		}
		if diff := cmp.Diff([]string{}, names(t, dir), equateEmpty); diff != "" {
			t.Errorf("fault at %d left (-want +got):\n%s", n, diff)
		}
	}
}

// TestMkdirGivesNothingElseAway swaps a directory of root's in between the making of a new one
// and the giving away, as the owner of the directory above can.
func TestMkdirGivesNothingElseAway(t *testing.T) {
	for name, swapped := range map[string]map[string]entry{
		"filled": {"secret": {Type: Directory, Mode: 0o700}, "secret/file": {Type: File}},
		"link":   {"secret": {Type: Link, Text: "other"}, "other": {Type: Directory}},
		"file":   {"secret": {Type: File, Text: "secret"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, dir := newFS(t)
			build(t, dir, swapped)
			before := snapshot(t, dir)
			must(t, os.Chmod(dir, 0o777))
			d, err := f.openDir("/")
			must(t, err)
			defer d.close()
			must(t, os.Rename(filepath.Join(dir, "secret"), filepath.Join(dir, "new")))
			opened, err := openSub(d.fd, "new", "/new")
			if err == nil {
				err = errors.Join(f.checkNew(d, opened), opened.Close())
			}
			if err == nil {
				t.Error("it was taken for the directory just made")
			}
			must(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "secret")))
			if diff := cmp.Diff(before, snapshot(t, dir), ignoreTimes); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSetAttrGivesNothingElseAway exchanges the directory that was looked at, as the owner of the
// directory above can, or changes it.
func TestSetAttrGivesNothingElseAway(t *testing.T) {
	for name, disturb := range map[string]func(dir string) error{
		"another directory": func(dir string) error {
			return errors.Join(os.Rename(dir+"/mine", dir+"/aside"), os.Rename(dir+"/root", dir+"/mine"))
		},
		"other attributes": func(dir string) error { return os.Chmod(dir+"/mine", 0o711) },
	} {
		t.Run(name, func(t *testing.T) {
			f, dir := newFS(t)
			build(t, dir, map[string]entry{"mine": {Type: Directory, Mode: 0o755}, "root": {Type: Directory, Mode: 0o755}})
			seen := lstat(t, f, "/mine")
			must(t, disturb(dir))
			before := snapshot(t, dir)
			if err := f.SetAttr("/mine", seen, own(0o777)); !errors.Is(err, ErrSwapped) {
				t.Errorf("error %v, want %v", err, ErrSwapped)
			}
			if diff := cmp.Diff(before, snapshot(t, dir), ignoreTimes); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSetAttrOfMountPoint: on either side of a mount, what is looked at and what is opened is the same.
func TestSetAttrOfMountPoint(t *testing.T) {
	f, dir := newFS(t)
	build(t, dir, map[string]entry{"mnt": {Type: Directory}})
	mountTmpfs(t, filepath.Join(dir, "mnt"))
	must(t, f.SetAttr("/mnt", lstat(t, f, "/mnt"), own(0o711)))
	if diff := cmp.Diff(own(0o711), lstat(t, f, "/mnt").Attr); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRename(t *testing.T) {
	f, dir := sample(t)
	if err := rename(f, "/d/file", "/d/link"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Rename over something: %v", err)
	}
	if err := rename(f, "/d/missing", "/d/new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Rename of nothing: %v", err)
	}
	if err := exchange(f, "/d/full", "/d/missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Exchange with nothing: %v", err)
	}
	must(t, exchange(f, "/d/full", "/e/other"))
	must(t, rename(f, "/d/link", "/e/moved"))
	want := []string{
		"d", "d/empty", "d/file", "d/full", "d/full/mark",
		"e", "e/moved", "e/other", "e/other/file", "e/other/link", "e/other/sub", "e/other/sub/end",
	}
	if diff := cmp.Diff(want, names(t, dir)); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

// TestRenameTakesBack has something else in the place of an entry when it is renamed.
func TestRenameTakesBack(t *testing.T) {
	swap := func(dir, name string) {
		must(t, errors.Join(os.Rename(dir+name, dir+"/aside"), os.Rename(dir+"/d/empty", dir+name)))
	}
	for name, c := range map[string]struct {
		swapped string
		do      func(f *FS) error
	}{
		"Rename":            {"/d/full", func(f *FS) error { return rename(f, "/d/full", "/e/new") }},
		"Rename of a file":  {"/d/file", func(f *FS) error { return rename(f, "/d/file", "/d/new") }},
		"Exchange, first":   {"/d/full", func(f *FS) error { return exchange(f, "/d/full", "/e/other") }},
		"Exchange, second":  {"/e/other", func(f *FS) error { return exchange(f, "/d/full", "/e/other") }},
		"Exchange, blocked": {"/e/other", func(f *FS) error { return exchange(f, "/d/full", "/e/other") }},
	} {
		t.Run(name, func(t *testing.T) {
			f, dir := sample(t)
			var swapped map[string]entry
			blocked := strings.HasSuffix(name, "blocked")
			f.Fault = func(kind, _ string) error {
				switch {
				case kind == "rename" && swapped == nil:
					swap(dir, c.swapped)
					swapped = snapshot(t, dir)
				case kind == "rename" && blocked:
					return errInjected
				}
				return nil
			}
			err := c.do(f)
			if !errors.Is(err, ErrSwapped) {
				t.Errorf("error %v, want %v", err, ErrSwapped)
			}
			if errors.Is(err, errInjected) != blocked {
				t.Errorf("error %v does not tell whether that was taken back", err)
			}
			if diff := cmp.Diff(swapped, snapshot(t, dir), ignoreTimes); (diff == "") == blocked {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRenameAcrossMounts(t *testing.T) {
	f, dir := newFS(t)
	build(t, dir, map[string]entry{"file": {Type: File}, "mnt": {Type: Directory}})
	mountTmpfs(t, filepath.Join(dir, "mnt"))
	if err := rename(f, "/file", "/mnt/file"); !errors.Is(err, unix.EXDEV) {
		t.Errorf("Rename: %v, want EXDEV", err)
	}
}

// mountTmpfs mounts an empty file system for the time of a test.
func mountTmpfs(t *testing.T, at string) {
	t.Helper()
	needRoot(t, "mounts")
	if err := unix.Mount("tmpfs", at, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("mounting is forbidden here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) })
}

// TestFullDisk runs out of space: the old content stays and no temporary file does.
func TestFullDisk(t *testing.T) {
	f, dir := newFS(t)
	mountTmpfs(t, dir)
	must(t, f.WriteFile("/file", []byte("old"), own(0o600)))
	before := snapshot(t, dir)
	if err := f.WriteFile("/file", make([]byte, 2<<20), own(0o600)); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("WriteFile: %v, want ENOSPC", err)
	}
	if diff := cmp.Diff(before, snapshot(t, dir), ignoreTimes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLinkGivesNothingElseAway lets the directory's owner put one of root's files in the place
// of the new link before it is given away.
func TestLinkGivesNothingElseAway(t *testing.T) {
	needRoot(t, "gives links away")
	f, dir := newFS(t)
	build(t, dir, map[string]entry{"home": {Type: Directory, Mode: 0o777}, "secret": {Type: File}})
	const rounds = 300
	var racing sync.WaitGroup
	racing.Go(func() {
		for i := range 5 * rounds {
			aside := filepath.Join(dir, "home", fmt.Sprint(i))
			_ = os.Link(filepath.Join(dir, "secret"), aside)
			_ = os.Rename(aside, filepath.Join(dir, "home/link"+TempSuffix))
		}
	})
	for range rounds {
		// It may fail, for it was disturbed.
		_ = f.Symlink("/home/link", "target", 12345, 12345)
	}
	racing.Wait()
	info, err := f.Lstat("/secret")
	must(t, err)
	if diff := cmp.Diff(own(0o600), info.Attr); diff != "" {
		t.Errorf("root's file (-want +got):\n%s", diff)
	}
}

// TestMkdirBesideAnotherRun has another process of root's fill a new directory at once.
func TestMkdirBesideAnotherRun(t *testing.T) {
	f, dir := newFS(t)
	build(t, dir, map[string]entry{"new": {Type: Directory}, "new/file": {Type: File}})
	d, err := f.openDir("/")
	must(t, err)
	defer d.close()
	made, err := openSub(d.fd, "new", "/new")
	must(t, err)
	if err := errors.Join(f.checkNew(d, made), made.Close()); err != nil {
		t.Errorf("it was taken for someone else's: %v", err)
	}
}

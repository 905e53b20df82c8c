package fsys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// oddNames are names that a user may give to files.
var oddNames = []string{"new\nline", "-rf", " ", "\xff\xfe", "*", "...", strings.Repeat("x", 255)}

func TestWalk(t *testing.T) {
	f, dir := newFS(t)
	build(t, dir, map[string]entry{
		"v":          {Type: Directory},
		"v/a":        {Type: Directory},
		"v/a/z":      {Type: File},
		"v/a-b":      {Type: File},
		"v/fifo":     {Type: Other},
		"v/link":     {Type: Link, Text: ".."},
		"v/skip":     {Type: Directory},
		"v/skip/not": {Type: File},
		"v/sub":      {Type: Directory},
		"v/sub/deep": {Type: Directory},
	})
	var got []string
	must(t, f.Walk("/v", func(rel string, info Info, in *os.File) (bool, error) {
		got = append(got, fmt.Sprintf("%s: %s in %s", rel, info.Type, in.Name()))
		return rel != "skip", nil
	}))
	want := []string{
		"a: directory in /v", "a/z: file in /v/a", "a-b: file in /v", "fifo: special file in /v",
		"link: link in /v", "skip: directory in /v", "sub: directory in /v", "sub/deep: directory in /v/sub",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("visited (-want +got):\n%s", diff)
	}
	err := f.Walk("/v", func(string, Info, *os.File) (bool, error) { return true, errInjected })
	if !errors.Is(err, errInjected) {
		t.Errorf("Walk with a failing visit: %v", err)
	}
}

func TestWalkOfWhatGoesAway(t *testing.T) {
	f, dir := sample(t)
	var got []string
	must(t, f.Walk("/d", func(rel string, _ Info, _ *os.File) (bool, error) {
		got = append(got, rel)
		switch rel {
		case "empty":
			return false, os.Remove(filepath.Join(dir, "d/file"))
		case "full":
			return true, os.RemoveAll(filepath.Join(dir, "d/full"))
		}
		return true, nil
	}))
	if diff := cmp.Diff([]string{"empty", "full", "link"}, got); diff != "" {
		t.Errorf("visited (-want +got):\n%s", diff)
	}
}

func TestOtherFileSystemInside(t *testing.T) {
	f, dir := sample(t)
	mountTmpfs(t, filepath.Join(dir, "d/full/sub"))
	must(t, os.WriteFile(filepath.Join(dir, "d/full/sub/foreign"), nil, 0o600))
	var got []string
	must(t, f.Walk("/d/full", func(rel string, _ Info, _ *os.File) (bool, error) {
		got = append(got, rel)
		return true, nil
	}))
	if diff := cmp.Diff([]string{"file", "link", "sub"}, got); diff != "" {
		t.Errorf("visited (-want +got):\n%s", diff)
	}
	if err := f.CopyTree("/d/full", "/e/copy"); !errors.Is(err, unix.EXDEV) {
		t.Errorf("CopyTree: %v, want EXDEV", err)
	}
	if err := f.SyncTree("/d/full"); !errors.Is(err, unix.EXDEV) {
		t.Errorf("SyncTree: %v, want EXDEV", err)
	}
	if err := f.RemoveAll("/d"); !errors.Is(err, unix.EBUSY) {
		t.Errorf("RemoveAll: %v, want EBUSY", err)
	}
	if _, err := f.Lstat("/d/full/sub/foreign"); err != nil {
		t.Errorf("the other file system was emptied: %v", err)
	}
}

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
	want := []string{"d", "d/full", "d/full/file", "d/full/link", "d/full/sub", "d/full/sub/end", "e", "e/other", "e/other/mark"}
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

// tooDeepTree makes directories below /deep, one more than we go down.
func tooDeepTree(t *testing.T, dir string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(dir, "deep", strings.Repeat("d/", maxDepth+1)), 0o700))
}

func TestDepthIsBounded(t *testing.T) {
	f, dir := newFS(t)
	tooDeepTree(t, dir)
	open := openDescriptors(t)
	for call, err := range map[string]error{
		"Walk":      f.Walk("/deep", func(string, Info, *os.File) (bool, error) { return true, nil }),
		"SyncTree":  f.SyncTree("/deep"),
		"CopyTree":  f.CopyTree("/deep", "/copy"),
		"RemoveAll": f.RemoveAll("/deep"),
	} {
		if err == nil || !strings.Contains(err.Error(), "directories deep") {
			t.Errorf("%s: %v", call, err)
		}
	}
	if now := openDescriptors(t); now != open {
		t.Errorf("%d descriptors open, %d before", now, open)
	}
}

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

func TestSyncTree(t *testing.T) {
	f, dir := sample(t)
	build(t, dir, map[string]entry{"d/fifo": {Type: Other}, "d/dangling": {Type: Link, Text: "/nowhere"}})
	before, open := snapshot(t, dir), openDescriptors(t)
	must(t, f.SyncTree("/d"))
	if diff := cmp.Diff(before, snapshot(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if now := openDescriptors(t); now != open {
		t.Errorf("%d descriptors open, %d before", now, open)
	}
	for _, name := range []string{"/d/file", "/missing"} {
		if err := f.SyncTree(name); err == nil {
			t.Errorf("SyncTree %s: no error", name)
		}
	}
}

// TestSyncTreeSyncsAll counts what is handed to fsync.
func TestSyncTreeSyncsAll(t *testing.T) {
	f, _ := sample(t)
	top, err := f.OpenDir("/d")
	must(t, err)
	defer top.Close() //nolint:errcheck // read only
	for range 2 {
		var got []string
		must(t, eachEntry(top, func(file *os.File, directory bool) error {
			got = append(got, fmt.Sprintf("%s %v", file.Name(), directory))
			return file.Close()
		}))
		want := []string{"/d/empty true", "/d/file false", "/d/full true", "/d/full/file false", "/d/full/sub true", "/d/full/sub/end false"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("synced (-want +got):\n%s", diff)
		}
	}
}

package fsys

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"
)

func TestLstat(t *testing.T) {
	f, dir := newFS(t)
	long := strings.Repeat("x/", 200)
	build(t, dir, map[string]entry{
		"directory": {Type: Directory, Mode: 0o1751},
		"fifo":      {Type: Other, Mode: 0o620},
		"file":      {Type: File, Text: "12345", Mode: 0o4711},
		"link":      {Type: Link, Text: "nowhere"},
		"long":      {Type: Link, Text: long},
	})
	must(t, os.Chtimes(filepath.Join(dir, "file"), longAgo, longAgo))
	for name, want := range map[string]Info{
		"/directory": {Type: Directory, Attr: own(0o1751)},
		"/fifo":      {Type: Other, Attr: own(0o620)},
		"/file":      {Type: File, Attr: own(0o4711), Size: 5},
		"/link":      {Type: Link, Attr: own(0o777), Size: 7, Target: "nowhere"},
		"/long":      {Type: Link, Attr: own(0o777), Size: 400, Target: long},
	} {
		info, err := f.Lstat(name)
		must(t, err)
		if info.Ino == 0 || info.Dev == 0 {
			t.Errorf("Lstat %s: no device or inode: %+v", name, info)
		}
		ignored := []string{"MTime", "CTime", "Dev", "Ino", "ID"}
		if name == "/directory" {
			ignored = append(ignored, "Size")
		}
		if diff := cmp.Diff(want, info, cmpopts.IgnoreFields(Info{}, ignored...)); diff != "" {
			t.Errorf("Lstat %s (-want +got):\n%s", name, diff)
		}
		if name == "/file" && !info.MTime.Equal(longAgo) {
			t.Errorf("Lstat %s: mtime %v, want %v", name, info.MTime, longAgo)
		}
	}
	if _, err := f.Lstat("/missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Lstat of nothing: %v", err)
	}
}

// TestReadFileAtOnce reads whatever a file's size is without growing a buffer: dpkg's status has
// megabytes, and every run may read it.
func TestReadFileAtOnce(t *testing.T) {
	f, dir := newFS(t)
	build(t, dir, map[string]entry{
		"large": {Type: File, Text: strings.Repeat("x", 1<<20)},
		"small": {Type: File, Text: "x"},
	})
	allocations := func(name string, limit int64) float64 {
		return testing.AllocsPerRun(10, func() { _, _ = f.ReadFile(name, limit) })
	}
	small := allocations("/small", 1)
	for _, limit := range []int64{1 << 20, 1 << 30} {
		if large := allocations("/large", limit); large != small {
			t.Errorf("%v allocations with limit %d, %v for a small file", large, limit, small)
		}
	}
}

// TestReadFileOfNoSize has a file that says it is empty, as /proc's do.
func TestReadFileOfNoSize(t *testing.T) {
	want, err := os.ReadFile("/proc/filesystems")
	must(t, err)
	got, info, err := New("/").ReadFileInfo("/proc/filesystems", 1<<20)
	must(t, err)
	if diff := cmp.Diff(string(want), string(got)); diff != "" || info.Size != 0 {
		t.Errorf("size %d (-want +got):\n%s", info.Size, diff)
	}
	if _, err := New("/").ReadFile("/proc/filesystems", int64(len(want)-1)); err == nil {
		t.Error("more than the limit was read")
	}
}

// TestReadFileRefuses puts everything but a regular file in a file's place; none may block.
func TestReadFileRefuses(t *testing.T) {
	f, dir := newFS(t)
	build(t, dir, map[string]entry{
		"big":  {Type: File, Text: "123456"},
		"dir":  {Type: Directory},
		"fifo": {Type: Other},
		"file": {Type: File, Text: "12345"},
		"link": {Type: Link, Text: "file"},
	})
	listener, err := net.Listen("unix", filepath.Join(dir, "socket"))
	must(t, err)
	defer listener.Close() //nolint:errcheck // a test's
	for _, name := range []string{"/big", "/dir", "/fifo", "/link", "/socket", "/missing"} {
		open := openDescriptors(t)
		_, err := f.ReadFile(name, 5)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("ReadFile %s: error %v, want one that names it", name, err)
		}
		if now := openDescriptors(t); now != open {
			t.Errorf("ReadFile %s: %d descriptors open, %d before", name, now, open)
		}
	}
	if data, err := f.ReadFile("/file", 5); err != nil || string(data) != "12345" {
		t.Errorf("ReadFile of as much as allowed: %q, %v", data, err)
	}
}

func TestReadFileDevice(t *testing.T) {
	needRoot(t, "makes a device")
	f, dir := newFS(t)
	if err := unix.Mknod(filepath.Join(dir, "null"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))); err != nil {
		t.Skipf("no devices here: %v", err)
	}
	if _, err := f.ReadFile("/null", 5); err == nil {
		t.Error("a device was read")
	}
}

// TestReadFileHardLink is a user who links root's secret into their own directory.
func TestReadFileHardLink(t *testing.T) {
	needRoot(t, "files of two users")
	f, dir := newFS(t)
	build(t, dir, map[string]entry{
		"etc":        {Type: Directory, Mode: 0o755},
		"etc/secret": {Type: File, Text: "secret"},
		"home":       {Type: Directory, Mode: 0o755},
		"home/moved": {Type: File, Text: "moved"},
		"home/own":   {Type: File, Text: "own"},
	})
	const user = 12345
	links := map[string]string{"etc/same": "etc/secret", "home/hard": "etc/secret", "home/own2": "home/own"}
	for link, name := range links {
		must(t, os.Link(filepath.Join(dir, name), filepath.Join(dir, link)))
	}
	must(t, os.Chown(filepath.Join(dir, "home"), user, user))
	must(t, os.Chown(filepath.Join(dir, "home/own"), user, user))
	for name, want := range map[string]string{
		"/etc/secret": "secret", "/etc/same": "secret", "/home/own": "own", "/home/moved": "moved", "/home/hard": "",
	} {
		data, info, err := f.ReadFileInfo(name, 100)
		if diff := cmp.Diff(want, string(data)); diff != "" {
			t.Errorf("ReadFileInfo %s (-want +got):\n%s", name, diff)
		}
		if (err == nil) != (want != "") {
			t.Errorf("ReadFileInfo %s: error %v", name, err)
		}
		if owner := map[bool]int{true: user}[name == "/home/own"]; err == nil && info.UID != owner {
			t.Errorf("ReadFileInfo %s: owner %d, want %d", name, info.UID, owner)
		}
	}
}

func TestReadDir(t *testing.T) {
	f, dir := newFS(t)
	for _, name := range []string{"b", "a", "new\nline", "c"} {
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	got, err := f.ReadDir("/")
	must(t, err)
	if diff := cmp.Diff([]string{"a", "b", "c", "new\nline"}, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if _, err := f.ReadDir("/a"); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("ReadDir of a file: %v", err)
	}
	if _, err := f.ReadDir("/missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadDir of nothing: %v", err)
	}
}

// TestNoExec compares with what the kernel says of mounts that nearly every machine has.
func TestNoExec(t *testing.T) {
	f := New("/")
	for _, name := range []string{"/", "/proc", "/sys", "/dev/shm", "/tmp"} {
		var st unix.Statfs_t
		if unix.Statfs(name, &st) != nil {
			continue
		}
		if got, err := f.NoExec(name); err != nil || got != (st.Flags&unix.ST_NOEXEC != 0) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := f.NoExec("/missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
}

func TestFreeBytes(t *testing.T) {
	f, dir := newFS(t)
	got, err := f.FreeBytes("/")
	must(t, err)
	var st unix.Statfs_t
	must(t, unix.Statfs(dir, &st))
	if got <= 0 || got > int64(st.Blocks)*st.Frsize {
		t.Errorf("FreeBytes %d of %d", got, int64(st.Blocks)*st.Frsize)
	}
	if _, err := f.FreeBytes("/missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("FreeBytes of nothing: %v", err)
	}
}

// TestDirectoryID: a directory keeps its identity when it is renamed, and another one has another.
func TestDirectoryID(t *testing.T) {
	files, root := newFS(t)
	id := func(name string) string {
		t.Helper()
		info, err := files.Lstat(name)
		if err != nil {
			t.Fatal(err)
		}
		return info.ID
	}
	mkdir := func(name string) {
		if err := os.Mkdir(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	mkdir("a")
	first := id("/a")
	if err := rename(files, "/a", "/b"); err != nil {
		t.Fatal(err)
	}
	if got := id("/b"); got != first || got == "" {
		t.Errorf("renamed: %q, was %q", got, first)
	}
	for range 20 {
		if err := files.Remove("/b"); err != nil {
			t.Fatal(err)
		}
		mkdir("b")
		if got := id("/b"); got == first {
			t.Errorf("another directory has the same identity %q", got)
		}
	}
}

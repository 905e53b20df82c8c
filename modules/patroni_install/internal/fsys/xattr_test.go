package fsys

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// acl lets user 33 read a file of mode 0644: the list as the kernel takes it, a version and then tag,
// rights and id of each entry.
func acl() []byte {
	text := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range []struct {
		tag, rights uint16
		id          uint32
	}{{0x01, 6, ^uint32(0)}, {0x02, 4, 33}, {0x04, 4, ^uint32(0)}, {0x10, 4, ^uint32(0)}, {0x20, 4, ^uint32(0)}} {
		text = binary.LittleEndian.AppendUint16(text, e.tag)
		text = binary.LittleEndian.AppendUint16(text, e.rights)
		text = binary.LittleEndian.AppendUint32(text, e.id)
	}
	return text
}

// TestWriteFileKeepsAttributes, but not if the file becomes another one.
func TestWriteFileKeepsAttributes(t *testing.T) {
	const list, note = "system.posix_acl_access", "user.note"
	for mode, kept := range map[uint32]bool{0o644: true, 0o600: false} {
		root := t.TempDir()
		name := filepath.Join(root, "file")
		if err := os.WriteFile(name, []byte("old"), 0o644); err != nil { //nolint:gosec // as a profile has it
			t.Fatal(err)
		}
		for attribute, value := range map[string][]byte{list: acl(), note: []byte("kept")} {
			if err := unix.Setxattr(name, attribute, value, 0); errors.Is(err, unix.EOPNOTSUPP) {
				t.Skip("this file system has no such attributes")
			} else if err != nil {
				t.Fatal(err)
			}
		}
		attr := Attr{Mode: mode, UID: os.Geteuid(), GID: os.Getegid()}
		if err := New(root).WriteFile("/file", []byte("new"), attr); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 256)
		for attribute, want := range map[string]string{list: string(acl()), note: "kept"} {
			n, err := unix.Getxattr(name, attribute, buffer)
			if has := err == nil && string(buffer[:n]) == want; has != kept {
				t.Errorf("mode %o: %s is %q, %v", mode, attribute, buffer[:max(n, 0)], err)
			}
		}
		info, err := os.Stat(name)
		if err != nil || uint32(info.Mode().Perm()) != mode {
			t.Errorf("mode %v, want %o: %v", info.Mode(), mode, err)
		}
	}
}

// TestAttributes: a file and a directory get just the attributes that were read, whatever they inherited or had.
func TestAttributes(t *testing.T) {
	const list, inherited, note = "system.posix_acl_access", "system.posix_acl_default", "user.note"
	root := t.TempDir()
	f := New(root)
	set := func(name, attribute string, value []byte) {
		t.Helper()
		if err := unix.Setxattr(filepath.Join(root, name), attribute, value, 0); errors.Is(err, unix.EOPNOTSUPP) {
			t.Skip("this file system has no such attributes")
		} else if err != nil {
			t.Fatal(err)
		}
	}
	me := Attr{Mode: 0o755, UID: os.Geteuid(), GID: os.Getegid()}
	must(t, f.Mkdir("/d", me))
	set("d", inherited, acl())
	set("d", note, []byte("kept"))
	want, err := f.Attributes("/d")
	must(t, err)
	if string(want[inherited]) != string(acl()) || string(want[note]) != "kept" {
		t.Fatalf("attributes %q", want)
	}
	set("d", "user.other", []byte("goes"))
	must(t, unix.Removexattr(filepath.Join(root, "d"), note))
	must(t, f.SetAttributes("/d", want))
	me.Mode = 0o640
	must(t, f.WriteFileWith("/d/file", []byte("x"), me, map[string][]byte{note: []byte("mine")}))
	got, err := f.Attributes("/d")
	must(t, err)
	ofFile, err := f.Attributes("/d/file")
	must(t, err)
	delete(ofFile, labelAttr) // of a policy that may be here
	if diff := cmp.Diff([]map[string][]byte{want, {note: []byte("mine")}}, []map[string][]byte{got, ofFile}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, listed := ofFile[list]; listed {
		t.Error("the file has inherited a list")
	}
	if err := f.SetAttributes("/d/file", nil); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("a file is not given attributes in place: %v", err)
	}
}

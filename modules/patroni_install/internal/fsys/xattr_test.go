package fsys

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

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

// TestWriteFileKeepsAttributes, but not where the file becomes another one.
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
		if err := New(root).WriteFile("/file", []byte("new"), Attr{Mode: mode, UID: os.Geteuid(), GID: os.Getegid()}); err != nil {
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

package pkgmgr

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// acl lets user 33 read and change what has it: the list as the kernel takes it, a version and then tag, rights and id
// of each entry.
func acl() string {
	text := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range []struct {
		tag, rights uint16
		id          uint32
	}{{0x01, 7, ^uint32(0)}, {0x02, 6, 33}, {0x04, 5, ^uint32(0)}, {0x10, 7, ^uint32(0)}, {0x20, 0, ^uint32(0)}} {
		text = binary.LittleEndian.AppendUint16(text, e.tag)
		text = binary.LittleEndian.AppendUint16(text, e.rights)
		text = binary.LittleEndian.AppendUint32(text, e.id)
	}
	return string(text)
}

// set gives what lies at a path attributes, or skips the test where the file system knows none.
func (f *fakeHost) set(name string, attributes map[string]string) {
	f.t.Helper()
	for attribute, value := range attributes {
		err := unix.Lsetxattr(filepath.Join(f.root, name), attribute, []byte(value), 0)
		if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EPERM) {
			f.t.Skipf("no attributes here: %s: %v", attribute, err)
		}
		if err != nil {
			f.t.Fatal(err)
		}
	}
}

// tree describes all below a directory: type, mode, owner, content and attributes.
func (f *fakeHost) tree(top string) map[string]string {
	f.t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(filepath.Join(f.root, top), func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(name, &st); err != nil {
			return err
		}
		text, _ := os.ReadFile(name)
		target, _ := os.Readlink(name)
		attributes := ""
		for _, attribute := range []string{"system.posix_acl_access", "system.posix_acl_default", "security.selinux",
			"user.note"} {
			value := make([]byte, 256)
			if n, err := unix.Lgetxattr(name, attribute, value); err == nil {
				attributes += fmt.Sprintf(" %s=%q", attribute, value[:n])
			}
		}
		found[name[len(f.root):]] = fmt.Sprintf("%o %d:%d %q %s%s", st.Mode, st.Uid, st.Gid, text, target, attributes)
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return found
}

// TestPutBackIsWhole: a file comes back with its owner, mode, access control list, label and attributes, and so do its
// directory and a link, also when an error or a crash cuts that short at any point.
func TestPutBackIsWhole(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	const label = "system_u:object_r:etc_t:s0\x00"
	prepare := func() *fakeHost {
		f := newHost(t, "")
		f.write("/etc/x/plain.conf", "plain")
		f.write("/etc/x/listed.conf", "listed")
		f.write("/etc/x/changed.conf", "changed")
		f.write("/srv/behind.conf", "behind")
		for name, mode := range map[string]os.FileMode{"etc/x/listed.conf": 0o670, "etc/x": 0o2750,
			"srv/behind.conf": 0o600} {
			owner := map[bool]int{true: 0, false: 33}[name == "etc/x"] // links are followed in directories of root's alone
			name = filepath.Join(f.root, name)
			if err := errors.Join(os.Chown(name, owner, 34),
				os.Chmod(name, mode&0o777|map[bool]os.FileMode{true: os.ModeSetgid}[mode&0o2000 != 0])); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink("../../srv/behind.conf", filepath.Join(f.root, "etc/x/link.conf")); err != nil {
			t.Fatal(err)
		}
		if err := os.Lchown(filepath.Join(f.root, "etc/x/link.conf"), 33, 34); err != nil {
			t.Fatal(err)
		}
		f.set("/etc/x/listed.conf", map[string]string{"system.posix_acl_access": acl(), "security.selinux": label,
			"user.note": "mine"})
		f.set("/etc/x/link.conf", map[string]string{"security.selinux": label})
		f.set("/etc/x", map[string]string{"system.posix_acl_default": acl(), "user.note": "ours"})
		f.set("/srv/behind.conf", map[string]string{"user.note": "behind"})
		return f
	}
	names := []string{"/etc/x/plain.conf", "/etc/x/listed.conf", "/etc/x/changed.conf", "/etc/x/link.conf",
		"/etc/x/none.conf"}
	for kind, damage := range map[string]func(f *fakeHost) error{
		"all gone": func(f *fakeHost) error {
			return errors.Join(os.RemoveAll(filepath.Join(f.root, "etc/x")), os.Remove(filepath.Join(f.root, "srv/behind.conf")))
		},
		"of a package": func(f *fakeHost) error {
			dir := filepath.Join(f.root, "etc/x")
			for _, name := range names { // rpm puts the link aside; all have the package's attributes
				if err := os.Remove(filepath.Join(f.root, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
				f.write(name, "the package's")
			}
			return errors.Join(unix.Removexattr(dir, "user.note"), unix.Removexattr(dir, "system.posix_acl_default"),
				os.Chown(dir, 0, 0), os.Chmod(dir, 0o755))
		},
		"the attributes alone": func(f *fakeHost) error {
			name := filepath.Join(f.root, "etc/x/listed.conf")
			return errors.Join(unix.Removexattr(name, "system.posix_acl_access"),
				unix.Setxattr(name, "user.note", []byte("theirs"), 0), os.Chmod(name, 0o670))
		},
		"what the link leads to": func(f *fakeHost) error { return os.Remove(filepath.Join(f.root, "srv/behind.conf")) }, // as dpkg's purge does
	} {
		t.Run(kind, func(t *testing.T) {
			for n, done := 1, false; !done; n++ {
				f := prepare()
				want := f.tree("/")
				var b before
				if err := b.keep(f.apt.Host.FS, names, besideConffiles()); err != nil {
					t.Fatal(err)
				}
				if err := writeBefore(f.apt.Host.FS, "/", []before{b}); err != nil {
					t.Fatal(err)
				}
				kept, _, err := readBefore(f.apt.Host.FS, "/")
				if err = errors.Join(err, os.Remove(filepath.Join(f.root, beforeFile)), damage(f)); err != nil {
					t.Fatal(err)
				}
				count := 0
				f.apt.Host.FS.Fault = func(string, string) error {
					if count++; count == n {
						return errors.New("cut short")
					}
					return nil
				}
				done = putBack(f.apt.Host.FS, kept, nil) == nil
				f.apt.Host.FS.Fault = nil
				if err := putBack(f.apt.Host.FS, kept, nil); err != nil {
					t.Fatal(err)
				}
				diff(t, fmt.Sprintf("cut short at %d", n), want, f.tree("/"))
				if n > 200 {
					t.Fatal("it does not come to an end")
				}
			}
		})
	}
}

// TestPutBackLeavesOthers: what has become something else by now is somebody's.
func TestPutBackLeavesOthers(t *testing.T) {
	f := newHost(t, "")
	f.write("/etc/x/a.conf", "a")
	var b before
	if err := b.keep(f.apt.Host.FS, []string{"/etc/x/a.conf", "/etc/x/b.conf"}, beside{}); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a.conf", filepath.Join(f.root, "etc/x/b.conf")); err != nil {
		t.Fatal(err)
	}
	want := f.tree("/etc")
	if err := b.putBack(fsys.New(f.root)); err != nil {
		t.Fatal(err)
	}
	diff(t, "left alone", want, f.tree("/etc"))
}

// TestPutBackPassesOver what is kept, whatever its version by now, but not the same package of another architecture.
func TestPutBackPassesOver(t *testing.T) {
	lib := Package{"lib", "1", "amd64"}
	for name, c := range map[string]struct {
		kept []Package
		want string
	}{
		"nothing is kept":         {nil, "before"},
		"it is kept":              {[]Package{lib}, "the package's"},
		"another version is kept": {[]Package{{"lib", "2", "amd64"}}, "the package's"},
		"another architecture":    {[]Package{{"lib", "1", "i386"}}, "before"},
		"another package":         {[]Package{{"libx", "1", "amd64"}}, "before"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newHost(t, "")
			f.write("/etc/lib.conf", "before")
			b := before{Package: lib}
			if err := b.keep(f.apt.Host.FS, []string{"/etc/lib.conf"}, beside{}); err != nil {
				t.Fatal(err)
			}
			f.write("/etc/lib.conf", "the package's")
			if err := putBack(f.apt.Host.FS, []before{b}, c.kept); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(f.root, "etc/lib.conf"))
			if err != nil || string(text) != c.want {
				t.Errorf("it is %q, %v, want %q", text, err, c.want)
			}
		})
	}
}

// TestNothingIsRemovedUnread: without what was there before, nobody knows what may be purged.
func TestNothingIsRemovedUnread(t *testing.T) {
	pipx, _, _ := pipxSet()
	for name, remove := range map[string]func(f *fakeHost) ([]Package, error){
		"apt": func(f *fakeHost) ([]Package, error) { return f.apt.Remove(f.t.Context(), []Package{pipx}, "/priv") },
		"dnf": func(f *fakeHost) ([]Package, error) { return f.dnf().Remove(f.t.Context(), []Package{pipx}, "/priv") },
	} {
		t.Run(name, func(t *testing.T) {
			f := newHost(t, entry(pipx, "install ok installed"))
			f.write("/priv/"+beforeFile, `[{"package": {"name": "pi`)
			_, err := remove(f)
			if err == nil || !strings.Contains(err.Error(), "cannot read what was there of the packages before") {
				t.Errorf("got error %v", err)
			}
			f.expect()
		})
	}
}

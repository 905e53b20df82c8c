package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// TestHolderOnSubvolume has a file system such as btrfs, whose files have another device than
// the one in /proc/locks: that one is in mountinfo.
func TestHolderOnSubvolume(t *testing.T) {
	const lock = "1: POSIX  ADVISORY  WRITE 77 %s:%d 0 EOF\n"
	const mount = "ID 1 0:431 / / rw - btrfs /dev/vda rw\n"
	for name, tt := range map[string]struct {
		locked string // device in /proc/locks
		mounts string // ID is the file's mount
		want   string
	}{
		"its mount":           {"00:1af", mount, "process 77"},
		"among others":        {"00:1af", "9999999 1 0:5 / /x rw\n" + mount, "process 77"},
		"another file system": {"00:1ae", mount, ""},
		"mount not listed":    {"00:1af", "9999999 1 0:431 / / rw\n", ""},
		"short and odd lines": {"00:1af", "\nID\nID 1 x\nID 1 x:1\nID 1 1:x\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h, _, dir := newHost(t, map[string]string{"var/lock": "", "proc/77/cmdline": ""})
			var st unix.Statx_t
			must(t, unix.Statx(unix.AT_FDCWD, filepath.Join(dir, "var/lock"), 0, unix.STATX_INO|unix.STATX_MNT_ID, &st))
			proc := filepath.Join(dir, "proc")
			self := filepath.Join(proc, fmt.Sprint(os.Getpid()))
			must(t, os.Mkdir(self, 0o755))
			mounts := strings.ReplaceAll(tt.mounts, "ID", fmt.Sprint(st.Mnt_id))
			must(t, os.WriteFile(filepath.Join(self, "mountinfo"), []byte(mounts), 0o600))
			must(t, os.WriteFile(filepath.Join(proc, "locks"), fmt.Appendf(nil, lock, tt.locked, st.Ino), 0o600))
			if diff := cmp.Diff(tt.want, h.Holder("/var/lock")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestMountPoint: the innermost mount counts, also for what is not there yet.
func TestMountPoint(t *testing.T) {
	h, _, dir := newHost(t, map[string]string{"home/pg/x": "", "srv/a b/x": "", "home2/x": ""})
	self := filepath.Join(dir, "proc", fmt.Sprint(os.Getpid()))
	must(t, os.MkdirAll(self, 0o755))
	must(t, os.Symlink("home", filepath.Join(dir, "link")))
	mounts := "1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 8:2 / /home rw - ext4 /dev/sdb rw\n" +
		"3 2 8:3 /a /home/pg rw - ext4 /dev/sdc rw\n4 1 8:4 / /srv/a\\040b rw - ext4 /dev/sdd rw\nodd\n"
	must(t, os.WriteFile(filepath.Join(self, "mountinfo"), []byte(mounts), 0o600))
	for name, want := range map[string]string{
		"/": "", "/etc/none": "", "/home": "/home", "/home2": "", "/home/other": "/home", "/home/pg": "/home/pg",
		"/home/pg/none/none": "/home/pg", "/link/pg": "/home/pg", "/srv/a b": "/srv/a b", "/srv": "",
	} {
		if got := h.MountPoint(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	must(t, os.Remove(filepath.Join(self, "mountinfo")))
	if got := h.MountPoint("/home"); got != "" {
		t.Errorf("nobody knows, and it is %q", got)
	}
}

package install

import (
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBrokenDiskIsExplained: at whatever path a disk fails, the message names the path, how the host
// was left, and what to do.
func TestBrokenDiskIsExplained(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{
		syscall.ENOSPC: "df -i", syscall.EDQUOT: "quota", syscall.EROFS: "writable", syscall.EIO: "journalctl -k",
		syscall.EPERM: "lsattr", syscall.EBUSY: "findmnt",
	} {
		for _, at := range []string{unitFile, home + "/.bashrc", StateDir + "/journal.json", "/etc/patroni"} {
			m := newMachine(t)
			before := m.state()
			m.fault = func(kind, object string) error {
				if object == at && (kind == "write" || kind == "mkdir") {
					return errno
				}
				return nil
			}
			_, err := m.installer(`{}`).Run(t.Context())
			m.fault = nil
			for _, part := range []string{at, want, "run this again"} {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%v at %s: message %v lacks %q", errno, at, err, part)
				}
			}
			if diff := cmp.Diff(before, m.state()); diff != "" {
				t.Errorf("%v at %s (-before +after):\n%s", errno, at, diff)
			}
		}
	}
}

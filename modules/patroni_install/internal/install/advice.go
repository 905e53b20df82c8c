package install

import (
	"cmp"
	"errors"
	"fmt"
	"syscall"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/mountns"
)

// advise adds what to do about an error of a disk, which the error names with its path, or about a file that somebody
// holds.
func (i *Installer) advise(err error) error {
	if _, forbidden := errors.AsType[*mountns.ForbiddenError](err); forbidden || errors.Is(err, host.ErrKeyring) {
		return err // whose ENOSPC and EDQUOT are limits of the kernel's
	}
	if held, ok := errors.AsType[*fsys.LeaseError](err); ok {
		holder := cmp.Or(i.Host.Holder(held.Path), "a process (see /proc/locks)")
		return fmt.Errorf("%w; %s holds the lease on %s: end it and run this again", err, holder, held.Path)
	}
	for _, known := range []struct {
		errno syscall.Errno
		text  string
	}{
		{syscall.EIO, "the disk does not work (journalctl -k tells what it said): check it and its file system, and run " +
			"this again"},
		{syscall.EROFS, "mount the file system writable (journalctl -k tells why, if nobody did it on purpose) and run " +
			"this again"},
		{syscall.ENOSPC, "make room on the file system of this path (df -h and df -i show what is used up) and run this " +
			"again"},
		{syscall.EPERM, "something forbids that to root too, such as an immutable file (lsattr shows it, chattr -i takes " +
			"it away): see to it and run this again"},
		{syscall.EBUSY, "something is mounted there (findmnt shows it): unmount it and run this again"},
		{syscall.EDQUOT, "raise the disk quota of the path's owner and run this again"},
	} {
		if errors.Is(err, known.errno) {
			return fmt.Errorf("%w; %s", err, known.text)
		}
	}
	return err
}

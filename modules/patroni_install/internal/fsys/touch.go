package fsys

import (
	"time"

	"golang.org/x/sys/unix"
)

// Touch gives a regular file the present as its time. That is not made durable.
func (f *FS) Touch(name string) error {
	d, base, err := f.parent(name)
	if err != nil {
		return err
	}
	defer d.close()
	if err := f.Announce("touch", name); err != nil {
		return pathError("touch", name, err)
	}
	file, _, err := f.openRegular(d.fd, base, name)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // nothing was written
	now := unix.NsecToTimeval(time.Now().UnixNano())
	return pathError("touch", name, unix.Futimes(int(file.Fd()), []unix.Timeval{now, now}))
}

package fsys

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Sweep removes the temporary entry that an interrupted WriteFile or Symlink of name left beside
// it. A directory of that name is somebody else's and stays.
func (f *FS) Sweep(name string) error {
	d, base, err := f.parent(name)
	if err != nil {
		return unlessGone(err)
	}
	defer d.close()
	err = unix.Unlinkat(d.fd, base+TempSuffix, 0)
	if errors.Is(err, unix.EISDIR) {
		return nil
	}
	if err != nil {
		return unlessGone(pathError("remove", name+TempSuffix, err))
	}
	return f.syncDir(d)
}

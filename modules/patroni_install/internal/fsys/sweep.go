package fsys

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// Sweep removes the temporary entry that an interrupted WriteFile or Symlink of name left beside it.
func (f *FS) Sweep(name string) error {
	d, base, err := f.parent(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.close()
	err = unix.Unlinkat(d.fd, base+TempSuffix, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return pathError("remove", name+TempSuffix, err)
	}
	return f.syncDir(d)
}

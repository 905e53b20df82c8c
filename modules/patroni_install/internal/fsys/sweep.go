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
	// Look first: on a read-only file system nothing can be removed, not even a missing entry.
	found, err := statAt(d.fd, base+TempSuffix)
	if errors.Is(err, unix.ENAMETOOLONG) {
		return nil // there cannot be one
	}
	if err == nil && found.Type != Directory {
		err = unix.Unlinkat(d.fd, base+TempSuffix, 0)
	}
	if err != nil {
		return unlessGone(pathError("remove", name+TempSuffix, err))
	}
	if found.Type == Directory {
		return nil
	}
	return f.syncDir(d)
}

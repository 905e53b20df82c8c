package fsys

import (
	"errors"
	"io"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// removeBatch is how many names are read at once from a directory that is emptied.
const removeBatch = 1024

// removePasses limits how often a directory is emptied if somebody else keeps writing into it.
const removePasses = 3

// Remove removes a file, a link or an empty directory, and what an interrupted WriteFile or Symlink of the same name
// left beside it. It is no error if they are already gone.
func (f *FS) Remove(name string) error {
	return f.remove("unlink", name, func(d dir, base string) error {
		_ = unix.Unlinkat(d.fd, base+TempSuffix, 0)
		err := unix.Unlinkat(d.fd, base, 0)
		if errors.Is(err, unix.EISDIR) {
			err = unix.Unlinkat(d.fd, base, unix.AT_REMOVEDIR)
		}
		return err
	})
}

// RemoveAll removes name and everything below it, links as links. It crosses no mount: a mount point inside is an
// error (EBUSY). It is no error if name is already gone.
func (f *FS) RemoveAll(name string) error {
	info, err := f.Lstat(name)
	if err != nil {
		return unlessGone(err)
	}
	if info.Type != Directory {
		return f.Remove(name)
	}
	return f.remove("removeall", name, func(d dir, base string) error {
		return removeEntry(d.fd, base, name, 0)
	})
}

// Check decides on an open directory. It gets the directory's description, and may walk everything below it.
type Check func(found Info, walk func(Visit) error) error

// RemoveTree removes directory name and everything below it, as RemoveAll does, if check allows it. It empties the
// directory that check saw, whatever gets its name meanwhile.
func (f *FS) RemoveTree(name string, check Check) error {
	d, base, err := f.parent(name)
	if err != nil {
		return unlessGone(err)
	}
	defer d.close()
	if err := f.Announce("removeall", name); err != nil {
		return pathError("remove", name, err)
	}
	top, err := openSub(d.fd, base, name)
	if err != nil {
		return unlessGone(err)
	}
	defer top.Close() //nolint:errcheck // it is gone
	found, err := describe(d, top)
	if err == nil {
		err = check(found, func(visit Visit) error { return walkAgain(top, visit) })
	}
	if err != nil {
		return err
	}
	if err := removeOpen(d, base, top); err != nil {
		return pathError("remove", name, err)
	}
	return f.syncDir(d)
}

// removeOpen removes directory top, which is base of d. It is entered only if rmdir finds it not empty, as in
// removeEntry. If somebody moved it away meanwhile, that directory is emptied.
func removeOpen(d dir, base string, top *os.File) error {
	for range removePasses {
		err := unix.Unlinkat(d.fd, base, unix.AT_REMOVEDIR)
		if !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, unix.EEXIST) {
			return unlessGone(err)
		}
		if err := emptySub(int(top.Fd()), ".", top.Name(), 0); err != nil {
			return err
		}
	}
	return unlessGone(unix.Unlinkat(d.fd, base, unix.AT_REMOVEDIR))
}

// remove announces a removal, lets do remove, and makes that durable.
func (f *FS) remove(kind, name string, do func(d dir, base string) error) error {
	d, base, err := f.parent(name)
	if err != nil {
		return unlessGone(err)
	}
	defer d.close()
	if err = f.Announce(kind, name); err == nil {
		err = unlessGone(do(d, base))
	}
	if err != nil {
		return pathError("remove", name, err)
	}
	return f.syncDir(d)
}

// removeEntry removes base, whose path is name, from directory fd. Only a directory that rmdir
// finds not empty is entered: for a mount point, bind mounts too, rmdir says EBUSY.
func removeEntry(fd int, base, name string, depth int) error {
	err := unix.Unlinkat(fd, base, 0)
	if !errors.Is(err, unix.EISDIR) {
		return unlessGone(pathError("remove", name, err))
	}
	for range removePasses {
		err = unix.Unlinkat(fd, base, unix.AT_REMOVEDIR)
		if !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, unix.EEXIST) {
			break
		}
		if err := emptySub(fd, base, name, depth); err != nil {
			return err
		}
		err = unix.Unlinkat(fd, base, unix.AT_REMOVEDIR)
	}
	return unlessGone(pathError("remove", name, err))
}

func emptySub(fd int, base, name string, depth int) error {
	sub, err := openSub(fd, base, name)
	if err != nil {
		return unlessGone(err)
	}
	return errors.Join(empty(sub, depth+1), sub.Close())
}

// empty removes the entries of a directory.
func empty(in *os.File, depth int) error {
	if depth > maxRemoved {
		return tooDeep("remove", in, maxRemoved)
	}
	for {
		names, err := in.Readdirnames(removeBatch)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unlessGone(err)
		}
		for _, name := range names {
			if err := removeEntry(int(in.Fd()), name, path.Join(in.Name(), name), depth); err != nil {
				return err
			}
		}
	}
}

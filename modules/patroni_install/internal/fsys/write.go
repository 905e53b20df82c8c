package fsys

import (
	"errors"
	"io"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// ErrSwapped reports an entry that is not what we made or looked at a moment ago.
var ErrSwapped = errors.New("somebody replaced it meanwhile")

// WriteFile makes name a regular file with this content and these attributes, whatever was
// there before except a directory. A file of the same owner and mode keeps its access control list.
func (f *FS) WriteFile(name string, data []byte, attr Attr) error {
	return f.writeFile(name, data, attr, func(d dir, file *os.File) error { return f.keepAttributes(d, path.Base(name), file, attr) })
}

// WriteFileWith is WriteFile with these extended attributes, as Attributes returns them, and no others.
func (f *FS) WriteFileWith(name string, data []byte, attr Attr, attributes map[string][]byte) error {
	return f.writeFile(name, data, attr, func(_ dir, file *os.File) error { return onlyAttributes(file, attributes) })
}

// writeFile writes a file. more is what else the new one gets.
func (f *FS) writeFile(name string, data []byte, attr Attr, more func(d dir, file *os.File) error) error {
	return f.replace(name, func(d dir, temp string) error {
		fd, err := openat(d.fd, temp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return pathError("create", path.Join(d.path, temp), err)
		}
		file := os.NewFile(uintptr(fd), name)
		err = f.fill(file, data, attr, func() error { return more(d, file) })
		return errors.Join(err, file.Close())
	})
}

// fill writes and syncs a new file. more is what else it gets.
func (f *FS) fill(file *os.File, data []byte, attr Attr, more func() error) error {
	if err := f.Announce("write", file.Name()); err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	if err := setAttr(int(file.Fd()), attr); err != nil {
		return err
	}
	if err := more(); err != nil {
		return err
	}
	if err := f.Announce("fsync", file.Name()); err != nil {
		return err
	}
	return f.Sync(file)
}

// Symlink makes name a symbolic link to target, whatever was there before except a directory.
func (f *FS) Symlink(name, target string, uid, gid int) error {
	return f.LabelledSymlink(name, target, uid, gid, "")
}

// LabelledSymlink is Symlink with SELinux's label of the link, which it has before it is seen; "" leaves that to the
// policy.
func (f *FS) LabelledSymlink(name, target string, uid, gid int, label string) error {
	return f.replace(name, func(d dir, temp string) error {
		if err := f.Announce("symlink", name); err != nil {
			return err
		}
		link, err := f.makeLink(d, temp, target, uid, gid)
		if err != nil {
			return err
		}
		defer link.close()
		if label == "" {
			return nil
		}
		return pathError("label", name, unix.Setxattr(opened(link.fd), labelAttr, labelValue(label), 0))
	})
}

// makeLink makes a link in d and returns it open. Who may write in d could exchange it before it
// has its owner: only the link itself is given away.
func (f *FS) makeLink(d dir, base, target string, uid, gid int) (dir, error) {
	name := path.Join(d.path, base)
	if err := unix.Symlinkat(target, d.fd, base); err != nil {
		return dir{}, pathError("symlink", name, err)
	}
	link, err := openEntry(d, base)
	if err != nil {
		return dir{}, err
	}
	st, err := link.stat()
	if err == nil && (st.Mode&unix.S_IFMT != unix.S_IFLNK || st.Uid != f.uid) {
		err = ErrSwapped
	}
	if err == nil {
		err = unix.Fchownat(link.fd, "", uid, gid, unix.AT_EMPTY_PATH)
	}
	if err != nil {
		link.close()
		return dir{}, pathError("chown", name, err)
	}
	return link, nil
}

// replace lets create make a temporary entry beside name and renames it over name.
func (f *FS) replace(name string, create func(d dir, temp string) error) error {
	d, base, err := f.parent(name)
	if err != nil {
		return err
	}
	defer d.close()
	temp := base + TempSuffix
	_ = unix.Unlinkat(d.fd, temp, 0) // a leftover of an interrupted run
	if err = create(d, temp); err == nil {
		err = f.Announce("rename", name)
	}
	if err == nil {
		err = unix.Renameat(d.fd, temp, d.fd, base)
	}
	if err != nil {
		_ = unix.Unlinkat(d.fd, temp, 0)
		return pathError("write", name, err)
	}
	return f.syncDir(d)
}

// Mkdir makes directory name with exactly these attributes; its parent must exist.
func (f *FS) Mkdir(name string, attr Attr) error {
	_, err := f.MkdirID(name, attr)
	return err
}

// MkdirID is Mkdir that returns the ID of the very directory that it made.
func (f *FS) MkdirID(name string, attr Attr) (string, error) {
	d, base, err := f.parent(name)
	if err != nil {
		return "", err
	}
	defer d.close()
	made, err := f.makeDir(d, base, name, attr)
	if err != nil {
		return "", err
	}
	info, err := describe(d, made)
	return info.ID, errors.Join(err, made.Close(), f.syncDir(d))
}

// makeDir makes a synced directory with these attributes and returns it open, or leaves nothing.
func (f *FS) makeDir(d dir, base, name string, attr Attr) (*os.File, error) {
	if err := f.Announce("mkdir", name); err != nil {
		return nil, pathError("mkdir", name, err)
	}
	if err := unix.Mkdirat(d.fd, base, 0o700); err != nil {
		return nil, pathError("mkdir", name, err)
	}
	made, err := openSub(d.fd, base, name)
	if err == nil {
		err = f.checkNew(d, made)
		if err == nil {
			err = f.Announce("chmod", name) // it is seen already, and has not its attributes yet
		}
		if err == nil {
			err = f.setDirAttr(made, attr)
		}
		if err == nil {
			return made, nil
		}
		_ = made.Close()
	}
	// Removes nothing else: a directory that holds anything stays.
	_ = unix.Unlinkat(d.fd, base, unix.AT_REMOVEDIR)
	return nil, pathError("mkdir", name, err)
}

// checkNew makes sure that a directory is the one just made in d, and not one of root's that the
// owner of d renamed into its place to have it given to them. Where nobody can do that, another
// run of ours may have filled the new directory already.
func (f *FS) checkNew(d dir, made *os.File) error {
	in, err := d.stat()
	if err != nil || f.trusts(&in) {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(made.Fd()), &st); err != nil {
		return err
	}
	if _, err := made.Readdirnames(1); st.Uid != f.uid || !errors.Is(err, io.EOF) {
		return ErrSwapped
	}
	return nil
}

// SetAttr gives directory name, as Lstat described it, these attributes. Who may write in the
// directory above could exchange it for one of root's since, to have that given to them.
func (f *FS) SetAttr(name string, seen Info, attr Attr) error {
	d, base, err := f.parent(name)
	if err != nil {
		return err
	}
	defer d.close()
	if err := f.Announce("chmod", name); err != nil {
		return pathError("chmod", name, err)
	}
	file, err := openSub(d.fd, base, name)
	if err != nil {
		return err
	}
	found, err := describe(d, file)
	if err == nil && (found.ID != seen.ID || found.Attr != seen.Attr) {
		err = ErrSwapped
	}
	if err == nil {
		err = f.setDirAttr(file, attr)
	}
	return pathError("chmod", name, errors.Join(err, file.Close()))
}

func (f *FS) setDirAttr(file *os.File, attr Attr) error {
	if err := setAttr(int(file.Fd()), attr); err != nil {
		return err
	}
	if err := f.Announce("fsync", file.Name()); err != nil {
		return err
	}
	return f.syncFile(file, true)
}

// setAttr changes the owner before the mode, since chown clears set-id bits.
func setAttr(fd int, attr Attr) error {
	if err := unix.Fchown(fd, attr.UID, attr.GID); err != nil {
		return err
	}
	return unix.Fchmod(fd, attr.Mode)
}

// Entry is a file or a directory as Lstat described it.
type Entry struct{ Path, ID string }

// Rename moves from to to, where nothing may be (fs.ErrExist otherwise). Both lie on one mount. Who may
// write in the directory of from could put one of root's there first, to have that moved away: what
// turns out to be something else is moved back ([ErrSwapped]).
func (f *FS) Rename(from Entry, to string) error {
	return f.rename(from, Entry{Path: to}, unix.RENAME_NOREPLACE)
}

// Exchange swaps two entries. Both lie on one mount. It is taken back as a Rename is.
func (f *FS) Exchange(from, to Entry) error { return f.rename(from, to, unix.RENAME_EXCHANGE) }

func (f *FS) rename(from, to Entry, flags uint) error {
	df, bf, err := f.parent(from.Path)
	if err != nil {
		return err
	}
	defer df.close()
	dt, bt, err := f.parent(to.Path)
	if err != nil {
		return err
	}
	defer dt.close()
	if err = f.Announce("rename", to.Path); err == nil {
		err = unix.Renameat2(df.fd, bf, dt.fd, bt, flags)
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from.Path, New: to.Path, Err: err}
	}
	if idAt(dt, bt) != from.ID || flags == unix.RENAME_EXCHANGE && idAt(df, bf) != to.ID {
		if err = f.Announce("rename", from.Path); err == nil {
			err = unix.Renameat2(dt.fd, bt, df.fd, bf, flags)
		}
		err = &os.LinkError{Op: "rename", Old: from.Path, New: to.Path, Err: errors.Join(ErrSwapped, err)}
	}
	return errors.Join(err, f.syncRename(df, dt))
}

// idAt is the ID of what is called base in d, "" where nothing is that has one.
func idAt(d dir, base string) string {
	info, err := lookAt(d, base)
	if err != nil {
		return ""
	}
	return info.ID
}

// syncRename makes a rename from one directory to another durable.
func (f *FS) syncRename(df, dt dir) error {
	if dt.path == df.path {
		return f.syncDir(dt)
	}
	return errors.Join(f.syncDir(dt), f.syncDir(df))
}

// syncDir makes the entries of a directory durable.
func (f *FS) syncDir(d dir) error {
	if err := f.Announce("fsyncdir", d.path); err != nil {
		return pathError("fsync", d.path, err)
	}
	file, err := reopen(d.fd, d.path)
	if err != nil {
		return err
	}
	return errors.Join(f.syncFile(file, true), file.Close())
}

// syncFile syncs a file or directory. Some file systems know no fsync for directories (EINVAL):
// they keep names by themselves.
func (f *FS) syncFile(file *os.File, directory bool) error {
	err := f.Sync(file)
	if directory && errors.Is(err, unix.EINVAL) {
		return nil
	}
	return err
}

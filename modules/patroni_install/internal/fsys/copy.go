package fsys

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

// maxCopied limits the files of a copied tree, in bytes: its owner may have put a huge sparse file there.
const maxCopied = 4 << 30

// CopyTree copies directory from to to, which must not exist, with owners, modes, times and links, and makes the copy
// durable. It refuses special files, mounts inside, and a tree that is too large. Until it is complete, only we can
// enter the copy. After an error an incomplete copy may stay.
func (f *FS) CopyTree(from, to string) error {
	src, err := f.OpenDir(from)
	if err != nil {
		return err
	}
	defer src.Close() //nolint:errcheck // read only
	d, base, err := f.parent(to)
	if err != nil {
		return err
	}
	defer d.close()
	private := Attr{Mode: 0o700, UID: os.Geteuid(), GID: os.Getegid()}
	dst, err := f.makeDir(d, base, to, private)
	if err != nil {
		return err
	}
	defer dst.Close() //nolint:errcheck // synced below
	var st unix.Stat_t
	if err := unix.Fstat(int(src.Fd()), &st); err != nil {
		return pathError("stat", from, err)
	}
	c := copier{fs: f, dev: st.Dev, room: maxCopied}
	if err := c.fill(dst, src, infoOf(&st), 0); err != nil {
		return err
	}
	return errors.Join(f.syncTree(dst), f.syncDir(d))
}

// copier copies one tree, from descriptor to descriptor: no path is resolved on the way.
type copier struct {
	fs   *FS
	dev  uint64 // of the tree that is copied
	room int64  // bytes that may be copied yet
}

// fill copies src, a directory that info describes, into the empty directory dst. Times and attributes come last,
// since filling changes the times and needs other attributes.
func (c *copier) fill(dst, src *os.File, info Info, depth int) error {
	if depth > maxDepth {
		return tooDeep("copy", src, maxDepth)
	}
	names, err := entryNames(src)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := c.entry(dst, src, name, depth); err != nil {
			return err
		}
	}
	return finish(dst, info)
}

func (c *copier) entry(dst, src *os.File, base string, depth int) error {
	name := path.Join(src.Name(), base)
	info, err := statAt(int(src.Fd()), base)
	if err != nil {
		return unlessGone(pathError("stat", name, err))
	}
	switch {
	case info.Type == Link:
		return c.link(dst, base, info)
	case info.Type == File:
		return c.file(dst, src, base)
	case info.Type == Directory && info.Dev == c.dev:
		return c.directory(dst, src, base, depth)
	case info.Type == Directory:
		return pathError("copy", name, unix.EXDEV)
	}
	return pathError("copy", name, fmt.Errorf("it is a %s", info.Type))
}

func (c *copier) link(dst *os.File, base string, info Info) error {
	d := dir{fd: int(dst.Fd()), path: dst.Name()}
	link, err := c.fs.makeLink(d, base, info.Target, info.UID, info.GID)
	if err != nil {
		return err
	}
	defer link.close()
	return pathError("copy", link.path, setTimes(link.fd, info.MTime))
}

func (c *copier) directory(dst, src *os.File, base string, depth int) error {
	from, err := openSub(int(src.Fd()), base, path.Join(src.Name(), base))
	if err != nil {
		return unlessGone(err)
	}
	defer from.Close() //nolint:errcheck // read only
	// The entry may have been exchanged since it was described: the attributes to copy are those of the copied file.
	var st unix.Stat_t
	if err := unix.Fstat(int(from.Fd()), &st); err != nil {
		return pathError("stat", from.Name(), err)
	}
	name := path.Join(dst.Name(), base)
	if err := unix.Mkdirat(int(dst.Fd()), base, 0o700); err != nil {
		return pathError("mkdir", name, err)
	}
	to, err := openSub(int(dst.Fd()), base, name)
	if err != nil {
		return err
	}
	return errors.Join(c.fill(to, from, infoOf(&st), depth+1), to.Close())
}

func (c *copier) file(dst, src *os.File, base string) error {
	from, info, err := c.fs.openRegular(int(src.Fd()), base, path.Join(src.Name(), base))
	if err != nil {
		return unlessGone(err)
	}
	defer from.Close() //nolint:errcheck // read only
	if info.Size > c.room {
		return tooLarge(from)
	}
	name := path.Join(dst.Name(), base)
	fd, err := openat(int(dst.Fd()), base, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return pathError("create", name, err)
	}
	to := os.NewFile(uintptr(fd), name)
	copied, err := io.Copy(to, io.LimitReader(from, c.room+1)) // it may grow meanwhile
	if c.room -= copied; c.room < 0 {
		err = errors.Join(err, tooLarge(from))
	}
	if err == nil {
		err = finish(to, info)
	}
	return pathError("copy", name, errors.Join(err, to.Close()))
}

func tooLarge(file *os.File) error {
	return pathError("copy", file.Name(), fmt.Errorf("the tree has more than %d bytes", int64(maxCopied)))
}

// finish gives a copy the attributes and the time of its original.
func finish(file *os.File, info Info) error {
	err := setAttr(int(file.Fd()), info.Attr)
	if err == nil {
		err = setTimes(int(file.Fd()), info.MTime)
	}
	return pathError("copy", file.Name(), err)
}

// setTimes sets the times of the entry that a descriptor, also an O_PATH one, is open on.
func setTimes(fd int, mtime time.Time) error {
	at := unix.NsecToTimespec(mtime.UnixNano())
	// Linux before 5.8 knows no AT_EMPTY_PATH here.
	return unix.UtimesNanoAt(unix.AT_FDCWD, opened(fd), []unix.Timespec{at, at}, 0)
}

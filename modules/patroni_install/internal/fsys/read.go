package fsys

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

// Type is the kind of a directory entry.
type Type string

// The kinds told apart; Other is a device, a FIFO or a socket.
const (
	File      Type = "file"
	Directory Type = "directory"
	Link      Type = "link"
	Other     Type = "special file"
)

// Attr is the owner of an entry and its permission bits (07777).
type Attr struct {
	Mode uint32 `json:"mode"`
	UID  int    `json:"uid"`
	GID  int    `json:"gid"`
}

// String renders an Attr as numbers, e.g. "0644 0:0".
func (a Attr) String() string { return fmt.Sprintf("%04o %d:%d", a.Mode, a.UID, a.GID) }

// Info describes one entry, never the target of a link.
type Info struct {
	Attr

	Type   Type
	Size   int64
	MTime  time.Time
	CTime  time.Time // of the last change of content or attributes, which nobody can set
	Dev    uint64
	Ino    uint64
	ID     string // of a directory or a file; see identity
	Target string // of a link
}

// Lstat describes name itself. The error is fs.ErrNotExist when nothing is there.
func (f *FS) Lstat(name string) (Info, error) {
	if path.Clean(name) == "/" {
		d, err := f.openDir("/")
		if err != nil {
			return Info{}, err
		}
		defer d.close()
		return statAt(d.fd, ".")
	}
	d, base, err := f.parent(name)
	if err != nil {
		return Info{}, err
	}
	defer d.close()
	info, err := lookAt(d, base)
	if err != nil {
		return Info{}, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return info, nil
}

// lookAt describes the entry base of d.
func lookAt(d dir, base string) (Info, error) {
	info, err := statAt(d.fd, base)
	if err == nil && (info.Type == Directory || info.Type == File) {
		info.ID = identity(d, d.fd, base, info.Ino)
	}
	return info, err
}

// describe describes a directory that was opened in d, as Lstat does.
func describe(d dir, file *os.File) (Info, error) {
	fd := int(file.Fd())
	info, err := statAt(fd, ".")
	if err != nil {
		return Info{}, pathError("stat", file.Name(), err)
	}
	info.ID = identity(d, fd, ".", info.Ino)
	return info, nil
}

// identity identifies a directory or a file on its file system, wherever it is renamed to. It is the inode, and the
// birth if the file system keeps one, since another directory soon gets the inode of a removed one. An overlay gives
// a directory from a lower layer a new birth when it is first changed. Device numbers are left out: they can differ
// after a restart. The entry is in d, and is named base in directory fd.
func identity(d dir, fd int, base string, ino uint64) string {
	var st unix.Statx_t
	err := unix.Statx(fd, base, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BTIME, &st)
	if err != nil || st.Mask&unix.STATX_BTIME == 0 || isOverlay(d.fd) {
		return fmt.Sprint(ino)
	}
	return fmt.Sprintf("%d@%d.%09d", ino, st.Btime.Sec, st.Btime.Nsec)
}

func statAt(fd int, base string) (Info, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(fd, base, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return Info{}, err
	}
	info := infoOf(&st)
	if info.Type == Link {
		var err error
		if info.Target, err = readlinkAt(fd, base); err != nil {
			return Info{}, err
		}
	}
	return info, nil
}

func infoOf(st *unix.Stat_t) Info {
	info := Info{
		Attr:  Attr{Mode: st.Mode & 0o7777, UID: int(st.Uid), GID: int(st.Gid)},
		Type:  Other,
		Size:  st.Size,
		MTime: time.Unix(st.Mtim.Sec, st.Mtim.Nsec),
		CTime: time.Unix(st.Ctim.Sec, st.Ctim.Nsec),
		Dev:   st.Dev,
		Ino:   st.Ino,
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		info.Type = File
	case unix.S_IFDIR:
		info.Type = Directory
	case unix.S_IFLNK:
		info.Type = Link
	}
	return info
}

// ReadFile returns the content of a regular file of at most limit bytes. A link, a FIFO or a device in its place is
// an error, and never blocks. In a directory that is not root's alone, a file that the directory's owner did not put
// there is an error too: one with other names and of another user.
func (f *FS) ReadFile(name string, limit int64) ([]byte, error) {
	data, _, err := f.ReadFileInfo(name, limit)
	return data, err
}

// ReadFileInfo is ReadFile that also describes the same file that it read. To write the content elsewhere with
// attributes of an earlier Lstat could publish the secrets of a file that was swapped in since.
func (f *FS) ReadFileInfo(name string, limit int64) ([]byte, Info, error) {
	d, base, err := f.parent(name)
	if err != nil {
		return nil, Info{}, err
	}
	defer d.close()
	file, info, err := f.openRegular(d.fd, base, name)
	if err != nil {
		return nil, Info{}, err
	}
	defer file.Close() //nolint:errcheck // read only
	data, err := readAll(io.LimitReader(file, limit+1), min(info.Size, limit))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("larger than %d bytes", limit)
	}
	if err != nil {
		return nil, Info{}, pathError("read", name, err)
	}
	return data, info, nil
}

// Open opens a regular file for reading, under the rules of ReadFile.
func (f *FS) Open(name string) (*os.File, error) {
	d, base, err := f.parent(name)
	if err != nil {
		return nil, err
	}
	defer d.close()
	file, _, err := f.openRegular(d.fd, base, name)
	return file, err
}

// ReadTo writes the content of a regular file to w, under the rules of ReadFile.
func (f *FS) ReadTo(name string, w io.Writer, limit int64) error {
	file, err := f.Open(name)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // read only
	n, err := io.Copy(w, io.LimitReader(file, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("larger than %d bytes", limit)
	}
	return pathError("read", name, err)
}

// readAll reads to the end of a file with probably size bytes: a file in /proc says 0, and others may grow meanwhile.
func readAll(file io.Reader, size int64) ([]byte, error) {
	content := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead+1))
	_, err := content.ReadFrom(file)
	return content.Bytes(), err
}

// openRegular opens the regular file base in directory fd for reading.
func (f *FS) openRegular(fd int, base, name string) (*os.File, Info, error) {
	opened, err := f.openFile(fd, base, name)
	if err != nil {
		return nil, Info{}, err
	}
	var st unix.Stat_t
	err = unix.Fstat(opened, &st)
	if err == nil {
		err = f.checkRegular(fd, &st)
	}
	if err != nil {
		_ = unix.Close(opened)
		return nil, Info{}, pathError("open", name, err)
	}
	return os.NewFile(uintptr(opened), name), infoOf(&st), nil
}

// checkRegular refuses an entry that is no regular file, and a hard link to someone else's file if a user could have
// made it: with fs.protected_hardlinks off, that needs no right to the file.
func (f *FS) checkRegular(fd int, st *unix.Stat_t) error {
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return fmt.Errorf("it is a %s, not a regular file", infoOf(st).Type)
	}
	if st.Nlink < 2 {
		return nil
	}
	var in unix.Stat_t
	if err := unix.Fstat(fd, &in); err != nil {
		return err
	}
	if !f.trusts(&in) && st.Uid != in.Uid {
		return fmt.Errorf("it is a hard link to a file of user %d in a directory of user %d", st.Uid, in.Uid)
	}
	return nil
}

// ReadDir returns the sorted names in directory name.
func (f *FS) ReadDir(name string) ([]string, error) {
	file, err := f.OpenDir(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // read only
	return entryNames(file)
}

// OpenDir opens directory name for reading, locking or as the source of a mount.
func (f *FS) OpenDir(name string) (*os.File, error) {
	d, err := f.openDir(name)
	if err != nil {
		return nil, err
	}
	defer d.close()
	return reopen(d.fd, name)
}

// reopen turns an O_PATH descriptor of a directory into a readable one.
func reopen(fd int, name string) (*os.File, error) {
	file, err := openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(file), name), nil
}

// FreeBytes returns the space that an unprivileged user may still fill on name's file system.
func (f *FS) FreeBytes(name string) (int64, error) {
	d, err := f.openDir(name)
	if err != nil {
		return 0, err
	}
	defer d.close()
	var st unix.Statfs_t
	if err := unix.Fstatfs(d.fd, &st); err != nil {
		return 0, &fs.PathError{Op: "statfs", Path: name, Err: err}
	}
	return int64(st.Bavail) * st.Frsize, nil //nolint:gosec // no file system has 2^63 bytes
}

// NoExec tells whether name is mounted so that no program on it can be started.
func (f *FS) NoExec(name string) (bool, error) {
	d, err := f.openDir(name)
	if err != nil {
		return false, err
	}
	defer d.close()
	var st unix.Statfs_t
	if err := unix.Fstatfs(d.fd, &st); err != nil {
		return false, &fs.PathError{Op: "statfs", Path: name, Err: err}
	}
	return st.Flags&unix.ST_NOEXEC != 0, nil
}

// OnOverlay tells whether name lies on an overlay file system, where a directory that comes from
// a lower layer cannot be renamed.
func (f *FS) OnOverlay(name string) (bool, error) {
	d, err := f.openDir(name)
	if err != nil {
		return false, err
	}
	defer d.close()
	return isOverlay(d.fd), nil
}

func isOverlay(fd int) bool {
	var st unix.Statfs_t
	return unix.Fstatfs(fd, &st) == nil && st.Type == unix.OVERLAYFS_SUPER_MAGIC
}

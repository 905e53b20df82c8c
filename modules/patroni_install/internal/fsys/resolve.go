package fsys

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLinks limits the links followed while one path is resolved, as the kernel does.
const maxLinks = 40

// LinkError reports a symbolic link that is not followed because its directory's owner could
// have made it lead anywhere.
type LinkError struct {
	Path   string // the link
	Target string // where it points to
}

// Error names the link and its target.
func (e *LinkError) Error() string {
	return fmt.Sprintf("%s is a symbolic link to %s in a directory that is not root's alone", e.Path, e.Target)
}

// parent resolves the directory of name and returns it with name's last component. The root has
// no parent here.
func (f *FS) parent(name string) (dir, string, error) {
	name = path.Clean(name)
	if name == "/" {
		return dir{}, "", &fs.PathError{Op: "open", Path: name, Err: errors.New("it is the root directory")}
	}
	d, err := f.openDir(path.Dir(name))
	return d, path.Base(name), err
}

// openDir resolves name to a directory.
func (f *FS) openDir(name string) (dir, error) {
	if !path.IsAbs(name) {
		return dir{}, &fs.PathError{Op: "open", Path: name, Err: errors.New("path is not absolute")}
	}
	return f.resolve(path.Clean(name))
}

// resolve opens a directory by a path that may have a ".." from a link: that means the parent of the directory that
// the link led to, not of the link.
func (f *FS) resolve(name string) (dir, error) {
	rest := name
	for range maxLinks {
		d, redirect, err := f.walk(rest)
		if err != nil || redirect == "" {
			return d, err
		}
		rest = redirect
	}
	return dir{}, &fs.PathError{Op: "open", Path: name, Err: unix.ELOOP}
}

// walk follows name from the root without following links. At a trusted link or at ".." it
// stops and returns the path to go on with.
func (f *FS) walk(name string) (_ dir, redirect string, err error) {
	fd, err := openat(unix.AT_FDCWD, f.root, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return dir{}, "", &fs.PathError{Op: "open", Path: f.root, Err: err}
	}
	at := dir{fd: fd, path: "/"}
	parts := strings.Split(name, "/")
	for i, part := range parts {
		if part == "" || part == "." {
			continue
		}
		next, target, err := f.enter(at, part)
		at.close()
		if err != nil {
			return dir{}, "", err
		}
		if target != "" {
			return dir{}, target + "/" + strings.Join(parts[i+1:], "/"), nil
		}
		at = next
	}
	return at, "", nil
}

// enter opens directory part in at. For a trusted link, and for "..", it returns the path that
// leads on instead.
func (f *FS) enter(at dir, part string) (_ dir, target string, err error) {
	if part == ".." {
		return dir{}, path.Dir(at.path), nil
	}
	next, err := openEntry(at, part)
	if err != nil {
		return dir{}, "", err
	}
	st, err := next.stat()
	switch {
	case err != nil:
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return next, "", nil
	case st.Mode&unix.S_IFMT == unix.S_IFLNK:
		target, err = f.follow(at, next)
	default:
		err = &fs.PathError{Op: "open", Path: next.path, Err: unix.ENOTDIR}
	}
	next.close()
	return dir{}, target, err
}

// follow returns the path that link leads to when the directory in that holds it is trusted.
func (f *FS) follow(in, link dir) (string, error) {
	target, err := readlinkAt(link.fd, "")
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: link.path, Err: err}
	}
	st, err := in.stat()
	if err != nil {
		return "", err
	}
	if !f.trusts(&st) {
		return "", &LinkError{Path: link.path, Target: target}
	}
	if path.IsAbs(target) {
		return target, nil
	}
	return in.path + "/" + target, nil
}

// trusts tells whether nobody but root and the calling user can change a directory.
func (f *FS) trusts(st *unix.Stat_t) bool {
	return (st.Uid == 0 || st.Uid == f.uid) && st.Mode&0o022 == 0
}

// RealPath returns the path of directory name without links.
func (f *FS) RealPath(name string) (string, error) {
	d, err := f.openDir(name)
	if err != nil {
		return "", err
	}
	defer d.close()
	return d.path, nil
}

// Resolve returns the path of name with its last component followed too, under the same rule as any other link.
func (f *FS) Resolve(name string) (string, error) {
	for range maxLinks {
		info, err := f.Lstat(name)
		if err != nil || info.Type != Link {
			return name, err
		}
		if name, err = f.resolveLink(name); err != nil {
			return "", err
		}
	}
	return "", &fs.PathError{Op: "open", Path: name, Err: unix.ELOOP}
}

// resolveLink returns the path that link name leads to, with no link before its last component.
func (f *FS) resolveLink(name string) (string, error) {
	d, base, err := f.parent(name)
	if err != nil {
		return "", err
	}
	defer d.close()
	link, err := openEntry(d, base)
	if err != nil {
		return "", err
	}
	defer link.close()
	target, err := f.follow(d, link)
	if err != nil {
		return "", err
	}
	in, last := path.Split(strings.TrimRight(target, "/"))
	if last == "." || last == ".." {
		in, last = target, ""
	}
	to, err := f.resolve(in)
	if err != nil {
		return "", err
	}
	to.close()
	return path.Join(to.path, last), nil
}

// dir is an open entry (O_PATH), mostly a directory, and its resolved path.
type dir struct {
	fd   int
	path string
}

func (d dir) close() { _ = unix.Close(d.fd) }

func (d dir) stat() (st unix.Stat_t, err error) {
	err = unix.Fstat(d.fd, &st)
	return st, pathError("stat", d.path, err)
}

// openEntry opens the entry base of in, whatever it is, without acting on it.
func openEntry(in dir, base string) (dir, error) {
	name := path.Join(in.path, base)
	fd, err := openat(in.fd, base, unix.O_PATH|unix.O_NOFOLLOW, 0)
	return dir{fd: fd, path: name}, pathError("open", name, err)
}

// openat opens a descriptor that commands do not inherit. The runtime's own signals interrupt an
// open on some file systems (NFS, FUSE): it is repeated then.
func openat(fd int, name string, flags int, mode uint32) (int, error) {
	for {
		opened, err := unix.Openat(fd, name, flags|unix.O_CLOEXEC, mode)
		if !errors.Is(err, unix.EINTR) {
			return opened, err
		}
	}
}

// readlinkAt reads a link. Most targets are short; the second try holds any.
func readlinkAt(fd int, name string) (string, error) {
	for _, size := range []int{256, unix.PathMax} {
		buf := make([]byte, size)
		n, err := unix.Readlinkat(fd, name, buf)
		if err != nil {
			return "", err
		}
		if n < size {
			return string(buf[:n]), nil
		}
	}
	return "", unix.ENAMETOOLONG
}

package fsys

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Right is what one may do with a file: a bit of its mode.
type Right uint32

// The rights to a file. Execute is also that to enter a directory.
const (
	Execute Right = 1
	Read    Right = 4
)

// ClosedError reports what stands between a user and a file.
type ClosedError struct {
	Path string // the directory on the way, or the file
	Attr Attr
	verb string
}

// Error says what the user may not do.
func (e *ClosedError) Error() string {
	return fmt.Sprintf("it may not %s %s (%s)", e.verb, e.Path, e.Attr)
}

// CheckAccess sees whether a user may enter every directory on the way to name, also those behind links, and has a
// right to what is there; else the error is a *ClosedError. The user has its primary group alone, as the commands that
// run as the user. An access control list that may let the user in counts as one that does. The root directory is open.
func (f *FS) CheckAccess(name string, uid, gid int, right Right) error {
	who := Attr{UID: uid, GID: gid}
	rest := path.Clean(name)
	for range maxLinks {
		next, err := f.pass(rest, who, right)
		if err != nil || next == "" {
			return err
		}
		rest = next
	}
	return &fs.PathError{Op: "open", Path: name, Err: unix.ELOOP}
}

// pass goes along name. At a link, and at "..", it stops and returns the path to go on with.
func (f *FS) pass(name string, who Attr, right Right) (next string, err error) {
	at, err := f.openDir("/")
	if err != nil {
		return "", err
	}
	defer func() { at.close() }()
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' })
	for i, part := range parts {
		rest := "/" + strings.Join(parts[i+1:], "/")
		if part == ".." {
			return path.Dir(at.path) + rest, nil
		}
		entry, err := openEntry(at, part)
		if err != nil {
			return "", err
		}
		target, err := f.passEntry(at, entry, who, right, i == len(parts)-1)
		if err != nil || target != "" {
			entry.close()
			return target + rest, err
		}
		at.close()
		at = entry
	}
	return "", nil
}

// passEntry sees whether one entry lets the user through, or returns where it leads to as a link.
func (f *FS) passEntry(in, entry dir, who Attr, right Right, last bool) (target string, err error) {
	st, err := entry.stat()
	if err != nil {
		return "", err
	}
	verb := map[Right]string{Execute: "execute", Read: "read"}[right]
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFLNK:
		return f.follow(in, entry)
	case !last:
		right, verb = Execute, "enter"
	}
	if !lets(entry, &st, who, right) {
		return "", &ClosedError{Path: entry.path, Attr: infoOf(&st).Attr, verb: verb}
	}
	return "", nil
}

// lets tells whether an entry's mode gives a user the right. If there is an access control list, the bits of the group
// are its mask: they bound what it gives to others than the owner.
func lets(entry dir, st *unix.Stat_t, who Attr, right Right) bool {
	mode, bits := Right(st.Mode), uint32(0)
	switch {
	case who.UID == 0:
		return true
	case int(st.Uid) == who.UID:
		bits = 6
	case int(st.Gid) == who.GID:
		bits = 3
	}
	if mode>>bits&right == right {
		return true
	}
	return bits != 6 && mode>>3&right == right && hasAccessList(entry)
}

func hasAccessList(entry dir) bool {
	n, err := unix.Getxattr(opened(entry.fd), "system.posix_acl_access", nil)
	return err == nil && n > 0
}

package fsys

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// labelAttr is the extended attribute that holds SELinux's label of a file.
const labelAttr = "security.selinux"

// maxLabel limits a label, in bytes.
const maxLabel = 4096

// Label returns SELinux's label of a file, a directory or a link, "" if it has none.
func (f *FS) Label(name string) (string, error) {
	d, base, err := f.parent(name)
	if err != nil {
		return "", err
	}
	defer d.close()
	e, err := openEntry(d, base)
	if err != nil {
		return "", err
	}
	defer e.close()
	if err := f.checkLabelled(d, e); err != nil {
		return "", pathError("read the label of", name, err)
	}
	buffer := make([]byte, maxLabel)
	n, err := unix.Getxattr(opened(e.fd), labelAttr, buffer)
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.EOPNOTSUPP) {
		return "", nil
	}
	if err != nil {
		return "", pathError("read the label of", name, err)
	}
	return strings.TrimRight(string(buffer[:n]), "\x00"), nil
}

// checkLabelled refuses an entry of d that nobody executes or passes through.
func (f *FS) checkLabelled(d, e dir) error {
	st, err := e.stat()
	if err != nil || st.Mode&unix.S_IFMT == unix.S_IFDIR || st.Mode&unix.S_IFMT == unix.S_IFLNK {
		return err
	}
	return f.checkRegular(d.fd, &st)
}

// opened is a path to the entry of a descriptor, also to a link (O_PATH): no call reads a link's attributes through
// the descriptor itself.
func opened(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

// SetLabel gives a file, a directory or a link this label and makes that durable; "" removes its label. A link is
// made anew, since it cannot be synced in place.
func (f *FS) SetLabel(name, label string) error {
	info, err := f.Lstat(name)
	if err != nil {
		return err
	}
	if info.Type == Link {
		return f.LabelledSymlink(name, info.Target, info.UID, info.GID, label)
	}
	d, base, err := f.parent(name)
	if err != nil {
		return err
	}
	defer d.close()
	if err := f.Announce("label", name); err != nil {
		return pathError("label", name, err)
	}
	file, err := f.openLabelled(d, base, info.Type)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // synced below
	if label == "" {
		err = unix.Fremovexattr(int(file.Fd()), labelAttr)
	} else {
		err = unix.Fsetxattr(int(file.Fd()), labelAttr, labelValue(label), 0)
	}
	if err == nil || label == "" && errors.Is(err, unix.ENODATA) {
		err = f.Announce("fsync", name)
		if err == nil {
			err = f.syncFile(file, info.Type == Directory)
		}
	}
	return pathError("label", name, err)
}

// openLabelled opens a directory, or a regular file, of d.
func (f *FS) openLabelled(d dir, base string, kind Type) (*os.File, error) {
	name := path.Join(d.path, base)
	if kind == Directory {
		return openSub(d.fd, base, name)
	}
	file, _, err := f.openRegular(d.fd, base, name)
	return file, err
}

// labelValue is a label as the kernel keeps it.
func labelValue(label string) []byte { return append([]byte(label), 0) }

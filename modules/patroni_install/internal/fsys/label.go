package fsys

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// labelAttr is the extended attribute that holds SELinux's label of a file.
const labelAttr = "security.selinux"

// maxLabel bounds a label, in bytes.
const maxLabel = 4096

// Label returns SELinux's label of a regular file, "" where it has none.
func (f *FS) Label(name string) (string, error) {
	d, base, err := f.parent(name)
	if err != nil {
		return "", err
	}
	defer d.close()
	file, _, err := f.openRegular(d.fd, base, name)
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // read only
	buffer := make([]byte, maxLabel)
	n, err := unix.Fgetxattr(int(file.Fd()), labelAttr, buffer)
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.EOPNOTSUPP) {
		return "", nil
	}
	if err != nil {
		return "", pathError("read the label of", name, err)
	}
	return strings.TrimRight(string(buffer[:n]), "\x00"), nil
}

// SetLabel gives a regular file this label and makes that durable; "" takes its label away.
func (f *FS) SetLabel(name, label string) error {
	d, base, err := f.parent(name)
	if err != nil {
		return err
	}
	defer d.close()
	if err := f.Announce("label", name); err != nil {
		return pathError("label", name, err)
	}
	file, _, err := f.openRegular(d.fd, base, name)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // synced below
	if label == "" {
		err = unix.Fremovexattr(int(file.Fd()), labelAttr)
	} else {
		err = unix.Fsetxattr(int(file.Fd()), labelAttr, append([]byte(label), 0), 0)
	}
	if err == nil || label == "" && errors.Is(err, unix.ENODATA) {
		err = f.Announce("fsync", name)
		if err == nil {
			err = f.syncFile(file, false)
		}
	}
	return pathError("label", name, err)
}

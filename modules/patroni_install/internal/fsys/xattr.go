package fsys

import (
	"errors"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// maxAttributes bounds the extended attributes of a file, their names and each value, in bytes: the
// kernel's own limit.
const maxAttributes = 64 << 10

// keepAttributes gives a new file the access control list, SELinux's label and the user's own attributes of
// the regular file base, whose place it takes with the same owner and mode. Others, such as capabilities,
// stay behind.
func (f *FS) keepAttributes(d dir, base string, file *os.File, attr Attr) error {
	name := path.Join(d.path, base)
	old, info, err := f.openRegular(d.fd, base, name)
	if _, held := errors.AsType[*LeaseError](err); held {
		return err
	}
	if err != nil {
		return nil //nolint:nilerr // nothing is there, or something else, which is replaced
	}
	defer old.Close() //nolint:errcheck // read only
	if info.Attr != attr {
		return nil
	}
	buffer := make([]byte, maxAttributes)
	n, err := unix.Flistxattr(int(old.Fd()), buffer)
	if err != nil {
		return unlessUnknown(pathError("list the attributes of", name, err))
	}
	for attribute := range strings.SplitSeq(string(buffer[:n]), "\x00") {
		if !strings.HasPrefix(attribute, "user.") && attribute != "system.posix_acl_access" && attribute != labelAttr {
			continue
		}
		n, err := unix.Fgetxattr(int(old.Fd()), attribute, buffer)
		if err == nil {
			err = unix.Fsetxattr(int(file.Fd()), attribute, buffer[:n], 0)
		}
		if err := unlessUnknown(pathError("keep the attributes of", name, err)); err != nil {
			return err
		}
	}
	return nil
}

// unlessUnknown drops the error of a file system without such attributes, or of one that is gone by now.
func unlessUnknown(err error) error {
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENODATA) {
		return nil
	}
	return err
}

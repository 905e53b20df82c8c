package fsys

import (
	"errors"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// maxAttributes limits the extended attributes of a file, their names and each value, in bytes: the
// kernel's own limit.
const maxAttributes = 64 << 10

// keepAttributes gives a new file the access control list, SELinux's label and the user's own attributes of the
// regular file base, which it replaces with the same owner and mode. Others, such as capabilities, are not kept.
func (f *FS) keepAttributes(d dir, base string, file *os.File, attr Attr) error {
	name := path.Join(d.path, base)
	old, info, err := f.openRegular(d.fd, base, name)
	if _, held := errors.AsType[*LeaseError](err); held {
		return err
	}
	if err != nil {
		return nil //nolint:nilerr // there is nothing, or something else, which is replaced
	}
	defer old.Close() //nolint:errcheck // read only
	if info.Attr != attr {
		return nil
	}
	attributes, err := attributesOf(old)
	if err != nil {
		return err
	}
	return setAttributes(file, attributes)
}

// isKept tells whether an attribute is one of those that stay with a file.
func isKept(attribute string) bool {
	return strings.HasPrefix(attribute, "user.") || attribute == "system.posix_acl_access" ||
		attribute == "system.posix_acl_default" || attribute == labelAttr
}

// attributesOf reads the attributes that are kept.
func attributesOf(file *os.File) (map[string][]byte, error) {
	buffer := make([]byte, maxAttributes)
	n, err := unix.Flistxattr(int(file.Fd()), buffer)
	if err != nil {
		return nil, unlessUnknown(pathError("list the attributes of", file.Name(), err))
	}
	var found map[string][]byte
	for attribute := range strings.SplitSeq(string(buffer[:n]), "\x00") {
		if !isKept(attribute) {
			continue
		}
		value := make([]byte, maxAttributes)
		n, err := unix.Fgetxattr(int(file.Fd()), attribute, value)
		if errors.Is(err, unix.ENODATA) {
			continue
		}
		if err != nil {
			return nil, pathError("read the attributes of", file.Name(), err)
		}
		if found == nil {
			found = map[string][]byte{}
		}
		found[attribute] = value[:n:n]
	}
	return found, nil
}

// setAttributes gives a file these attributes.
func setAttributes(file *os.File, attributes map[string][]byte) error {
	for attribute, value := range attributes {
		err := unix.Fsetxattr(int(file.Fd()), attribute, value, 0)
		if err := unlessUnknown(pathError("set the attributes of", file.Name(), err)); err != nil {
			return err
		}
	}
	return nil
}

// onlyAttributes gives a file these attributes, and no others of the kept kinds, such as an inherited list. If no
// label is given, the policy decides it.
func onlyAttributes(file *os.File, attributes map[string][]byte) error {
	found, err := attributesOf(file)
	if err != nil {
		return err
	}
	for attribute := range found {
		if _, wanted := attributes[attribute]; wanted || attribute == labelAttr {
			continue
		}
		err := unix.Fremovexattr(int(file.Fd()), attribute)
		if err := unlessUnknown(pathError("set the attributes of", file.Name(), err)); err != nil {
			return err
		}
	}
	return setAttributes(file, attributes)
}

// Attributes returns the access control lists, SELinux's label and the user's own attributes of a regular file or a
// directory, by their names; nil for none.
func (f *FS) Attributes(name string) (map[string][]byte, error) {
	file, _, err := f.openEither(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // read only
	return attributesOf(file)
}

// SetAttributes gives a directory these attributes, as Attributes returns them, and no others, and makes that durable.
func (f *FS) SetAttributes(name string, attributes map[string][]byte) error {
	file, info, err := f.openEither(name)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // synced below
	if info.Type != Directory {
		return pathError("set the attributes of", name, unix.ENOTDIR)
	}
	if err := f.Announce("chmod", name); err != nil {
		return pathError("chmod", name, err)
	}
	if err := onlyAttributes(file, attributes); err != nil {
		return err
	}
	if err := f.Announce("fsync", name); err != nil {
		return err
	}
	return f.syncFile(file, true)
}

// openEither opens a regular file or a directory.
func (f *FS) openEither(name string) (*os.File, Info, error) {
	d, base, err := f.parent(name)
	if err != nil {
		return nil, Info{}, err
	}
	defer d.close()
	info, err := statAt(d.fd, base)
	if err != nil {
		return nil, Info{}, pathError("stat", name, err)
	}
	file, err := f.openLabelled(d, base, info.Type)
	return file, info, err
}

// unlessUnknown drops the error of a file system without such attributes, or of one that is gone by now.
func unlessUnknown(err error) error {
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENODATA) {
		return nil
	}
	return err
}

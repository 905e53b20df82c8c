// Package fsys performs durable file operations for a root process that works inside
// directories owned by someone it does not trust.
//
// Two promises hold for every operation:
//
//   - Resolution: a path is walked component by component with openat(O_NOFOLLOW). A symbolic
//     link on the way is followed only if its directory belongs to root (or to the calling
//     user) and nobody else may write there; any other link is refused with [LinkError]. The last
//     component is never followed if an entry is described, read or changed; if the
//     contents of a directory are meant, it is followed by the same rule. So a link that the
//     owner of a home directory makes, or swaps in while we run, leads nowhere. Attributes are
//     given only to open descriptors, after a look at the opened entry; a tree is removed through such a
//     descriptor, and a rename that took the wrong entry is taken back ([ErrSwapped]).
//   - Durability: when a changing operation returns nil, its effect survives a power cut: the data
//     and the directory that names it were synced. Files and links are replaced by a temporary
//     name and a rename, so a reader sees the old or the new one, never half of it.
//
// If its owner holds a lease on a file, an operation waits for it, a minute in all ([LeaseError]).
//
// Every durable operation is announced to [FS.Fault] first, which tests use to count operations
// and to make the n-th one fail.
package fsys

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"sync/atomic"
	"time"
)

// TempSuffix ends the name of every temporary file that this package makes. A name that ends so
// is a leftover of an interrupted operation and may be removed.
const TempSuffix = ".patroni_install.tmp"

// FS is a file system whose paths, always absolute and clean, lie below a root directory.
// The zero value is not usable; call [New].
type FS struct {
	root string
	uid  uint32

	// Patience is the time to wait for leases, on all files together; [New] sets it to a minute.
	Patience time.Duration
	waited   atomic.Int64 // the used part of Patience, in nanoseconds

	// Fault, when set, is called before each durable operation and each command with its kind
	// ("write", "fsync", "rename", …, "run") and its object. An error stops the operation.
	Fault Fault

	// Sync makes one open file or directory durable; [New] sets it to fsync. Tests watch it, since nothing else shows a
	// missing sync.
	Sync func(file *os.File) error
}

// Fault decides whether an announced operation may take place.
type Fault func(kind, object string) error

// New returns the file system below root, "/" for the real one.
func New(root string) *FS {
	uid := uint32(os.Geteuid()) //nolint:gosec // a uid is never negative
	return &FS{root: root, uid: uid, Sync: (*os.File).Sync, Patience: leasePatience}
}

// Announce reports an operation to the fault hook. Other packages use it for their own durable operations, such as
// commands.
func (f *FS) Announce(kind, object string) error {
	if f.Fault == nil {
		return nil
	}
	return f.Fault(kind, object)
}

// Real returns the path on the machine's own file system, for argv and environment of commands.
func (f *FS) Real(name string) string {
	if f.root == "/" {
		return name
	}
	return path.Join(f.root, name)
}

// pathError names the operation and the object, unless err does already.
func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return err
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

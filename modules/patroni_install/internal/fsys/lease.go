package fsys

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// The owner of a file may hold a lease on it (F_SETLEASE), which keeps others from opening it until the owner gives it up or
// /proc/sys/fs/lease-break-time, mostly 45 s, has passed; and then may take the next one.

const (
	// leasePatience bounds what one run waits for leases, on all files together: who holds one can hold a thousand.
	leasePatience = time.Minute
	// leasePoll is the interval between two tries to open a file with a lease.
	leasePoll = 20 * time.Millisecond
)

// LeaseError reports a file that could not be opened because of a lease.
type LeaseError struct {
	Path   string
	Waited time.Duration // for all files together
}

// Error names the file and how long was waited.
func (e *LeaseError) Error() string {
	return fmt.Sprintf("open %s: somebody holds a lease on it, and %s, which one run waits for leases, are over", e.Path, e.Waited)
}

// patient takes one poll from what may still be waited, and tells whether there was that much.
func (f *FS) patient() bool { return f.waited.Add(int64(leasePoll)) <= int64(f.Patience) }

// openFile opens an existing file, and nothing by a link; O_NONBLOCK keeps a FIFO from blocking that. It waits for leases.
func (f *FS) openFile(fd int, base, name string) (int, error) {
	const flags = unix.O_RDONLY | unix.O_NONBLOCK
	opened, err := openat(fd, base, flags|unix.O_NOFOLLOW, 0)
	if !errors.Is(err, unix.EAGAIN) {
		return opened, pathError("open", name, err)
	}
	// That has asked the holder to give it up. What is tried again is the very file that was found to be one.
	checked, err := openat(fd, base, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return -1, pathError("open", name, err)
	}
	defer unix.Close(checked) //nolint:errcheck // only a place
	var st unix.Stat_t
	if err := unix.Fstat(checked, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return -1, pathError("open", name, errors.Join(unix.EAGAIN, err))
	}
	for f.patient() {
		time.Sleep(leasePoll)
		opened, err = openat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", checked), flags, 0)
		if !errors.Is(err, unix.EAGAIN) {
			return opened, pathError("open", name, err)
		}
	}
	return -1, &LeaseError{Path: name, Waited: f.Patience}
}

package fsys

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// The owner of a file may hold a lease on it (F_SETLEASE). It keeps others from opening the file until the owner
// gives it up or /proc/sys/fs/lease-break-time, mostly 45 s, has passed. Then the owner may take the next one.

const (
	// leasePatience limits how long one run waits for leases, on all files together: a user can hold a thousand of them.
	leasePatience = time.Minute
	// leasePoll is the interval between two tries to open a file with a lease.
	leasePoll = 20 * time.Millisecond
)

// LeaseError reports a file that could not be opened because of a lease.
type LeaseError struct {
	Path   string
	Waited time.Duration // for all files together
}

// Error names the file and the time that the run has waited.
func (e *LeaseError) Error() string {
	return fmt.Sprintf("open %s: somebody holds a lease on it, and the %s that one run waits for leases are over",
		e.Path, e.Waited)
}

// patient takes one poll from the time that is left, and tells whether there was that much.
func (f *FS) patient() bool { return f.waited.Add(int64(leasePoll)) <= int64(f.Patience) }

// openFile opens an existing file, and follows no link; with O_NONBLOCK a FIFO does not block it. It waits for leases.
func (f *FS) openFile(fd int, base, name string) (int, error) {
	const flags = unix.O_RDONLY | unix.O_NONBLOCK
	opened, err := openat(fd, base, flags|unix.O_NOFOLLOW, 0)
	if !errors.Is(err, unix.EAGAIN) {
		return opened, pathError("open", name, err)
	}
	// That has asked the holder to give the lease up. The second try opens the same file that was found to have one.
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

package host

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// leastOpenFiles is how many files a run must be able to have open, a reserve included.
const leastOpenFiles = 64

// CheckOpenFiles refuses a limit of open files that a run may exceed: it would take what it cannot open for
// damaged. The limit is the hard one: a Go program raises its own to that when it starts.
func CheckOpenFiles() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("cannot tell how many files may be open: %w", err)
	}
	if limit.Cur < leastOpenFiles {
		return fmt.Errorf("cannot work with %d open files, %d is the least; raise root's limit (ulimit -Hn shows it, "+
			"LimitNOFILE of sshd's unit or /etc/security/limits.conf sets it), and run this again; nothing was changed",
			limit.Cur, leastOpenFiles)
	}
	return nil
}

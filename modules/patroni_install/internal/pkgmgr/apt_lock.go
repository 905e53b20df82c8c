package pkgmgr

import (
	"context"
	"errors"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// lockFiles returns the files that apt and dpkg lock, the outermost first.
func lockFiles() []string {
	return []string{
		"/var/lib/dpkg/lock-frontend",
		"/var/lib/dpkg/lock",
		"/var/lib/apt/lists/lock",
		"/var/cache/apt/archives/lock",
	}
}

// wait returns when nobody holds a lock of apt or dpkg.
func (a apt) wait(ctx context.Context) error { return a.locks().wait(ctx) }

// exclusive runs a command that takes the locks.
func (a apt) exclusive(ctx context.Context, cmd host.Command) (host.Output, error) {
	return a.locks().exclusive(ctx, cmd)
}

func (a apt) locks() locks {
	return locks{host: a.Host, timeout: a.LockTimeout, files: lockFiles(), lockedBy: lockedBy}
}

// lockedBy tells whether a command gave up because of a lock, and whose: apt-get and dpkg end
// with "process 123 (apt)", "another process with pid 123" or no name at all.
func lockedBy(err error) (holder string, busy bool) {
	failed, ran := errors.AsType[*host.CommandError](err)
	if !ran {
		return "", false
	}
	text := failed.Stderr
	if !strings.Contains(text, "Could not get lock") &&
		!strings.Contains(text, "Unable to acquire the dpkg frontend lock") &&
		!strings.Contains(text, "lock was locked by") {
		return "", false
	}
	if _, rest, found := strings.Cut(text, "held by "); found {
		holder, _, _ = strings.Cut(rest, "\n")
		return strings.TrimRight(holder, "."), true
	}
	if _, rest, found := strings.Cut(text, "with pid "); found {
		pid, _, _ := strings.Cut(rest, "\n")
		return "process " + pid, true
	}
	return "another process", true
}

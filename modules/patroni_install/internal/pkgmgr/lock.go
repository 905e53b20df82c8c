package pkgmgr

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// lockPoll is how often a taken lock is looked at again.
const lockPoll = 500 * time.Millisecond

// lockFiles returns the files that apt and dpkg lock, the outermost first.
func lockFiles() []string {
	return []string{
		"/var/lib/dpkg/lock-frontend",
		"/var/lib/dpkg/lock",
		"/var/lib/apt/lists/lock",
		"/var/cache/apt/archives/lock",
	}
}

// Wait returns when nobody holds a lock of apt or dpkg. After LockTimeout it gives a *LockError
// that names the holder.
func (a APT) Wait(ctx context.Context) error {
	return a.waitUntil(ctx, time.Now().Add(a.LockTimeout))
}

func (a APT) waitUntil(ctx context.Context, deadline time.Time) error {
	told := ""
	for {
		holder := a.holder()
		if holder == "" {
			return ctx.Err()
		}
		if holder != told {
			a.progress("waiting for the package database, which is held by " + holder)
			told = holder
		}
		if err := a.pause(ctx, deadline, holder); err != nil {
			return err
		}
	}
}

// pause waits for the next look, unless the time for that is over.
func (a APT) pause(ctx context.Context, deadline time.Time, holder string) error {
	if !time.Now().Before(deadline) {
		return &LockError{Holder: holder, Waited: a.LockTimeout.String()}
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("cannot wait for %s: %w", holder, ctx.Err())
	case <-time.After(lockPoll):
		return nil
	}
}

// holder names the process that holds one of the locks, "" when none does.
func (a APT) holder() string {
	for _, name := range lockFiles() {
		if holder := a.Host.Holder(name); holder != "" {
			return holder
		}
	}
	return ""
}

// exclusive runs a command that takes the locks. Somebody may be faster between our look and the
// command's own: then it waits again.
func (a APT) exclusive(ctx context.Context, cmd host.Command) (host.Output, error) {
	deadline := time.Now().Add(a.LockTimeout)
	for {
		if err := a.waitUntil(ctx, deadline); err != nil {
			return host.Output{}, err
		}
		out, err := a.Host.Run.Run(ctx, cmd)
		holder, busy := lockedBy(err)
		if !busy {
			return out, err
		}
		if err := a.pause(ctx, deadline, holder); err != nil {
			return out, err
		}
	}
}

// lockedBy tells whether a command gave up because of a lock, and whose: apt-get and dpkg end
// with "process 123 (apt)", "another process with pid 123" or no name at all.
func lockedBy(err error) (holder string, busy bool) {
	var failed *host.CommandError
	if !errors.As(err, &failed) {
		return "", false
	}
	text := failed.Stderr
	if !strings.Contains(text, "Could not get lock") && !strings.Contains(text, "Unable to acquire the dpkg frontend lock") &&
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

func (a APT) progress(message string) {
	if a.Host.Progress != nil {
		a.Host.Progress(message)
	}
}

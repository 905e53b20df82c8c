package pkgmgr

import (
	"context"
	"fmt"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// lockPoll is how often a taken lock is looked at again.
const lockPoll = 500 * time.Millisecond

// locks are those of a package manager.
type locks struct {
	host    *host.Host
	timeout time.Duration // how long to wait for others
	files   []string      // that the kernel knows as locked, the outermost first
	pids    []string      // that name the process which holds them
	// lockedBy tells whether a command gave up because of a lock, and whose.
	lockedBy func(err error) (holder string, busy bool)
}

// wait returns when nobody holds one, or gives a *LockError that names the holder.
func (l locks) wait(ctx context.Context) error {
	return l.waitUntil(ctx, time.Now().Add(l.timeout))
}

func (l locks) waitUntil(ctx context.Context, deadline time.Time) error {
	told := ""
	for {
		holder := l.holder()
		if holder == "" {
			return ctx.Err()
		}
		if holder != told && l.host.Progress != nil {
			l.host.Progress("waiting for the package database, which is held by " + holder)
		}
		told = holder
		if err := l.pause(ctx, deadline, holder); err != nil {
			return err
		}
	}
}

// pause waits for the next look, unless the time for that is over.
func (l locks) pause(ctx context.Context, deadline time.Time, holder string) error {
	if !time.Now().Before(deadline) {
		return &LockError{Holder: holder, Waited: l.timeout.String()}
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("cannot wait for %s: %w", holder, ctx.Err())
	case <-time.After(lockPoll):
		return nil
	}
}

// holder names the process that holds one of the locks, "" when none does.
func (l locks) holder() string {
	for _, name := range l.files {
		if holder := l.host.Holder(name); holder != "" {
			return holder
		}
	}
	for _, name := range l.pids {
		if holder := l.host.PIDFile(name); holder != "" {
			return holder
		}
	}
	return ""
}

// exclusive runs a command that takes the locks. Somebody may be faster between our look and the
// command's own: then it waits again.
func (l locks) exclusive(ctx context.Context, cmd host.Command) (host.Output, error) {
	deadline := time.Now().Add(l.timeout)
	for {
		if err := l.waitUntil(ctx, deadline); err != nil {
			return host.Output{}, err
		}
		out, err := l.host.Run.Run(ctx, cmd)
		holder, busy := l.lockedBy(err)
		if !busy {
			return out, err
		}
		if err := l.pause(ctx, deadline, holder); err != nil {
			return out, err
		}
	}
}

package txn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/gofrs/flock"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// retryDelay is the pause between two tries to get the lock.
const retryDelay = 50 * time.Millisecond

// maxTries bounds the tries to lock a directory that others remove and make at the same time.
const maxTries = 1000

// stateAttr is for the state directory, parentAttr for the one above it.
var (
	stateAttr  = fsys.Attr{Mode: 0o700}
	parentAttr = fsys.Attr{Mode: 0o755}
)

// Lock is the exclusive right to change this host. Its lock is the state directory itself, so
// that it leaves nothing behind.
type Lock struct {
	host  *host.Host
	dir   string
	lock  *flock.Flock
	fresh bool
}

// Acquire makes the state directory dir where it is missing and locks it. It waits up to timeout
// for another run and then fails, naming that one.
func Acquire(ctx context.Context, h *host.Host, dir string, timeout time.Duration) (*Lock, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	var err error
	for range maxTries {
		var l *Lock
		if l, err = tryDir(ctx, h, dir); err == nil {
			return l, nil
		}
		if !removedMeanwhile(h, dir, err) {
			break
		}
	}
	return nil, describeWait(ctx, h, dir, timeout, err)
}

// removedMeanwhile tells whether an error comes from the holder that removed the directory while
// we came to make or lock it.
func removedMeanwhile(h *host.Host, dir string, err error) bool {
	if errors.Is(err, errRemoved) || errors.Is(err, fs.ErrNotExist) {
		return true
	}
	_, err = h.FS.Lstat(dir)
	return errors.Is(err, fs.ErrNotExist)
}

// Busy tells whether another run holds the lock on dir right now. It writes nothing.
func Busy(h *host.Host, dir string) bool {
	lock := flock.New(h.FS.Real(dir), flock.SetFlag(os.O_RDONLY))
	free, err := lock.TryRLock()
	return err == nil && (!free || lock.Unlock() != nil)
}

var errTimeout = errors.New("timed out")

// errRemoved reports that the holder removed the directory while we came to lock it.
var errRemoved = errors.New("another run removed the directory")

// tryDir locks the directory.
func tryDir(ctx context.Context, h *host.Host, dir string) (*Lock, error) {
	fresh, err := ensureDir(h, dir)
	if err != nil {
		return nil, err
	}
	before, err := h.FS.Lstat(dir)
	if err != nil {
		return nil, err
	}
	lock := flock.New(h.FS.Real(dir), flock.SetFlag(os.O_RDONLY))
	free, err := lock.TryLock() // also where there is no time to wait
	if err == nil && !free {
		_, err = lock.TryLockContext(ctx, retryDelay)
	}
	if err != nil {
		return nil, err
	}
	after, err := h.FS.Lstat(dir)
	if err != nil || after.Ino != before.Ino {
		return nil, errors.Join(errRemoved, lock.Unlock())
	}
	return &Lock{host: h, dir: dir, lock: lock, fresh: fresh}, nil
}

// ensureDir makes the state directory and the one above it; fresh says whether it was missing.
func ensureDir(h *host.Host, dir string) (fresh bool, err error) {
	for _, d := range []struct {
		path string
		attr fsys.Attr
	}{{path.Dir(dir), parentAttr}, {dir, stateAttr}} {
		info, err := h.FS.Lstat(d.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			fresh = true
			if err := h.FS.Mkdir(d.path, d.attr); err != nil && !errors.Is(err, fs.ErrExist) {
				return false, err
			}
		case err != nil:
			return false, err
		case info.Type != fsys.Directory || info.UID != os.Geteuid() || info.Mode&0o022 != 0:
			return false, fmt.Errorf("%s must be a directory that only root can write, found a %s with %s",
				d.path, info.Type, info.Attr)
		}
	}
	return fresh, nil
}

func describeWait(ctx context.Context, h *host.Host, dir string, timeout time.Duration, err error) error {
	if errors.Is(context.Cause(ctx), errTimeout) {
		holder := h.Holder(dir)
		if holder == "" {
			holder = "another process"
		}
		return fmt.Errorf("cannot lock this host: %s has held %s for more than %s; "+
			"wait for it to end, or raise lock_timeout", holder, dir, timeout)
	}
	return fmt.Errorf("cannot lock this host: %w", err)
}

// Release gives the lock up. Unless keep is set, a state directory that this run made or that is
// to go is removed when it is empty.
func (l *Lock) Release(keep bool) error {
	if !keep {
		// A directory that is not empty holds a journal for the next run and stays.
		_ = l.host.FS.Remove(l.dir)
		_ = l.host.FS.Remove(path.Dir(l.dir))
	}
	return l.lock.Unlock()
}

// Fresh tells whether this run made the state directory.
func (l *Lock) Fresh() bool { return l.fresh }

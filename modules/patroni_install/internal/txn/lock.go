package txn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// retryDelay is the pause between two tries to get the lock.
const retryDelay = 50 * time.Millisecond

// maxTries bounds the tries to lock a directory that others remove and make at the same time.
const maxTries = 1000

// Lock is the exclusive right to change this host. Its lock is the state directory itself, so
// that it leaves nothing behind.
type Lock struct {
	host *host.Host
	dir  string
	lock *flock.Flock
	made []string // the directories that this run made, the upper one first
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
		// The holder may remove the directory while we come to make or lock it.
		if !errors.Is(err, errRemoved) && !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return nil, describeWait(ctx, h, dir, timeout, err)
}

// CheckDir returns the error that Acquire would return for what is at dir and above it. It writes nothing.
func CheckDir(h *host.Host, dir string) error {
	for _, name := range []string{path.Dir(dir), dir} {
		info, err := h.FS.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			err = checkDir(name, info)
		}
		if err != nil {
			return fmt.Errorf("cannot lock this host: %w; nothing was changed", err)
		}
	}
	return nil
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
	l := &Lock{host: h, dir: dir, lock: flock.New(h.FS.Real(dir), flock.SetFlag(os.O_RDONLY))}
	if err := l.makeDirs(); err != nil {
		return nil, fmt.Errorf("%w; nothing was changed%s", err, l.giveUp())
	}
	if err := l.take(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%w; nothing was changed", err), l.lock.Unlock())
	}
	return l, nil
}

// take waits for the lock of the directory that is there now.
func (l *Lock) take(ctx context.Context) error {
	before, err := l.host.FS.Lstat(l.dir)
	if err != nil {
		return err
	}
	free, err := l.lock.TryLock() // also where there is no time to wait
	if err == nil && !free {
		_, err = l.lock.TryLockContext(ctx, retryDelay)
	}
	if err != nil {
		return err
	}
	after, err := l.host.FS.Lstat(l.dir)
	if err != nil || after.Ino != before.Ino {
		return errRemoved
	}
	return nil
}

// makeDirs makes the state directory and the one above it where they are missing.
func (l *Lock) makeDirs() error {
	for _, d := range []struct {
		path string
		attr fsys.Attr
	}{{path.Dir(l.dir), fsys.Attr{Mode: 0o755}}, {l.dir, fsys.Attr{Mode: 0o700}}} {
		info, err := l.host.FS.Lstat(d.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = l.host.FS.Mkdir(d.path, d.attr)
			l.made = append(l.made, d.path) // also where its name could not be synced
			if err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
		case err != nil:
			return err
		default:
			if err := checkDir(d.path, info); err != nil {
				return err
			}
			if err := l.complete(d.path, info, d.attr); err != nil {
				return err
			}
		}
	}
	return nil
}

// complete gives an empty directory the mode that it should have, if a run was killed between making it and that. Where
// it is no longer as it was found, another run is doing so.
func (l *Lock) complete(name string, info fsys.Info, attr fsys.Attr) error {
	if info.Attr == attr || info.Mode != 0o700 {
		return nil
	}
	if names, err := l.host.FS.ReadDir(name); err != nil || len(names) > 0 {
		return err
	}
	if err := l.host.FS.SetAttr(name, info, attr); !errors.Is(err, fsys.ErrSwapped) {
		return err
	}
	return nil
}

// checkDir refuses a directory in which somebody else could forge a journal.
func checkDir(name string, info fsys.Info) error {
	if info.Type == fsys.Directory && info.UID == os.Geteuid() && info.Mode&0o022 == 0 {
		return nil
	}
	return fmt.Errorf("%s must be a directory that only root can write, found a %s with %s", name, info.Type, info.Attr)
}

// giveUp removes what this run made, unless another run has come to lock it. A failing disk may not let
// it: then it says what is left.
func (l *Lock) giveUp() (left string) {
	free, err := l.lock.TryLock()
	if err == nil && !free {
		return ""
	}
	l.removeMade()
	_ = l.lock.Unlock()
	for _, name := range l.made {
		if _, err := l.host.FS.Lstat(name); err == nil {
			left = ", except that the empty directory " + name + " could not be removed again"
		}
	}
	return left
}

// removeMade removes what this run made, the lower one first; what is not empty stays.
func (l *Lock) removeMade() {
	for _, name := range slices.Backward(l.made) {
		if names, err := l.host.FS.ReadDir(name); err == nil && len(names) > 0 {
			continue
		}
		_ = l.host.FS.Remove(name)
	}
}

func describeWait(ctx context.Context, h *host.Host, dir string, timeout time.Duration, err error) error {
	if errors.Is(context.Cause(ctx), errTimeout) {
		holder := h.Holder(dir)
		if holder == "" {
			holder = "another process"
		}
		return fmt.Errorf("cannot lock this host: %s has held %s for more than %s; "+
			"nothing was changed; wait for it to end, or raise lock_timeout", holder, dir, timeout)
	}
	return fmt.Errorf("cannot lock this host: %w", err)
}

// Release gives the lock up. The state directory goes when it is empty, whoever made it, and then
// the one above it, unless that is older than the lock: what an installation needs lies in it.
func (l *Lock) Release() error {
	if !slices.Contains(l.made, l.dir) {
		l.Disown()
	}
	l.removeMade()
	return l.lock.Unlock()
}

// Disown gives both directories to be removed by Release, whoever made them: a removal leaves neither,
// also where several at once made one of them each.
func (l *Lock) Disown() { l.made = []string{path.Dir(l.dir), l.dir} }

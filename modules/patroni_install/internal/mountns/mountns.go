// Package mountns runs commands in a private mount namespace, each in a PID namespace of its own.
//
// What a [Namespace] promises:
//
//   - Commands see each bound directory at its target; nobody else does. The mounts end with
//     the Namespace, however it ends, and leave nothing to clean up.
//   - Directories are bound by descriptor: a link that somebody swaps in leads nowhere. Nothing is opened unless each
//     target shows the directory that was meant.
//   - A command dies with its context, with the Namespace and with this process (SIGKILL
//     included), and so do all its descendants, also those that left its session.
//   - Commands run with umask 022, whatever ours is, and have nothing of root's session, such as its keys.
//
// It needs no second program and no re-exec of our own: one OS thread unshares the mount namespace and starts all
// commands itself, so that they inherit it. Nobody else can use such a thread again, so it ends with the Namespace.
package mountns

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

var errClosed = errors.New("internal error: the mount namespace is closed")

// Bind is a directory to be seen at another place.
type Bind struct {
	// Source is a directory that the file system of Open opened; it may be closed once Open has returned. nil stands for
	// an empty one in memory, of Owner alone, which ends with the namespace.
	Source *os.File
	Target string // absolute path of an existing directory
	Owner  *host.User
}

// Namespace is a private mount namespace with its binds in place.
type Namespace struct {
	files  *fsys.FS
	shown  []shown
	jobs   chan func()
	closed chan struct{}
	close  func()
}

var _ host.Runner = (*Namespace)(nil)

// Open makes a namespace in which each bind's source covers its target, in the order given. If a target is reached
// through an untrusted link, the error is an *fsys.LinkError; if namespaces are not allowed, it is a *ForbiddenError.
func Open(files *fsys.FS, binds []Bind) (*Namespace, error) {
	n := &Namespace{files: files, jobs: make(chan func()), closed: make(chan struct{})}
	n.close = sync.OnceFunc(func() { close(n.closed) })
	ready := make(chan error)
	go host.OnFreshThread(func() {
		var err error
		n.shown, err = enter(files, binds)
		ready <- explain(err) // by what this thread may do
		if err == nil {
			n.serve()
		}
	})
	if err := <-ready; err != nil {
		return nil, err
	}
	return n, nil
}

// Close ends the namespace and all processes in it.
func (n *Namespace) Close() { n.close() }

// serve runs jobs on the calling thread until Close.
func (n *Namespace) serve() {
	for {
		select {
		case job := <-n.jobs:
			job()
		case <-n.closed:
			return
		}
	}
}

// do runs job on the namespace's thread and waits for its end.
func (n *Namespace) do(ctx context.Context, job func()) error {
	done := make(chan struct{})
	select {
	case n.jobs <- func() { defer close(done); job() }:
		<-done
		return nil
	case <-n.closed:
		return errClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Run implements [host.Runner]: the command runs inside the namespace. Detached commands are
// refused, since nothing here outlives us.
func (n *Namespace) Run(ctx context.Context, cmd host.Command) (host.Output, error) {
	wait, err := n.Start(ctx, cmd)
	if err != nil {
		return host.Output{}, err
	}
	return wait()
}

// Start is [Namespace.Run] that does not wait for the end, so that several commands run at once. The caller must call
// wait, once.
func (n *Namespace) Start(ctx context.Context, cmd host.Command) (wait func() (host.Output, error), err error) {
	if cmd.Detached {
		return nil, fmt.Errorf("internal error: command %q cannot be detached from its mount namespace", cmd.Argv)
	}
	var failed error
	err = n.do(ctx, func() {
		// For each command anew: no command may read the session keyring of another one.
		if failed = host.LeaveSession(); failed == nil {
			wait, failed = host.Start(ctx, n.files, cmd, isolate)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("cannot run %s: %w", cmd.Argv[0], err)
	}
	return wait, explainStart(failed)
}

// isolate puts a command in a PID namespace, whose end is the end of everything in it. The
// command is PID 1 there: it ignores signals without a handler, SIGTERM too, but not SIGKILL
// from outside, which the kernel sends when our thread ends.
func isolate(process *exec.Cmd) {
	process.SysProcAttr.Cloneflags |= unix.CLONE_NEWPID
	process.SysProcAttr.Pdeathsig = syscall.SIGKILL
	process.Cancel = func() error { return process.Process.Kill() }
}

// Do runs work on a thread inside the namespace, where the file operations that work makes by path
// see the binds. Work must not start goroutines for them.
func (n *Namespace) Do(ctx context.Context, work func() error) error {
	var failed error
	err := n.do(ctx, func() { failed = work() })
	return errors.Join(err, failed)
}

// Check tells whether every bind still shows its source: if somebody outside renames or removes a target, or a
// directory above it, the mount is gone without an error anywhere.
func (n *Namespace) Check() error {
	var found error
	err := n.do(context.Background(), func() {
		for _, s := range n.shown {
			if err := s.check(n.files); err != nil {
				found = fmt.Errorf("cannot trust what was built: %w", err)
				return
			}
		}
	})
	return errors.Join(err, found)
}

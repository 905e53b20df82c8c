package mountns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// ForbiddenError reports a kernel, a container or a limit that does not allow private namespaces. Its text names which
// of them, and what to do.
type ForbiddenError struct{ refusal error }

// Error is the refusal.
func (e *ForbiddenError) Error() string { return e.refusal.Error() }

// Unwrap returns the refusal, which has the kernel's error.
func (e *ForbiddenError) Unwrap() error { return e.refusal }

// The calls that make namespaces, as errors name them.
const (
	newMounts    = "unshare(CLONE_NEWNS)"
	newProcesses = "unshare(CLONE_NEWPID)"
)

// trialPlace is a directory that every host has. What a trial mounts there only its own thread sees.
const trialPlace = "/etc"

// Try tells whether [Open] and commands are allowed what they take, with nothing at stake yet. It starts no process,
// and nobody sees anything of it. The error is a *ForbiddenError if they are not.
func Try(files *fsys.FS) error {
	place, err := files.OpenDir(trialPlace)
	if err != nil {
		return fmt.Errorf("cannot try a private mount namespace: %w", err)
	}
	defer place.Close() //nolint:errcheck // read only
	binds := []Bind{{Target: trialPlace, Owner: &host.User{}}, {Target: trialPlace, Source: place}}
	host.OnFreshThread(func() {
		if _, err = enter(files, binds); err == nil {
			err = os.NewSyscallError(newProcesses, unix.Unshare(unix.CLONE_NEWPID))
		}
		err = explain(err)
	})
	return err
}

// explain finds out why the kernel denied a namespace or a mount to the calling thread. Errors about files are of
// another type than those of these calls.
func explain(err error) error {
	call, ok := errors.AsType[*os.SyscallError](err)
	if !ok {
		return unexplained(err)
	}
	var refusal error
	switch {
	case errors.Is(err, unix.ENOSPC):
		refusal = fmt.Errorf("cannot open private namespaces: the limit %[1]s is reached, it is %[2]s (%[3]w); raise it "+
			"(sysctl -w %[1]s=NUMBER)", sysctlOf(call.Syscall), valueOf(sysctlOf(call.Syscall)), call)
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EINVAL) && isNamespace(call.Syscall):
		refusal = fmt.Errorf("cannot open private namespaces: this kernel, or a filter of system calls (seccomp), has no "+
			"%s (%w); use a kernel with namespaces, or let the filter pass it", call.Syscall, call.Err)
	case errors.Is(err, unix.EPERM) && !hasAdmin():
		refusal = fmt.Errorf("cannot open private namespaces: root has no CAP_SYS_ADMIN here (%w); give it to the container "+
			"or the service in which this runs", call)
	case errors.Is(err, unix.EPERM) && hasFilter():
		refusal = fmt.Errorf("cannot open private namespaces: a filter of system calls (seccomp) forbids %s (%w); let the "+
			"filter of the container or the service in which this runs pass unshare, clone and mount", call.Syscall, call.Err)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		refusal = fmt.Errorf("cannot open private namespaces: a security module of the kernel, such as AppArmor or SELinux, "+
			"forbids %s (%w); allow it in the profile or policy under which this runs (journalctl -k tells which)",
			call.Syscall, call.Err)
	default:
		return unexplained(err)
	}
	return &ForbiddenError{refusal}
}

func unexplained(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot open a private mount namespace: %w", err)
}

// explainStart does the same for a command that the kernel did not start: there is a limit of PID namespaces, too.
func explainStart(err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok && failed.Op == "fork/exec" && errors.Is(failed, unix.ENOSPC) {
		return explain(os.NewSyscallError(newProcesses, unix.ENOSPC))
	}
	return err
}

func isNamespace(call string) bool { return call == newMounts || call == newProcesses }

// sysctlOf is the limit that ENOSPC means.
func sysctlOf(call string) string {
	switch call {
	case newMounts:
		return "user.max_mnt_namespaces"
	case newProcesses:
		return "user.max_pid_namespaces"
	}
	return "fs.mount-max"
}

func valueOf(sysctl string) string {
	text, err := os.ReadFile("/proc/sys/" + strings.Replace(sysctl, ".", "/", 1))
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

// hasAdmin tells whether the calling thread has CAP_SYS_ADMIN; also if that cannot be told.
func hasAdmin() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	return unix.Capget(&header, &sets[0]) != nil || sets[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0
}

// hasFilter tells whether a filter of system calls judges the calling thread.
func hasFilter() bool {
	text, _ := os.ReadFile("/proc/thread-self/status")
	return strings.Contains(string(text), "\nSeccomp:\t2\n")
}

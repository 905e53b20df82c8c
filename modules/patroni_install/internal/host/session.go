package host

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrKeyring reports that a command got no session keyring of its own.
var ErrKeyring = errors.New("cannot give a command a session keyring of its own")

// ForgetSession drops what this process inherited from the session that started it, and would pass on to its
// children: a protection from the out-of-memory killer, and the right to real-time and negative priorities. Nothing
// here needs them. main calls it before anything is started.
func ForgetSession() {
	for _, resource := range []int{unix.RLIMIT_RTPRIO, unix.RLIMIT_NICE} {
		_ = unix.Setrlimit(resource, &unix.Rlimit{}) // lowering a limit is always allowed
	}
	spareNobody("/proc/self/oom_score_adj")
}

// spareNobody removes a protection from the out-of-memory killer, which a file of /proc shows, and keeps the contrary.
func spareNobody(adjustment string) {
	text, err := os.ReadFile(adjustment)
	score, bad := strconv.Atoi(strings.TrimSpace(string(text)))
	if err == nil && bad == nil && score < 0 {
		_ = os.WriteFile(adjustment, []byte("0"), 0) // raising it is always allowed, and so is writing our own
	}
}

// LeaveSession drops what the calling thread has from root's session, and would pass on to a command that it starts
// as another user. A key can be read by whoever possesses it, whatever the user: with root's session keyring a
// command could read a Kerberos ticket in it. The thread must be locked, and never serve anybody else; see
// [OnFreshThread].
//
// These stay by intent: the control group, with which a session ends its processes; all resource limits but two;
// processors and namespaces; ignored signals; SELinux's context; and the identity for the audit log.
func LeaveSession() error {
	if err := ownKeyring(joinKeyring()); err != nil {
		return err
	}
	leavePriority()
	return leaveRights()
}

// joinKeyring gives the calling thread a new session keyring without a name.
func joinKeyring() error {
	_, _, errno := unix.Syscall6(unix.SYS_KEYCTL, unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// ownKeyring judges the answer to that. A kernel without keys has none that could leak, and a filter of system calls
// that forbids this (as those of containers do) holds for the command as well.
func ownKeyring(err error) error {
	switch {
	case err == nil, errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
		return nil
	case errors.Is(err, unix.EDQUOT):
		return fmt.Errorf("%w: root has used up its quota of keys (%w); raise the sysctls kernel.keys.root_maxkeys "+
			"and root_maxbytes, "+
			"or revoke keys (/proc/keys lists them), and run this again", ErrKeyring, err)
	}
	return fmt.Errorf("%w: %w", ErrKeyring, err)
}

// The values of personality(2) that make an attack on a program easier. The kernel itself clears them for set-id
// programs: READ_IMPLIES_EXEC, ADDR_NO_RANDOMIZE, ADDR_COMPAT_LAYOUT and MMAP_PAGE_ZERO.
const weakening = 0x0400000 | 0x0040000 | 0x0200000 | 0x0100000

// From <linux/ioprio.h>.
const (
	ioprioProcess  = 1
	ioprioShift    = 13
	ioprioRealTime = 1
)

// leavePriority gives up a priority above others', at the processor and at disks, and a weakened address space. If it
// cannot, that is no error: no command becomes another user with these.
func leavePriority() {
	if attr, err := unix.SchedGetAttr(0, 0); err == nil {
		realTime := attr.Policy == unix.SCHED_FIFO || attr.Policy == unix.SCHED_RR || attr.Policy == unix.SCHED_DEADLINE
		if realTime || attr.Nice < 0 {
			_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL}, 0)
		}
	}
	class, _, errno := unix.Syscall(unix.SYS_IOPRIO_GET, ioprioProcess, 0, 0)
	if errno == 0 && class>>ioprioShift == ioprioRealTime {
		_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, ioprioProcess, 0, 0)
	}
	const ask = 0xffffffff
	if now, _, errno := unix.Syscall(unix.SYS_PERSONALITY, ask, 0, 0); errno == 0 && now&weakening != 0 {
		_, _, _ = unix.Syscall(unix.SYS_PERSONALITY, now&^weakening, 0, 0)
	}
}

// leaveRights gives up inheritable capabilities, which outlive a change of the uid, and with them ambient ones.
func leaveRights() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return fmt.Errorf("cannot tell root's capabilities: %w", err)
	}
	if sets[0].Inheritable|sets[1].Inheritable == 0 {
		return nil
	}
	sets[0].Inheritable, sets[1].Inheritable = 0, 0
	if err := unix.Capset(&header, &sets[0]); err != nil {
		return fmt.Errorf("cannot take root's capabilities from a command: %w", err)
	}
	return nil
}

// OnFreshThread runs work on an OS thread that nothing else will ever use: a goroutine that ends while locked ends
// its thread. The main thread is not used, since it cannot end and /proc/self shows its namespaces as those of the
// whole process. It returns when work does.
func OnFreshThread(work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			work()
			return
		}
		// The main thread stays ours meanwhile, so the other goroutine cannot get it.
		OnFreshThread(work)
		runtime.UnlockOSThread()
	}()
	<-done
}

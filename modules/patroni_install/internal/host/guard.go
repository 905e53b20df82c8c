package host

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// startGuarded starts a process, as another user if user is set. Until such a process executes its program, our
// thread waits for it in the kernel, and no other goroutine runs in its place. But its user can already stop it
// (SIGSTOP), or hold a lease on the program. So meanwhile another thread may run and nothing stops the world. A
// process that has not executed its program after killDelay is killed.
func startGuarded(files *fsys.FS, process *exec.Cmd, user *User) error {
	if user == nil {
		return process.Start()
	}
	runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	started, killed := make(chan struct{}), make(chan bool)
	go func() { killed <- (&Host{FS: files}).guard(user.UID, process.WaitDelay, started) }()
	err := process.Start()
	close(started)
	if late := <-killed; err != nil || !late {
		return err
	}
	_ = process.Wait() // it was killed
	return fmt.Errorf("a process of user %s stopped it before its program began, or holds that; "+
		"see what that user runs (ps -u %d) and run this again", user.Name, user.UID)
}

// guard kills children that run as a user and do not execute their program, until one has started, and tells whether
// there was one. A child may become the user's only after the first look at it.
func (h *Host) guard(uid int, every time.Duration, started <-chan struct{}) (killed bool) {
	look := time.NewTicker(every)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			killed = h.killUnstarted(uid) || killed
		case <-started:
			return killed
		}
	}
}

// killUnstarted kills a child that runs as a user and has not executed its program, and tells whether there was one.
func (h *Host) killUnstarted(uid int) bool {
	ours, err := os.Readlink("/proc/self/exe")
	found := false
	for _, t := range h.tasks() {
		program, bad := os.Readlink(fmt.Sprintf("/proc/%d/exe", t.pid))
		if err == nil && bad == nil && t.parent == os.Getpid() && t.uid == uid && program == ours {
			found = syscall.Kill(t.pid, syscall.SIGKILL) == nil || found
		}
	}
	return found
}

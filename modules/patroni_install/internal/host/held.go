package host

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// userLimit limits a command of another user's without another limit: that user can stop it at any moment.
const userLimit = 15 * time.Minute

// HeldError reports a command that does not end although it was killed. A process that traces it, or one of its
// children, can hide its end from us for ever; so can a disk that does not answer.
type HeldError struct {
	Argv []string
	By   string // the holder, and the remedy
}

// Error names the command and who holds it.
func (e *HeldError) Error() string {
	return fmt.Sprintf("command %q was killed and does not end: %s", Command{Argv: e.Argv}.Short(), e.By)
}

// bound gives a command of another user's a limit if it has none.
func bound(ctx context.Context, cmd Command) (context.Context, context.CancelFunc) {
	if _, bounded := ctx.Deadline(); bounded || cmd.User == nil {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, userLimit, fmt.Errorf("it did not end within %s", userLimit))
}

// await waits for the end of a process. It gives up with a *HeldError if the process ends neither in the time to end
// by itself nor, after SIGKILL, in the same time again.
func await(ctx context.Context, files *fsys.FS, process *exec.Cmd) error {
	ended := make(chan error, 1)
	go func() { ended <- process.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	patience := time.NewTimer(process.WaitDelay + killDelay)
	defer patience.Stop()
	select {
	case err := <-ended:
		return err
	case <-patience.C:
		h := &Host{FS: files}
		return &HeldError{Argv: process.Args, By: h.holds(process.Process.Pid)}
	}
}

// task is a process in /proc.
type task struct {
	pid, parent, tracer, uid int
	name, state              string
}

// holds says what keeps a process, or one that it started, from ending.
func (h *Host) holds(pid int) string {
	tasks := h.tasks()
	for _, t := range tasks {
		if t.tracer != 0 && descends(tasks, t.pid, pid) {
			return fmt.Sprintf("its process %d (%s) is traced by %s; end that one (kill -9 %d) and run this again",
				t.pid, t.name, h.process(t.tracer), t.tracer)
		}
	}
	state := "is gone from /proc"
	if i := slices.IndexFunc(tasks, func(t task) bool { return t.pid == pid }); i >= 0 {
		state = "is in state " + tasks[i].state
	}
	return fmt.Sprintf("its process %d %s; a disk or a file system may not answer (journalctl -k tells): "+
		"see to it and run this again", pid, state)
}

// descends tells whether a process is another one or was started by it.
func descends(tasks []task, pid, from int) bool {
	for range tasks {
		if pid == from {
			return true
		}
		i := slices.IndexFunc(tasks, func(t task) bool { return t.pid == pid })
		if i < 0 {
			return false
		}
		pid = tasks[i].parent
	}
	return false
}

// tasks lists the processes of this machine, in the order of their numbers.
func (h *Host) tasks() []task {
	names, err := h.FS.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []task
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		status, err := h.FS.ReadFile("/proc/"+name+"/status", outputLimit)
		if err == nil {
			found = append(found, parseStatus(pid, string(status)))
		}
	}
	slices.SortFunc(found, func(a, b task) int { return cmp.Compare(a.pid, b.pid) })
	return found
}

// parseStatus reads lines such as "PPid:\t12".
func parseStatus(pid int, status string) task {
	t := task{pid: pid}
	for line := range strings.Lines(status) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "Name":
			t.name = printable(value)
		case "State":
			t.state = value
		case "PPid":
			t.parent, _ = strconv.Atoi(value)
		case "Uid":
			number, _, _ := strings.Cut(value, "\t")
			t.uid, _ = strconv.Atoi(number)
		case "TracerPid":
			t.tracer, _ = strconv.Atoi(value)
		}
	}
	return t
}

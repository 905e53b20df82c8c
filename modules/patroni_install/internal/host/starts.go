package host

import (
	"bytes"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// loadingTime is the time after its start in which a program may still be loading its modules.
	loadingTime = 3 * time.Second
	// loadingPoll is the interval between two looks.
	loadingPoll = 10 * time.Millisecond
	// ticks is the unit of times in /proc/PID/stat, a hundredth of a second on every Linux.
	ticks = 10 * time.Millisecond
)

// HoldStarts keeps the programs of a virtual environment from being started until release is called, and waits until
// programs that were just started have loaded their modules. Python looks up each module when it is first imported,
// so a program that starts while trees trade places would load modules of both trees.
//
// Whoever starts a program meanwhile waits with it. The kernel lets all of them go on when this process ends, however
// it ends. If fanotify is unavailable, starts are not held. The wait for modules ends after loadingTime.
func (h *Host) HoldStarts(venv string) (release func()) {
	release = func() {}
	bin, err := h.FS.OpenDir(path.Join(venv, "bin"))
	if err != nil {
		return release
	}
	defer bin.Close() //nolint:errcheck // only a place
	held, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		return release
	}
	release = func() { _ = unix.Close(held) }
	const starts = unix.FAN_OPEN_EXEC_PERM | unix.FAN_EVENT_ON_CHILD
	if unix.FanotifyMark(held, unix.FAN_MARK_ADD, starts, int(bin.Fd()), "") == nil {
		h.awaitLoading(venv)
	}
	return release
}

// awaitLoading waits until no program of the environment is loading any more. It looks twice: one that
// was about to start when the others were held shows its name a moment later.
func (h *Host) awaitLoading(venv string) {
	end := time.Now().Add(loadingTime)
	for quiet := 0; h.uptime() != 0 && time.Now().Before(end); time.Sleep(loadingPoll) {
		if quiet++; h.loading(h.FS.Real(venv)) {
			quiet = 0
		} else if quiet == 2 {
			return
		}
	}
}

// loading tells whether a process of the environment's interpreter was started a moment ago.
func (h *Host) loading(venv string) bool {
	names, err := h.FS.ReadDir("/proc")
	up := h.uptime()
	if err != nil || up == 0 {
		return false
	}
	for _, name := range names {
		if _, err := strconv.Atoi(name); err != nil {
			continue
		}
		argv, err := h.FS.ReadFile("/proc/"+name+"/cmdline", outputLimit)
		if err != nil || !bytes.HasPrefix(argv, []byte(venv+"/bin/")) {
			continue
		}
		if started, found := h.started(name); found && up-started < loadingTime {
			return true
		}
	}
	return false
}

// uptime is the time since the machine was started, 0 if /proc does not tell.
func (h *Host) uptime() time.Duration {
	text, err := h.FS.ReadFile("/proc/uptime", outputLimit)
	seconds, _, _ := strings.Cut(string(text), " ")
	up, bad := strconv.ParseFloat(seconds, 64)
	if err != nil || bad != nil {
		return 0
	}
	return time.Duration(up * float64(time.Second))
}

// started is the uptime at which a process was started.
func (h *Host) started(pid string) (time.Duration, bool) {
	stat, err := h.FS.ReadFile("/proc/"+pid+"/stat", outputLimit)
	// "pid (name) state …", where a name may hold anything; the start is the 20th after it.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if err != nil || len(fields) < 20 {
		return 0, false
	}
	start, err := strconv.ParseInt(string(fields[19]), 10, 64)
	return time.Duration(start) * ticks, err == nil
}

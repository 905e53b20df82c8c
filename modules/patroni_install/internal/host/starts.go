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
	// loadingTime is how long a program is taken to be still loading its modules after its start.
	loadingTime = 3 * time.Second
	// loadingPoll is how often is looked whether one still is.
	loadingPoll = 10 * time.Millisecond
	// ticks is the unit of times in /proc/PID/stat, a hundredth of a second on every Linux.
	ticks = 10 * time.Millisecond
)

// HoldStarts keeps the programs of a virtual environment from being started until release is called,
// and waits for those that were just started to load their modules: Python looks up each module when it
// is first wanted, so a program that starts while trees trade places would load some of either tree.
//
// Whoever starts a program meanwhile waits with it. The kernel lets all of them go on when this process
// ends, however it ends. Where it cannot hold them, and after loadingTime, nothing is waited for.
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
	if unix.FanotifyMark(held, unix.FAN_MARK_ADD, unix.FAN_OPEN_EXEC_PERM|unix.FAN_EVENT_ON_CHILD, int(bin.Fd()), "") == nil {
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

// uptime is the time since the machine was started, 0 when nobody tells.
func (h *Host) uptime() time.Duration {
	text, err := h.FS.ReadFile("/proc/uptime", outputLimit)
	seconds, _, _ := strings.Cut(string(text), " ")
	up, bad := strconv.ParseFloat(seconds, 64)
	if err != nil || bad != nil {
		return 0
	}
	return time.Duration(up * float64(time.Second))
}

// started is when a process was started, as the uptime at that moment.
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

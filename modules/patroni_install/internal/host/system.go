package host

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"
)

// systemPath is the PATH of the programs of the operating system.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// releaseLimit limits os-release, in bytes.
const releaseLimit = 1 << 20

// commandLimit limits a process's arguments in a message, in bytes.
const commandLimit = 200

// SystemEnv is the environment of programs of the operating system that run as root.
func SystemEnv(extra ...string) []string {
	return append([]string{"PATH=" + systemPath, "HOME=/root", "LC_ALL=C.UTF-8"}, extra...)
}

// Release describes the operating system, from os-release.
type Release struct {
	ID      string   // "debian"
	Like    []string // ID_LIKE
	Version string   // VERSION_ID
	Name    string   // PRETTY_NAME
}

// Is tells whether the system is one of these or derived from one.
func (r Release) Is(ids ...string) bool {
	return slices.ContainsFunc(append([]string{r.ID}, r.Like...), func(id string) bool {
		return slices.Contains(ids, id)
	})
}

// Release reads /etc/os-release, else /usr/lib/os-release.
func (h *Host) Release() (Release, error) {
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		text, err := h.readThroughLink(name, releaseLimit)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Release{}, fmt.Errorf("cannot tell the operating system: %w", err)
		}
		return parseRelease(text), nil
	}
	return Release{}, errors.New("cannot tell the operating system: neither /etc/os-release nor /usr/lib/os-release " +
		"exists")
}

// readThroughLink reads a file of the system that may itself be a link, as /etc/os-release is.
func (h *Host) readThroughLink(name string, limit int64) (string, error) {
	target, err := h.FS.Resolve(name)
	if err != nil {
		return "", err
	}
	data, err := h.FS.ReadFile(target, limit)
	return string(data), err
}

func parseRelease(text string) Release {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		key, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if found && !strings.HasPrefix(key, "#") {
			values[key] = unquote(value)
		}
	}
	return Release{
		ID:      values["ID"],
		Like:    strings.Fields(values["ID_LIKE"]),
		Version: values["VERSION_ID"],
		Name:    values["PRETTY_NAME"],
	}
}

// unquote undoes the shell's quoting, as far as os-release(5) allows it.
func unquote(value string) string {
	if len(value) < 2 || (value[0] != '"' && value[0] != '\'') || value[len(value)-1] != value[0] {
		return value
	}
	text := value[1 : len(value)-1]
	if value[0] == '\'' {
		return text
	}
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\$`, `$`, "\\`", "`").Replace(text)
}

// Holder names the process that holds a lock on a file, "process 123 (apt-get install pipx)",
// from /proc/locks, or "" if it is not there.
func (h *Host) Holder(name string) string {
	info, err := h.FS.Lstat(name)
	if err != nil {
		return ""
	}
	locks, err := h.FS.ReadFile("/proc/locks", 4<<20)
	if err != nil {
		return ""
	}
	pid := findLock(string(locks), cmp.Or(h.mountedDevice(name), info.Dev), info.Ino)
	if pid == 0 {
		return ""
	}
	return h.process(pid)
}

// PIDFile names the process whose number is in a file, as Holder does, or returns "" if there is no such process.
func (h *Host) PIDFile(name string) string {
	text, err := h.FS.ReadFile(name, 64)
	if err != nil {
		return ""
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 0 {
		return ""
	}
	if _, err := h.FS.Lstat(fmt.Sprintf("/proc/%d/stat", pid)); err != nil {
		return ""
	}
	return h.process(pid)
}

func (h *Host) process(pid int) string {
	command := h.commandLine(pid)
	if command == "" {
		return fmt.Sprintf("process %d", pid)
	}
	return fmt.Sprintf("process %d (%s)", pid, command)
}

// mountedDevice returns the device of the file system that name is on, as in /proc, 0 if it is not there. On btrfs
// and the like, stat gives another one to each subvolume.
func (h *Host) mountedDevice(name string) uint64 {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, h.FS.Real(name), unix.AT_SYMLINK_NOFOLLOW, unix.STATX_MNT_ID, &st)
	if err != nil || st.Mask&unix.STATX_MNT_ID == 0 {
		return 0 // Linux before 5.8
	}
	return findMount(h.mounts(), st.Mnt_id)
}

// mounts is what the kernel says of the mounts that we see, "" if that cannot be read.
func (h *Host) mounts() string {
	text, err := h.FS.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", os.Getpid()), 16<<20)
	if err != nil {
		return ""
	}
	return string(text)
}

// MountPoint returns where the file system is mounted that a path is on, or would be; "" for the root directory's, and
// if that cannot be told.
func (h *Host) MountPoint(name string) string {
	found, err := h.FS.RealPath(name)
	for errors.Is(err, fs.ErrNotExist) && name != "/" {
		name = path.Dir(name)
		found, err = h.FS.RealPath(name)
	}
	if err != nil {
		return ""
	}
	point := ""
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	for line := range strings.Lines(h.mounts()) {
		fields := strings.Fields(line) // "36 35 98:0 / /mnt rw …"
		if len(fields) < 5 || fields[4] == "/" {
			continue
		}
		at := unescape.Replace(fields[4])
		if (found == at || strings.HasPrefix(found, at+"/")) && len(at) > len(point) {
			point = at
		}
	}
	return point
}

// findMount returns the device in a line "36 35 98:0 / /mnt rw …" about the mount.
func findMount(mounts string, id uint64) uint64 {
	want := strconv.FormatUint(id, 10)
	for line := range strings.Lines(mounts) {
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[0] != want {
			continue
		}
		var major, minor uint32
		if _, err := fmt.Sscanf(fields[2], "%d:%d", &major, &minor); err == nil {
			return unix.Mkdev(major, minor)
		}
	}
	return 0
}

// commandLine returns the start of a process's arguments, without control characters.
func (h *Host) commandLine(pid int) string {
	argv, err := h.FS.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid), 4<<20)
	if err != nil {
		return ""
	}
	text := strings.TrimRight(string(argv), "\x00")
	if len(text) > commandLimit {
		text = text[:commandLimit] + "…"
	}
	return printable(text)
}

// printable is a text without characters that could deceive a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

// findLock returns the process in a line "1: POSIX  ADVISORY  WRITE 2713 fe:00:1234 0 EOF" that
// is about the file. Lines with "->" are waiters.
func findLock(locks string, dev, ino uint64) int {
	want := fmt.Sprintf("%02x:%02x:%d", unix.Major(dev), unix.Minor(dev), ino)
	for line := range strings.Lines(locks) {
		fields := strings.Fields(line)
		if len(fields) < 6 || fields[1] == "->" || fields[5] != want {
			continue
		}
		if pid, err := strconv.Atoi(fields[4]); err == nil && pid > 0 {
			return pid
		}
	}
	return 0
}

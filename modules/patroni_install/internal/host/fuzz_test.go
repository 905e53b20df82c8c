package host

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

// FuzzRelease reads any os-release: no line gives a value of two, and what the shell would make of a plain
// assignment is what we make of it.
func FuzzRelease(f *testing.F) {
	for _, text := range []string{
		"", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n", "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\r\n",
		"ID='a'\nID=b", "ID=\"", "ID=\"\\", "ID=\"a\\\"\\$\\`\\\\\"", "#ID=x", "ID =x", "=x", "ID=a=b", "\x00ID=x", "ID=\"a\nb\"", "ID=" + strings.Repeat("x", 100000),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		release := parseRelease(text)
		for _, value := range append([]string{release.ID, release.Version, release.Name}, release.Like...) {
			if strings.Contains(value, "\n") || len(value) > len(text) {
				t.Errorf("the value %q is of more than a line", value)
			}
		}
		last := parseRelease(text + "\nID=\"x\\$y\"\n")
		if last.ID != "x$y" || last.Version != release.Version || last.Name != release.Name {
			t.Errorf("the last line does not decide: %+v after %+v", last, release)
		}
		commented := parseRelease("#" + strings.ReplaceAll(text, "\n", "\n#"))
		if commented.ID != "" || commented.Name != "" || len(commented.Like) > 0 {
			t.Errorf("comments count: %+v", commented)
		}
	})
}

// FuzzAccount finds accounts in any passwd file: of the asked name or number, with ids that exist.
func FuzzAccount(f *testing.F) {
	for _, key := range []string{"postgres", "26", "root", "0", "-1", "4294967295", "+", "", "a:b", "-x", "026", " 26"} {
		f.Add(passwd, key)
		f.Add("postgres:x:26:27:::\npostgres:x:0:0:::\n:::::::\n", key)
		f.Add(strings.Repeat(":", 100), key)
	}
	f.Fuzz(func(t *testing.T, text, key string) {
		fields := findEntry(text, key, 7)
		if fields == nil {
			return
		}
		if fields[0] != key && fields[2] != key || len(fields) != 7 {
			t.Errorf("%q is not the entry of %q", fields, key)
		}
		for _, field := range fields {
			if strings.ContainsAny(field, ":\n") {
				t.Errorf("the field %q is more than one", field)
			}
		}
		if id, err := parseID(fields[2]); err == nil && (id < 0 || id >= math.MaxUint32 || strconv.Itoa(id) == "4294967295") {
			t.Errorf("%q became the id %d", fields[2], id)
		}
	})
}

// FuzzKernelTexts reads what stands in /proc, where names of processes and mounts are anybody's.
func FuzzKernelTexts(f *testing.F) {
	f.Add("1: POSIX  ADVISORY  WRITE 2713 fe:00:1234 0 EOF\n1: -> POSIX  ADVISORY  WRITE 1 fe:00:1234 0 EOF\n",
		uint64(0xfe00), uint64(1234))
	f.Add("36 35 98:0 / /mnt rw\n36 35 x:y / / rw\n36\n\n", uint64(36), uint64(0))
	f.Fuzz(func(t *testing.T, text string, dev, ino uint64) {
		if pid := findLock(text, dev, ino); pid < 0 || pid > 0 && !strings.Contains(text, strconv.Itoa(pid)) {
			t.Errorf("process %d holds the lock", pid)
		}
		if device := findMount(text, dev); device != 0 && !strings.Contains(text, strconv.FormatUint(dev, 10)) {
			t.Errorf("mount %d is on %d", dev, device)
		}
	})
}

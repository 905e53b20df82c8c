package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

func TestParseRelease(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want Release
	}{
		"debian": {
			text: "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\nHOME_URL=\"https://x/?a=b\"\n",
			want: Release{ID: "debian", Version: "12", Name: "Debian GNU/Linux 12 (bookworm)"},
		},
		"rocky": {
			text: "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\n",
			want: Release{ID: "rocky", Like: []string{"rhel", "centos", "fedora"}, Version: "9.4"},
		},
		"comments, spaces, no end of line": {
			text: "# ID=comment\n#ID=comment\n\n  ID='arch'\r\nnothing\nVERSION_ID=",
			want: Release{ID: "arch"},
		},
		"escapes": {
			text: `PRETTY_NAME="a \"b\" \$c \\d ` + "\\`e\\`" + "\"\nVERSION_ID='\\$1'\nID=\"",
			want: Release{Name: "a \"b\" $c \\d `e`", Version: `\$1`, ID: `"`},
		},
		"empty": {},
	} {
		if diff := cmp.Diff(tt.want, parseRelease(tt.text), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestReleaseIs(t *testing.T) {
	ubuntu := Release{ID: "ubuntu", Like: []string{"debian"}}
	for _, tt := range []struct {
		ids  []string
		want bool
	}{{[]string{"debian"}, true}, {[]string{"rhel", "ubuntu"}, true}, {[]string{"rhel", "deb"}, false}, {nil, false}} {
		if got := ubuntu.Is(tt.ids...); got != tt.want {
			t.Errorf("Is(%q) is %v", tt.ids, got)
		}
	}
}

func TestRelease(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		link  string // of /etc/os-release
		want  string
		fails bool
	}{
		"in etc":     {files: map[string]string{"etc/os-release": "ID=a", "usr/lib/os-release": "ID=b"}, want: "a"},
		"a link":     {files: map[string]string{"etc/x": "", "usr/lib/os-release": "ID=b"}, link: "../usr/lib/os-release", want: "b"},
		"a bad link": {files: map[string]string{"etc/x": "", "usr/lib/os-release": "ID=b"}, link: "nowhere", want: "b"},
		"in usr/lib": {files: map[string]string{"usr/lib/os-release": "ID=b"}, want: "b"},
		"none":       {fails: true},
		"directory":  {files: map[string]string{"etc/os-release/x": ""}, fails: true},
		"too big":    {files: map[string]string{"etc/os-release": strings.Repeat("#", releaseLimit+1)}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			h, _, dir := newHost(t, tt.files)
			if tt.link != "" {
				must(t, os.Symlink(tt.link, filepath.Join(dir, "etc/os-release")))
			}
			release, err := h.Release()
			if (err != nil) != tt.fails {
				t.Errorf("error %v", err)
			}
			if diff := cmp.Diff(tt.want, release.ID); diff != "" {
				t.Errorf("ID (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSystemEnv(t *testing.T) {
	first := SystemEnv("A=1")
	_ = SystemEnv("A=2")
	want := []string{"PATH=" + systemPath, "HOME=/root", "LC_ALL=C.UTF-8", "A=1"}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestHolder asks the kernel about locks of another process.
func TestHolder(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	must(t, os.WriteFile(name, nil, 0o600))
	h := &Host{FS: fsys.New("/")}
	if got := h.Holder(name); got != "" {
		t.Errorf("holder of a free lock is %q", got)
	}
	program, err := os.Executable()
	must(t, err)
	for _, kind := range []string{"flock", "fcntl", "lease"} {
		t.Run(kind, func(t *testing.T) {
			pid := startHolder(t, kind, name)
			want := fmt.Sprintf("process %d (%s the holder)", pid, program)
			if diff := cmp.Diff(want, h.Holder(name)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHolderFromText(t *testing.T) {
	const cmdline = "apt-get\x00install\x00pipx\x00"
	for name, tt := range map[string]struct {
		locks   string // %s is the file
		cmdline string
		want    string
	}{
		"free":             {locks: "1: FLOCK  ADVISORY  WRITE 7 00:01:2 0 EOF\n"},
		"waiter only":      {locks: "1: -> FLOCK  ADVISORY  WRITE 77 %s 0 EOF\n", cmdline: cmdline},
		"waiter and owner": {locks: "1: FLOCK  ADVISORY  WRITE 77 %s 0 EOF\n1: -> FLOCK  ADVISORY  WRITE 9 %[1]s 0 EOF\n", cmdline: cmdline, want: "process 77 (apt-get install pipx)"},
		"posix":            {locks: "9: POSIX  ADVISORY  WRITE 77 %s 0 EOF\n", cmdline: cmdline, want: "process 77 (apt-get install pipx)"},
		"no process":       {locks: "9: OFDLCK ADVISORY  WRITE -1 %s 0 EOF\n10: FLOCK ADVISORY WRITE 0 %[1]s 0 EOF\n"},
		"short lines":      {locks: "9: POSIX\n\n%s\n"},
		"gone":             {locks: "9: POSIX  ADVISORY  WRITE 78 %s 0 EOF\n", want: "process 78"},
		"kernel thread":    {locks: "9: POSIX  ADVISORY  WRITE 77 %s 0 EOF\n", want: "process 77"},
		"hostile": {
			locks:   "9: POSIX  ADVISORY  WRITE 77 %s 0 EOF",
			cmdline: "a\nb\x1b[2J\xff" + strings.Repeat("x", commandLimit),
			want:    "process 77 (a b [2J?" + strings.Repeat("x", commandLimit-8) + "…)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, _, dir := newHost(t, map[string]string{"var/lock": "", "proc/77/cmdline": tt.cmdline})
			var st unix.Stat_t
			must(t, unix.Stat(filepath.Join(dir, "var/lock"), &st))
			file := fmt.Sprintf("%02x:%02x:%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino)
			text := tt.locks
			if strings.Contains(text, "%") {
				text = fmt.Sprintf(text, file)
			}
			must(t, os.WriteFile(filepath.Join(dir, "proc/locks"), []byte(text), 0o600))
			if diff := cmp.Diff(tt.want, h.Holder("/var/lock")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHolderUnknown(t *testing.T) {
	h, _, _ := newHost(t, map[string]string{"var/lock": ""})
	for _, name := range []string{"/var/lock", "/var/missing"} { // there is no /proc
		if got := h.Holder(name); got != "" {
			t.Errorf("holder of %s is %q", name, got)
		}
	}
}

func TestTail(t *testing.T) {
	long := strings.Repeat("y", outputLimit)
	for name, tt := range map[string]struct {
		writes []string
		kept   string
		lines  []string
	}{
		"lines":       {writes: []string{"a\nb", "c\r\n", "\n", "d"}, kept: "a\nbc\r\n\nd", lines: []string{"a", "bc", "", "d"}},
		"nothing":     {},
		"long":        {writes: []string{"x", long, long, "z\n"}, kept: long[2:] + "z\n", lines: []string{"x" + long, long + "z"}},
		"exact limit": {writes: []string{long}, kept: long, lines: []string{long}},
		"many writes": {writes: slices.Repeat([]string{"ab\n"}, outputLimit), kept: strings.Repeat("ab\n", outputLimit)[2*outputLimit:], lines: slices.Repeat([]string{"ab"}, outputLimit)},
	} {
		var lines []string
		out := &tail{line: func(line string) { lines = append(lines, line) }}
		for _, text := range tt.writes {
			if n, err := out.Write([]byte(text)); n != len(text) || err != nil {
				t.Errorf("%s: Write: %d, %v", name, n, err)
			}
		}
		out.end()
		if string(out.bytes()) != tt.kept {
			t.Errorf("%s: kept %d bytes, want %d", name, len(out.bytes()), len(tt.kept))
		}
		if !slices.Equal(tt.lines, lines) {
			t.Errorf("%s: %d lines, want %d", name, len(lines), len(tt.lines))
		}
	}
}

func TestSerialised(t *testing.T) {
	if serialised(nil) != nil {
		t.Error("no callback became one")
	}
	var inside atomic.Int32
	calls := 0
	line := serialised(func(string) {
		if inside.Add(1) != 1 {
			t.Error("called twice at once")
		}
		calls++
		runtime.Gosched()
		inside.Add(-1)
	})
	const each = 1000
	var streams sync.WaitGroup
	for range 4 {
		streams.Go(func() {
			for range each {
				line("")
			}
		})
	}
	streams.Wait()
	if calls != 4*each {
		t.Errorf("%d calls, want %d", calls, 4*each)
	}
}

func TestCommandErrorText(t *testing.T) {
	cause := errors.New("the reason")
	for _, tt := range []struct {
		err  *CommandError
		want string
	}{
		{&CommandError{Argv: []string{"a", "b"}, Status: "exit status 1"}, `command "a b" failed: exit status 1`},
		{&CommandError{Argv: []string{"a"}, Status: "exit status 1", Stderr: "why"}, `command "a" failed: exit status 1: why`},
		{&CommandError{Argv: []string{"a"}, Status: "signal: killed", Cause: cause}, `command "a" was stopped: the reason`},
	} {
		if diff := cmp.Diff(tt.want, tt.err.Error()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := errors.Unwrap(tt.err); !errors.Is(got, tt.err.Cause) {
			t.Errorf("cause %v, want %v", got, tt.err.Cause)
		}
	}
}

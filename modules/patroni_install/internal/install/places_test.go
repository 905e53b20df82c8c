package install

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// TestBuildWithBinDirOfOthers: the programs that build lie in bin_dir, and are in sight.
func TestBuildWithBinDirOfOthers(t *testing.T) {
	for name, c := range map[string]struct {
		arguments string
		edit      func(m *machine)
	}{
		"pipx": {`{"bin_dir": "/usr/local/bin"}`, func(m *machine) {
			m.program("/usr/local/bin/pipx", "#!", 0o755)
			m.dir("/usr/local/lib/python3.11/dist-packages/pipx-1.7.1.dist-info", 0o755)
		}},
		"python": {`{"bin_dir": "/usr/local/bin", "python": "/usr/local/bin/python3"}`, func(m *machine) {
			m.program("/usr/local/bin/python3.11", "#!", 0o755)
			m.link("/usr/local/bin/python3", "python3.11")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			c.edit(m)
			m.run(c.arguments)
			if !m.has("/usr/local/bin/patroni") || m.run(c.arguments).Changed() {
				t.Error("not installed, or not for good")
			}
		})
	}
}

// TestNoUnitDirectory: an image without systemd gets the directory of the units, in the transaction.
func TestNoUnitDirectory(t *testing.T) {
	for _, arguments := range []string{`{}`, `{"method": "package"}`} {
		m := newMachine(t)
		packageOffered(m)
		m.remove("/etc/systemd", "/run/systemd")
		m.write(osPolicy, "#!/bin/sh\nexit 101\n")
		before := m.state()
		i := m.installer(arguments)
		m.fault = func(kind, object string) error {
			if kind == "rename" && strings.HasPrefix(object, unitFile) {
				return unix.EROFS
			}
			return nil
		}
		if _, err := i.Run(t.Context()); !errors.Is(err, unix.EROFS) {
			t.Errorf("%s: %v", arguments, err)
		}
		m.fault = nil
		if diff := cmp.Diff(before, m.state()); diff != "" {
			t.Errorf("%s: not undone (-before +after):\n%s", arguments, diff)
		}
		if m.run(arguments); m.run(arguments).Changed() {
			t.Errorf("%s: a second run changes something", arguments)
		}
	}
}

package install

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// unreadable are homes whose profiles root cannot or must not read.
func unreadable() map[string]func(m *machine) {
	return map[string]func(m *machine){
		"too large": func(m *machine) { m.write(home+"/.bashrc", strings.Repeat("#\n", entryLimit)) },
		"a hard link": func(m *machine) {
			m.write("/srv/skel", "# x\n")
			m.remove(home + "/.bashrc")
			m.must(os.Link(m.real("/srv/skel"), m.real(home+"/.bashrc")))
		},
		"behind a link of the user's": func(m *machine) {
			m.dir("/data", 0o755)
			m.dir("/u", 0o755)
			m.must(os.Lchown(m.real("/u"), m.uid, m.gid))
			m.must(os.Rename(m.real(home), m.real("/data/pg")))
			m.link("/u/pg", "../data/pg")
			m.write("/etc/passwd", strings.ReplaceAll(m.read("/etc/passwd"), home, "/u/pg"))
		},
	}
}

// TestUnreadableProfiles are of interest only to those who want something in them.
func TestUnreadableProfiles(t *testing.T) {
	const elsewhere = `"pipx_home": "/opt/pipx", "bin_dir": "/opt/patroni/bin"`
	for name, edit := range unreadable() {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			edit(m)
			for _, wanted := range []string{``, `, "manage_path": false, "patronictl_config": true`} {
				_, err := m.installer(`{` + elsewhere + wanted + `}`).Run(t.Context())
				if err == nil || !strings.HasPrefix(err.Error(), "cannot put anything into the shell profiles: ") ||
					!strings.Contains(err.Error(), "set manage_path and patronictl_config") {
					t.Errorf("%q: error %v", wanted, err)
				}
			}
			const left = `{` + elsewhere + `, "manage_path": false}`
			m.run(left)
			if again := m.run(left); again.Changed() || len(again.Warnings) > 0 {
				t.Errorf("a second run: %q, warnings %q", visible(again), again.Warnings)
			}
			report := m.run(`{` + elsewhere + `, "state": "absent"}`)
			if m.has(unitFile) || m.has("/opt/pipx/venvs/patroni") {
				t.Error("something is left")
			}
			const warning = "cannot look for a block of this module in the shell profiles ."
			if len(report.Warnings) == 0 || !strings.HasPrefix(report.Warnings[0], warning) {
				t.Errorf("warnings %q", report.Warnings)
			}
		})
	}
}

// TestHomeClosedToRoot: as on NFS with root_squash. Everything else lies elsewhere.
func TestHomeClosedToRoot(t *testing.T) {
	m := newMachine(t)
	m.must(os.Chmod(m.root, 0o755))
	m.must(os.Chmod(m.real(home), 0o700))
	runtime.LockOSThread() // never given back: the thread ends with the test
	m.must(unix.Setfsuid(65534))
	_, err := m.installer(`{"pipx_home": "/opt/pipx", "bin_dir": "/opt/patroni/bin", "manage_path": false}`).
		Check(t.Context())
	m.must(unix.Setfsuid(0))
	if err != nil {
		t.Error(err)
	}
}

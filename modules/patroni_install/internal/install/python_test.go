package install

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPythonAsked: an installation is for the interpreter that was asked for, and comes to rest with it.
func TestPythonAsked(t *testing.T) {
	const other = `{"python": "/usr/bin/python3.13"}`
	m := newMachine(t)
	m.program("/usr/bin/python3.13", "#!", 0o755)
	m.run(`{"version": "4.0.7"}`)
	m.unchanged(`{"python": "/usr/bin/python3"}`)
	report := m.run(other)
	facts := report.Result(false).Extra["patroni"].(map[string]any)
	if facts["version"] != "4.0.7" || facts["python"] != "3.13" {
		t.Errorf("facts: %v", facts)
	}
	want := "since it was made for Python 3.11, and /usr/bin/python3.13 was asked for"
	if msg := report.Result(false).Msg; !strings.Contains(msg, want) {
		t.Errorf("message %q lacks %q", msg, want)
	}
	m.unchanged(other)
	m.unchanged(`{}`)
}

// TestPythonMissing refuses an interpreter that is not there and that no package is about to bring.
func TestPythonMissing(t *testing.T) {
	m := newMachine(t)
	m.run(`{"version": "4.0.7"}`)
	before := m.state()
	_, err := m.installer(`{"python": "/opt/none/python3", "version": "4.1.5"}`).Run(t.Context())
	const want = "cannot build Patroni with /opt/none/python3: it is not there; install it, name its package in " +
		"prerequisites, or leave python unset (in the role: patroni_python); nothing was changed"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	if diff := cmp.Diff(before, m.state()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	m.unchanged(`{"python": "/opt/none/python3"}`) // nothing is to be built
}

// TestClosedPrograms: who is to execute a program decides. The next one is taken, or what is closed is named.
func TestClosedPrograms(t *testing.T) {
	hidden := func(program string) func(m *machine) {
		return func(m *machine) {
			m.program("/root/tools/program", "#!", 0o755)
			m.dir("/root", 0o700)
			m.remove(program)
			m.link(program, "/root/tools/program")
		}
	}
	noPackage := func(m *machine) { m.setStatus(debian{known("pipx"), "install ok installed"}) }
	for name, c := range map[string]struct {
		edit      func(m *machine)
		arguments string
		want      string // "": it succeeds
	}{
		"pipx, and a package is to come": {hidden("/usr/local/bin/pipx"), `{}`, ""},
		"pipx, and another beside it": {
			func(m *machine) {
				hidden("/usr/local/bin/pipx")(m)
				noPackage(m)
				m.program("/usr/bin/pipx", "#!", 0o755)
			}, `{}`, "",
		},
		"pipx, and pip brings one": {func(m *machine) { bareRHEL(m); hidden("/usr/local/bin/pipx")(m) }, `{}`, ""},
		"pipx, and no other": {
			hidden("/usr/local/bin/pipx"), `{"prerequisites": []}`,
			"cannot build Patroni: user postgres cannot start /usr/local/bin/pipx: it may not enter /root (0700 0:0); " +
				"install pipx for all users (apt-get install --no-install-recommends pipx), or open that to the user",
		},
		"uv, and nobody asked for it": {hidden("/usr/local/bin/uv"), `{}`, ""},
		"uv": {
			hidden("/usr/local/bin/uv"), `{"installer": "uv"}`,
			"user postgres cannot start /usr/local/bin/uv: it may not enter /root (0700 0:0); leave installer unset",
		},
		"python": {
			hidden("/usr/local/bin/python3.13"), `{"python": "/usr/local/bin/python3.13"}`,
			"user postgres cannot start /usr/local/bin/python3.13: it may not enter /root (0700 0:0); leave python unset",
		},
		"the system's python": {
			hidden("/usr/bin/python3"), `{}`,
			"user postgres cannot start /usr/bin/python3: it may not enter /root (0700 0:0); set python",
		},
		"the system's python, and another is asked for": {
			func(m *machine) {
				m.program("/usr/bin/python3.13", "#!", 0o755)
				hidden("/usr/bin/python3")(m)
			}, `{"python": "/usr/bin/python3.13"}`, "",
		},
		"the system's python, for the user's own pipx": {
			func(m *machine) {
				bareRHEL(m)
				m.program("/usr/bin/python3.13", "#!", 0o755)
				hidden("/usr/bin/python3")(m)
			}, `{"python": "/usr/bin/python3.13"}`, "cannot start /usr/bin/python3: it may not enter /root",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			c.edit(m)
			if c.want == "" {
				m.run(c.arguments)
			} else {
				m.refuses(c.arguments, c.want)
			}
		})
	}
}

// TestClosedProgramsOfAnInstallation: what builds does not matter to what is built.
func TestClosedProgramsOfAnInstallation(t *testing.T) {
	m := newMachine(t)
	m.run(`{}`)
	m.must(os.Chmod(m.real("/usr/bin/python3.11"), 0o700))
	m.unchanged(`{}`)
	m.refuses(`{"version": "4.0.7"}`, "cannot start /usr/bin/python3: it may not execute /usr/bin/python3.11 (0700 0:0)")
}

package install

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPythonAsked: an installation is for the interpreter that was asked for, and comes to rest with it.
func TestPythonAsked(t *testing.T) {
	const other = `{"python": "/usr/bin/python3.13"}`
	m := newMachine(t)
	m.write("/usr/bin/python3.13", "#!")
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

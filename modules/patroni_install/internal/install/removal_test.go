package install

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const removed = `{"state": "absent"}`

// TestRemovalBesideUnits: which units go, which stay, and what is said about it.
func TestRemovalBesideUnits(t *testing.T) {
	const foreign = "[Service]\nExecStart=/opt/venv/bin/patroni /opt/patroni.yml\nUser=dba\n"
	for name, c := range map[string]struct {
		edit    func(m *machine)
		stays   bool
		warning string // the beginning of it
		kept    bool   // its text
	}{
		"ours":                    {func(*machine) {}, false, "", false},
		"ours, edited":            {func(m *machine) { m.write(unitFile, m.read(unitFile)+"# edited\n") }, false, "", false},
		"masked":                  {func(m *machine) { m.remove(unitFile); m.link(unitFile, "/dev/null") }, true, unitFile + " stays: it is masked", false},
		"masked by an empty file": {func(m *machine) { m.write(unitFile, "") }, true, unitFile + " stays: it is masked", false},
		"somebody else's":         {func(m *machine) { m.write(unitFile, foreign) }, true, unitFile + " stays: this module did not write it", false},
		"of the earlier role": {
			func(m *machine) { m.write(unitFile, "[Service]\nExecStart="+binDir+"/patroni\n"); m.own(unitFile) }, false,
			unitFile + " goes with the installation, whose programs it starts, though this module did not write it; its text " +
				"is kept in " +
				StateDir + "/former.patroni.service.", true,
		},
		"that starts a link to it": {
			func(m *machine) {
				m.link("/opt/bin/patroni", venv+"/bin/patroni")
				m.write(unitFile, "[Service]\nExecStart=/opt/bin/patroni /etc/patroni/patroni.yaml\n")
			}, false, unitFile + " goes with the installation", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			installed(m)
			c.edit(m)
			before := m.snapshot()
			check, err := m.installer(removed).Check(t.Context())
			m.must(err)
			if diff := cmp.Diff(before, m.snapshot()); diff != "" {
				t.Errorf("the check wrote (-before +after):\n%s", diff)
			}
			report := m.run(removed)
			if m.has(unitFile) != c.stays || m.has(venv) || m.has(StateDir) != c.kept {
				t.Errorf("unit there: %t, tree there: %t", m.has(unitFile), m.has(venv))
			}
			if kept := m.glob(StateDir + "/former.*"); c.kept &&
				(len(kept) != 1 || !strings.Contains(before[unitFile], m.read(kept[0]))) {
				t.Errorf("kept: %q", kept)
			}
			if c.stays && before[unitFile] != m.snapshot()[unitFile] {
				t.Errorf("the unit is %q", m.read(unitFile))
			}
			if diff := cmp.Diff(check.Warnings, report.Warnings); diff != "" {
				t.Errorf("warnings (-check +run):\n%s", diff)
			}
			if got := strings.Join(report.Warnings, "\n"); !strings.HasPrefix(got, c.warning) ||
				(got == "") != (c.warning == "") {
				t.Errorf("warnings %q", got)
			}
			if again := m.run(removed); again.Changed() {
				t.Errorf("again: %q", visible(again))
			}
		})
	}
}

// TestRemovalWithoutHome takes away what lies elsewhere, and says what it did not see.
func TestRemovalWithoutHome(t *testing.T) {
	noUser := func(m *machine) { m.write("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n") }
	for name, c := range map[string]struct {
		arguments string
		edit      func(m *machine)
		warning   string
	}{
		"home gone": {removed, func(m *machine) { m.remove(home) },
			"the home " + home + " of user postgres is not there, and what lay in it was not looked at"},
		"user gone": {removed, func(m *machine) { m.remove(home); noUser(m) },
			"there is no user postgres on this host, so that its home is not known, and what lies in it was not looked at; " +
				"where it is still there, name it in home (in the role: pg_home) and run this again"},
		"user gone, home known": {`{"state": "absent", "home": "` + home + `"}`, noUser,
			"there is no user postgres on this host; " + home + " was taken for its home"},
		"both gone, home known": {`{"state": "absent", "home": "` + home + `"}`, func(m *machine) { m.remove(home); noUser(m) },
			"the home " + home + " of user postgres is not there, and what lay in it was not looked at"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.run(`{"needrestart": true}`)
			c.edit(m)
			report := m.run(c.arguments)
			for _, gone := range []string{unitFile, "/etc/patroni", needrestartFile, venv, binDir + "/patroni"} {
				if m.has(gone) {
					t.Errorf("%s is still there", gone)
				}
			}
			if got := report.Warnings; len(got) == 0 || got[len(got)-1] != c.warning {
				t.Errorf("warnings %q, want %q", got, c.warning)
			}
			if again := m.run(c.arguments); again.Changed() {
				t.Errorf("again: %q", visible(again))
			}
		})
	}
	t.Run("for an installation they are needed", func(t *testing.T) {
		m := newMachine(t)
		m.remove(home)
		if _, err := m.installer(`{}`).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "does not exist") {
			t.Errorf("error %v", err)
		}
		noUser(m)
		if _, err := m.installer(`{}`).Run(t.Context()); err == nil ||
			!strings.Contains(err.Error(), "there is no such user") {
			t.Errorf("error %v", err)
		}
	})
}

// TestRemovalOfEnabled: in an image build the links that enable the unit go with it.
func TestRemovalOfEnabled(t *testing.T) {
	const wants = "/etc/systemd/system/multi-user.target.wants"
	m := newMachine(t)
	m.run(`{}`)
	m.remove("/run/systemd")
	m.link(wants+"/patroni.service", unitFile)
	m.link("/etc/systemd/system/ha.target.requires/patroni.service", "../patroni.service")
	m.link(wants+"/other.service", "/etc/systemd/system/other.service")
	m.link("/etc/systemd/system/own.target.wants/patroni.service", "/usr/lib/systemd/system/patroni.service")
	m.write("/etc/systemd/system/file.wants", "")
	before := m.snapshot()
	m.fault = func(kind, object string) error {
		if kind == "unlink" && object == "/etc/patroni" {
			return errInjected
		}
		return nil
	}
	if _, err := m.installer(removed).Run(t.Context()); err == nil {
		t.Error("the fault did not strike")
	}
	m.fault = nil
	for _, name := range []string{unitFile, wants + "/patroni.service"} {
		if before[name] != m.snapshot()[name] {
			t.Errorf("%s was not put back", name)
		}
	}
	m.run(removed)
	for name, stays := range map[string]bool{
		unitFile: false, wants + "/patroni.service": false, "/etc/systemd/system/ha.target.requires/patroni.service": false,
		wants + "/other.service": true, "/etc/systemd/system/own.target.wants/patroni.service": true,
	} {
		if m.has(name) != stays {
			t.Errorf("%s is there: %t", name, m.has(name))
		}
	}
}

package install

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// TestTwoServices share a tree: the second needs no build, and each is removed for itself.
func TestTwoServices(t *testing.T) {
	const first, second = `{}`, `{` + instance + `}`
	m := newMachine(t)
	m.run(first)
	one := m.state()
	report := m.run(second)
	want := []string{"create configuration directory /etc/patroni-b", "create unit " + otherUnit}
	if diff := cmp.Diff(want, visible(report)); diff != "" {
		t.Errorf("the second service (-want +got):\n%s", diff)
	}
	for _, arguments := range []string{first, second} {
		if again := m.run(arguments); again.Changed() {
			t.Errorf("%s changes again: %q", arguments, visible(again))
		}
	}
	report = m.run(`{"state": "absent", ` + instance + `}`)
	msg := "patroni-b.service was removed: unit and configuration directory; Patroni itself stays, since " +
		"patroni.service starts it."
	if got := report.Result(false); got.Msg != msg || got.Extra["patroni"].(map[string]any)["version"] != "4.1.5" {
		t.Errorf("result %q, %v", got.Msg, got.Extra["patroni"])
	}
	if diff := cmp.Diff(one, m.state()); diff != "" {
		t.Errorf("after the removal of the second (-want +got):\n%s", diff)
	}
	again := m.run(`{"state": "absent", ` + instance + `}`)
	msg = "patroni-b.service is not installed; nothing had to be changed; Patroni itself stays, since patroni.service " +
		"starts it."
	if got := again.Result(false); got.Changed || got.Msg != msg {
		t.Errorf("again: %t, %q", got.Changed, got.Msg)
	}
	m.run(`{"state": "absent"}`)
	if m.has(venv) || m.has(StateDir) || m.has(binDir+"/patroni") {
		t.Error("the last one has left the installation")
	}
}

// TestRemovalOfTheFirst: who came first does not matter.
func TestRemovalOfTheFirst(t *testing.T) {
	m := newMachine(t)
	two(m)
	m.run(`{"state": "absent"}`)
	if m.has(unitFile) || m.has("/etc/patroni") || !m.has(binDir+"/patroni") || !m.has(completionFile) ||
		!m.has(otherNeedrestart) {
		t.Errorf("too much or too little is gone: %q", m.trace)
	}
	if got := m.read(home + "/.profile"); !strings.Contains(got, "='/etc/patroni-b/b.yaml'\n") {
		t.Errorf("the profile is %q", got)
	}
	m.run(`{"state": "absent", ` + instance + `}`)
	for _, name := range []string{venv, otherUnit, completionFile, otherNeedrestart, "/etc/patroni-b", StateDir} {
		if m.has(name) {
			t.Errorf("%s is still there", name)
		}
	}
}

// TestRemovalLeavesOwnBinDir: root's links into the home go with the service that they were for, and stay while another
// one starts Patroni by them.
func TestRemovalLeavesOwnBinDir(t *testing.T) {
	const own = instance + `, "bin_dir": "/opt/b/bin"`
	for name, c := range map[string]struct {
		edit    func(m *machine)
		removal string
		stay    bool
	}{
		"named":     {func(*machine) {}, own, false},
		"not named": {func(*machine) {}, instance, false},
		"of another service": {func(m *machine) {
			m.write("/etc/systemd/system/x.service", "[Service]\nExecStart=/opt/b/bin/patronictl x\n")
		}, own, true},
		"by a drop-in": {func(m *machine) {
			m.write("/etc/systemd/system/x.service.d/x.conf", "[Service]\nExecStart=/opt/b/bin/patroni /x.yml\n")
		}, own, true},
		"with the unit gone": {func(m *machine) { m.remove(otherUnit) }, own, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.run(`{}`)
			m.run(`{` + own + `}`)
			m.write("/opt/b/bin/mine", "")
			c.edit(m)
			before := m.state()
			m.fault = func(kind, object string) error {
				if kind == "rename" && strings.HasPrefix(object, "/etc/patroni-b") ||
					kind == "unlink" && object == "/etc/patroni-b" {
					return errInjected
				}
				return nil
			}
			if _, err := m.installer(`{"state": "absent", ` + c.removal + `}`).Run(t.Context()); err == nil {
				t.Fatal("the run was to fail")
			}
			m.fault = nil
			if diff := cmp.Diff(before, m.state()); diff != "" {
				t.Errorf("after the undo (-before +after):\n%s", diff)
			}
			m.run(`{"state": "absent", ` + c.removal + `}`)
			if m.has("/opt/b/bin/patroni") != c.stay || m.has("/opt/b/bin/patronictl") != c.stay || !m.has("/opt/b/bin/mine") ||
				!m.has(binDir+"/patroni") {
				t.Errorf("after the removal: %q", m.glob("/opt/b/bin/*"))
			}
			if again := m.run(`{"state": "absent", ` + c.removal + `}`); again.Changed() {
				t.Errorf("again: %q", visible(again))
			}
		})
	}
}

// TestUnitsThatUseTheInstallation: which units keep it from being removed.
func TestUnitsThatUseTheInstallation(t *testing.T) {
	for name, c := range map[string]struct {
		write func(m *machine)
		keeps bool
	}{
		"one of people's":         {func(m *machine) { m.write(otherUnit, "[Service]\nExecStart=-"+binDir+"/patroni /srv/p.yaml\n") }, true},
		"one that knows the venv": {func(m *machine) { m.write(otherUnit, "[Service]\nExecStart="+venv+"/bin/python -m patroni\n") }, true},
		"another program of it":   {func(m *machine) { m.write(otherUnit, "[Service]\nExecStart="+binDir+"/patroni_raft_controller\n") }, true},
		"a link from elsewhere": {func(m *machine) {
			m.link("/opt/b/bin/patroni", "../../../"+venv+"/bin/patroni")
			m.write(otherUnit, "[Service]\nExecStart=/opt/b/bin/patroni /etc/b.yaml\n")
		}, true},
		"a link to another Patroni": {func(m *machine) {
			m.link("/opt/b/bin/patroni", "/usr/bin/patroni")
			m.write(otherUnit, "[Service]\nExecStart=/opt/b/bin/patroni /etc/b.yaml\n")
		}, false},
		"a unit kept elsewhere": {func(m *machine) {
			m.write("/srv/units/patroni-b.service", "[Service]\nExecStart="+binDir+"/patroni /srv/p.yaml\n")
			m.link(otherUnit, "/srv/units/patroni-b.service")
		}, true},
		"a unit kept elsewhere, of another Patroni": {func(m *machine) {
			m.write("/srv/units/patroni-b.service", "[Service]\nExecStart=/usr/bin/patroni /srv/p.yaml\n")
			m.link(otherUnit, "/srv/units/patroni-b.service")
		}, false},
		"a link that leads nowhere": {func(m *machine) { m.link(otherUnit, "/srv/none.service") }, false},
		"a drop-in": {func(m *machine) {
			m.write(otherUnit, "[Service]\nExecStart=/usr/bin/patroni\n")
			m.write(otherUnit+".d/override.conf", "[Service]\nExecStart=\nExecStart="+binDir+"/patroni /srv/p.yaml\n")
		}, true},
		"what is no drop-in":       {func(m *machine) { m.write(otherUnit+".d/override.bak", "[Service]\nExecStart="+binDir+"/patroni\n") }, false},
		"a drop-in of its own":     {func(m *machine) { m.write(unitFile+".d/a.conf", "[Service]\nExecStart="+binDir+"/patroni\n") }, false},
		"another Patroni":          {func(m *machine) { m.write(otherUnit, "[Service]\nExecStart=/usr/bin/patroni /etc/p.yaml\n") }, false},
		"another program":          {func(m *machine) { m.write(otherUnit, "[Service]\nExecStart="+binDir+"/patroni_exporter\n") }, false},
		"masked":                   {func(m *machine) { m.link(otherUnit, "/dev/null") }, false},
		"another name of the same": {func(m *machine) { m.link(otherUnit, "patroni.service") }, false},
		"a directory":              {func(m *machine) { m.dir("/etc/systemd/system/d.service", 0o755) }, false},
		"no service": {func(m *machine) {
			m.write("/etc/systemd/system/patroni-b.conf", "ExecStart="+binDir+"/patroni\n")
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			installed(m)
			c.write(m)
			m.run(`{"state": "absent"}`)
			if m.has(venv) != c.keeps || m.has(binDir+"/patroni") != c.keeps || m.has(unitFile) {
				t.Errorf("tree there: %t, want %t", m.has(venv), c.keeps)
			}
		})
	}
	t.Run("one too large to be a unit", func(t *testing.T) {
		m := newMachine(t)
		installed(m)
		m.write(otherUnit, strings.Repeat("#", entryLimit+1))
		before := m.snapshot()
		_, err := m.installer(`{"state": "absent"}`).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "cannot tell which services use this installation: ") ||
			!strings.Contains(err.Error(), otherUnit) {
			t.Errorf("error %v", err)
		}
		if diff := cmp.Diff(before, m.snapshot()); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
		m.run(`{}`) // who removes nothing does not read it
	})
}

// TestSharedConfigDir: an empty directory stays while another service looks for its file in it.
func TestSharedConfigDir(t *testing.T) {
	m := newMachine(t)
	m.run(`{}`)
	m.run(`{"service_name": "patroni-b", "config_file": "b.yaml"}`)
	m.run(`{"state": "absent"}`)
	if !m.has("/etc/patroni") {
		t.Error("the directory is gone")
	}
}

// TestOneConfigForPatronictl: two services do not take the shells from each other.
func TestOneConfigForPatronictl(t *testing.T) {
	m := newMachine(t)
	two(m) // the second is named
	m.run(`{}`)
	if got := m.read(home + "/.profile"); !strings.Contains(got, "='/etc/patroni-b/b.yaml'\n") {
		t.Errorf("a run that wants none has changed the profile: %q", got)
	}
	_, err := m.installer(`{"patronictl_config": true}`).Run(t.Context())
	want := "cannot name /etc/patroni/patroni.yaml in " + home + "/.profile: it names /etc/patroni-b/b.yaml, the " +
		"configuration of " +
		"patroni-b.service, and it can name one; set patronictl_config (in the role: patroni_patronictl_config) to true for one service " +
		"only; nothing was changed"
	if err == nil || err.Error() != want {
		t.Errorf("error (-want +got):\n%s", cmp.Diff(want, err.Error()))
	}
	m.run(`{` + instance + `}`)
	m.run(`{"patronictl_config": true}`)
	if got := m.read(home + "/.profile"); !strings.Contains(got, "='/etc/patroni/patroni.yaml'\n") {
		t.Errorf("the profile is %q", got)
	}
}

// TestConfigOfNobody: the user has made the block name what no service has, and goes out with it.
func TestConfigOfNobody(t *testing.T) {
	for _, config := range []string{"/etc/patroni-b/old.yaml", "b.yaml", "", "/etc/patroni-b/\x01"} {
		m := newMachine(t)
		installed(m)
		before := m.read(home + "/.profile")
		m.run(`{` + allComfort + `, ` + instance + `}`)
		m.write(home+"/.profile", strings.Replace(m.read(home+"/.profile"), "/etc/patroni-b/b.yaml", config, 1))
		m.own(home)
		m.run(`{}`)
		if diff := cmp.Diff(before, m.read(home+"/.profile")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", config, diff)
		}
	}
}

// TestRestartOfEachService: the state of the one does not speak for the other.
func TestRestartOfEachService(t *testing.T) {
	const other = `{` + instance + `}`
	installed := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for arguments, started := range map[string]time.Duration{`{}`: time.Second, other: -time.Second} {
		o := healthy(t, arguments)
		o.file(o.Unit, string(o.unit(desired(t, arguments)).Render()), fsys.Attr{Mode: 0o644})
		o.Installed.Since = installed
		o.Service.MainPID, o.Service.MainStarted = 1, installed.Add(started)
		got := reportOf(t, arguments, o, Outcome{}, false).Result(false)
		if want := started < 0; got.Extra["restart_required"] != want || got.Changed {
			t.Errorf("%s: %+v", arguments, got)
		} else if want && !strings.HasPrefix(got.Warnings[0], "patroni-b.service still runs ") {
			t.Errorf("warnings %q", got.Warnings)
		}
	}
}

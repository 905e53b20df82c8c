package install

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// secondInstallation is another one of the same user.
const secondInstallation = `"pipx_home": "/opt/b/pipx", "bin_dir": "/opt/b/bin", ` + instance

// TestTwoInstallations of one user come to rest, and leave each other alone when they go.
func TestTwoInstallations(t *testing.T) {
	const first, second = `{"completion": true, "patronictl_config": true}`, `{` + secondInstallation + `}`
	m := newMachine(t)
	m.run(first)
	one := m.state()
	report := m.run(second)
	want := "the shell profiles have " + binDir + " on the PATH, where another installation of user postgres has its " +
		"programs, and " +
		"/opt/b/bin was not added; set manage_path (in the role: patroni_manage_path) to false, and add /opt/b/bin to the PATH " +
		"yourself if that is wanted"
	if diff := cmp.Diff([]string{want}, report.Result(false).Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	for _, arguments := range []string{first, second, first, second} {
		if again := m.run(arguments); again.Changed() {
			t.Errorf("%s changes again: %q", arguments, visible(again))
		}
	}
	m.run(`{"state": "absent", ` + secondInstallation + `}`)
	m.remove("/opt") // directories that were made stay
	if diff := cmp.Diff(one, m.state()); diff != "" {
		t.Errorf("after the removal of the second (-want +got):\n%s", diff)
	}
	m.run(`{"state": "absent"}`)
	if got := m.read(home + "/.profile"); strings.Contains(got, "patroni") || m.has(completionFile) {
		t.Errorf("the last one has left its completion, or a block: %q", got)
	}
}

// TestFirstInstallationGoes: the second takes its place on the PATH at its next run, and rests.
func TestFirstInstallationGoes(t *testing.T) {
	const second = `{` + secondInstallation + `}`
	m := newMachine(t)
	m.run(`{"completion": true}`)
	m.run(second)
	m.run(`{"state": "absent"}`)
	if !m.has(completionFile) || strings.Contains(m.read(home+"/.profile"), binDir) {
		t.Errorf("completion there: %t; the profile is %q", m.has(completionFile), m.read(home+"/.profile"))
	}
	m.run(second)
	if got := m.read(home + "/.profile"); !strings.Contains(got, "'/opt/b/bin'") {
		t.Errorf("the profile is %q", got)
	}
	if again := m.run(second); again.Changed() || len(again.Result(false).Warnings) > 0 {
		t.Errorf("once more: %q, %q", visible(again), again.Result(false).Warnings)
	}
}

// TestPlaceOnThePath is given up by those who have no programs there any more.
func TestPlaceOnThePath(t *testing.T) {
	for name, c := range map[string]struct {
		edit  func(m *machine)
		stays bool
	}{
		"another installation": {func(*machine) {}, true},
		"another, by relative links": {func(m *machine) {
			m.remove("/opt/b/bin/patroni")
			m.link("/opt/b/bin/patroni", "../pipx/venvs/patroni/bin/patroni")
		}, true},
		"one that is gone":           {func(m *machine) { m.remove("/opt/b/pipx") }, false},
		"one without its links":      {func(m *machine) { m.remove("/opt/b/bin") }, false},
		"an earlier bin_dir of this": {func(m *machine) { m.remove("/opt/b/bin/patroni"); m.link("/opt/b/bin/patroni", venv+"/bin/patroni") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.run(`{` + secondInstallation + `}`)
			m.run(`{"manage_path": false}`)
			c.edit(m)
			m.run(`{}`)
			if got := m.read(home + "/.profile"); strings.Contains(got, "'/opt/b/bin'") != c.stays ||
				strings.Contains(got, binDir) == c.stays {
				t.Errorf("the profile is %q", got)
			}
		})
	}
}

// TestConfigDirOfAStranger: a unit that names the empty directory keeps it, of whatever installation it is.
func TestConfigDirOfAStranger(t *testing.T) {
	for command, stays := range map[string]bool{
		"/srv/patroni/bin/patroni /etc/patroni/b.yaml": true,
		"/srv/patroni/bin/patroni /etc/patroni":        true,
		"/srv/patroni/bin/patroni /etc/patroni-b.yaml": false,
		// A blank in quotes ends no path.
		`/srv/patroni/bin/patroni "/etc/patroni b/b.yaml"`:               false,
		`/srv/patroni/bin/patroni '/etc/patroni b/b.yaml'`:               false,
		`/srv/patroni/bin/patroni /etc/patroni\ b/b.yaml`:                false,
		`/srv/patroni/bin/patroni "/etc/patroni/b c.yaml"`:               true,
		`/bin/sh -c "exec /srv/patroni/bin/patroni /etc/patroni/b.yaml"`: true,
	} {
		m := newMachine(t)
		m.run(`{}`)
		m.write(otherUnit, "[Service]\nExecStart="+command+"\n")
		m.run(`{"state": "absent"}`)
		if m.has("/etc/patroni") != stays || m.has(venv) {
			t.Errorf("%s: configuration directory there: %t, tree there: %t", command, m.has("/etc/patroni"), m.has(venv))
		}
	}
}

// TestConfigDirWithABlank: the empty directory of one service goes, though the name of another begins with it.
func TestConfigDirWithABlank(t *testing.T) {
	m := newMachine(t)
	m.run(`{}`)
	m.run(`{"service_name": "patroni-b", "config_dir": "/etc/patroni b"}`)
	m.run(`{"state": "absent"}`)
	if m.has("/etc/patroni") || !m.has("/etc/patroni b") {
		t.Errorf("directories there: %t, %t", m.has("/etc/patroni"), m.has("/etc/patroni b"))
	}
}

// TestWhoKeepsTheCompletion: installations of the same user that this program made.
func TestWhoKeepsTheCompletion(t *testing.T) {
	const command = "ExecStart=/srv/bin/patroni /etc/b.yaml\n"
	for name, c := range map[string]struct {
		file, text string
		stays      bool
	}{
		"another installation":   {otherUnit, systemd.Header + "\n[Service]\nUser=%s\n" + command, true},
		"one by package":         {otherUnit + ".d/" + dropInName, systemd.Header + "\n[Service]\nUser=%s\nExecStart=\n" + command, true},
		"one of another user":    {otherUnit, systemd.Header + "\n[Service]\nUser=pg2\n" + command, false},
		"one that somebody made": {otherUnit, "[Service]\nUser=%s\n" + command, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.run(`{"completion": true}`)
			m.write(c.file, strings.ReplaceAll(c.text, "%s", "postgres"))
			m.run(`{}`)
			if m.has(completionFile) != c.stays {
				t.Errorf("the completion is there: %t", m.has(completionFile))
			}
		})
	}
}

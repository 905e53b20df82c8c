package install

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const movedBin = "/opt/patroni/bin"

// TestMovedBinDir: links of the bin directory before go with the run that makes the others, as far as they are ours and
// no other service uses them.
func TestMovedBinDir(t *testing.T) {
	for name, c := range map[string]struct {
		edit      func(m *machine)
		arguments string
		stays     []string // of the former directory
	}{
		"moved home": {func(*machine) {}, `{}`, nil},
		"removed":    {func(*machine) {}, removed, nil},
		"moved on":   {func(*machine) {}, `{"bin_dir": "/srv/patroni/bin"}`, nil},
		"others' links": {func(m *machine) {
			m.remove(movedBin + "/patronictl")
			m.link(movedBin+"/patronictl", "/opt/other/patronictl")
			m.link(movedBin+"/mine", "/bin/true")
		}, `{}`, []string{"mine", "patronictl"}},
		"with pipx_home": {func(*machine) {}, `{"pipx_home": "/srv/pipx", "bin_dir": "/srv/patroni/bin"}`, nil},
		"with pipx_home, others' links": {func(m *machine) {
			m.remove(movedBin + "/patronictl")
			m.link(movedBin+"/patronictl", "/opt/other/patronictl")
			m.link(movedBin+"/mine", home+"/.local/share/pipx/venvs/mine/bin/mine")
		}, `{"pipx_home": "/srv/pipx", "bin_dir": "/srv/patroni/bin"}`, []string{"mine", "patronictl"}},
		"with pipx_home, another service's": {func(m *machine) {
			m.write(otherUnit, "[Service]\nExecStart="+movedBin+"/patroni /etc/p.yml\n")
		}, `{"pipx_home": "/srv/pipx", "manage_path": false}`, []string{"patroni", "patroni_wal_archiver", "patronictl"}},
		"another service's": {func(m *machine) {
			m.write(otherUnit, "[Service]\nExecStart="+movedBin+"/patroni /etc/p.yml\n")
		}, `{}`, []string{"patroni", "patroni_wal_archiver", "patronictl"}},
		"a unit that is not ours": {func(m *machine) {
			m.write(unitFile, "[Service]\nExecStart="+movedBin+"/patroni /etc/p.yml\n")
		}, `{}`, []string{"patroni", "patroni_wal_archiver", "patronictl"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.dir("/srv", 0o755)
			m.dir("/opt", 0o755)
			m.run(`{"version": "4.0.7", "bin_dir": "` + movedBin + `"}`)
			c.edit(m)
			m.loaded = m.units()
			before := m.state()
			struck := false
			m.fault = func(kind, object string) error {
				if !struck && kind == "rename" && (object == unitFile || object == home+"/.bashrc") {
					struck = true
					return errInjected
				}
				return nil
			}
			if _, err := m.installer(c.arguments).Run(t.Context()); err == nil {
				t.Fatal("the run was to fail")
			}
			m.fault = nil
			if diff := cmp.Diff(before, m.state()); diff != "" {
				t.Errorf("after the undo (-before +after):\n%s", diff)
			}
			m.run(c.arguments)
			var left []string
			for name := range m.snapshot() {
				if app, found := strings.CutPrefix(name, movedBin+"/"); found {
					left = append(left, app)
				}
			}
			if diff := cmp.Diff(c.stays, slices.Sorted(slices.Values(left))); diff != "" {
				t.Errorf("in the former directory (-want +got):\n%s", diff)
			}
			if again := m.run(c.arguments); again.Changed() {
				t.Errorf("a second run: %q", visible(again))
			}
		})
	}
}

// TestMovedWithPipxHome: the way to the programs leads to the new ones, and links of the user's own stay.
func TestMovedWithPipxHome(t *testing.T) {
	m := newMachine(t)
	m.dir("/srv", 0o755)
	m.dir("/opt", 0o755)
	m.run(`{"bin_dir": "` + movedBin + `"}`)
	report := m.run(`{"bin_dir": "/srv/patroni/bin", "pipx_home": "/srv/pipx"}`)
	if text := m.read(home + "/.bashrc"); strings.Contains(text, movedBin) ||
		!strings.Contains(text, "/srv/patroni/bin") || len(report.Warnings) > 0 {
		t.Errorf(".bashrc is %q, warnings %q", text, report.Warnings)
	}
	m = newMachine(t)
	m.dir("/srv", 0o755)
	m.run(`{}`)
	m.run(`{"bin_dir": "/srv/patroni/bin", "pipx_home": "/srv/pipx"}`)
	if !m.has(home + "/.local/bin/patroni") {
		t.Error("the user's own link to the user's own programs went")
	}
}

// TestMovedBinDirUnderSELinux: its rule goes with it.
func TestMovedBinDirUnderSELinux(t *testing.T) {
	m := enforcing(t)
	m.dir("/srv", 0o755)
	m.run(`{"bin_dir": "/srv/patroni/bin"}`)
	m.run(`{}`)
	if got := m.read(localRules); got != rule+ruleEnd+binRule+ruleEnd {
		t.Errorf("rules %q", got)
	}
}

// TestRemovalOfOneServiceUnderSELinux: the rule of a bin directory of its own goes with its links.
func TestRemovalOfOneServiceUnderSELinux(t *testing.T) {
	const own = instance + `, "bin_dir": "/srv/b/bin"`
	m := enforcing(t)
	m.dir("/srv", 0o755)
	m.run(`{}`)
	before := m.read(localRules)
	m.run(`{` + own + `}`)
	if m.read(localRules) == before {
		t.Fatal("there is no rule for the directory")
	}
	m.run(`{"state": "absent", ` + own + `}`)
	if got := m.read(localRules); got != before || m.has("/srv/b/bin/patroni") {
		t.Errorf("rules %q", got)
	}
}

// TestOldHomeBehindALink: what lies behind a link is no installation to adopt.
func TestOldHomeBehindALink(t *testing.T) {
	m := newMachine(t)
	m.dir("/srv/venv", 0o755)
	m.link(oldPipx+"/venvs/patroni", "/srv/venv")
	m.own(home)
	m.run(`{}`)
	if !m.has(venv) {
		t.Error("it is not in pipx's home of today")
	}
}

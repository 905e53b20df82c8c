package install

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
)

// residual is a machine on which pipx was removed and not purged, with its edited configuration.
func residual(m *machine) {
	m.setStatus(debian{pkgmgr.Package{Name: "pipx", Version: "1.1.0-1", Arch: "all"}, "deinstall ok config-files"})
	leftConf(m)
}

// leftConf is one with a file that the package pipx takes for its configuration.
func leftConf(m *machine) {
	m.write(pipxConf, "edited by the administrator\n")
	m.write(pipxConf+"~", "before that\n")
}

// TestUndoKeepsConfiguration: an undo gives back the configuration of packages that were removed and not purged, and
// files that were there without any package.
func TestUndoKeepsConfiguration(t *testing.T) {
	for name, edit := range map[string]func(m *machine){
		"removed and not purged": residual,
		"no package":             leftConf,
		"deleted configuration":  func(m *machine) { residual(m); m.remove(pipxConf) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			edit(m)
			before := m.state()
			status := slices.DeleteFunc(m.status(), func(d debian) bool { return d.Name != "pipx" })
			m.says = func(line string) string {
				return map[bool]string{true: "told to fail"}[strings.Contains(line, "pipx install")]
			}
			if _, err := m.installer(`{}`).Run(t.Context()); err == nil ||
				!strings.Contains(err.Error(), "cannot build Patroni") {
				t.Fatalf("error %v", err)
			}
			if !slices.ContainsFunc(m.trace, func(o string) bool { return strings.HasPrefix(o, "run apt-get -qy install") }) {
				t.Fatalf("nothing was installed: %q", m.trace)
			}
			if diff := cmp.Diff(before, m.state()); diff != "" {
				t.Errorf("(-before +after):\n%s", diff)
			}
			now := slices.DeleteFunc(m.status(), func(d debian) bool { return d.Name != "pipx" })
			if !slices.Equal(status, now) {
				t.Errorf("dpkg has %q, had %q", now, status)
			}
		})
	}
}

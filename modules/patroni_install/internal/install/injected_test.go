package install

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// inject adds packages to the venv as pipx does, which notes all that people give it.
func (m *machine) inject(names ...string) {
	m.Helper()
	var noted []string
	for _, name := range names {
		noted = append(noted, `"`+name+`": {"package": "`+name+`"}`)
		if name == "python-etcd" {
			continue // is there already
		}
		info := site + "/" + strings.ReplaceAll(name, "-", "_") + "-1.0.dist-info"
		m.write(info+"/RECORD", name+".py,,\n")
		m.write(site+"/"+name+".py", "")
	}
	m.program(venv+"/pipx_metadata.json", `{"main_package": {"package": "patroni"}, "injected_packages": {`+
		strings.Join(noted, ", ")+`}}`, 0o755)
	m.own(venv)
}

// TestInjectedPackages: what a new tree lacks is named, and what comes along anyway is not.
func TestInjectedPackages(t *testing.T) {
	m := newMachine(t)
	installed(m)
	m.inject("six", "pg-activity", "python-etcd")
	if report := m.run(`{}`); report.Changed() || len(report.Result(false).Warnings) > 0 {
		t.Errorf("nothing to do: %q, warnings %q", visible(report), report.Result(false).Warnings)
	}
	const upgrade = `{"version": "4.1.5"}`
	check, err := m.installer(upgrade).Check(t.Context())
	m.must(err)
	want := func(verb string) []string {
		return []string{"the new virtual environment " + verb + " pg-activity, six, which pipx inject had added to the old " +
			"one; to have them again: sudo -i -u postgres pipx inject patroni pg-activity six"}
	}
	if diff := cmp.Diff(want("would not have"), check.Result(false).Warnings); diff != "" {
		t.Errorf("check (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want("does not have"), m.run(upgrade).Result(false).Warnings); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	m.inject("six")
	removal := m.run(`{"state": "absent"}`).Result(false).Warnings
	if slices.ContainsFunc(removal, func(w string) bool { return strings.Contains(w, "inject") }) {
		t.Errorf("a removal warns: %q", removal)
	}
}

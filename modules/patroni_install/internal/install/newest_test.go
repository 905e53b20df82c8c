package install

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLatest says which version is installed, and whether the index was asked.
func TestLatest(t *testing.T) {
	for name, c := range map[string]struct {
		arguments   string
		spoil       func(m *machine)
		want        string
		asked, same bool
	}{
		"newer":              {`{"state": "latest"}`, func(*machine) {}, "4.1.5", true, false},
		"nothing newer":      {`{"state": "latest"}`, func(m *machine) { m.newest = "4.0.7" }, "4.0.7", true, true},
		"index lags behind":  {`{"state": "latest"}`, func(m *machine) { m.newest = "4.0.6" }, "4.0.7", true, true},
		"exact":              {`{"state": "latest", "version": "4.0.7"}`, func(*machine) {}, "4.0.7", false, true},
		"downgrade":          {`{"state": "latest", "version": "3.3.2"}`, func(*machine) {}, "3.3.2", false, false},
		"lacks an extra":     {`{"state": "latest"}`, func(m *machine) { m.removeGlob(venv + "/lib/*/*/python_etcd-*") }, "4.1.5", false, false},
		"broken":             {`{"state": "latest"}`, func(m *machine) { m.remove(venv + "/pyvenv.cfg") }, "4.1.5", false, false},
		"nothing there":      {`{"state": "latest"}`, func(m *machine) { m.run(`{"state": "absent"}`) }, "4.1.5", false, false},
		"present is content": {`{}`, func(*machine) {}, "4.0.7", false, true},
		"an old pip":         {`{"state": "latest"}`, func(m *machine) { m.says, m.newest = unclear, "4.0.7" }, "4.0.7", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			installed(m)
			c.spoil(m)
			report := m.run(c.arguments)
			if got := report.facts()["version"]; got != c.want || report.Changed() == c.same {
				t.Errorf("version %v, changed %t; want %s, %t", got, report.Changed(), c.want, !c.same)
			}
			if asked := slices.ContainsFunc(m.trace, asks); asked != c.asked {
				t.Errorf("asked the index: %t, want %t", asked, c.asked)
			}
		})
	}
}

// unclear is what pip 20.3 says if nothing fits.
func unclear(line string) string {
	if strings.Contains(line, ">=4.0.7,!=4.0.7") {
		return "ERROR: Could not find a version that satisfies the requirement patroni>=4.0.7,!=4.0.7"
	}
	return ""
}

// TestIndexDoesNotAnswer: a run says so and changes nothing; a check foresees what it can.
func TestIndexDoesNotAnswer(t *testing.T) {
	m := newMachine(t)
	installed(m)
	before := m.moment()
	m.says = func(line string) string {
		if asks("run " + line) {
			return "ERROR: Could not find a version that satisfies the requirement patroni (from versions: none)"
		}
		return ""
	}
	i := m.installer(`{"state": "latest"}`)
	_, err := i.Run(t.Context())
	const want = "cannot tell the newest Patroni: the index does not know patroni; check index_url, " +
		"which must end as in https://index.example/simple; nothing was changed"
	if err == nil || err.Error() != want {
		t.Errorf("error (-want +got):\n%s", cmp.Diff(want, err.Error()))
	}
	report, err := i.Check(t.Context())
	m.must(err)
	if diff := cmp.Diff(before, m.moment()); diff != "" {
		t.Errorf("something was written (-before +after):\n%s", diff)
	}
	result := report.Result(true)
	if len(result.Warnings) != 1 ||
		!strings.HasPrefix(result.Warnings[0], "cannot tell whether there is a newer Patroni than 4.0.7: ") {
		t.Errorf("warnings %q", result.Warnings)
	}
	if len(result.Diff) == 0 ||
		!strings.Contains(result.Diff[0].After, "patroni[psycopg2-binary,etcd] (predicted: the newest that satisfies this)") {
		t.Errorf("diff %v", result.Diff)
	}
}

package install

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHomeNotMounted: a recovery that finds the home's empty mount point keeps the journal, and the next
// one, with the home, finds everything.
func TestHomeNotMounted(t *testing.T) {
	const mount = " is not the directory that it was; mount its file system, and run this again"
	const upgrade = `{"version": "4.1.5", "config_file": "other.yaml"}`
	for name, c := range map[string]struct {
		make, run, at string
		want          string
		finished      bool
	}{
		"first installation": {"", `{}`, "rename " + unitFile, mount, false},
		"upgrade":            {`{"version": "4.0.7"}`, upgrade, "rename " + unitFile, "keeps what is left to do", false},
		"finish":             {`{"version": "4.0.7"}`, upgrade, "removeall " + pipxHome + "/.patroni_install.stage", mount, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			if c.make != "" {
				m.run(c.make)
			}
			before := m.state()
			m.crash(c.run, func(operation string) bool { return operation == c.at })
			m.must(os.Rename(m.real(home), m.real("/elsewhere")))
			m.dir(home, 0o755)
			m.own(home)
			if err := m.recover(); err == nil || !strings.Contains(err.Error(), c.want) || !m.has(journalFile) {
				t.Errorf("without the home: %v", err)
			}
			m.remove(home)
			m.must(os.Rename(m.real("/elsewhere"), m.real(home)))
			m.must(m.recover())
			if diff := cmp.Diff(before, m.state()); (diff == "") == c.finished {
				t.Errorf("with the home (-before +after):\n%s", diff)
			}
			m.run(c.run)
			m.unchanged(c.run)
		})
	}
}

// TestJournalMovedAway: what an interrupted run has left besides is named, in check mode too, and nothing
// of it is taken for the run's own.
func TestJournalMovedAway(t *testing.T) {
	for _, left := range []string{StateDir + "/stage", archives(), borrowedArchives()} {
		m := newMachine(t)
		m.run(`{"version": "4.0.7"}`)
		m.dir(left, 0o700)
		before := m.state()
		want := "cannot stage anything: " + left + " is there, and no journal tells of it"
		_, checked := m.installer(`{"version": "4.1.5"}`).Check(t.Context())
		_, err := m.installer(`{"version": "4.1.5"}`).Run(t.Context())
		for _, err := range []error{checked, err} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
		}
		if diff := cmp.Diff(before, m.state()); diff != "" {
			t.Errorf("%s: (-before +after):\n%s", left, diff)
		}
	}
}

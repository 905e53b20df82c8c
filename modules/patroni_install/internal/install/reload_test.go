package install

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// TestReloadFails: systemd has not read a unit since before this run, and does not read it now
// either. If the run has done something else, that is committed, and no failure.
func TestReloadFails(t *testing.T) {
	for _, c := range []struct {
		name    string
		setup   func(*machine)
		failure bool
	}{
		{"nothing else to do", func(*machine) {}, true},
		{"a tree to build", func(m *machine) { m.remove(venv + "/pyvenv.cfg") }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t)
			m.run(`{}`)
			c.setup(m)
			m.service.NeedDaemonReload = true
			m.fault = func(kind, _ string) error {
				if kind == "reload" {
					return errors.New("the bus is gone")
				}
				return nil
			}
			report, err := m.installer(`{}`).Run(t.Context())
			m.fault = nil
			const want = "systemd has not read the changed unit: the bus is gone; run systemctl daemon-reload"
			if c.failure {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(report.Warnings, "\n"); !report.Changed() ||
				got != "the installation is complete, but "+want {
				t.Errorf("changed is %t, warnings %q", report.Changed(), got)
			}
			m.service.NeedDaemonReload = false
			m.unchanged(`{}`)
		})
	}
}

// TestJournalOfAnOlderProgram: its steps tell the files that systemd reads by their name alone. systemd reads them
// again when such a run is recovered, in both directions.
func TestJournalOfAnOlderProgram(t *testing.T) {
	for name, c := range map[string]struct {
		at   string
		want txn.Recovery
	}{
		"undone":   {"rename " + unitFile, txn.Undone},
		"finished": {"reload ", txn.Finished},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.crash(`{}`, func(operation string) bool { return operation == c.at })
			older := strings.ReplaceAll(m.read(journalFile), `"unit":true,`, "")
			older = strings.ReplaceAll(older, `,"unit":true`, "")
			if older == m.read(journalFile) || !strings.Contains(older, `"name":"unit"`) {
				t.Fatalf("the journal is not one of an older program: %s", older)
			}
			m.program(journalFile, older, 0o600)
			recovery, err := m.installer(`{}`).Recover(t.Context())
			if err != nil || recovery != c.want {
				t.Fatalf("%s, %v; want %s", recovery, err, c.want)
			}
			if !slices.Contains(m.trace, "reload ") || m.loaded != m.units() {
				t.Errorf("systemd has read %q, and there is %q; operations %q", m.loaded, m.units(), m.trace)
			}
		})
	}
}

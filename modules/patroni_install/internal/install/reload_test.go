package install

import (
	"errors"
	"strings"
	"testing"
)

// TestReloadFails: systemd has not read a unit since before this run, and does not read it now
// either. Where the run has done something else, that is committed, and no failure.
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
			if got := strings.Join(report.Warnings, "\n"); !report.Changed() || got != "the installation is complete, but "+want {
				t.Errorf("changed is %t, warnings %q", report.Changed(), got)
			}
			m.service.NeedDaemonReload = false
			m.unchanged(`{}`)
		})
	}
}

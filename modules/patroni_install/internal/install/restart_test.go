package install

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRestartRequired(t *testing.T) {
	installed := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	running := func(o *sketch, started time.Time) {
		o.Installed.Since = installed
		o.Service.MainPID, o.Service.MainStarted, o.Service.ActiveState = 4711, started, "active"
	}
	const advice = ": restart it, one host at a time (systemctl restart patroni.service); until then it may start " +
		"PostgreSQL with a mixture of both"
	for name, c := range map[string]struct {
		arguments string
		edit      func(o *sketch)
		check     bool
		want      []string
	}{
		"not running":   {`{"version": "4.1.5"}`, func(*sketch) {}, false, nil},
		"started after": {`{}`, func(o *sketch) { running(o, installed.Add(time.Second)) }, false, nil},
		"started before": {
			`{}`, func(o *sketch) { running(o, installed.Add(-time.Second)) }, false,
			[]string{"patroni.service still runs an older one, installed is Patroni 4.0.7" + advice},
		},
		"upgraded now": {
			`{"version": "4.1.5"}`, func(o *sketch) { running(o, installed.Add(time.Second)) }, false,
			[]string{"patroni.service still runs Patroni 4.0.7, installed is Patroni 4.1.5" + advice},
		},
		"would be upgraded": {
			`{"version": "4.1.5"}`, func(o *sketch) { running(o, installed.Add(time.Second)) }, true,
			[]string{"patroni.service still runs Patroni 4.0.7, installed is the new installation" + advice},
		},
		"other parts changed": {
			`{}`, func(o *sketch) { running(o, installed.Add(time.Second)); o.dir("/etc/patroni", users) }, false, nil,
		},
		"absent, though running": {`{"state": "absent"}`, func(o *sketch) { running(o, installed); o.Service.ActiveState = "" }, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := healthy(t, c.arguments)
			c.edit(o)
			got := reportOf(t, c.arguments, o, built(), c.check).Result(false)
			if diff := cmp.Diff(c.want, got.Warnings, ignoreEmpty()); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if got.Extra["restart_required"] != (c.want != nil) {
				t.Errorf("restart_required %v", got.Extra["restart_required"])
			}
		})
	}
}

// TestStartedDuringTheBuild: a service that was started while the new tree was built runs the old one.
func TestStartedDuringTheBuild(t *testing.T) {
	m := newMachine(t)
	installed(m)
	m.service.MainPID, m.service.ActiveState = 4711, "active"
	m.fault = func(kind, object string) error {
		if kind == "run" && strings.HasSuffix(object, "patronictl version") {
			m.service.MainStarted = time.Now()
		}
		return nil
	}
	m.run(`{"version": "4.1.5"}`)
	m.fault = nil
	if m.service.MainStarted.IsZero() {
		t.Fatal("nothing was tried")
	}
	if got := m.run(`{}`).Result(false); got.Extra["restart_required"] != true {
		t.Errorf("restart_required is %v: %s", got.Extra["restart_required"], got.Msg)
	}
	m.service.MainStarted = time.Now()
	if got := m.run(`{}`).Result(false); got.Extra["restart_required"] != false {
		t.Errorf("restarted, restart_required is %v", got.Extra["restart_required"])
	}
}

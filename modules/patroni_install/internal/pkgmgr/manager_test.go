package pkgmgr

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// TestNew: each name leads to its manager, with the settings; journals of the first programs have no name.
func TestNew(t *testing.T) {
	settings := Settings{Host: &host.Host{}, LockTimeout: time.Minute, Env: []string{"no_proxy=x"}, ReadOnly: true}
	want := map[string]string{"": "pkgmgr.apt", "apt": "pkgmgr.apt", "dnf": "pkgmgr.dnf"}
	for name := range managers() {
		m, err := New(name, settings)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, fmt.Sprintf("manager %q", name), want[name], fmt.Sprintf("%T", m))
		var got Settings
		switch m := m.(type) {
		case apt:
			got = m.Settings
		case dnf:
			got = m.Settings
		}
		if got.Host != settings.Host {
			t.Errorf("manager %q works on another host", name)
		}
		got.Host = settings.Host
		diff(t, fmt.Sprintf("settings of %q", name), fmt.Sprint(settings), fmt.Sprint(got))
	}
	diff(t, "managers", len(want), len(managers()))
	m, err := New("zypper", settings)
	if m != nil || err == nil || !strings.Contains(err.Error(), `no package manager "zypper"`) {
		t.Errorf("zypper: %v, error %v", m, err)
	}
}

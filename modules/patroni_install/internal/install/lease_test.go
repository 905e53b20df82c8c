package install

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// lease holds a write lease on a file of the machine until release is called, as its owner may.
func (m *machine) lease(name string) (release func()) {
	m.Helper()
	m.files.Patience = 20 * time.Millisecond
	file, err := os.Open(m.real(name))
	m.must(err)
	if _, err := unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		m.Skip("no leases here:", err)
	}
	return func() { m.must(file.Close()) }
}

// TestLeasesAreNamed: a check and a run end, and say who keeps them from the file.
func TestLeasesAreNamed(t *testing.T) {
	for _, name := range []string{home + "/.bashrc", venv + "/pyvenv.cfg"} {
		m := newMachine(t)
		m.run(`{}`)
		before := m.snapshot()
		release := m.lease(name)
		_, foretold := m.installer(`{}`).Check(t.Context())
		_, err := m.installer(`{}`).Run(t.Context())
		release()
		if foretold == nil || err == nil || foretold.Error() != err.Error() {
			t.Fatalf("%s: check: %v\nrun: %v", name, foretold, err)
		}
		for _, part := range []string{"open " + name, "nothing was changed", "holds the lease on " + name, "run this again"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("message %q lacks %q", err, part)
			}
		}
		if diff := cmp.Diff(before, m.snapshot()); diff != "" {
			t.Errorf("it changed something (-before +after):\n%s", diff)
		}
		m.run(`{}`)
	}
}

// TestLeasesHoldNoRemoval: a removal goes on without the profile, and says so.
func TestLeasesHoldNoRemoval(t *testing.T) {
	m := newMachine(t)
	m.run(`{}`)
	release := m.lease(home + "/.bashrc")
	report := m.run(`{"state": "absent"}`)
	release()
	if m.has(venv) || !strings.Contains(strings.Join(report.Warnings, "\n"), "holds a lease on it") {
		t.Errorf("not removed, or warnings %q", report.Warnings)
	}
}

// TestLeasesHoldARecoveryOnce: it says who does, and goes on when that is over.
func TestLeasesHoldARecoveryOnce(t *testing.T) {
	m := newMachine(t)
	before := m.state()
	m.crash(`{}`, func(op string) bool { return op == "rename "+unitFile })
	release := m.lease(home + "/.bashrc")
	_, err := m.installer(`{}`).Recover(t.Context())
	release()
	for _, part := range []string{"cannot undo the interrupted run", "keeps what is left to do",
		"holds the lease on " + home + "/.bashrc"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("message %v lacks %q", err, part)
		}
	}
	if recovery, err := m.installer(`{}`).Recover(t.Context()); recovery != txn.Undone || err != nil {
		t.Errorf("recovery %q, %v", recovery, err)
	}
	if diff := cmp.Diff(before, m.state()); diff != "" {
		t.Errorf("not undone (-before +after):\n%s", diff)
	}
}

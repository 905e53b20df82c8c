package systemd

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	privateSocket = "run/systemd/private"
	busSocket     = "run/dbus/system_bus_socket"
)

func active() map[string]any {
	return map[string]any{
		"Unit.LoadState": "loaded", "Unit.ActiveState": "active", "Unit.UnitFileState": "enabled",
		"Unit.NeedDaemonReload": true,
		"Service.MainPID":       uint32(4711), "Service.ExecMainStartTimestamp": uint64(1_700_000_000_123_456),
	}
}

func with(properties map[string]any, name string, value any) map[string]any {
	properties[name] = value
	return properties
}

func TestState(t *testing.T) {
	loaded := State{LoadState: "loaded", UnitFileState: "enabled", NeedDaemonReload: true}
	inactive, failed, running, starting := loaded, loaded, loaded, loaded
	inactive.ActiveState, failed.ActiveState = "inactive", "failed"
	running.ActiveState, running.MainPID = "active", 4711
	running.MainStarted = time.Date(2023, 11, 14, 22, 13, 20, 123456000, time.UTC)
	starting.ActiveState = "activating"
	orphan := running
	orphan.LoadState = "not-found"
	const unit = "/unit/patroni_2eservice "
	asked := []string{unit + "Unit"}
	askedProcess := []string{unit + "Unit", unit + "Service.MainPID", unit + "Service.ExecMainStartTimestamp"}
	tests := []struct {
		name       string
		properties map[string]any
		want       State
		calls      []string
	}{
		{"unknown", with(with(active(), "Unit.LoadState", "not-found"), "Unit.ActiveState", "inactive"), State{LoadState: "not-found"}, asked},
		{"file removed while it runs", with(active(), "Unit.LoadState", "not-found"), orphan, askedProcess},
		{"inactive", with(active(), "Unit.ActiveState", "inactive"), inactive, asked},
		{"failed", with(active(), "Unit.ActiveState", "failed"), failed, asked},
		{"running", active(), running, askedProcess},
		{"starting, no process yet", with(with(active(), "Unit.ActiveState", "activating"), "Service.MainPID", uint32(0)),
			starting, askedProcess},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := &fakeManager{properties: tt.properties}
			m := NewManager(fake.serve(t, privateSocket))
			defer m.Close()
			got, err := m.State(t.Context(), "patroni.service")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("State (-want +got):\n%s", diff)
			}
			calls, _ := fake.seen()
			if diff := cmp.Diff(tt.calls, calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReload(t *testing.T) {
	fake := &fakeManager{}
	m := NewManager(fake.serve(t, privateSocket))
	defer m.Close()
	if err := m.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	calls, _ := fake.seen()
	if diff := cmp.Diff([]string{" Reload"}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestConnectsAtFirstUse(t *testing.T) {
	fake := &fakeManager{properties: active()}
	m := NewManager(fake.serve(t, privateSocket))
	m.Close()
	if _, n := fake.seen(); n != 0 {
		t.Fatalf("%d connections before the first use", n)
	}
	if _, err := m.State(t.Context(), "patroni.service"); err != nil {
		t.Fatal(err)
	}
	_, before := fake.seen()
	if before != 1 {
		t.Errorf("%d connections for one use", before)
	}
	if _, err := m.State(t.Context(), "patroni.service"); err != nil {
		t.Fatal(err)
	}
	if _, after := fake.seen(); after != before {
		t.Errorf("%d connections after a second use, %d after the first", after, before)
	}
	m.Close()
	if err := m.Reload(t.Context()); err != nil {
		t.Errorf("Reload after Close: %v", err)
	}
	m.Close()
}

func TestFallsBackToTheBus(t *testing.T) {
	fake := &fakeManager{properties: active()}
	m := NewManager(fake.serve(t, busSocket))
	defer m.Close()
	got, err := m.State(t.Context(), "patroni.service")
	if err != nil || got.MainPID != 4711 {
		t.Errorf("State over the bus: %+v, %v", got, err)
	}
}

// TestReconnects: an upgrade of systemd ends the connections of its clients.
func TestReconnects(t *testing.T) {
	fake := &fakeManager{properties: active()}
	m := NewManager(fake.serve(t, privateSocket))
	defer m.Close()
	if _, err := m.State(t.Context(), "patroni.service"); err != nil {
		t.Fatal(err)
	}
	fake.closeAll()
	if err := m.Reload(t.Context()); err != nil {
		t.Errorf("Reload after a lost connection: %v", err)
	}
	fake.record(func() { fake.hangUp = 1 })
	if err := m.Reload(t.Context()); err != nil {
		t.Errorf("Reload with a connection lost during the call: %v", err)
	}
	fake.record(func() { fake.hangUp = 2 })
	if err := m.Reload(t.Context()); err == nil {
		t.Error("Reload succeeds although no connection holds")
	}
}

// TestOutlivesItsFirstContext: what the cancelled part of a run connected serves the undo, too.
func TestOutlivesItsFirstContext(t *testing.T) {
	fake := &fakeManager{properties: active()}
	m := NewManager(fake.serve(t, privateSocket))
	defer m.Close()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := m.State(ctx, "patroni.service"); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := m.State(ctx, "patroni.service"); !errors.Is(err, context.Canceled) {
		t.Errorf("State with a cancelled context: %v", err)
	}
	if err := m.Reload(t.Context()); err != nil {
		t.Errorf("Reload with a live context: %v", err)
	}
}

func TestContextBoundsConnecting(t *testing.T) {
	fake := &fakeManager{mute: true}
	m := NewManager(fake.serve(t, privateSocket))
	defer m.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := m.State(ctx, "patroni.service"); err == nil {
		t.Error("State succeeds although systemd never answers")
	}
}

func TestManagerErrors(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		fake := &fakeManager{refuse: "no, says the policy"}
		m := NewManager(fake.serve(t, privateSocket))
		defer m.Close()
		wantError(t, m.Reload(t.Context()),
			"cannot make systemd read its unit files over D-Bus (systemctl daemon-reload does the same): no, says the policy")
		_, err := m.State(t.Context(), "patroni.service")
		wantError(t, err, "cannot ask systemd about patroni.service over D-Bus: no, says the policy")
		if calls, _ := fake.seen(); len(calls) != 2 {
			t.Errorf("a refused call was repeated: %q", calls)
		}
	})
	t.Run("type", func(t *testing.T) {
		fake := &fakeManager{properties: with(active(), "Service.MainPID", "4711")}
		m := NewManager(fake.serve(t, privateSocket))
		defer m.Close()
		state, err := m.State(t.Context(), "patroni.service")
		wantError(t, err, "cannot ask systemd about patroni.service over D-Bus: property MainPID is 4711, want a uint32")
		if diff := cmp.Diff(State{}, state); diff != "" {
			t.Errorf("State beside an error (-want +got):\n%s", diff)
		}
	})
	t.Run("missing", func(t *testing.T) {
		fake := &fakeManager{}
		m := NewManager(fake.serve(t, privateSocket))
		defer m.Close()
		_, err := m.State(t.Context(), "patroni.service")
		wantError(t, err, "cannot ask systemd about patroni.service over D-Bus: property LoadState is <nil>, want a string")
	})
	t.Run("no systemd", func(t *testing.T) {
		root := t.TempDir()
		_, err := NewManager(root).State(t.Context(), "patroni.service")
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("error %v, want one that tells of a missing file", err)
		}
		for _, socket := range []string{privateSocket, busSocket} {
			if !strings.Contains(err.Error(), filepath.Join(root, socket)) {
				t.Errorf("error %q does not name %s", err, socket)
			}
		}
	})
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestRunning(t *testing.T) {
	root := t.TempDir()
	if Running(root) {
		t.Error("systemd runs below an empty root")
	}
	if err := os.MkdirAll(filepath.Join(root, "run/systemd/system"), 0o755); err != nil {
		t.Fatal(err)
	}
	if !Running(root) {
		t.Error("systemd does not run although its directory is there")
	}
}

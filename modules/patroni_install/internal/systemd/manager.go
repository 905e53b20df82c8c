package systemd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
)

// Running reports whether systemd is the manager of the system below root ("/" for this one). It looks for the same
// directory as sd_booted(3).
func Running(root string) bool {
	info, err := os.Lstat(filepath.Join("/", root, "run/systemd/system"))
	return err == nil && info.IsDir()
}

// State is what the manager knows about a unit. The strings are systemd's own words.
type State struct {
	// LoadState is loaded, not-found, masked, bad-setting or error. With not-found all the rest is zero.
	LoadState string
	// ActiveState is active, inactive, failed, activating, deactivating, reloading or maintenance.
	ActiveState string
	// UnitFileState is enabled, disabled, masked, static …; empty if the manager sees no file.
	UnitFileState string
	// FragmentPath is the unit's file; empty if there is none.
	FragmentPath string
	// NeedDaemonReload tells that the file has changed since it was loaded.
	NeedDaemonReload bool
	// MainPID is the main process, 0 if there is none.
	MainPID uint32
	// MainStarted is the time at which the main process was started, by the wall clock; zero if there is none.
	MainStarted time.Time
}

// Manager talks to systemd. It connects at the first use, and anew if the connection was lost, for instance by an
// upgrade of systemd. Not for concurrent use.
type Manager struct {
	root string
	conn *dbus.Conn
}

// NewManager returns the manager of the system below root ("/" for this one). It does nothing yet.
func NewManager(root string) *Manager {
	return &Manager{root: root}
}

// Close ends the connection, if there is one. The manager can be used again.
func (m *Manager) Close() {
	if m.conn != nil {
		m.conn.Close()
		m.conn = nil
	}
}

// State asks for the state of a service, given by its full name ("patroni.service"). One that does not exist
// is no error, see State.LoadState.
func (m *Manager) State(ctx context.Context, unit string) (State, error) {
	var state State
	err := m.call(ctx, func(conn *dbus.Conn) (err error) {
		state, err = query(ctx, conn, unit)
		return err
	})
	if err != nil {
		return State{}, fmt.Errorf("cannot ask systemd about %s over D-Bus: %w", unit, err)
	}
	return state, nil
}

// Reload makes the manager read all unit files again and returns when it has, as systemctl daemon-reload does.
func (m *Manager) Reload(ctx context.Context) error {
	err := m.call(ctx, func(conn *dbus.Conn) error { return conn.ReloadContext(ctx) })
	if err != nil {
		return fmt.Errorf("cannot make systemd read its unit files over D-Bus (systemctl daemon-reload does the same): %w",
			err)
	}
	return nil
}

// call runs f with a connection, and once more with a fresh one unless systemd itself refused: an old connection
// may have ended unnoticed.
func (m *Manager) call(ctx context.Context, f func(*dbus.Conn) error) error {
	reused := m.conn != nil
	if !reused {
		if err := m.connect(ctx); err != nil {
			return err
		}
	}
	err := f(m.conn)
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[godbus.Error](err); ok {
		return err
	}
	m.Close()
	if !reused || ctx.Err() != nil {
		return err
	}
	return m.call(ctx, f)
}

// connect opens systemd's private socket, which serves root without a bus daemon, or else the system bus.
func (m *Manager) connect(ctx context.Context) error {
	conn, err := open(ctx, filepath.Join("/", m.root, "run/systemd/private"), false)
	if err != nil {
		var errBus error
		conn, errBus = open(ctx, filepath.Join("/", m.root, "run/dbus/system_bus_socket"), true)
		if errBus != nil {
			return fmt.Errorf("%w; %w", err, errBus)
		}
	}
	m.conn = conn
	return nil
}

// open connects to a socket; hello announces the client, as a bus daemon demands. The context bounds
// the opening alone: a connection made for a step that was cancelled also serves the undo after it.
func open(ctx context.Context, socket string, hello bool) (*dbus.Conn, error) {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	release := context.AfterFunc(ctx, end)
	// go-systemd wants a second connection for signals. Nobody here listens to any, and each costs 1.5 to
	// 3 ms, so the first serves as both.
	conn, err := dbus.NewConnection(sync.OnceValues(func() (*godbus.Conn, error) { return dial(life, socket, hello) }))
	switch opened := release(); {
	case err != nil:
		end()
		return nil, err
	case !opened:
		conn.Close()
		return nil, context.Cause(ctx)
	}
	return conn, nil
}

func dial(ctx context.Context, socket string, hello bool) (*godbus.Conn, error) {
	conn, err := godbus.Dial("unix:path="+godbus.EscapeBusAddressValue(socket), godbus.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	// The uid as a number: looking up a name needs NSS.
	err = conn.Auth([]godbus.Auth{godbus.AuthExternal(strconv.Itoa(os.Geteuid()))})
	if err == nil && hello {
		err = conn.Hello()
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("%s: %w", socket, err)
	}
	return conn, nil
}

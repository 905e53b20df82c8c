package systemd

import (
	"context"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
)

// query asks for the state of one unit.
//
// systemd loads a unit that is neither enabled nor active for each call, and forgets it again. Then five properties
// one by one take 10 to 20 ms; all of the Unit interface together take 3 to 7 ms, and belong to one moment. For
// loaded units both take less than 1 ms. The Service interface, with three times the properties, is asked for single
// ones, and only while there may be a process.
func query(ctx context.Context, conn *dbus.Conn, unit string) (State, error) {
	values, err := conn.GetUnitPropertiesContext(ctx, unit)
	if err != nil {
		return State{}, err
	}
	p := properties{values: values}
	state := State{LoadState: get[string](&p, "LoadState")}
	state.ActiveState = get[string](&p, "ActiveState")
	// If the file of a running service was removed, the service is not found, but still active.
	if p.err == nil && state.LoadState == "not-found" && state.ActiveState == "inactive" {
		return State{LoadState: state.LoadState}, nil
	}
	state.UnitFileState = get[string](&p, "UnitFileState")
	state.FragmentPath, _ = values["FragmentPath"].(string)
	state.NeedDaemonReload = get[bool](&p, "NeedDaemonReload")
	if p.err != nil || state.ActiveState == "inactive" || state.ActiveState == "failed" {
		return state, p.err
	}
	err = addProcess(ctx, conn, unit, &state)
	return state, err
}

func addProcess(ctx context.Context, conn *dbus.Conn, unit string, state *State) error {
	p := properties{values: make(map[string]any)}
	for _, name := range []string{"MainPID", "ExecMainStartTimestamp"} {
		property, err := conn.GetServicePropertyContext(ctx, unit, name)
		if err != nil {
			return err
		}
		p.values[name] = property.Value.Value()
	}
	state.MainPID = get[uint32](&p, "MainPID")
	started := get[uint64](&p, "ExecMainStartTimestamp")
	if state.MainPID != 0 {
		state.MainStarted = time.UnixMicro(int64(started))
	}
	return p.err
}

// properties are D-Bus properties by name, and the first error in reading them.
type properties struct {
	values map[string]any
	err    error
}

// get returns a property of the D-Bus type that matches T.
func get[T any](p *properties, name string) T {
	value, ok := p.values[name].(T)
	if !ok && p.err == nil {
		p.err = fmt.Errorf("property %s is %v, want a %T", name, p.values[name], value)
	}
	return value
}

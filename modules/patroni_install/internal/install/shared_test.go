package install

import "testing"

// TestSharedLibraries: Patroni moves to another Python than the one that pipx's shared libraries are for.
func TestSharedLibraries(t *testing.T) {
	const (
		shared = pipxHome + "/shared"
		others = pipxHome + "/venvs/other/lib/python3.11/site-packages/pipx_shared.pth"
		ours   = venv + "/lib/python3.12/site-packages/pipx_shared.pth"
		old    = shared + "/lib/python3.11/site-packages"
		recent = shared + "/lib/python3.12/site-packages"
	)
	other := func(m *machine) { m.write(others, old+"\n"); m.own(pipxHome + "/venvs/other") }
	for name, c := range map[string]struct {
		edit func(m *machine)
		want string // what both are led to
	}{
		"another venv needs them":     {other, old},
		"nobody else needs them":      {func(*machine) {}, recent},
		"they work for nobody":        {func(m *machine) { other(m); m.remove("/usr/bin/python3.11") }, recent},
		"they say for no Python":      {func(m *machine) { other(m); m.remove(shared + "/pyvenv.cfg") }, recent},
		"they are without pip":        {func(m *machine) { other(m); m.remove(old + "/pip") }, recent},
		"they are for both":           {func(m *machine) { other(m); m.write(recent+"/pip/x", ""); m.relinkShared("/usr/bin/python3") }, recent},
		"they are not there any more": {func(m *machine) { other(m); m.remove(shared) }, recent},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.run(`{}`)
			m.relinkShared("/usr/bin/python3.11")
			m.program("/usr/bin/python3.12", "#!", 0o755)
			m.remove("/usr/bin/python3")
			m.link("/usr/bin/python3", "python3.12")
			c.edit(m)
			m.own(pipxHome)
			m.run(`{"version": "4.1.4"}`)
			if got := m.read(ours); got != c.want+"\n" {
				t.Errorf("Patroni is led to %q, want %s", got, c.want)
			}
			if !m.has(c.want + "/pip") {
				t.Errorf("no pip in %s", c.want)
			}
			if r := m.run(`{"verify": "full"}`); r.Changed() {
				t.Errorf("a second run changes %q", r.Result(false).Msg)
			}
		})
	}
}

// relinkShared makes another interpreter that of pipx's shared libraries.
func (m *machine) relinkShared(interpreter string) {
	m.remove(pipxHome + "/shared/bin/python")
	m.link(pipxHome+"/shared/bin/python", interpreter)
}

package install

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// TestBuildWithBinDirOfOthers: the programs that build lie in bin_dir, and are in sight.
func TestBuildWithBinDirOfOthers(t *testing.T) {
	for name, c := range map[string]struct {
		arguments string
		edit      func(m *machine)
	}{
		"pipx": {`{"bin_dir": "/usr/local/bin"}`, func(m *machine) {
			m.program("/usr/local/bin/pipx", "#!", 0o755)
			m.dir("/usr/local/lib/python3.11/dist-packages/pipx-1.7.1.dist-info", 0o755)
		}},
		"python": {`{"bin_dir": "/usr/local/bin", "python": "/usr/local/bin/python3"}`, func(m *machine) {
			m.program("/usr/local/bin/python3.11", "#!", 0o755)
			m.link("/usr/local/bin/python3", "python3.11")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			c.edit(m)
			m.run(c.arguments)
			if !m.has("/usr/local/bin/patroni") || m.run(c.arguments).Changed() {
				t.Error("not installed, or not for good")
			}
		})
	}
}

// TestNoUnitDirectory: an image without systemd gets the directory of the units, in the transaction.
func TestNoUnitDirectory(t *testing.T) {
	for _, arguments := range []string{`{}`, `{"method": "package"}`} {
		m := newMachine(t)
		packageOffered(m)
		m.remove("/etc/systemd", "/run/systemd")
		m.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n")
		before := m.state()
		i := m.installer(arguments)
		m.fault = func(kind, object string) error {
			if kind == "rename" && strings.HasPrefix(object, unitFile) {
				return unix.EROFS
			}
			return nil
		}
		if _, err := i.Run(t.Context()); !errors.Is(err, unix.EROFS) {
			t.Errorf("%s: %v", arguments, err)
		}
		m.fault = nil
		if diff := cmp.Diff(before, m.state()); diff != "" {
			t.Errorf("%s: not undone (-before +after):\n%s", arguments, diff)
		}
		if m.run(arguments); m.run(arguments).Changed() {
			t.Errorf("%s: a second run changes something", arguments)
		}
	}
}

// TestCheckRefusesToo: what stands in the way of a run is foretold by a check, which writes nothing.
func TestCheckRefusesToo(t *testing.T) {
	for name, edit := range map[string]func(m *machine){
		"a stage that is left": func(m *machine) { m.dir(stage, 0o700) },
		"a stage for pipx that is left": func(m *machine) {
			m.dir(home+"/.local/.patroni_install.stage", 0o700)
		},
		"others write above the state": func(m *machine) { m.dir("/var/lib/pgedge", 0o775) },
		"others write the state":       func(m *machine) { m.dir(StateDir, 0o777) },
		"the state is the user's":      func(m *machine) { m.dir(StateDir, 0o700); m.own(StateDir) },
		"the state is a file":          func(m *machine) { m.write(StateDir, "") },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			edit(m)
			before := m.snapshot()
			_, foretold := m.installer(`{}`).Check(t.Context())
			if diff := cmp.Diff(before, m.snapshot()); diff != "" {
				t.Errorf("the check changed something (-before +after):\n%s", diff)
			}
			_, refused := m.installer(`{}`).Run(t.Context())
			if foretold == nil || refused == nil || foretold.Error() != refused.Error() {
				t.Errorf("check: %v\nrun: %v", foretold, refused)
			}
		})
	}
}

// TestCheckBesideAnInterruptedRun: its stage goes with what the next run undoes or finishes first.
func TestCheckBesideAnInterruptedRun(t *testing.T) {
	m := newMachine(t)
	m.crash(`{}`, func(op string) bool { return op == "rename "+venv })
	if !m.has(stage) {
		t.Fatal("no stage is left")
	}
	if _, err := m.installer(`{}`).Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestNoRenameFlags: a file system that cannot switch trees is found out before the build.
func TestNoRenameFlags(t *testing.T) {
	m := newMachine(t)
	before := m.state()
	i := m.installer(`{}`)
	m.fault = func(kind, object string) error {
		if kind == "rename" && below(object, pipxHome) {
			return unix.EINVAL
		}
		return nil
	}
	_, err := i.Run(t.Context())
	m.fault = nil
	if err == nil {
		t.Fatal("not refused")
	}
	for _, part := range []string{pipxHome, "file system", "invalid argument",
		"pipx_home (in the role: patroni_pipx_home)", "everything was undone"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("message %q lacks %q", err, part)
		}
	}
	for _, operation := range m.trace {
		if strings.Contains(operation, "pipx install") {
			t.Error("found out after the build")
		}
	}
	if diff := cmp.Diff(before, m.state()); diff != "" {
		t.Errorf("not undone (-before +after):\n%s", diff)
	}
}

// mount puts a file system of its own at a path.
func (m *machine) mount(name string, uid, gid int) {
	m.Helper()
	m.dir(name, 0o755)
	m.must(unix.Mount("tmpfs", m.real(name), "tmpfs", 0, "mode=0755"))
	m.Cleanup(func() { _ = unix.Unmount(m.real(name), unix.MNT_DETACH) })
	m.must(os.Lchown(m.real(name), uid, gid))
}

// TestVenvsOnAnotherFileSystem: no tree can be renamed from there or to there, as is known before the build.
func TestVenvsOnAnotherFileSystem(t *testing.T) {
	for name, edit := range map[string]func(m *machine){
		"a mount": func(m *machine) { m.mount(pipxHome+"/venvs", m.uid, m.gid) },
		"a link": func(m *machine) {
			m.mount("/data", 0, 0)
			m.dir("/data/venvs", 0o755)
			m.own("/data/venvs")
			m.link(pipxHome+"/venvs", "/data/venvs")
			m.must(os.Chmod(m.real(pipxHome), 0o755))
			m.must(os.Lchown(m.real(pipxHome), 0, 0)) // or the link is not followed at all
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			edit(m)
			_, foretold := m.installer(`{}`).Check(t.Context())
			_, err := m.installer(`{}`).Run(t.Context())
			if err == nil || foretold == nil || err.Error() != foretold.Error() {
				t.Fatalf("check: %v\nrun: %v", foretold, err)
			}
			for _, part := range []string{pipxHome + "/venvs is on another file system",
				"pipx_home (in the role: patroni_pipx_home)", "nothing was changed"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("message %q lacks %q", err, part)
				}
			}
		})
	}
}

// TestVenvIsAMount: a tree that is a mount point cannot be switched, and is left alone while it need not be.
func TestVenvIsAMount(t *testing.T) {
	m := newMachine(t)
	m.run(`{}`)
	m.must(os.Rename(m.real(venv), m.real("/saved")))
	m.mount(venv, m.uid, m.gid)
	m.must(os.CopyFS(m.real(venv), os.DirFS(m.real("/saved"))))
	m.own(venv)
	if _, err := m.installer(`{"version": "4.0.7"}`).Check(t.Context()); err == nil ||
		!strings.Contains(err.Error(), venv+" is on another file system") {
		t.Errorf("an upgrade: %v", err)
	}
	if _, err := m.installer(`{}`).Check(t.Context()); err != nil {
		t.Errorf("no change: %v", err)
	}
}

// TestAbsentLeavesMounts: a mount point cannot be removed; whoever mounted it does that.
func TestAbsentLeavesMounts(t *testing.T) {
	m := newMachine(t)
	m.mount("/etc/patroni", 0, 0)
	m.run(`{}`)
	m.run(`{"state": "absent"}`)
	if m.has(venv) || !m.has("/etc/patroni") || m.run(`{"state": "absent"}`).Changed() {
		t.Error("not removed, or not for good")
	}
}

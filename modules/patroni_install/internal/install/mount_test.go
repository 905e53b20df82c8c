package install

import (
	"fmt"
	"os"
	"path"
	"strings"
	"testing"
)

// mounts has the kernel say that file systems are mounted at these places.
func (m *machine) mounts(points ...string) {
	m.Helper()
	text := "1 0 8:1 / / rw - ext4 /dev/sda rw\n"
	for i, point := range points {
		text += fmt.Sprintf("%d 1 8:%d / %s rw - ext4 /dev/sdb rw\n", i+2, i+2, point)
	}
	m.write(fmt.Sprintf("/proc/%d/mountinfo", os.Getpid()), text)
}

// unmount takes a directory away, and leaves the empty one below it.
func (m *machine) unmount(name string) {
	m.Helper()
	m.must(os.Rename(m.real(name), m.real("/disk")))
	m.dir(name, 0o755)
	m.mounts()
}

// remount brings it back.
func (m *machine) remount(name string) {
	m.Helper()
	m.must(os.RemoveAll(m.real(name)))
	m.must(os.Rename(m.real("/disk"), m.real(name)))
	m.mounts(name)
}

// TestHomeIsNotMounted: the record in the state directory knows that Patroni is installed. What is below the mount
// point is never built into.
func TestHomeIsNotMounted(t *testing.T) {
	const elsewhere = `{"pipx_home": "/srv/pipx", "bin_dir": "/srv/pg/bin"}`
	for name, c := range map[string]struct{ first, then, mount string }{
		"the home":     {`{}`, `{}`, home},
		"newer wanted": {`{"version": "4.0.7"}`, `{"state": "latest"}`, home},
		"pipx's home":  {elsewhere, elsewhere, "/srv/pipx"},
		"the old home": {`{"pipx_home": "` + oldPipx + `"}`, `{}`, home},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.dir("/srv/pipx", 0o755)
			m.dir("/srv/pg", 0o755)
			m.own("/srv")
			m.mounts(c.mount)
			m.run(c.first)
			m.unchanged(c.first)
			m.unmount(c.mount)
			m.refuses(c.then, "says that it is installed in ", "/venvs/patroni, on the file system of "+c.mount+
				", and nothing is mounted there; mount that")
			m.remount(c.mount)
			m.unchanged(c.first)
		})
	}
}

// TestHomeBelowAMissingMount: a home that is on the disk alone is not there; the record says why, and not that an
// account lacks one.
func TestHomeBelowAMissingMount(t *testing.T) {
	for name, first := range map[string]string{"the home": `{}`, "the old home": `{"pipx_home": "` + oldPipx + `"}`} {
		t.Run(name, func(t *testing.T) {
			m, disk := newMachine(t), path.Dir(home)
			m.mounts(disk)
			m.run(first)
			m.remove(home) // the record is not on that disk
			m.mounts()
			m.refuses(`{}`, "says that it is installed in ", "/venvs/patroni, on the file system of "+disk+
				", and nothing is mounted there; mount that")
			if got := strings.Join(m.run(`{"state": "absent"}`).Warnings, "; "); !strings.Contains(got, "nothing is mounted at "+
				disk) && name == "the home" {
				t.Errorf("warnings %q", got)
			}
		})
	}
	m := newMachine(t)
	m.remove(home)
	m.refuses(`{}`, "its home "+home+" does not exist; run the role init_server first")
}

// TestRecordOfNothing: without the record, or on the file system of the record, an installation that is gone comes
// back.
func TestRecordOfNothing(t *testing.T) {
	m := newMachine(t)
	m.mounts(home)
	m.run(`{}`)
	m.remove(venv)
	m.run(`{}`)
	m.unmount(home)
	m.own(home)
	m.remove(StateDir)
	m.run(`{}`)
	m.mounts(home)
	m.unchanged(`{}`)
}

// TestMountIsWrittenDown: an installation of an earlier version, or one that moves to a disk of its own, gets a new
// record in the first real run.
func TestMountIsWrittenDown(t *testing.T) {
	m := newMachine(t)
	m.run(`{}`)
	m.mounts(home)
	if report, err := m.installer(`{}`).Check(t.Context()); err != nil || report.Changed() {
		t.Errorf("check mode: %v", err)
	}
	m.unchanged(`{}`)
	m.unmount(home)
	m.refuses(`{}`, "on the file system of "+home)
	m.remount(home)
	m.mounts() // for good, with all its files
	m.unchanged(`{}`)
	m.mounts(home)
	m.unmount(home)
	m.own(home)
	m.run(`{}`)
}

// TestRemovalWithoutTheMount says what stays.
func TestRemovalWithoutTheMount(t *testing.T) {
	m := newMachine(t)
	m.mounts(home)
	m.run(`{}`)
	m.unmount(home)
	report := m.run(`{"state": "absent"}`)
	want := "nothing is mounted at " + home + ", where the installation " + venv + " is by its record, and what is " +
		"there stays"
	if got := strings.Join(report.Warnings, "; "); !strings.Contains(got, want) {
		t.Errorf("warnings %q", got)
	}
	m.own(home)
	m.run(`{}`)
}

// TestPackagesNeedNoMount: they are not in the home.
func TestPackagesNeedNoMount(t *testing.T) {
	m := newMachine(t)
	packageOffered(m)
	m.mounts(home)
	m.run(`{}`)
	m.unmount(home)
	m.own(home)
	m.remove(unitFile)
	m.run(`{"method": "package"}`)
}

package install

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/kerneltest"
)

// filtered tells that this program runs once more, to put a filter of system calls on itself.
const filtered = "PATRONI_INSTALL_FILTER"

// filteredRun runs a test in a process of its own, where work puts on a filter: nobody takes it off again.
func filteredRun(t *testing.T, filter string, work func(m *machine)) {
	t.Helper()
	m := newMachine(t)
	if os.Getenv(filtered) == filter {
		work(m)
		return
	}
	if os.Getenv(filtered) != "" {
		return // it is one of the others
	}
	again := exec.Command("/proc/self/exe", "-test.v", "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
	again.Env = append(os.Environ(), filtered+"="+filter)
	out, err := again.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Errorf("%v:\n%s", err, out)
	}
}

// TestOldKernel installs, upgrades and removes Patroni without the system calls that came after Linux 4.18.
func TestOldKernel(t *testing.T) {
	for _, name := range []string{"fresh", "upgrade", "latest", "remove", "adopt a unit", "fresh rhel", "compile"} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			filteredRun(t, name, func(m *machine) {
				m.must(kerneltest.OldKernel())
				all := scenarios()
				s := all[slices.IndexFunc(all, func(s scenario) bool { return s.name == name })]
				s.setup(m)
				if !m.run(s.arguments).Changed() {
					m.Error("nothing was changed")
				}
				if again := m.run(s.arguments); again.Changed() {
					m.Errorf("the second run changed something: %v", again.plan)
				}
			})
		})
	}
}

// TestForbiddenNamespaces: a build that could not begin is refused before packages are looked for, with one cause, and
// so is the question for a newer version. A run that builds nothing needs no namespace.
func TestForbiddenNamespaces(t *testing.T) {
	for name, c := range map[string]struct {
		errno syscall.Errno
		want  string
	}{
		"filter": {unix.EPERM, "cannot open private namespaces: a filter of system calls (seccomp) forbids unshare"},
		"limit":  {unix.ENOSPC, "cannot open private namespaces: the limit user.max_mnt_namespaces is reached, it is "},
	} {
		t.Run(name, func(t *testing.T) {
			filteredRun(t, name, func(m *machine) {
				installed(m)
				fresh := newMachine(t)
				m.must(kerneltest.Forbid(c.errno, unix.SYS_UNSHARE))
				fresh.refuses(`{}`, c.want)
				m.refuses(`{"version": "4.1.5"}`, c.want)
				m.refuses(`{"state": "latest"}`, c.want)
				for _, machine := range []*machine{fresh, m} {
					for _, line := range machine.trace {
						if strings.HasPrefix(line, "run ") {
							t.Errorf("it started %q", line)
						}
					}
				}
				if m.run(`{}`).Changed() {
					t.Error("the installation was changed")
				}
				_, err := fresh.installer(`{}`).Run(t.Context())
				if strings.Contains(err.Error(), "df -h") || strings.Contains(err.Error(), "lsattr") {
					t.Errorf("it advises about the disk: %v", err)
				}
			})
		})
	}
}

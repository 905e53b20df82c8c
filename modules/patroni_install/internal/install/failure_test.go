package install

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// commandsOf are the commands of an undisturbed run.
func (x *matrix) commandsOf() (lines []string) {
	for _, operation := range x.operations {
		if line, isCommand := strings.CutPrefix(operation, "run "); isCommand {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestOldPackageLists: the lists name a version that the mirror no longer has. They are refreshed on the
// way, so that a second try finds the one that is there.
func TestOldPackageLists(t *testing.T) {
	m := newMachine(t)
	tries := 0
	m.says = func(line string) string {
		if strings.HasPrefix(line, "apt-get -q download") {
			tries++
		}
		if strings.HasPrefix(line, "apt-get -q download") && tries == 1 {
			return "E: Version '1.1.0-1' for 'pipx' was not found"
		}
		return ""
	}
	m.run(`{}`)
	if !m.has(binDir+"/patroni") || tries != 2 {
		t.Errorf("%d tries to download, %q", tries, m.trace)
	}
}

// TestFailingCommands lets each command fail in turn, after it has done its work: the host is as
// it was, and the message has what the command said. Some failures are no reason to give up.
func TestFailingCommands(t *testing.T) {
	bearable := []string{
		"apt-get --print-uris",     // a simulation follows
		"apt-get -q update",        // the lists may be good enough
		"/usr/bin/systemd-analyze", // other units may be bad
		"apt-get -qy purge",        // dpkg tells whether all are gone
		"dpkg-deb --contents",      // without it nothing is tidied, and nothing was interrupted
	}
	// How many commands at the beginning ask for packages that the lists, perhaps empty, do not offer.
	failAnyway := map[string]int{"fresh": 2, "compile": 2, "package": 2, "package elsewhere": 7}
	eachScenario(t, func(t *testing.T, s scenario) {
		x := newMatrix(t, s)
		for n, line := range x.commandsOf() {
			m, count := x.start.clone(t), 0
			m.says = func(string) string {
				if count++; count == n+1 {
					return "told to fail"
				}
				return ""
			}
			_, err := m.installer(s.arguments).Run(t.Context())
			m.says = nil
			what := fmt.Sprintf("failure of command %d, %.60s", n+1, line)
			may := n < failAnyway[s.name]
			for _, start := range bearable {
				may = may || strings.HasPrefix(line, start)
			}
			switch after := x.isAfter(t, m, what); {
			case may != (err == nil) || may != after:
				t.Errorf("%s: error %v, state after: %t", what, err, after)
			case err != nil && !strings.Contains(err.Error(), "told to fail"):
				t.Errorf("%s: message %q hides what the command said", what, err)
			}
			x.runsOn(t, m, what)
		}
	})
}

// TestCancelAtEachOperation ends the context, as a signal does: the run ends by itself, on one
// side or the other.
func TestCancelAtEachOperation(t *testing.T) {
	eachScenario(t, func(t *testing.T, s scenario) {
		x := newMatrix(t, s)
		for _, n := range killsOf(x.operations) {
			m, count := x.start.clone(t), 0
			ctx, cancel := context.WithCancelCause(t.Context())
			m.fault = func(string, string) error {
				if count++; count == n {
					cancel(errInjected)
				}
				return nil
			}
			report, err := m.installer(s.arguments).Run(ctx)
			m.fault = nil
			what := fmt.Sprintf("cancelled at operation %d, %s", n, x.operations[n-1])
			if after := x.isAfter(t, m, what); after == (err != nil) {
				t.Errorf("%s: state after %t, error %v", what, after, err)
			}
			if err == nil && !slices.Equal(report.Warnings, x.warnings) {
				t.Errorf("%s: warnings %q, want %q", what, report.Warnings, x.warnings)
			}
			cancel(nil)
		}
	})
}

// TestTimeout: a build that takes too long is stopped, and the message names the option.
func TestTimeout(t *testing.T) {
	m := newMachine(t)
	before := m.state()
	i := m.installer(`{}`)
	i.Want.Timeout = time.Nanosecond
	_, err := i.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "it took more than 1ns (option timeout)") {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff(before, m.state()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// TestBadUnit: what systemd says of our own unit counts, and what it says of others does not;
// see TestFailingCommands.
func TestBadUnit(t *testing.T) {
	m := newMachine(t)
	before := m.state()
	m.says = func(line string) string {
		if strings.HasPrefix(line, "/usr/bin/systemd-analyze") {
			return "patroni.service:7: Unknown key name"
		}
		return ""
	}
	_, err := m.installer(`{}`).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "Unknown key name") {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff(before, m.state()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// TestUndoTellsSystemd: somebody may have made systemd read the units between the change of ours
// and its undoing.
func TestUndoTellsSystemd(t *testing.T) {
	m := newMachine(t)
	before := m.state()
	placed := false
	m.fault = func(kind, object string) error {
		switch {
		case kind == "rename" && object == unitFile:
			placed = true
		case kind == "write" && placed:
			m.loaded, m.fault = m.units(), nil
			return errInjected
		}
		return nil
	}
	if _, err := m.installer(`{}`).Run(t.Context()); err == nil || !placed {
		t.Fatalf("error %v, unit in place: %t", err, placed)
	}
	if diff := cmp.Diff(before, m.state()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// TestRunRecoversFirst: a run on a host where one was killed undoes, or finishes, and says so.
func TestRunRecoversFirst(t *testing.T) {
	for name, c := range map[string]struct {
		at, warning string
	}{
		"undone":   {"rename " + unitFile, "its changes were undone first"},
		"finished": {"reload ", "its changes were finished first"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.crash(`{}`, func(operation string) bool { return operation == c.at })
			report := m.run(`{}`)
			if len(report.Warnings) == 0 || !strings.Contains(strings.Join(report.Warnings, "\n"), c.warning) {
				t.Errorf("warnings %q, want %q", report.Warnings, c.warning)
			}
			if !report.Changed() || m.loaded == "" {
				t.Errorf("changed %t; systemd has read %q", report.Changed(), m.loaded)
			}
		})
	}
}

// TestAdopted: a healthy installation of somebody else's pipx is taken over, not rebuilt.
func TestAdopted(t *testing.T) {
	m := newMachine(t)
	adopted(m)
	before := m.snapshot()
	report := m.run(`{}`)
	for name, text := range m.snapshot() {
		if below(name, oldPipx) && before[name] != text {
			t.Errorf("%s was touched", name)
		}
	}
	if got := report.Result(false); got.Extra["patroni"].(map[string]any)["venv"] != oldPipx+"/venvs/patroni" ||
		report.plan.Why != "" {
		t.Errorf("result: %+v", got.Extra["patroni"])
	}
	m.run(`{"state": "absent"}`)
	if m.has(oldPipx + "/venvs/patroni") {
		t.Error("absent left the adopted installation")
	}
}

// TestExtraAdded rebuilds the version that is there, not the newest.
func TestExtraAdded(t *testing.T) {
	m := newMachine(t)
	m.run(`{"version": "4.0.7", "extras": ["psycopg2-binary"]}`)
	report := m.run(`{}`)
	facts := report.Result(false).Extra["patroni"].(map[string]any)
	if facts["version"] != "4.0.7" || facts["packages"].(map[string]string)["python-etcd"] == "" {
		t.Errorf("facts: %v", facts)
	}
}

// TestElsewhere installs into other directories under other names, and removes it all.
func TestElsewhere(t *testing.T) {
	options := `"bin_dir": "/opt/patroni/bin", "config_dir": "/srv/patroni", "pipx_home": "/opt/pipx", ` +
		`"service_name": "p2"`
	m := newMachine(t)
	m.write("/var/lib/apt/lists/bookworm", "pipx")
	m.must(m.install([]string{"pipx", "python3-venv"}))
	before := m.state()
	m.run(`{` + options + `}`)
	for _, name := range []string{"/opt/patroni/bin/patronictl", "/srv/patroni", "/opt/pipx/venvs/patroni",
		"/etc/systemd/system/p2.service"} {
		if !m.has(name) {
			t.Errorf("%s is missing", name)
		}
	}
	m.run(`{` + options + `, "state": "absent"}`)
	after := m.state()
	// Directories that were made for others to use stay, as do those of pipx.
	for _, dir := range []string{"/opt", "/opt/patroni", "/opt/patroni/bin", "/opt/pipx", "/opt/pipx/venvs", "/srv"} {
		delete(after, dir)
	}
	maps.DeleteFunc(after, func(name, _ string) bool { return path.Base(name) == "patroni_install" && !m.has(name) })
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("left behind (-before +after):\n%s", diff)
	}
}

// TestRefusedRunsWriteNothing: what stands in the way is found before anything is touched.
func TestRefusedRunsWriteNothing(t *testing.T) {
	for name, c := range map[string]struct {
		setup     func(m *machine)
		arguments string
		want      []string
	}{
		"no such user":    {func(m *machine) { m.write("/etc/passwd", "") }, `{}`, []string{"user postgres", "init_server"}},
		"no home":         {func(m *machine) { m.remove(home) }, `{}`, []string{home + " does not exist", "init_server"}},
		"another home":    {func(*machine) {}, `{"home": "/home/postgres"}`, []string{"/home/postgres", home}},
		"foreign program": {func(m *machine) { m.write(binDir+"/patroni", "") }, `{}`, []string{binDir + "/patroni", "a file"}},
		"linked directory": {
			func(m *machine) { m.link(home+"/.local", "/srv"); m.own(home) }, `{}`,
			[]string{home + "/.local", "/srv", "bin_dir"},
		},
		"stage without a journal": {
			func(m *machine) { m.write(stage+"/home/venvs/patroni/old", "") }, `{}`, []string{stage, "no journal"},
		},
		"masked unit": {func(m *machine) { m.link(unitFile, "/dev/null") }, `{}`, []string{"masked"}},
		"dpkg interrupted": {
			func(m *machine) { m.setStatus(debian{basePackage(), "install ok half-configured"}) }, `{}`,
			[]string{"base-files", "dpkg --configure -a"},
		},
		"other family": {
			func(m *machine) { m.write("/etc/os-release", "ID=alpine\nPRETTY_NAME=Alpine\n") }, `{}`,
			[]string{"Alpine", `"alpine"`},
		},
		"OS package": {func(m *machine) {
			m.write("/usr/bin/patroni", "")
			p := basePackage()
			p.Name = "patroni"
			m.setStatus(debian{p, "install ok installed"})
		}, `{}`, []string{"package patroni", "apt-get remove patroni"}},
		"no prerequisites": {
			func(*machine) {}, `{"install_prerequisites": false}`,
			[]string{"pipx is missing", "apt-get install --no-install-recommends pipx"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			c.setup(m)
			before := m.state()
			_, err := m.installer(c.arguments).Run(t.Context())
			if err == nil {
				t.Fatal("not refused")
			}
			if slices.ContainsFunc(m.trace, func(o string) bool { return strings.Contains(o, "update") }) {
				t.Errorf("the package lists were refreshed for a run that is refused: %q", m.trace)
			}
			for _, part := range append(c.want, "nothing was changed") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("message %q lacks %q", err, part)
				}
			}
			if diff := cmp.Diff(before, m.state()); diff != "" {
				t.Errorf("the refused run wrote (-before +after):\n%s", diff)
			}
		})
	}
}

// TestSomebodyElseInstalls: packages that come from elsewhere after the simulation are not ours to
// take away.
func TestSomebodyElseInstalls(t *testing.T) {
	m := newMachine(t)
	pipx := basePackage()
	pipx.Name = "pipx"
	m.says = func(line string) string {
		if strings.HasPrefix(line, "apt-get -q download") {
			m.setStatus(debian{pipx, "install ok installed"})
		}
		return ""
	}
	_, err := m.installer(`{}`).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "somebody else has installed pipx") {
		t.Errorf("error %v, want one that names pipx", err)
	}
	if !slices.Contains(m.status(), debian{pipx, "install ok installed"}) {
		t.Errorf("pipx was taken away: %v", m.status())
	}
}

// TestPackagesAreLocked: who holds the lock is named, and what can be done.
func TestPackagesAreLocked(t *testing.T) {
	const lock = "/var/lib/dpkg/lock-frontend"
	m := newMachine(t)
	m.write(lock, "")
	info, err := os.Stat(m.real(lock))
	m.must(err)
	st := stat(info)
	m.write("/proc/locks", fmt.Sprintf("1: POSIX  ADVISORY  WRITE 123 %02x:%02x:%d 0 EOF\n", unix.Major(st.Dev),
		unix.Minor(st.Dev), st.Ino))
	m.write("/proc/123/cmdline", "apt-get\x00upgrade\x00")
	m.refuses(`{"lock_timeout": 0}`, "process 123 (apt-get upgrade) still holds it",
		"wait for it to end, or raise lock_timeout")
}

// TestStoppedBuild: what stopped a build is told, not what it looks like.
func TestStoppedBuild(t *testing.T) {
	m := newMachine(t)
	ctx, stop := context.WithCancelCause(t.Context())
	m.says = func(line string) string {
		if strings.Contains(line, "pipx install") {
			stop(errInjected)
			return "signal: killed"
		}
		return ""
	}
	_, err := m.installer(`{}`).Run(ctx)
	if err == nil || !strings.Contains(err.Error(), errInjected.Error()) || strings.Contains(err.Error(), "OOM") {
		t.Errorf("error %v, want the reason that stopped it", err)
	}
}

// TestCheckWhileInterrupted: check mode reports a run that was killed inside of dpkg, and writes nothing.
func TestCheckWhileInterrupted(t *testing.T) {
	m := newMachine(t)
	inDpkg := 0
	m.crash(`{}`, func(operation string) bool {
		if strings.HasPrefix(operation, "halfway unpacking") {
			inDpkg++
		}
		return inDpkg == 1
	})
	if !slices.ContainsFunc(m.status(), func(d debian) bool { return d.status != "install ok installed" }) {
		t.Fatalf("dpkg was not in the middle of anything: %v", m.status())
	}
	before := m.snapshot()
	report, err := m.installer(`{}`).Check(t.Context())
	if err != nil || !strings.Contains(strings.Join(report.Warnings, "\n"), "an earlier run was interrupted") {
		t.Errorf("report %v, error %v; want a warning about the interrupted run", report, err)
	}
	if diff := cmp.Diff(before, m.snapshot()); diff != "" {
		t.Errorf("check mode wrote (-before +after):\n%s", diff)
	}
}

// TestIndexRefuses: pip says that the index has no versions, and only when asked that it refuses us.
func TestIndexRefuses(t *testing.T) {
	m := newMachine(t)
	m.index = "Could not fetch URL http://reader:****@index.example/simple/patroni/: 401 Client Error: Unauthorized for url"
	m.says = func(line string) string {
		if strings.Contains(line, "pipx install") {
			return "ERROR: Could not find a version that satisfies the requirement patroni (from versions: none)"
		}
		return ""
	}
	_, err := m.installer(`{"index_url": "http://index.example/simple"}`).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the index refuses the credentials") {
		t.Errorf("got error %v", err)
	}
	m.says = nil
	m.run(`{}`)
	m.offersNothing = true
	_, err = m.installer(`{"state": "latest", "index_url": "http://index.example/simple"}`).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the index refuses the credentials") {
		t.Errorf("state latest: got error %v", err)
	}
}

// TestRefusedBeforePackages: what the decision makes impossible is refused before the package lists are refreshed,
// which no undo takes back.
func TestRefusedBeforePackages(t *testing.T) {
	for name, c := range map[string]struct {
		arguments string
		setup     func(m *machine)
		want      string
	}{
		"no uv": {`{"installer": "uv"}`, func(*machine) {}, "cannot build Patroni by uv: there is no uv"},
		"shared libraries": {`{}`, func(m *machine) { m.write(pipxHome+"/shared", ""); m.own(home) },
			"where pipx has its shared libraries, is a file"},
		"a link": {`{}`, func(m *machine) { m.link(binDir+"/patroni_aws", "/bin/true"); m.own(home) },
			"cannot make the link " + binDir + "/patroni_aws"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			c.setup(m)
			m.refuses(c.arguments, c.want)
			if ran := slices.IndexFunc(m.trace, func(o string) bool { return strings.HasPrefix(o, "run ") }); ran >= 0 {
				t.Errorf("it started %q", m.trace[ran])
			}
		})
	}
}

package install

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

const (
	adoptedFile = unitFile + ".d/" + adoptedName
	adopt       = `{"adopt_service": true}`
)

// strange is the unit of a Patroni that somebody set up by hand.
func strange(config string) string {
	return "[Unit]\nDescription=Patroni\nAfter=network-online.target\n\n[Service]\nType=notify\nUser=postgres\n" +
		"EnvironmentFile=-/etc/patroni_env.conf\nExecStartPre=/bin/true\nExecStart=/usr/local/bin/patroni " + config + "\n" +
		"ExecReload=/bin/kill -HUP $MAINPID\nKillMode=process\nLimitNOFILE=500000\nWatchdogSec=30\n\n[Install]\nWantedBy=multi-user.target\n"
}

// besideStrange is a machine with an installation whose unit somebody replaced.
func besideStrange(m *machine) {
	installed(m)
	m.write(unitFile, strange("/etc/patroni/patroni.yaml"))
	m.write("/etc/patroni/patroni.yaml", "scope: x\n")
	m.own("/etc/patroni")
	m.loaded = m.units()
}

// TestForeignUnits: what is somebody else's is refused in check mode and in a run alike, by its name and with the
// ways out, and stays as it is.
func TestForeignUnits(t *testing.T) {
	unit := func(text string) func(m *machine) {
		return func(m *machine) { m.write(unitFile, text); m.loaded = text }
	}
	named := func(name string) string { return fmt.Sprintf(`{"service_name": %q}`, name) }
	at := func(name, text string) func(m *machine) { return func(m *machine) { m.write(name, text) } }
	loaded := func(name string) func(m *machine) {
		return func(m *machine) { m.service.FragmentPath, m.service.ActiveState = name, "active" }
	}
	const etcd = "[Service]\nExecStart=/usr/local/bin/etcd --config-file /etc/etcd/etcd.yaml\n"
	for name, c := range map[string]struct {
		arguments string
		edit      func(m *machine)
		want      []string
	}{
		"Patroni by hand": {`{}`, unit(strange("/etc/patroni/patroni.yml")), []string{
			"cannot install the unit patroni.service: somebody else wrote " + unitFile,
			"patroni_service_name", "patroni_adopt_service", "move it away",
		}},
		"etcd's, in /etc": {
			named("etcd"), at("/etc/systemd/system/etcd.service", etcd),
			[]string{"somebody else wrote /etc/systemd/system/etcd.service"},
		},
		"a package's": {
			named("ssh"), at("/usr/lib/systemd/system/ssh.service", "[Service]\nExecStart=/usr/sbin/sshd -D\n"),
			[]string{"there is one of this name, /usr/lib/systemd/system/ssh.service", "stand in for it"},
		},
		"of an old directory": {
			named("ssh"), at("/lib/systemd/system/ssh.service", "[Service]\n"),
			[]string{"/lib/systemd/system/ssh.service"},
		},
		"of local software": {
			named("etcd"), at("/usr/local/lib/systemd/system/etcd.service", etcd),
			[]string{"/usr/local/lib/systemd/system/etcd.service"},
		},
		"made at run time": {
			named("etcd"), at("/run/systemd/system/etcd.service", etcd), []string{"/run/systemd/system/etcd.service"},
		},
		"instance of a template": {
			named("postgresql@17-main"), at("/usr/lib/systemd/system/postgresql@.service", "[Service]\n"),
			[]string{"/usr/lib/systemd/system/postgresql@.service"},
		},
		"of a template in /etc": {
			named("patroni@17-main"), at("/etc/systemd/system/patroni@.service", "[Service]\n"),
			[]string{"/etc/systemd/system/patroni@.service"},
		},
		"systemd knows where": {
			named("etcd"), loaded("/run/systemd/generator.late/etcd.service"),
			[]string{"/run/systemd/generator.late/etcd.service"},
		},
		"an init script that runs": {
			`{}`, loaded("/run/systemd/generator.late/patroni.service"),
			[]string{"/run/systemd/generator.late/patroni.service"},
		},
		"the package's, of another service": {
			`{"method": "package", "service_name": "etcd"}`,
			func(m *machine) {
				packageOffered(m)
				m.write("/usr/lib/systemd/system/etcd.service", etcd)
			}, []string{"there is one of this name, /usr/lib/systemd/system/etcd.service"},
		},
		"adopted with another configuration": {adopt, unit(strange("/etc/patroni/patroni.yml")), []string{
			"cannot adopt the unit " + unitFile, `"/etc/patroni/patroni.yml"`, "/etc/patroni/patroni.yaml", "patroni_config_file",
		}},
		"adopted without a configuration": {
			adopt, unit("[Service]\nUser=postgres\nExecStart=/opt/bin/patroni\n"),
			[]string{`names the configuration ""`},
		},
		"adopted of another user": {
			adopt, unit(strings.Replace(strange("/etc/patroni/patroni.yaml"), "postgres", "dba", 1)),
			[]string{`runs as user "dba"`, "patroni_user"},
		},
		"adopted of root's": {
			adopt, unit("[Service]\nExecStart=/opt/bin/patroni /etc/patroni/patroni.yaml\n"),
			[]string{`runs as user ""`},
		},
		"adopted, but not Patroni": {
			`{"adopt_service": true, "service_name": "etcd"}`, at("/etc/systemd/system/etcd.service", etcd),
			[]string{"it does not start Patroni"},
		},
		"adopted, with a drop-in's program": {adopt, func(m *machine) {
			unit(strange("/etc/patroni/patroni.yaml"))(m)
			m.write(unitFile+".d/mine.conf", "[Service]\nExecStart=\nExecStart=/opt/bin/patroni x\n")
		}, []string{`it names the configuration "x"`}},
		"adopted, with the same program in a drop-in": {adopt, func(m *machine) {
			unit(strange("/etc/patroni/patroni.yaml"))(m)
			m.write(unitFile+".d/mine.conf", "[Service]\nExecStart=\nExecStart=/opt/bin/patroni /etc/patroni/patroni.yaml\n")
		}, []string{"the drop-in " + unitFile + ".d/mine.conf sets another ExecStart"}},
		"adopted, without a program": {adopt, func(m *machine) {
			unit(strange("/etc/patroni/patroni.yaml"))(m)
			m.write("/run/systemd/system/patroni.service.d/mine.conf", "[Service]\nExecStart=\n")
		}, []string{"it has 0 commands in ExecStart"}},
		"adopted, with a drop-in's type": {adopt, func(m *machine) {
			unit(strange("/etc/patroni/patroni.yaml"))(m)
			m.write("/srv/mine.conf", "[Service]\nType=notify\n")
			m.link("/usr/lib/systemd/system/patroni.service.d/mine.conf", "/srv/mine.conf")
		}, []string{"the drop-in /usr/lib/systemd/system/patroni.service.d/mine.conf sets another Type"}},
		"adopted, with a drop-in's user": {adopt, func(m *machine) {
			unit(strange("/etc/patroni/patroni.yaml"))(m)
			m.write(unitFile+".d/mine.conf", "[Service]\nUser=nobody\n")
		}, []string{`runs as user "nobody"`}},
		"adopted, with a drop-in for all services": {adopt, func(m *machine) {
			unit(strange("/etc/patroni/patroni.yaml"))(m)
			m.write("/etc/systemd/system/service.d/mine.conf", "[Service]\nWatchdogSec=10\n")
		}, []string{"/etc/systemd/system/service.d/mine.conf sets another WatchdogSec"}},
		"adopted, with a drop-in of an alias": {adopt, func(m *machine) {
			unit(strange("/etc/patroni/patroni.yaml"))(m)
			m.link("/etc/systemd/system/ha.service", "patroni.service")
			m.write("/etc/systemd/system/ha.service.d/mine.conf", "[Service]\nPIDFile=/run/p.pid\n")
		}, []string{"/etc/systemd/system/ha.service.d/mine.conf sets another PIDFile"}},
		"adopted, with a drop-in that comes first": {adopt, func(m *machine) {
			unit(strange("/etc/patroni/patroni.yaml"))(m)
			m.write(unitFile+".d/00-mine.conf", "[Service]\nLimitNOFILE=1\n")
		}, []string{unitFile + ".d/00-mine.conf comes before ours"}},
		"adopted, with another program's modules": {adopt, func(m *machine) {
			unit(strange("/etc/patroni/patroni.yaml") + "[Service]\nEnvironment=PYTHONPATH=/opt/secret\n")(m)
		}, []string{"it sets PYTHONPATH in Environment"}},
		"adopted, of ours, with another configuration": {adopt, func(m *machine) {
			unit(strings.Replace(strange("/etc/p.yml"), "/usr/local/bin", binDir, 1))(m)
		}, []string{"cannot adopt the unit " + unitFile, `"/etc/p.yml"`}},
		"of ours, with a configuration that is there": {`{}`, func(m *machine) {
			unit(strings.Replace(strange("/etc/p.yml"), "/usr/local/bin", binDir, 1))(m)
			m.write("/etc/p.yml", "scope: x\n")
		}, []string{"cannot replace the unit " + unitFile, `"/etc/p.yml", which is there`, "patroni_config_file"}},
		"adopted once before": {adopt, func(m *machine) {
			unit(strange("/etc/patroni/patroni.yaml"))(m)
			m.write(adoptedFile, "[Service]\nNice=1\n")
		}, []string{adoptedFile + " is there"}},
		"a package's cannot be adopted": {
			`{"adopt_service": true, "service_name": "ssh"}`, at("/usr/lib/systemd/system/ssh.service", "[Service]\n"),
			[]string{"stand in for it"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			c.edit(m)
			before := m.state()
			_, checked := m.installer(c.arguments).Check(t.Context())
			_, err := m.installer(c.arguments).Run(t.Context())
			if err == nil || checked == nil || err.Error() != checked.Error() {
				t.Fatalf("run: %v, check: %v", err, checked)
			}
			for _, part := range append(c.want, "nothing was changed") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("message %q lacks %q", err, part)
				}
			}
			if diff := cmp.Diff(before, m.state()); diff != "" {
				t.Errorf("something was changed (-before +after):\n%s", diff)
			}
		})
	}
}

// TestAdopt takes over a unit with its settings, keeps its text, and gives back what it can.
func TestAdopt(t *testing.T) {
	m := newMachine(t)
	text := strange("/etc/patroni/patroni.yaml")
	m.write(unitFile, text)
	m.write("/etc/patroni/patroni.yaml", "scope: x\n")
	m.own("/etc/patroni")
	m.loaded = text
	m.write("/usr/lib/systemd/system.conf", "[Manager]\nDefaultTimeoutStartSec=1\n")
	m.write("/etc/systemd/system.conf", "[Manager]\nDefaultTimeoutStopSec=2\n")
	m.write("/run/systemd/system.conf.d/10-slow.conf", "[Manager]\nDefaultTimeoutStopSec=5min\n")
	m.link("/etc/systemd/system.conf.d/20-quick.conf", "/dev/null")
	m.write("/usr/lib/systemd/system.conf.d/20-quick.conf", "[Manager]\nDefaultTimeoutStopSec=3\n")
	const ofRun = "/run/systemd/system/patroni.service.d/" // none of these is a drop-in
	m.dir(ofRun+"dir.conf", 0o755)
	m.write(ofRun+"notes.txt", "[Service]\nType=notify\n")
	m.link(ofRun+"gone.conf", "/srv/gone.conf")
	before := m.state()
	check, err := m.installer(adopt).Check(t.Context())
	m.must(err)
	if diff := cmp.Diff(before, m.state()); diff != "" {
		t.Errorf("the check wrote (-before +after):\n%s", diff)
	}
	report := m.run(adopt)
	for _, want := range []string{"create unit " + adoptedFile, "change unit " + unitFile} {
		if !slices.Contains(visible(check), want) || !slices.Contains(visible(report), want) {
			t.Errorf("not in both: %s; check %q, run %q", want, visible(check), visible(report))
		}
	}
	kept := m.glob(StateDir + "/former.patroni.service.*")
	if len(kept) != 1 || m.read(kept[0]) != text {
		t.Fatalf("the former text is in %q", kept)
	}
	if got := strings.Join(report.Warnings, "\n"); !strings.Contains(got, kept[0]) {
		t.Errorf("warnings %q", got)
	}
	const want = "\n[Unit]\nDescription=Patroni\nAfter=network-online.target\n\n[Service]\n" +
		"EnvironmentFile=-/etc/patroni_env.conf\n" +
		"ExecStartPre=/bin/true\nExecReload=\nExecReload=/bin/kill -HUP $MAINPID\nLimitNOFILE=500000\n" +
		"\n# What that unit left to systemd, as systemd had it.\n[Service]\nRestart=no\nTimeoutStartSec=90\nTimeoutStopSec=5min\n"
	_, settings, _ := strings.Cut(m.read(adoptedFile), "#   WatchdogSec=30\n")
	if diff := cmp.Diff(want, settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(m.read(unitFile), systemd.Header) {
		t.Errorf("the unit is %q", m.read(unitFile))
	}
	for _, arguments := range []string{adopt, `{}`} {
		if again := m.run(arguments); again.Changed() || strings.Contains(strings.Join(again.Warnings, ""), "former") {
			t.Errorf("a second run: %q, %q", visible(again), again.Warnings)
		}
	}
	gone := m.run(removed)
	if m.has(adoptedFile) || m.has(unitFile) || m.has(unitFile+".d") || m.read(kept[0]) != text {
		t.Errorf("after the removal: %q", m.snapshot())
	}
	if got := strings.Join(gone.Warnings, "\n"); !strings.Contains(got, kept[0]) {
		t.Errorf("the removal does not say where the former text is: %q", got)
	}
	if again := m.run(removed); again.Changed() {
		t.Errorf("a second removal: %q", visible(again))
	}
}

// TestAdoptOfOurs: a unit that somebody wrote for this installation keeps its settings, too, if that is wanted.
func TestAdoptOfOurs(t *testing.T) {
	m := newMachine(t)
	besideStrange(m)
	text := strings.Replace(strange("/etc/patroni/patroni.yaml"), "/usr/local/bin", binDir, 1)
	m.write(unitFile, text)
	m.loaded = text
	m.run(adopt)
	if got := m.read(adoptedFile); !strings.Contains(got, "\nEnvironmentFile=-/etc/patroni_env.conf\n") ||
		!strings.Contains(got, "\nLimitNOFILE=500000\n") {
		t.Errorf("the drop-in is %q", got)
	}
	if m.run(`{}`).Changed() {
		t.Error("a second run changes something")
	}
	// It is not somebody else's to a removal, which would take the program of a service that runs.
	m.write(unitFile, text)
	m.service.ActiveState, m.service.UnitFileState = "active", "enabled"
	if _, err := m.installer(`{"state": "absent", "adopt_service": true}`).Run(t.Context()); err == nil || !m.has(venv) {
		t.Errorf("the service runs on without its program: %v", err)
	}
}

// TestAdoptedStaysAsItWas: a run that has forgotten what adoption demanded does not lead the service elsewhere.
func TestAdoptedStaysAsItWas(t *testing.T) {
	const named = `{"config_file": "patroni.yml"`
	adopted := func(t *testing.T) *machine {
		t.Helper()
		m := newMachine(t)
		m.write(unitFile, strange("/etc/patroni/patroni.yml"))
		m.loaded = m.read(unitFile)
		m.write("/etc/patroni/patroni.yml", "scope: x\n")
		m.own("/etc/patroni")
		m.run(named + `, "adopt_service": true}`)
		m.service.ActiveState, m.service.MainPID = "active", 4711
		return m
	}
	for name, c := range map[string]struct {
		arguments string
		edit      func(m *machine)
		want      string // of the error, "" for none
	}{
		"the same":    {named + `}`, func(*machine) {}, ""},
		"forgotten":   {`{}`, func(*machine) {}, `with the configuration /etc/patroni/patroni.yml, and config_dir with config_file is /etc/patroni/patroni.yaml`},
		"and wanted":  {adopt, func(*machine) {}, "with the configuration /etc/patroni/patroni.yml"},
		"another one": {`{}`, func(m *machine) { m.write("/etc/patroni/patroni.yaml", "") }, "with the configuration /etc/patroni/patroni.yml"},
		"gone":        {`{}`, func(m *machine) { m.remove("/etc/patroni/patroni.yml") }, "with the configuration /etc/patroni/patroni.yml"},
		"moved": {`{}`, func(m *machine) {
			m.must(os.Rename(m.real("/etc/patroni/patroni.yml"), m.real("/etc/patroni/patroni.yaml")))
		}, ""},
		"edited":         {named + `}`, func(m *machine) { m.write(unitFile, systemd.Header) }, ""},
		"not any more":   {`{}`, func(m *machine) { m.remove(adoptedFile) }, ""},
		"to be removed":  {removed, func(m *machine) { m.service.ActiveState, m.service.MainPID = "inactive", 0 }, ""},
		"of another one": {named + `}`, func(m *machine) { m.write(unitFile, strings.Replace(m.read(unitFile), "User=postgres", "User=dba", 1)) }, `with user "dba"`},
	} {
		t.Run(name, func(t *testing.T) {
			m := adopted(t)
			c.edit(m)
			before := m.state()
			_, checked := m.installer(c.arguments).Check(t.Context())
			_, err := m.installer(c.arguments).Run(t.Context())
			if c.want == "" {
				m.must(err)
				return
			}
			if err == nil || checked == nil || err.Error() != checked.Error() || !strings.Contains(err.Error(), c.want) ||
				!strings.Contains(err.Error(), "nothing was changed") {
				t.Fatalf("run: %v, check: %v", err, checked)
			}
			if diff := cmp.Diff(before, m.state()); diff != "" {
				t.Errorf("something was changed (-before +after):\n%s", diff)
			}
		})
	}
}

// TestAdoptUndone: a run that fails at the last step leaves the unit, and no drop-in.
func TestAdoptUndone(t *testing.T) {
	m := newMachine(t)
	m.write(unitFile, strange("/etc/patroni/patroni.yaml"))
	m.loaded = m.read(unitFile)
	m.write("/etc/patroni/patroni.yaml", "scope: x\n")
	m.own("/etc/patroni")
	m.failAtUnit(adopt)
}

// TestUnitsTakenOver: a unit that starts this installation is replaced, and so is that of the earlier role; what
// people wrote is kept.
func TestUnitsTakenOver(t *testing.T) {
	const earlier = "[Unit]\nDescription=Patroni service to orchestrate high availability of pgEdge nodes\n" +
		"After=syslog.target network.target\n\n" +
		"[Service]\nType=simple\n\nUser=ansible\n\nExecStart=/home/ansible/.local/bin/patroni /etc/patroni/patroni.yaml\n\n# Send HUP\n\n" +
		"ExecReload=/bin/kill -s HUP $MAINPID\nKillMode=process\nTimeoutSec=30\nRestart=on-failure\n\n[Install]\nWantedBy=multi-user.target\n"
	for name, c := range map[string]struct {
		text  string
		kept  bool
		fails bool
	}{
		"of the earlier role":         {earlier, false, false},
		"of the earlier role, edited": {earlier + "[Service]\nLimitNOFILE=1\n", false, true},
		"by hand":                     {"[Service]\nExecStart=" + binDir + "/patroni /etc/p.yml\nLimitNOFILE=1\n", true, false},
		"of a link":                   {"[Service]\nExecStart=/opt/bin/patroni /etc/p.yml\n", true, false},
		"beside its configuration":    {"[Service]\nExecStart=/opt/bin/patroni /etc/q.yml\n", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			installed(m)
			m.link("/opt/bin/patroni", venv+"/bin/patroni")
			if name == "beside its configuration" {
				m.write("/etc/q.yml", "scope: x\n")
				m.write("/etc/patroni/patroni.yaml", "scope: x\n")
			}
			m.write(unitFile, c.text)
			m.loaded = c.text
			_, err := m.installer(`{}`).Run(t.Context())
			if (err != nil) != c.fails {
				t.Fatalf("error %v", err)
			}
			kept := m.glob(StateDir + "/former.*")
			if (len(kept) == 1) != c.kept || c.kept && m.read(kept[0]) != c.text {
				t.Errorf("kept: %q", kept)
			}
			if systemd.IsEarlier([]byte(c.text)) != (name == "of the earlier role") {
				t.Error("it is taken for something else")
			}
		})
	}
}

// TestRemovalBesideForeignUnits: a service of somebody else's that runs is nobody's hindrance, and is not to be
// stopped.
func TestRemovalBesideForeignUnits(t *testing.T) {
	for name, edit := range map[string]func(m *machine){
		"in its place": func(m *machine) { m.write(unitFile, strange("/etc/patroni/patroni.yml")); m.loaded = m.read(unitFile) },
		"elsewhere": func(m *machine) {
			m.remove(unitFile)
			m.write("/usr/lib/systemd/system/patroni.service", "[Service]\nExecStart=/opt/patroni\n")
			m.loaded = "it"
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			installed(m)
			edit(m)
			m.service.ActiveState, m.service.UnitFileState = "active", "enabled"
			before := m.read(unitFile)
			m.run(removed)
			if m.has(venv) || m.read(unitFile) != before {
				t.Error("the installation stays, or the unit goes")
			}
		})
	}
}

// TestDiffShowsNoSecrets: who sees the difference may not read a unit, where people keep passwords.
func TestDiffShowsNoSecrets(t *testing.T) {
	const secrets = "\n[Service]\nEnvironment=PGPASSWORD=hunter2\nEnvironment=A=b \\\n  B=hunter2\n" +
		"SetCredential=pw:hunter2\nExecStartPre=/bin/x --password hunter2\nLimitNOFILE=500000\n# hunter2\n"
	ofOurs := strings.Replace(strange("/etc/patroni/patroni.yaml"), "/usr/local/bin", binDir, 1)
	for name, c := range map[string]struct {
		arguments string
		edit      func(m *machine)
		shows     string
	}{
		"replaced": {`{}`, func(m *machine) { m.write(unitFile, ofOurs+secrets) }, "SetCredential=…\n"},
		"with another program": {`{}`, func(m *machine) {
			m.write(unitFile, "[Service]\nExecStart=/usr/bin/env PGPASSWORD=hunter2 "+binDir+"/patroni /etc/p.yml\n")
		}, "ExecStart=…\n"},
		"adopted":         {adopt, func(m *machine) { m.write(unitFile, ofOurs+secrets) }, "LimitNOFILE=500000\n"},
		"gone":            {removed, func(m *machine) { m.write(unitFile, ofOurs+secrets) }, "Environment=…\n"},
		"ours, edited":    {`{}`, func(m *machine) { m.write(unitFile, m.read(unitFile)+secrets) }, "ExecStartPre=…\n"},
		"ours, gone":      {removed, func(m *machine) { m.write(unitFile, m.read(unitFile)+secrets) }, "Environment=…\n"},
		"its settings go": {removed, func(m *machine) { m.write(adoptedFile, "# Written by patroni_install when it adopted x\n"+secrets) }, "Environment=…\n"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			besideStrange(m)
			m.remove(unitFile)
			m.run(`{}`)
			c.edit(m)
			m.loaded = m.units()
			check, err := m.installer(c.arguments).Check(t.Context())
			m.must(err)
			for _, report := range []*Report{check, m.run(c.arguments)} {
				said := fmt.Sprintf("%+v", report.Result(true))
				if strings.Contains(said, "hunter2") {
					t.Errorf("the secret is shown: %s", said)
				}
				if !strings.Contains(said, c.shows) {
					t.Errorf("%q is not shown: %s", c.shows, said)
				}
			}
		})
	}
	m := newMachine(t)
	packageOffered(m)
	m.run(`{"method": "package"}`)
	m.write(dropInFile, m.read(dropInFile)+secrets)
	for _, arguments := range []string{`{"method": "package"}`, `{"method": "package", "state": "absent"}`} {
		report, err := m.installer(arguments).Check(t.Context())
		m.must(err)
		if said := fmt.Sprintf("%+v", report.Result(true)); strings.Contains(said, "hunter2") ||
			!strings.Contains(said, "SetCredential=…") {
			t.Errorf("%s: %s", arguments, said)
		}
	}
}

// TestNoRestartWithoutConfiguration: it would end the service.
func TestNoRestartWithoutConfiguration(t *testing.T) {
	const config = "/etc/patroni/patroni.yaml"
	for name, c := range map[string]struct {
		edit  func(m *machine)
		there bool
	}{
		"none": {func(*machine) {}, false},
		"a link that leads nowhere": {func(m *machine) {
			m.must(os.Lchown(m.real("/etc/patroni"), 0, 0)) // or root does not follow it
			m.link(config, "/srv/gone.yaml")
		}, false},
		"a file": {func(m *machine) { m.write(config, "scope: x\n"); m.own("/etc/patroni") }, true},
		"a link": {func(m *machine) { m.write("/etc/patroni/b", ""); m.link(config, "b"); m.own("/etc/patroni") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			installed(m)
			m.service.MainPID, m.service.ActiveState = 4711, "active"
			c.edit(m)
			got := strings.Join(m.run(`{}`).Result(false).Warnings, "\n")
			if strings.Contains(got, "systemctl restart") != c.there ||
				strings.Contains(got, config+" is not there") == c.there {
				t.Errorf("warnings %q", got)
			}
		})
	}
}

// glob are the paths that a pattern stands for.
func (m *machine) glob(pattern string) []string {
	var found []string
	for name := range m.snapshot() {
		if prefix, _ := strings.CutSuffix(pattern, "*"); strings.HasPrefix(name, prefix) {
			found = append(found, name)
		}
	}
	return found
}

// TestLeftoverLinks: links that would enable the unit which a run makes go, and come back with an undo; those that
// enable a unit which is there, or which systemd has in memory, stay.
func TestLeftoverLinks(t *testing.T) {
	const wants, requires = "/etc/systemd/system/multi-user.target.wants/", "/etc/systemd/system/ha.target.requires/"
	const upholds = "/etc/systemd/system/multi-user.target.upholds/patroni.service"
	m := newMachine(t)
	m.write("/srv/patroni.service", "")
	m.link(wants+"patroni.service", "/lib/systemd/system/patroni.service")
	m.link(requires+"patroni.service", "../patroni.service")
	m.link(upholds, "/lib/systemd/system/patroni.service")
	m.link(wants+"other.service", "/lib/systemd/system/other.service")
	m.link("/etc/systemd/system/own.target.wants/patroni.service", "/srv/patroni.service")
	m.failAtUnit(`{}`)
	report := m.run(`{}`)
	if !slices.Contains(visible(report), "remove link "+wants+"patroni.service") {
		t.Errorf("steps %q", visible(report))
	}
	for name, stays := range map[string]bool{
		wants + "patroni.service": false, requires + "patroni.service": false, upholds: false, wants + "other.service": true,
		"/etc/systemd/system/own.target.wants/patroni.service": true,
	} {
		if m.has(name) != stays {
			t.Errorf("%s is there: %t", name, m.has(name))
		}
	}
	// setup_patroni enables the service; install_patroni runs again.
	m.link(wants+"patroni.service", unitFile)
	m.service.UnitFileState = "enabled"
	for name, edit := range map[string]func(){
		"healthy": func() {}, "edited": func() { m.write(unitFile, editedUnit) }, "gone, but in memory": func() { m.remove(unitFile) },
	} {
		edit()
		m.run(`{}`)
		if !m.has(wants+"patroni.service") || !m.has(unitFile) {
			t.Errorf("%s: the service is no longer enabled", name)
		}
	}
}

// TestLeftoverAliases: a link starts the service under another name, too, or by way of another link. Those that lead
// nowhere before the unit is made go with an undo that brings them back; those of other units stay.
func TestLeftoverAliases(t *testing.T) {
	const dir, wants = "/etc/systemd/system/", "/etc/systemd/system/multi-user.target.wants/"
	for name, c := range map[string]struct {
		links map[string]string
		stay  bool
	}{
		"an alias, wanted":           {map[string]string{wants + "postgres-ha.service": "/lib/systemd/system/patroni.service"}, false},
		"an alias of the package's":  {map[string]string{dir + "postgres-ha.service": "/lib/systemd/system/patroni.service"}, false},
		"an alias beside":            {map[string]string{dir + "postgres-ha.service": "patroni.service"}, false},
		"an alias of an alias":       {map[string]string{dir + "a.service": "b.service", dir + "b.service": "patroni.service"}, false},
		"an alias of local software": {map[string]string{"/usr/local/lib/systemd/system/ha.service": "patroni.service"}, false},
		"wanted by way of an alias": {map[string]string{
			dir + "postgres-ha.service": "patroni.service", wants + "postgres-ha.service": "../postgres-ha.service",
		}, false},
		"wanted by the name of an alias": {map[string]string{
			dir + "postgres-ha.service":   "patroni.service",
			wants + "postgres-ha.service": "/lib/systemd/system/postgres-ha.service",
		}, false},
		"in a linked directory": {map[string]string{
			"/srv/wants/patroni.service": "/lib/systemd/system/patroni.service", dir + "x.target.wants": "/srv/wants",
		}, false},
		"of another file":           {map[string]string{wants + "patroni.service": "/srv/gone/ha.service"}, false},
		"a circle":                  {map[string]string{wants + "patroni.service": "patroni.service"}, false},
		"another unit's":            {map[string]string{wants + "other.service": "/lib/systemd/system/other.service"}, true},
		"another unit's alias":      {map[string]string{dir + "db.service": "other.service"}, true},
		"a unit of a similar name":  {map[string]string{wants + "x.service": "/lib/systemd/system/xpatroni.service"}, true},
		"one that leads to a unit":  {map[string]string{wants + "postgres-ha.service": "/srv/units/postgres-ha.service"}, true},
		"a masked one":              {map[string]string{dir + "db.service": "/dev/null"}, true},
		"one that is no dependency": {map[string]string{dir + "multi-user.target.d/x.conf": "patroni.service"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.write("/srv/units/postgres-ha.service", "")
			for link, target := range c.links {
				m.link(link, target)
			}
			m.failAtUnit(`{}`)
			m.run(`{}`)
			for link := range c.links {
				if strings.HasSuffix(link, ".service") && m.has(link) != c.stay {
					t.Errorf("%s is there: %t", link, m.has(link))
				}
			}
		})
	}
}

// TestLeftoverLinksOfThePackagesUnit: the package brings its own unit beside the service that was asked for.
func TestLeftoverLinksOfThePackagesUnit(t *testing.T) {
	m := newMachine(t)
	packageOffered(m)
	m.link(osEnabled(), packageUnit)
	m.link("/etc/systemd/system/postgres-ha.service", packageUnit)
	m.run(`{"method": "package", "service_name": "patroni-b", "config_dir": "/etc/patroni-b"}`)
	if m.has(osEnabled()) || m.has("/etc/systemd/system/postgres-ha.service") {
		t.Error("the package's service is enabled")
	}
}

// TestPackageLeftoverLinks: the package's script finds the link of an earlier installation, and the service is not
// enabled.
func TestPackageLeftoverLinks(t *testing.T) {
	m := newMachine(t)
	packageOffered(m)
	m.link(osEnabled(), packageUnit)
	before := m.state()
	m.fault = func(kind, object string) error {
		if kind == "rename" && object == dropInFile {
			return errInjected
		}
		return nil
	}
	if _, err := m.installer(`{"method": "package"}`).Run(t.Context()); err == nil {
		t.Fatal("the run was to fail")
	}
	m.fault = nil
	if diff := cmp.Diff(before, m.state()); diff != "" {
		t.Errorf("after the undo (-before +after):\n%s", diff)
	}
	m.run(`{"method": "package"}`)
	if m.has(osEnabled()) {
		t.Error("the service is enabled")
	}
}

// TestAdoptedModes: who could not read a unit reads neither what is left of its settings nor the text that is kept.
func TestAdoptedModes(t *testing.T) {
	for mode, want := range map[fs.FileMode]fs.FileMode{0o600: 0o600, 0o640: 0o640, 0o644: 0o644, 0o755: 0o644} {
		m := newMachine(t)
		besideStrange(m)
		m.program(unitFile, strange("/etc/patroni/patroni.yaml"), mode)
		m.run(adopt)
		kept := m.glob(StateDir + "/former.patroni.service.*")
		if len(kept) != 1 {
			t.Fatalf("the former text is in %q", kept)
		}
		for name, want := range map[string]fs.FileMode{adoptedFile: want, kept[0]: 0o600} {
			info, err := os.Lstat(m.real(name))
			m.must(err)
			if info.Mode() != want {
				t.Errorf("%s of a unit with mode %04o has %04o", name, mode, info.Mode())
			}
		}
	}
}

// TestRemovalBesideOtherDropIns: the settings go, and the directory stays for what somebody has in there.
func TestRemovalBesideOtherDropIns(t *testing.T) {
	const other = unitFile + ".d/mine.conf"
	m := newMachine(t)
	besideStrange(m)
	m.run(adopt)
	m.write(other, "[Service]\nNice=1\n")
	m.run(removed)
	if m.has(adoptedFile) || m.has(unitFile) || !m.has(other) {
		t.Errorf("after the removal: %q", m.glob(unitFile+"*"))
	}
}

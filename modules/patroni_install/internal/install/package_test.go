package install

import (
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// offers gives the observed host a set that can be added.
func offers(o *sketch, set ...pkgmgr.Package) {
	o.Packages = Packages{Add: set}
	for _, p := range set {
		o.Packages.Missing = append(o.Packages.Missing, p.Name)
	}
}

// hasPackage gives it an installed one, with its unit.
func hasPackage(o *sketch) {
	o.Package = "patroni"
	o.file("/usr/lib/systemd/system/patroni.service", "[Service]\nExecStart=/usr/bin/patroni\n", fsys.Attr{Mode: 0o644})
	o.Installed = &Installed{Version: "3.0.2", Apps: []string{"patroni", "patronictl"},
		Packages: map[string]string{"patroni": "3.0.2-1"}}
}

func TestPackageRefused(t *testing.T) {
	const method = `{"method": "package"}`
	offered := pkgmgr.Package{Name: "patroni", Version: "3.0.2-1", Arch: "all"}
	for name, c := range map[string]struct {
		arguments string
		edit      func(o *sketch)
		want      []string // parts of the message
	}{
		"installed by pipx": {method, func(o *sketch) { offers(o, offered); o.dir(venv, users) },
			[]string{venv, "method pipx and state absent", "then run this again"}},
		"removal of what pipx installed": {`{"method": "package", "state": "absent"}`, func(o *sketch) { o.dir(venv, users) },
			[]string{"installed by pipx", "set method to pipx"}},
		"removal of a package as if by pipx": {`{"state": "absent"}`, func(o *sketch) {
			o.file(dropInFile, "", fsys.Attr{})
		}, []string{"cannot remove what pipx installs", dropInFile, "set method to package"}},
		"by pipx though a package was there": {`{}`, func(o *sketch) { o.file(dropInFile, "", fsys.Attr{}) },
			[]string{"cannot install what pipx installs", "set method to package"}},
		"by pipx beside a package": {`{}`, func(o *sketch) { o.OSPackage = "patroni" },
			[]string{"set method to package", "state absent", "apt-get remove patroni"}},
		"somebody else's program": {method, func(o *sketch) { o.Foreign = true },
			[]string{"/usr/bin/patroni is there", "pgedge-patroni or patroni", "patroni_packages"}},
		"program of another package than the named": {`{"method": "package", "packages": ["my-patroni=4.0", "my-etcd"]}`,
			func(o *sketch) { o.Foreign = true }, []string{"named my-patroni;"}},
		"the package without its program": {method, func(*sketch) {}, []string{"it is installed, and /usr/bin/patroni is not there"}},
		"a package that does not work": {method, func(o *sketch) { hasPackage(o); o.Installed.Problems = []string{"program bin/patroni fails"} },
			[]string{"the package patroni: program bin/patroni fails"}},
		"another version installed": {`{"method": "package", "version": "4.0.4"}`, hasPackage,
			[]string{"cannot install Patroni ==4.0.4", "patroni has 3.0.2 and is installed", "could not be undone"}},
		"another version on offer": {`{"method": "package", "version": ">=4"}`, func(o *sketch) { offers(o, offered) },
			[]string{"cannot install Patroni >=4", "the sources offer has 3.0.2", "patroni_packages"}},
		"a unit before the package's": {method, func(o *sketch) { hasPackage(o); o.file(unitFile, "[Service]", fsys.Attr{}) },
			[]string{unitFile, "take its place", "service_name"}},
		"a unit before the one to come": {`{"method": "package", "service_name": "other"}`,
			func(o *sketch) { offers(o, offered); o.file(unitFile, "[Service]", fsys.Attr{}) }, []string{unitFile}},
		"no systemd": {method, func(o *sketch) { offers(o, offered); o.Service = Service{} },
			[]string{"systemd does not run", "/usr/sbin/policy-rc.d that exits with 101"}},
		"files that the package takes for its own": {method, func(o *sketch) { offers(o, offered); o.file(packageConf, "", fsys.Attr{}) },
			[]string{packageConf, "an undo would remove it"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := bare(t, c.arguments)
			c.edit(o)
			expectRefusal(t, c.arguments, o, c.want)
		})
	}
}

// TestPackageWithoutSystemd: what keeps a package's scripts from starting the service is asked for where they would.
func TestPackageWithoutSystemd(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(o *sketch)
	}{
		{"the file is there", func(o *sketch) { o.file("/usr/sbin/policy-rc.d", "exit 101", fsys.Attr{Mode: 0o755}) }},
		{"a family whose scripts do not try", func(o *sketch) { o.Family = families()[1] }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := bare(t, `{"method": "package"}`)
			offers(o, pkgmgr.Package{Name: "patroni", Version: "3.0.2-1", Arch: "all"})
			o.Service = Service{}
			c.edit(o)
			if _, err := planOf(t, `{"method": "package"}`, o, Outcome{}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPackageValues(t *testing.T) {
	for arguments, want := range map[string]string{
		`{"method": "dnf"}`:                                  "value of method must be one of: pipx, package, got: dnf",
		`{"packages": ["patroni"]}`:                          "packages can be used with method package only",
		`{"method": "package", "packages": []}`:              "must name at least one package",
		`{"method": "package", "packages": ["-oX=y"]}`:       "value of packages must be names of OS packages",
		`{"method": "package", "state": "latest"}`:           "an upgrade of a package could not be undone",
		`{"method": "package", "lockfile": "default"}`:       "lockfile cannot be had with method package",
		`{"method": "package", "constraints": "/etc/c.txt"}`: "constraints cannot be had with method package",
		`{"method": "package", "wheelhouse": "/srv/wheels"}`: "wheelhouse cannot be had with method package",
		`{"method": "package", "python": "/usr/bin/python"}`: "python cannot be had with method package",
	} {
		if _, err := parse(arguments); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", arguments, err, want)
		}
	}
}

// TestPackageNames: the family's packages and what the extras need.
func TestPackageNames(t *testing.T) {
	for name, c := range map[string]struct {
		options   string
		family    Family
		installed string
		want      [][]string
		err       string
	}{
		"Debian": {``, families()[0], "", [][]string{
			{"pgedge-patroni", "python3-psycopg2", "python3-etcd"}, {"patroni", "python3-psycopg2", "python3-etcd"},
		}, ""},
		"RHEL": {``, families()[1], "", [][]string{{"pgedge-patroni", "pgedge-patroni-etcd"}, {"patroni", "patroni-etcd"}}, ""},
		"with the one that is there": {`, "extras": ["etcd3", "etcd", "consul", "kubernetes"]`, families()[1], "patroni",
			[][]string{{"patroni", "patroni-etcd", "patroni-consul"}}, ""},
		"of the site's choice": {`, "packages": ["patroni=4.0.4-2"], "extras": ["kafka"]`, families()[0], "", [][]string{{"patroni=4.0.4-2"}}, ""},
		"unknown extra":        {`, "extras": ["kafka"]`, families()[0], "", nil, `extra "kafka" needs: name all in packages`},
		"unknown family":       {``, Family{Packaging: Packaging{Manager: "apt"}}, "", nil, "its family is not known here"},
	} {
		t.Run(name, func(t *testing.T) {
			want := desired(t, `{"method": "package"`+c.options+`}`)
			names, others, err := packageNames(&want, &View{Family: c.family}, c.installed)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %v, want %q", err, c.err)
				}
				return
			}
			if diff := cmp.Diff(c.want, append([][]string{names}, others...)); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestVersionOfPackage(t *testing.T) {
	for version, want := range map[string]string{
		"3.0.2-1": "3.0.2", "1:4.1.0-1.pgdg120+1": "4.1.0", "4.1.0-2PGDG.rhel9": "4.1.0", "4.1.0~rc1-1": "4.1.0rc1",
	} {
		if got := versionOfPackage(pkgmgr.Package{Version: version}); got != want {
			t.Errorf("%s: got %s, want %s", version, got, want)
		}
	}
}

// TestInterpreterOf: the program's first line says which Python it runs by.
func TestInterpreterOf(t *testing.T) {
	m := newMachine(t)
	for first, want := range map[string]string{
		"#!/usr/bin/python3": "/usr/bin/python3", "#! /usr/bin/python3.12 -s": "/usr/bin/python3.12", "#!/home/x/python": systemPython,
		"": systemPython, "#!": systemPython, "/usr/bin/python3.12": systemPython,
	} {
		m.write("/usr/bin/patroni", first+"\nimport patroni\n")
		if got := interpreterOf(m.files); got != want {
			t.Errorf("%q: got %s, want %s", first, got, want)
		}
	}
}

// TestPackageReport: what people and other roles read.
func TestPackageReport(t *testing.T) {
	m := newMachine(t)
	packageHost(m)
	report := m.run(`{"method": "package"}`)
	facts := report.Result(false).Extra["patroni"].(map[string]any)
	want := map[string]any{
		"version": "3.0.2", "previous_version": nil, "python": "3.11", "pipx": nil, "venv": nil, "apps": []string{"patroni", "patronictl"},
		"packages": map[string]string{"patroni": "3.0.2-1", "python3-etcd": "0.4.5-4", "python3-psycopg2": "2.9.5-1+b1"},
		"bin_dir":  binDir, "config_dir": "/etc/patroni",
	}
	delete(facts, "service")
	if diff := cmp.Diff(want, facts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if m.has(osEnabled()) || m.has(osHold()) || m.loaded != m.units() {
		t.Errorf("enabled %t, held %t, systemd knows:\n%s", m.has(osEnabled()), m.has(osHold()), m.loaded)
	}
	again := m.run(`{"method": "package"}`)
	for _, c := range []struct {
		report *Report
		want   string
	}{
		{report, "Patroni 3.0.2 was installed: directory, package set, link, configuration directory, shell profile and unit."},
		{again, "Patroni 3.0.2 is installed as it should be; nothing had to be changed."},
		{m.run(`{"method": "package", "state": "absent"}`), "Patroni was removed: unit, directory, link and shell profile; the package " +
			"patroni stays, which apt-get remove patroni removes."},
	} {
		if got := c.report.Result(false).Msg; got != c.want {
			t.Errorf("message %q, want %q", got, c.want)
		}
	}
	if m.has(dropInFile) || m.has(binDir+"/patroni") || !m.has("/usr/bin/patroni") {
		t.Error("the removal took too little, or too much")
	}
}

// TestPackageWithoutUnit: the service gets a unit of ours then, though one of the package's was expected.
func TestPackageWithoutUnit(t *testing.T) {
	const method = `{"method": "package"}`
	before, after := bare(t, method), bare(t, method)
	offers(before, pkgmgr.Package{Name: "patroni", Version: "3.0.2-1", Arch: "all"})
	hasPackage(after)
	after.Before = before
	delete(after.Entries, "/usr/lib/systemd/system/patroni.service")
	after.dir(path.Dir(osHold()), roots).file(osHold(), "held", fsys.Attr{Mode: 0o644})
	plan, err := planFor(t, desired(t, method), after)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := plan.Switch(Outcome{})
	if err != nil || len(steps) < 3 {
		t.Fatal(steps, err)
	}
	if diff := cmp.Diff([]txn.Step{
		newUnit(after, desired(t, method)),
		&step.File{Name: unitName, Unit: true, Path: osHold(),
			Before: &step.FileState{Data: []byte("held"), Attr: fsys.Attr{Mode: 0o644}}, Ours: true, While: archives()},
		&step.Directory{Name: "directory", Path: path.Dir(osHold()), Before: &roots},
	}, steps[len(steps)-3:]); diff != "" {
		t.Errorf("last steps (-want +got):\n%s", diff)
	}
	if commands := systemd.Commands(plan.seen.unit(*plan.want).Render()); !systemd.Mention(commands, "/usr/bin/patroni") {
		t.Errorf("the unit does not run the package's program: %q", commands)
	}
}

// TestPackageOfTheAdministrator: what was installed and enabled before stays enabled, and is not held. Only what
// is missing is added.
func TestPackageOfTheAdministrator(t *testing.T) {
	m := newMachine(t)
	packageOffered(m)
	m.write(osHold(), "")
	m.must(m.install([]string{"python3-psycopg2", "patroni"}))
	m.remove(path.Dir(osHold()))
	m.dir(path.Dir(osHold()), 0o755)
	m.write(path.Dir(osHold())+"/override.conf", "[Service]\nNice=1\n")
	steps := visible(m.run(`{"method": "package"}`))
	held := slices.ContainsFunc(m.trace, func(o string) bool { return strings.Contains(o, osHold()) })
	if !slices.Contains(steps, "create package set python3-etcd") || !m.has(osEnabled()) || held {
		t.Errorf("enabled %t, held %t, steps %q", m.has(osEnabled()), held, steps)
	}
	m.run(`{"method": "package", "state": "absent"}`)
	if m.has(dropInFile) || !m.has(path.Dir(osHold())+"/override.conf") {
		t.Error("the removal took another drop-in, or left ours")
	}
}

// TestPackageShared: links and PATH stay while another service uses them, by a unit of ours or by a drop-in.
func TestPackageShared(t *testing.T) {
	for name, c := range map[string]struct{ first, second, left string }{
		"the package's unit goes first": {`{"method": "package", "state": "absent"}`, `{"method": "package", "state": "absent", ` + instance + `}`, otherUnit},
		"the package's unit goes last":  {`{"method": "package", "state": "absent", ` + instance + `}`, `{"method": "package", "state": "absent"}`, dropInFile},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			packageHost(m)
			m.run(`{"method": "package"}`)
			m.run(`{"method": "package", ` + instance + `}`)
			m.run(c.first)
			if !m.has(binDir+"/patroni") || !m.has(c.left) || !strings.Contains(m.read(home+"/.profile"), binDir) {
				t.Error("the first removal took what the other service uses")
			}
			m.run(c.second)
			if m.has(binDir+"/patroni") || m.has(c.left) || strings.Contains(m.read(home+"/.profile"), binDir) {
				t.Error("the last removal left something")
			}
		})
	}
}

// TestPackageUpgraded: a service that is older than the package's program must be restarted, whatever the program's
// modification time, which is the package's.
func TestPackageUpgraded(t *testing.T) {
	m := newMachine(t)
	packagedHost(m)
	old := time.Now().AddDate(-3, 0, 0)
	m.must(os.Chtimes(m.real("/usr/bin/patroni"), old, old))
	m.service.MainPID, m.service.ActiveState = 4711, "active"
	for _, c := range []struct {
		started time.Time
		want    bool
	}{{time.Now().Add(-time.Hour), true}, {time.Now().Add(time.Hour), false}} {
		m.service.MainStarted = c.started
		if got := m.run(`{"method": "package"}`).Result(false).Extra["restart_required"]; got != c.want {
			t.Errorf("started %v: restart_required %v", c.started, got)
		}
	}
}

// TestPackageUnknown names all packages that no source offers.
func TestPackageUnknown(t *testing.T) {
	m := newMachine(t)
	bareRHEL(m)
	_, err := m.installer(`{"method": "package"}`).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no package source offers pgedge-patroni, patroni") {
		t.Error(err)
	}
}

// TestPackageWarnings: what was to be said before the packages came is said afterwards, too.
func TestPackageWarnings(t *testing.T) {
	m := newMachine(t)
	packageRHEL(m)
	report := m.run(`{"method": "package"}`)
	untried := func(warning string) bool {
		return strings.Contains(warning, "is not among the releases this was tested on")
	}
	if warnings := report.Result(false).Warnings; !slices.ContainsFunc(warnings, untried) {
		t.Errorf("warnings %q", warnings)
	}
}

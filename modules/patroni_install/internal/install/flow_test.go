package install

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// scenario is a machine and what is asked of it.
type scenario struct {
	name      string
	setup     func(m *machine)
	arguments string
}

// scenarios are the flows that every matrix goes through.
func scenarios() []scenario {
	return []scenario{
		{"fresh", residual, `{` + allComfort + `}`},
		{"upgrade", installed, `{"version": "4.1.5"}`},
		{"downgrade", installed, `{"version": "3.3.2"}`},
		{"latest", installed, `{"state": "latest"}`},
		{"repair", broken, `{}`},
		{"remove", comfortable, `{"state": "absent"}`},
		{"remove one of two", two, `{"state": "absent", ` + instance + `}`},
		{"adopt", adopted, `{"version": "4.1.5"}`},
		{"keep", adopted, `{}`},
		{"adopt a unit", besideStrange, adopt},
		{"remove an adopted unit", func(m *machine) { besideStrange(m); m.run(adopt) }, `{"state": "absent"}`},
		{"edited", edited, `{}`},
		{"locked", locked, `{"lockfile": "/etc/lock.txt", "wheelhouse": "/srv/wheels.tar", "constraints": "/etc/constraints.txt"}`},
		{"fresh rhel", rhel, `{}`},
		{"package", packageOffered, `{"method": "package", ` + allComfort + `}`},
		{"package elsewhere", emptyConfig, `{"method": "package", ` + instance + `}`},
		{"package rhel", packageRHEL, `{"method": "package"}`},
		{"remove package", packagedHost, `{"method": "package", "state": "absent"}`},
		{"compile", compilerThere, compiles},
		{"compile rhel", compilerThereRHEL, compiles},
	}
}

// compiles asks for a driver that is compiled.
const compiles = `{"extras": ["psycopg2", "etcd"], "build_dependencies": true}`

// compilerThere is a machine that has a part of what compiling takes, which thus has to stay.
func compilerThere(m *machine) {
	m.must(m.install([]string{"gcc", "libc6-dev"}))
}

func compilerThereRHEL(m *machine) {
	bareRHEL(m)
	m.must(m.rpmInstall([]string{"gcc", "glibc-devel"}))
}

// installed is a machine with an older Patroni.
func installed(m *machine) { m.run(`{"version": "4.0.7"}`) }

// locked is one with the files that another version is to be installed from.
func locked(m *machine) {
	installed(m)
	m.write("/etc/lock.txt", lockText("4.1.5"))
	m.write("/etc/constraints.txt", "click<9\n")
	m.write("/srv/wheels.tar", "4.1.5")
}

// lockText is a lock file with one version of Patroni, and with what builds it.
func lockText(version string) string {
	hash := " --hash=sha256:" + strings.Repeat("0", 64) + "\n"
	return "patroni==" + version + hash + "click==8.1.7" + hash + "wheel==0.45" + hash + "pipx==1.11.2" + hash
}

// allComfort are the options for comfort, and instance those of another service.
const (
	allComfort = `"completion": true, "patronictl_config": true, "needrestart": true`
	instance   = `"service_name": "patroni-b", "config_dir": "/etc/patroni-b", "config_file": "b.yaml"`
)

// comfortable is an installed one with all comfort.
func comfortable(m *machine) { m.run(`{"version": "4.0.7", ` + allComfort + `}`) }

// two is one with two services. The second has all comfort.
func two(m *machine) {
	installed(m)
	m.run(`{` + allComfort + `, ` + instance + `}`)
}

// editedUnit is a unit of ours that somebody edited.
const editedUnit = systemd.Header + "[Service]\nExecStart=/bin/edited\n"

// broken is one whose tree, unit and links were damaged.
func broken(m *machine) {
	installed(m)
	m.remove(venv+"/lib/python3.11/site-packages/patroni-4.0.7.dist-info", binDir+"/patronictl")
	m.write(unitFile, editedUnit)
	m.loaded = m.read(unitFile)
	m.must(os.Chmod(m.real("/etc/patroni"), 0o755))
}

// edited is one where a file of the tree was edited, and where comfort is that is no longer asked for.
func edited(m *machine) {
	comfortable(m)
	m.append(venv+"/lib/python3.11/site-packages/patroni/__init__.py", "# edited\n")
}

// adopted is one where an old pipx, called by somebody, installed Patroni in its own home.
func adopted(m *machine) {
	m.write("/var/lib/apt/lists/bookworm", "pipx")
	m.must(m.install([]string{"pipx", "python3-venv"}))
	n := &namespace{machine: m}
	m.must(n.shared(oldPipx + "/shared"))
	m.must(n.venv(oldPipx+"/venvs/patroni", "4.0.7", []string{"psycopg2-binary", "etcd"}))
	m.link(binDir+"/patroni", oldPipx+"/venvs/patroni/bin/patroni")
	m.own(home)
}

func eachScenario(t *testing.T, do func(t *testing.T, s scenario)) {
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) { t.Parallel(); do(t, s) })
	}
}

func (s scenario) machine(t testing.TB) *machine {
	m := newMachine(t)
	s.setup(m)
	m.trace = nil
	return m
}

// visible is what a report says was done, or would be.
func visible(r *Report) []string {
	var lines []string
	for _, d := range r.visible() {
		about := d.Describe()
		lines = append(lines, fmt.Sprintf("%s %s %s", about.Action, about.Name, about.Path))
	}
	return lines
}

// TestSteps says what each flow does, to the eye of a user.
func TestSteps(t *testing.T) {
	links := func(action string, names ...string) []string {
		for i, name := range names {
			names[i] = action + " link " + binDir + "/" + name
		}
		return names
	}
	upgrade := slices.Concat([]string{"change " + treeName + " " + venv},
		links("create", "patroni_aws", "patroni_barman", "patroni_raft_controller", "patroni_wale_restore"),
		links("remove", "patroni_wal_archiver"))
	want := map[string][]string{
		"fresh": slices.Concat([]string{
			"create package set pipx",
			"create directory " + home + "/.local",
			"create directory " + home + "/.local/share",
			"create directory " + pipxHome,
			"create directory " + pipxHome + "/venvs",
			"create directory " + binDir,
			"create " + sharedName + " " + pipxHome + "/shared",
			"create " + treeName + " " + venv,
			"create directory " + home + "/.local/share/bash-completion",
			"create directory " + home + "/.local/share/bash-completion/completions",
			"create directory /etc/needrestart",
			"create directory /etc/needrestart/conf.d",
		}, links("create", usualApps()...), []string{
			"create link " + oldPipx,
			"create configuration directory /etc/patroni",
			"change shell profile " + home + "/.profile",
			"change shell profile " + home + "/.bashrc",
			"create shell completion " + completionFile,
			"create needrestart configuration " + needrestartFile,
			"create unit " + unitFile,
		}),
		"upgrade":   upgrade,
		"latest":    upgrade,
		"locked":    upgrade,
		"downgrade": {"change " + treeName + " " + venv},
		"repair": {
			"change " + treeName + " " + venv, "create link " + binDir + "/patronictl",
			"change configuration directory /etc/patroni", "change unit " + unitFile,
		},
		"remove": slices.Concat([]string{
			"remove unit " + unitFile,
			"remove shell completion " + completionFile,
			"remove needrestart configuration " + needrestartFile,
		}, links("remove", "patroni", "patroni_wal_archiver", "patronictl"),
			[]string{
				"change shell profile " + home + "/.profile",
				"change shell profile " + home + "/.bashrc",
				"remove " + treeName + " " + venv,
				"remove " + sharedName + " " + pipxHome + "/shared",
				"remove link " + oldPipx,
				"remove configuration directory /etc/patroni",
			}),
		"remove one of two": {
			"remove unit " + otherUnit,
			"remove needrestart configuration " + otherNeedrestart,
			"change shell profile " + home + "/.profile",
			"remove configuration directory /etc/patroni-b",
		},
		"adopt": slices.Concat([]string{"change " + treeName + " " + oldPipx + "/venvs/patroni"},
			links("create", usualApps()[1:]...),
			[]string{
				"create configuration directory /etc/patroni",
				"change shell profile " + home + "/.profile",
				"change shell profile " + home + "/.bashrc",
				"create unit " + unitFile,
			}),
	}
	want["keep"] = slices.Concat(links("create", "patroni_wal_archiver", "patronictl"), want["adopt"][len(usualApps()):])
	want["adopt a unit"] = []string{
		"create directory " + path.Dir(adoptedFile), "create unit " + adoptedFile, "change unit " + unitFile,
	}
	want["remove an adopted unit"] = slices.Concat(
		[]string{"remove unit " + adoptedFile, "remove directory " + path.Dir(adoptedFile), "remove unit " + unitFile},
		links("remove", "patroni", "patroni_wal_archiver", "patronictl"),
		[]string{
			"change shell profile " + home + "/.profile",
			"change shell profile " + home + "/.bashrc",
			"remove " + treeName + " " + venv,
			"remove " + sharedName + " " + pipxHome + "/shared",
			"remove link " + oldPipx,
		})
	want["edited"] = []string{
		want["repair"][0],
		"change shell profile " + home + "/.profile",
		"remove shell completion " + completionFile,
		"remove needrestart configuration " + needrestartFile,
	}
	want["fresh rhel"] = slices.Concat([]string{
		"create package set python3-pip",
		"create directory " + home + "/.local/share",
		"create directory " + pipxHome,
		"create directory " + pipxHome + "/venvs",
		"create directory " + binDir,
		"create pipx for postgres " + home + "/.local",
		"create " + sharedName + " " + pipxHome + "/shared",
		"create " + treeName + " " + venv,
		"create SELinux file-context rule " + rule, "create SELinux file-context rule " + binRule,
	}, links("create", usualApps()...), []string{
		"create configuration directory /etc/patroni",
		"change shell profile " + home + "/.profile",
		"change shell profile " + home + "/.bashrc",
		"create unit " + unitFile,
	})
	want["compile"] = slices.DeleteFunc(slices.Concat([]string{"create package set libpq5 pipx"}, want["fresh"][1:]),
		func(step string) bool {
			return strings.Contains(step, "completion") || strings.Contains(step, "needrestart")
		})
	want["compile rhel"] = slices.Concat([]string{"create package set libpq python3-pip",
		"create directory " + home + "/.local"},
		slices.DeleteFunc(slices.Clone(want["fresh rhel"][1:]),
			func(step string) bool { return strings.Contains(step, "SELinux") }))
	want["package"] = slices.Concat([]string{
		"create directory " + unitFile + ".d",
		"create package set patroni python3-etcd python3-psycopg2",
		"create directory " + home + "/.local",
		"create directory " + binDir,
		"create directory " + home + "/.local/share",
	}, want["fresh"][8:12], links("create", "patroni", "patronictl"), []string{
		"change configuration directory /etc/patroni",
	}, want["fresh"][20:24], []string{
		"create unit " + dropInFile,
	})
	want["package elsewhere"] = slices.Concat([]string{
		"create package set patroni python3-etcd python3-psycopg2",
		"create directory " + home + "/.local",
		"create directory " + binDir,
	}, links("create", "patroni", "patronictl"), []string{
		"create configuration directory /etc/patroni-b",
		"change shell profile " + home + "/.profile",
		"change shell profile " + home + "/.bashrc",
		"create unit " + otherUnit,
	})
	want["package rhel"] = slices.Concat([]string{
		"create directory " + unitFile + ".d",
		"create package set pgedge-patroni pgedge-patroni-etcd",
		"create directory " + home + "/.local",
		"create directory " + binDir,
	}, links("create", "patroni", "patronictl"), want["fresh"][19:22], []string{"create unit " + dropInFile})
	want["remove package"] = slices.Concat([]string{
		"remove unit " + dropInFile,
		"remove directory " + path.Dir(dropInFile),
	}, want["remove"][1:3], links("remove", "patroni", "patronictl"), want["remove"][6:8])
	eachScenario(t, func(t *testing.T, s scenario) {
		m := s.machine(t)
		if diff := cmp.Diff(want[s.name], visible(m.run(s.arguments))); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
	})
}

// TestSecondRun does nothing that a machine could notice: no durable operation, no command. What rpm has is only told
// by rpm.
func TestSecondRun(t *testing.T) {
	eachScenario(t, func(t *testing.T, s scenario) {
		m := s.machine(t)
		m.run(s.arguments)
		before := m.moment()
		report := m.run(s.arguments)
		var none []string
		if s.name == "remove" || s.name == "remove package" { // nothing of ours is there any more: the lock is made and goes
			none = []string{
				"mkdir /var/lib/pgedge", "chmod /var/lib/pgedge", "fsync /var/lib/pgedge", "fsyncdir /var/lib",
				"mkdir " + StateDir, "chmod " + StateDir, "fsync " + StateDir, "fsyncdir /var/lib/pgedge",
				"unlink " + StateDir, "fsyncdir /var/lib/pgedge", "unlink /var/lib/pgedge", "fsyncdir /var/lib",
			}
		} else if diff := cmp.Diff(before, m.moment()); diff != "" {
			t.Errorf("the second run wrote (-before +after):\n%s", diff)
		}
		if s.name == "latest" && len(m.trace) == 1 && asks(m.trace[0]) {
			m.trace = nil // the question is all it does
		}
		if s.name == "package rhel" {
			none = slices.DeleteFunc(slices.Clone(m.trace),
				func(o string) bool { return !strings.HasPrefix(o, "run rpm --query ") })
		}
		if diff := cmp.Diff(none, m.trace); diff != "" {
			t.Errorf("operations of the second run (-want +got):\n%s", diff)
		}
		if report.Changed() || len(visible(report)) > 0 {
			t.Errorf("the second run reports changes: %q", visible(report))
		}
	})
}

// asks tells whether an operation is the question for the newest version, which changes nothing.
func asks(operation string) bool {
	return strings.HasPrefix(operation, "run /usr/bin/python3 -I -B -c ")
}

// moment is a snapshot with times and inode numbers, which even a write of the same would change.
func (m *machine) moment() map[string]string {
	found := map[string]string{}
	m.each(func(name string, info fs.FileInfo) {
		found[name] = m.describe(name, info) + " " + info.ModTime().Format(time.RFC3339Nano) + fmt.Sprint(" ", stat(info).Ino)
	})
	return found
}

// TestCheckMode writes nothing and foresees what the run then does.
func TestCheckMode(t *testing.T) {
	eachScenario(t, func(t *testing.T, s scenario) {
		m := s.machine(t)
		before := m.moment()
		predicted, err := m.installer(s.arguments).Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, m.moment()); diff != "" {
			t.Errorf("check mode wrote (-before +after):\n%s", diff)
		}
		for _, operation := range m.trace {
			if !asks(operation) && !strings.HasPrefix(operation, "run apt-get -s ") &&
				!strings.HasPrefix(operation, "run apt-get --print-uris ") &&
				!strings.HasPrefix(operation, "run rpm --query ") {
				t.Errorf("check mode announced %q", operation)
			}
		}
		got := m.run(s.arguments)
		if diff := cmp.Diff(foreseen(s, visible(got)), foreseen(s, visible(predicted))); diff != "" {
			t.Errorf("predicted steps (-of the run +predicted):\n%s", diff)
		}
		if predicted.Changed() != got.Changed() {
			t.Errorf("predicted changed=%t, the run %t", predicted.Changed(), got.Changed())
		}
	})
}

// foreseen leaves out of the steps what only a build can know.
func foreseen(s scenario, steps []string) []string {
	return slices.DeleteFunc(steps, func(step string) bool {
		switch s.name {
		case "fresh", "fresh rhel", "compile", "compile rhel": // which pipx an empty list will offer, and which pip it brings
			return strings.HasSuffix(step, oldPipx) || strings.Contains(step, sharedName)
		case "package", "package rhel": // which programs a package has, and that it makes its directory
			return strings.Contains(step, "link ") || strings.Contains(step, "configuration directory")
		case "package elsewhere": // which package an empty list will offer
			return strings.Contains(step, "link ") || strings.Contains(step, "package set")
		case "downgrade": // which programs an older version has; those of the newest are foretold
			return strings.Contains(step, "link ")
		}
		return false
	})
}

// TestCheckReportsPendingRecovery: a check touches no journal, and says that there is one.
func TestCheckReportsPendingRecovery(t *testing.T) {
	m := newMachine(t)
	m.crash(`{}`, func(operation string) bool { return strings.HasPrefix(operation, "rename "+venv) })
	before := m.moment()
	report, err := m.installer(`{}`).Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Warnings) == 0 || !strings.Contains(report.Warnings[len(report.Warnings)-1], string(txn.Undone)) {
		t.Errorf("warnings %q, want one about an interrupted run", report.Warnings)
	}
	if diff := cmp.Diff(before, m.moment()); diff != "" {
		t.Errorf("the check wrote (-before +after):\n%s", diff)
	}
}

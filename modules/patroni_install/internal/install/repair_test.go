package install

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/ansible"
)

const site = venv + "/lib/python3.11/site-packages"

// damage is what became of an installation of Patroni 4.0.7, and what is said of it.
type damage struct {
	do   func(m *machine)
	want string // in the diff
}

// damages are those of the tree, which is built anew for them.
func damages() map[string]damage {
	return map[string]damage{
		"interpreter gone": {
			func(m *machine) {
				m.remove(venv + "/bin/python")
				m.link(venv+"/bin/python", "/usr/bin/python3.9")
				m.own(venv)
			},
			"# broken: its interpreter /usr/bin/python3.9 is gone",
		},
		"interpreter of another version": {
			func(m *machine) {
				m.program("/usr/bin/python3.13", "#!", 0o755)
				m.remove("/usr/bin/python3")
				m.link("/usr/bin/python3", "python3.13")
			},
			"# broken: it was made for Python 3.11, but /usr/bin/python3 is Python 3.13 now",
		},
		"half-written, no pyvenv.cfg": {func(m *machine) { m.remove(venv + "/pyvenv.cfg") }, "# broken: it is half-written: pyvenv.cfg is missing"},
		"half-written, no packages":   {func(m *machine) { m.remove(site) }, "# broken: it is half-written: " + site + " is missing"},
		"half-written, no metadata":   {func(m *machine) { m.remove(venv + "/pipx_metadata.json") }, "# broken: it is half-written: pipx_metadata.json is missing"},
		"driver removed":              {func(m *machine) { m.removeGlob(site + "/psycopg2_binary-*") }, "# broken: package psycopg2-binary was removed"},
		"client of the store removed": {func(m *machine) { m.removeGlob(site + "/python_etcd-*") }, "# broken: package python-etcd was removed"},
		"dependency removed":          {func(m *machine) { m.removeGlob(site + "/click-*") }, "# broken: packages that Patroni needs are missing: click"},
		"file edited":                 {func(m *machine) { m.append(site+"/patroni/__init__.py", "#") }, "# broken: lib/python3.11/site-packages/patroni/__init__.py was edited"},
		"file edited to the same size": {
			func(m *machine) { m.program(site+"/patroni/__init__.py", "version = 4.0.8", 0o755); m.own(venv) },
			"# broken: lib/python3.11/site-packages/patroni/__init__.py was edited",
		},
		"file of no package edited": {
			func(m *machine) {
				m.program(venv+"/pyvenv.cfg", "home = /usr/bin\nversion = 3.11.7\n", 0o755)
				m.own(venv)
			},
			"# broken: pyvenv.cfg was edited",
		},
		"file deleted":        {func(m *machine) { m.remove(site + "/patroni/__init__.py") }, "# broken: lib/python3.11/site-packages/patroni/__init__.py is missing"},
		"RECORD deleted":      {func(m *machine) { m.removeGlob(site + "/click-*/RECORD") }, "# broken: lib/python3.11/site-packages/click-8.1.7.dist-info/RECORD is missing"},
		"file added":          {func(m *machine) { m.write(site+"/sitecustomize.py", ""); m.own(site) }, "# broken: lib/python3.11/site-packages/sitecustomize.py was added"},
		"program deleted":     {func(m *machine) { m.remove(venv + "/bin/patronictl") }, "# broken: program bin/patronictl is missing"},
		"mode of a file":      {func(m *machine) { m.chmod(site+"/patroni/__init__.py", 0o777) }, "# broken: lib/python3.11/site-packages/patroni/__init__.py has mode and owner 0777 "},
		"mode of a directory": {func(m *machine) { m.chmod(site, 0o700) }, "# broken: lib/python3.11/site-packages has mode and owner 0700 "},
		"owner of a file":     {func(m *machine) { m.chown(site + "/patroni/__init__.py") }, "# broken: lib/python3.11/site-packages/patroni/__init__.py has mode and owner 0755 12:34 instead of "},
		"link leads elsewhere": {
			func(m *machine) {
				m.remove(venv + "/bin/python")
				m.link(venv+"/bin/python", "/usr/bin/python3.11")
				m.own(venv)
			},
			"# broken: bin/python leads to /usr/bin/python3.11 instead of /usr/bin/python3",
		},
	}
}

func (m *machine) chmod(name string, mode os.FileMode) { m.must(os.Chmod(m.real(name), mode)) }

func (m *machine) chown(name string) {
	m.must(os.Lchown(m.real(name), 12, 34))
}

// TestRepairTree finds each damage in check mode and in a run, which mends it with the version
// that was there; a second run changes nothing.
func TestRepairTree(t *testing.T) {
	for name, c := range damages() {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			installed(m)
			healthy := m.state()
			c.do(m)
			m.finds(c.want)
			if name == "interpreter of another version" {
				return // and so is the tree
			}
			if diff := cmp.Diff(healthy, m.state()); diff != "" {
				t.Errorf("it is not as it was (-healthy +mended):\n%s", diff)
			}
		})
	}
}

// TestRepairAdopted finds in a tree without a manifest what belongs to others, or may be
// written by them.
func TestRepairAdopted(t *testing.T) {
	const file = "lib/python3.11/site-packages/patroni/__init__.py"
	for name, c := range map[string]damage{
		"owner of a file":     {func(m *machine) { m.chown(venv + "/" + file) }, "# broken: " + file + " belongs to uid 12, not to uid "},
		"owner of a link":     {func(m *machine) { m.chown(venv + "/bin/python") }, "# broken: bin/python belongs to uid 12, not to uid "},
		"mode of a program":   {func(m *machine) { m.chmod(venv+"/bin/patronictl", 0o777) }, "# broken: bin/patronictl can be written by everybody (mode 0777)"},
		"file edited":         {func(m *machine) { m.append(venv+"/"+file, "#") }, "# broken: " + file + " was edited"},
		"mode of a directory": {func(m *machine) { m.chmod(site, 0o757) }, "# broken: lib/python3.11/site-packages can be written by everybody (mode 0757)"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			installed(m)
			m.removeGlob(StateDir + "/manifest.*")
			c.do(m)
			m.finds(c.want)
		})
	}
}

// TestUserRenumbered: a tree that was given to its user along with a new uid is as good as before.
func TestUserRenumbered(t *testing.T) {
	m := newMachine(t)
	installed(m)
	m.chown(venv) // only if there is somebody else
	m.write("/etc/passwd", strings.ReplaceAll(m.read("/etc/passwd"), fmt.Sprintf("x:%d:", m.uid), "x:126:"))
	m.uid = 126
	m.own(home)
	m.own("/etc/patroni")
	m.unchanged(`{}`)
	m.chown(venv + "/pyvenv.cfg")
	m.finds("# broken: pyvenv.cfg has mode and owner 0755 12:34 instead of 0755 126:")
}

// finds lets a check and a run find something, and the next run nothing.
func (m *machine) finds(want string) {
	m.Helper()
	predicted, err := m.installer(`{}`).Check(m.Context())
	m.must(err)
	if text := diffText(predicted.Result(true)); !predicted.Changed() || !strings.Contains(text, want) {
		m.Errorf("the check does not foresee %q:\n%s", want, text)
	}
	result := m.run(`{}`).Result(true)
	if text := diffText(result); !result.Changed || !strings.Contains(text, want) {
		m.Errorf("the diff does not have %q:\n%s", want, text)
	}
	if cause, isBroken := strings.CutPrefix(want, "# broken: "); isBroken && !strings.Contains(result.Msg, cause) {
		m.Errorf("the message does not have %q: %s", cause, result.Msg)
	}
	if version := result.Extra["patroni"].(map[string]any)["version"]; version != "4.0.7" {
		m.Errorf("the version is now %v", version)
	}
	if again := m.run(`{}`); again.Changed() || len(again.done) > 0 {
		m.Errorf("the second run did something: %q", visible(again))
	}
}

func diffText(result ansible.Result) string {
	var text strings.Builder
	for _, d := range result.Diff {
		text.WriteString(d.BeforeHeader + "\n-" + d.Before + "\n+" + d.After + "\n")
	}
	return text.String()
}

// TestRepairAround mends what is around the tree, and leaves that alone.
func TestRepairAround(t *testing.T) {
	for name, c := range map[string]damage{
		"unit edited":        {func(m *machine) { m.write(unitFile, editedUnit); m.loaded = m.read(unitFile) }, "ExecStart=/bin/edited"},
		"unit of the user":   {func(m *machine) { m.chown(unitFile) }, "# mode and owner: 0644 12:34"},
		"unit for everybody": {func(m *machine) { m.chmod(unitFile, 0o666) }, "# mode and owner: 0666 0:0"},
		"unit gone":          {func(m *machine) { m.remove(unitFile) }, "unit " + unitFile},
		"directory's mode":   {func(m *machine) { m.chmod("/etc/patroni", 0o755) }, "directory 0755"},
		"directory's owner":  {func(m *machine) { m.chown("/etc/patroni") }, "directory 0700 12:34"},
		"directory gone":     {func(m *machine) { m.remove("/etc/patroni") }, "configuration directory /etc/patroni"},
		"PATH block gone":    {func(m *machine) { m.write(home+"/.profile", "# ~/.profile\n\numask 027\n"); m.own(home + "/.profile") }, "shell profile " + home + "/.profile"},
		"PATH block in bashrc": {
			func(m *machine) {
				m.write(home+"/.bashrc", "# ~/.bashrc\n\ncase $- in *i*) ;; *) return;; esac\n")
				m.own(home + "/.bashrc")
			},
			"shell profile " + home + "/.bashrc",
		},
		"link gone": {func(m *machine) { m.remove(binDir + "/patronictl") }, "link " + binDir + "/patronictl"},
		"link of a venv that is gone": {
			func(m *machine) {
				m.remove(binDir + "/patronictl")
				m.link(binDir+"/patronictl", "/opt/pipx/venvs/patroni/bin/patronictl")
				m.own(binDir)
			},
			"-link to /opt/pipx/venvs/patroni/bin/patronictl\n\n+link to " + venv + "/bin/patronictl",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			installed(m)
			healthy, tree := m.state(), m.identity(venv)
			c.do(m)
			m.finds(c.want)
			if diff := cmp.Diff(healthy, m.state()); diff != "" {
				t.Errorf("it is not as it was (-healthy +mended):\n%s", diff)
			}
			if m.identity(venv) != tree {
				t.Error("the tree was replaced, though nothing was wrong with it")
			}
		})
	}
}

// TestHarmless is what looks different, and is none of our business: the manifest alone is brought
// up to date, once, and not by a check.
func TestHarmless(t *testing.T) {
	touch := func(m *machine, name string) { m.must(os.Chtimes(m.real(name), time.Unix(1, 0), time.Unix(1, 0))) }
	for name, do := range map[string]func(m *machine){
		"file touched":            func(m *machine) { touch(m, site+"/patroni/__init__.py") },
		"file of no package":      func(m *machine) { touch(m, venv+"/pyvenv.cfg") },
		"written by another pipx": func(m *machine) { m.append(venv+"/pipx_metadata.json", " ") },
		"package injected": func(m *machine) {
			m.write(site+"/cdiff-1.0.dist-info/RECORD", "cdiff.py,,\n")
			m.write(site+"/cdiff.py", "")
			m.own(site)
		},
		"upgraded by the user's pipx": func(m *machine) {
			m.removeGlob(venv + "/*")
			m.must((&namespace{machine: m}).venv(venv, "4.0.9", []string{"psycopg2-binary", "etcd"}))
			m.program(site+"/pipx_shared.pth", pipxHome+"/shared"+strings.TrimPrefix(site, venv)+"\n", 0o755)
			m.own(venv)
		},
		"no manifest":      func(m *machine) { m.removeGlob(StateDir + "/manifest.*") },
		"damaged manifest": func(m *machine) { m.removeGlob(StateDir + "/manifest.*"); m.program(m.installerManifest(), "x", 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			installed(m)
			do(m)
			tree, before := m.identity(venv), m.moment()
			report, err := m.installer(`{}`).Check(t.Context())
			m.must(err)
			if diff := cmp.Diff(before, m.moment()); diff != "" || report.Changed() {
				t.Errorf("the check reports changed=%t, and wrote (-before +after):\n%s", report.Changed(), diff)
			}
			report = m.run(`{}`)
			if report.Changed() || len(report.done) != 1 || m.identity(venv) != tree {
				t.Errorf("changed=%t, %d steps, %s", report.Changed(), len(report.done), report.message())
			}
			if again := m.run(`{}`); len(again.done) > 0 {
				t.Errorf("the second run did something again: %d steps", len(again.done))
			}
		})
	}
}

func (m *machine) installerManifest() string {
	layout, err := desired(m.TB, `{}`).layout(postgres())
	m.must(err)
	return layout.manifestPath()
}

// TestVerifyFull finds what nothing but reading everything, or starting the programs, tells.
func TestVerifyFull(t *testing.T) {
	quiet := func(m *machine, name, text string) { // edits without a trace
		info, err := os.Stat(m.real(name))
		m.must(err)
		m.program(name, text, info.Mode())
		m.must(os.Lchown(m.real(name), m.uid, m.gid))
		m.must(os.Chtimes(m.real(name), info.ModTime(), info.ModTime()))
	}
	for name, c := range map[string]struct {
		do   func(m *machine)
		want string
	}{
		"edited, size and time as before": {
			func(m *machine) { quiet(m, site+"/patroni/__init__.py", "version = 4.0.8") },
			"lib/python3.11/site-packages/patroni/__init__.py was edited",
		},
		"file of no package, likewise": {
			func(m *machine) { quiet(m, venv+"/pyvenv.cfg", "home = /usr/bin\nversion = 3.11.9\n") }, "pyvenv.cfg was edited",
		},
		"driver does not load": {
			func(m *machine) {
				m.says = func(line string) string {
					if strings.Contains(line, "import patroni, psycopg2, etcd") && m.read(StateDir+"/journal.json") == "" {
						return "Traceback:\nImportError: libpq.so.5"
					}
					return ""
				}
			}, "program bin/python fails (exit status 100): ImportError: libpq.so.5",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			installed(m)
			c.do(m)
			if report := m.run(`{}`); report.Changed() {
				t.Errorf("verify: quick found something: %s", report.message())
			}
			report := m.run(`{"verify": "full"}`)
			if !report.Changed() || !strings.Contains(diffText(report.Result(true)), "# broken: "+c.want) {
				t.Errorf("verify: full did not find it: %s", report.message())
			}
			m.says = nil
			if again := m.run(`{"verify": "full"}`); len(again.done) > 0 {
				t.Errorf("the second run did something: %q", visible(again))
			}
		})
	}
}

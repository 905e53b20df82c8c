package install

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
)

func TestRHELBringsPipx(t *testing.T) {
	for _, c := range []struct {
		name    string
		setup   func(*machine)
		entries []string
	}{
		{"no environment yet", bareRHEL, []string{"bin/pipx", "lib", "share/man"}},
		{"beside the user's packages", rhel, []string{
			"bin/pipx", "lib/python3.11/site-packages/pipx", "lib/python3.11/site-packages/pipx-1.11.2.dist-info",
			"lib/python3.11/site-packages/userpath", "lib/python3.11/site-packages/userpath-1.9.2.dist-info", "share/man",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t)
			c.setup(m)
			report := m.run(`{}`)
			var entries []string
			for _, e := range report.outcome.UserPipx.Entries {
				entries = append(entries, e.Path)
			}
			if diff := cmp.Diff(c.entries, entries); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, name := range []string{userSite + "/pipx/__main__.py", home + "/.local/bin/pipx",
				home + "/.local/share/man/man1/pipx.1"} {
				if !m.has(name) {
					t.Errorf("%s is missing", name)
				}
			}
			if m.has(userSite+"/"+realSite) || m.has(userSite+"/__pycache__") {
				t.Error("parts of the stage are in the user's environment")
			}
			if m.run(`{}`).Changed() {
				t.Error("a second run changes something")
			}
			for _, operation := range m.trace {
				if strings.HasPrefix(operation, "run ") {
					t.Errorf("a second run starts %q", operation)
				}
			}
			if got := m.read(rpmDatabase); !strings.Contains(got, "python3-pip 21.3.1-1.el9 noarch") {
				t.Errorf("rpm has %q", got)
			}
		})
	}
}

// TestRHELTakesTheNewest: what keeps Patroni at the newest version also installs it.
func TestRHELTakesTheNewest(t *testing.T) {
	for name, setup := range map[string]func(*machine){
		"bare": bareRHEL,
		"installed, and pipx removed since": func(m *machine) {
			bareRHEL(m)
			m.run(`{"version": "4.0.7"}`)
			m.remove(home+"/.local/bin/pipx", home+"/.local/share/man", userSite)
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			setup(m)
			report := m.run(`{"state": "latest"}`)
			if report.version() != "4.1.5" || report.outcome.UserPipx == nil {
				t.Errorf("Patroni %s was installed, with pipx %v", report.version(), report.outcome.UserPipx)
			}
			if m.run(`{"state": "latest"}`).Changed() {
				t.Error("a second run changes something")
			}
		})
	}
}

// TestRHELBuildsByUV: whether the pipx that pip brings can build by uv shows when it is there.
func TestRHELBuildsByUV(t *testing.T) {
	for version, want := range map[string]string{"1.18.4": "",
		"1.11.2": "cannot build Patroni by uv: pipx 1.11.2 cannot, 1.12 or newer is needed"} {
		t.Run(version, func(t *testing.T) {
			m := newMachine(t)
			bareRHEL(m)
			m.pipxByPip = version
			m.program("/usr/local/bin/uv", "#!", 0o755)
			before := m.state()
			_, err := m.installer(`{"installer": "uv"}`).Run(t.Context())
			if want == "" {
				if err != nil || m.backend != "uv" {
					t.Errorf("it was built by %q: %v", m.backend, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
			if diff := cmp.Diff(before, m.state()); diff != "" {
				t.Errorf("(-before +after):\n%s", diff)
			}
		})
	}
}

// TestRHELPutsPipxOnThePath: with another bin_dir, pip's own directory of programs is on no PATH.
func TestRHELPutsPipxOnThePath(t *testing.T) {
	m := newMachine(t)
	bareRHEL(m)
	m.run(`{"bin_dir": "/opt/patroni/bin"}`)
	target, err := os.Readlink(m.real("/opt/patroni/bin/pipx"))
	if want := home + "/.local/bin/pipx"; err != nil || target != want {
		t.Errorf("the link leads to %q, want %q: %v", target, want, err)
	}
	if m.run(`{"bin_dir": "/opt/patroni/bin"}`).Changed() {
		t.Error("a second run changes something")
	}
}

func TestRHELUsesPipxThatIsThere(t *testing.T) {
	m := newMachine(t)
	rhel(m)
	m.write(userSite+"/pipx/__main__.py", "")
	m.write(userSite+"/pipx-1.7.1.dist-info/METADATA", "Name: pipx\n")
	m.own(home + "/.local")
	report := m.run(`{}`)
	if report.outcome.UserPipx != nil || report.outcome.PipxVersion != "1.7.1" {
		t.Errorf("pipx %s was used", report.outcome.PipxVersion)
	}
	for _, operation := range m.trace {
		if strings.HasPrefix(operation, "run dnf") || strings.HasPrefix(operation, "run rpm") {
			t.Errorf("%q", operation)
		}
	}
}

func TestRHELRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		setup func(m *machine)
		want  []string
	}{
		{
			"a distribution that would be replaced", func(m *machine) {
				m.write(userSite+"/userpath-1.0.dist-info/METADATA", "Name: userpath\n")
			},
			[]string{"needs userpath 1.9.2", "userpath 1.0 is in the user's environment", "--upgrade userpath", "as it was before"},
		},
		{
			"a module without metadata", func(m *machine) { m.write(userSite+"/userpath/__init__.py", "") },
			[]string{userSite + "/userpath is there already", "as it was before"},
		},
		{
			"a program of that name", func(m *machine) { m.write(home+"/.local/bin/pipx", "#!/bin/sh\n") },
			[]string{home + "/.local/bin/pipx is there already", "as it was before"},
		},
		{
			"no python3-pip", func(m *machine) { m.write("/etc/yum.repos.d/appstream", "other") },
			[]string{"no package source offers python3-pip", "dnf repolist", "nothing was changed"},
		},
		{
			"an old Python", func(m *machine) {
				m.remove("/usr/bin/python3", "/usr/bin/python3.11")
				m.program("/usr/bin/python3.5", "#!", 0o755)
				m.link("/usr/bin/python3", "python3.5")
			},
			[]string{"Python is 3.5", "3.6 or newer", "nothing was changed"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t)
			rhel(m)
			c.setup(m)
			m.own(home)
			before := m.state()
			_, err := m.installer(`{}`).Run(t.Context())
			if err == nil {
				t.Fatal("not refused")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("message %q lacks %q", err, part)
				}
			}
			if diff := cmp.Diff(before, m.state()); diff != "" {
				t.Errorf("(-before +after):\n%s", diff)
			}
		})
	}
}

// TestRHELWithoutPip: if nobody wants the package that has it, the failure names it.
func TestRHELWithoutPip(t *testing.T) {
	m := newMachine(t)
	bareRHEL(m)
	_, err := m.installer(`{"prerequisites": []}`).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(),
		"the interpreter has no pip; install the package python3-pip, or leave prerequisites unset") {
		t.Errorf("%v", err)
	}
}

// TestFamiliesAreManaged: each family's package manager is there, and its program shows it.
func TestFamiliesAreManaged(t *testing.T) {
	for _, f := range families() {
		if _, err := pkgmgr.New(f.Manager, pkgmgr.Settings{}); err != nil || f.Manager == "" {
			t.Errorf("%s: manager %q, %v", f.Name, f.Manager, err)
		}
		m := newMachine(t)
		m.write("/etc/os-release", "ID=none\n")
		m.program(f.Program, "#!", 0o755)
		h := m.installer(`{}`).Host
		o := &observer{host: h, seen: newView(h.FS, Layout{})}
		if o.findFamily(); o.seen.Family.Manager != f.Manager || o.seen.Family.Name != "" {
			t.Errorf("%s alone: %+v", f.Program, o.seen.Family)
		}
	}
}

func TestUnknownFamily(t *testing.T) {
	suse := func(m *machine) {
		m.write("/etc/os-release", "ID=opensuse-leap\nID_LIKE=\"suse opensuse\"\nPRETTY_NAME=\"openSUSE Leap\"\n")
	}
	for _, c := range []struct {
		name, arguments string
		setup           func(m *machine)
		want            []string // of the error; none: it installs
	}{
		{"refused", `{}`, func(*machine) {}, []string{"openSUSE Leap", "debian, ubuntu, rhel, fedora", "nothing was changed"}},
		{"pipx is there", `{}`, func(m *machine) { m.program("/usr/bin/pipx", "#!", 0o755) }, nil},
		{"prerequisites and a known package manager", `{"prerequisites": ["pipx"]}`, func(m *machine) { m.program("/usr/bin/apt-get", "#!", 0o755) }, nil},
		{"two package managers", `{"prerequisites": ["pipx"]}`, func(m *machine) {
			m.program("/usr/bin/apt-get", "#!", 0o755)
			m.program("/usr/bin/dnf", "#!", 0o755)
		}, []string{"of no family known here"}},
		{"a program that may be a package's", `{}`, func(m *machine) { m.program(osProgram, "#!", 0o755) }, []string{
			"cannot tell whether /usr/bin/patroni came with a package: the package manager of openSUSE Leap is not known here"}},
		{"prerequisites alone", `{"prerequisites": ["pipx"]}`, func(*machine) {}, []string{"of no family known here"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t)
			suse(m)
			c.setup(m)
			_, err := m.installer(c.arguments).Run(t.Context())
			if (err == nil) != (c.want == nil) {
				t.Fatalf("got error %v", err)
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("message %q lacks %q", err, part)
				}
			}
		})
	}
}

// TestRHELSaysWhatWasTried: no release of this family was, only hosts that stand in for them.
func TestRHELSaysWhatWasTried(t *testing.T) {
	m := newMachine(t)
	bareRHEL(m)
	report := m.run(`{}`)
	if !strings.Contains(strings.Join(report.Warnings, "; "),
		"is not among the releases this was tested on (Debian 12, 13)") {
		t.Errorf("warnings %q, want one about a release that was not tried", report.Warnings)
	}
}

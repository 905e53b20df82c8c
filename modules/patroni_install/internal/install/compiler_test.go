package install

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
)

func TestCompilerPackages(t *testing.T) {
	debian, red := families()[0], families()[1]
	for _, c := range []struct {
		name       string
		family     Family
		arguments  string
		build, run []string
	}{
		{"default", debian, `{}`, []string{"gcc", "libc6-dev", "libpq-dev", "python3-dev"}, nil},
		{
			"psycopg2", debian, `{"extras": ["Psycopg2", "psycopg2_binary", "etcd"]}`,
			[]string{"gcc", "libc6-dev", "libpq-dev", "python3-dev"}, []string{"libpq5"},
		},
		{
			"systemd, a version of Python", debian, `{"extras": ["systemd"], "python": "/usr/bin/python3.12"}`,
			[]string{"gcc", "libc6-dev", "libsystemd-dev", "pkg-config", "python3.12-dev"}, []string{"libsystemd0"},
		},
		{
			"a Python that no package brought", debian, `{"extras": ["psycopg3"], "python": "/opt/python/bin/python3"}`,
			[]string{"gcc", "libc6-dev"}, nil,
		},
		{
			"rhel", red, `{"extras": ["psycopg2", "systemd"]}`,
			[]string{"gcc", "libpq-devel", "pkgconf-pkg-config", "python3-devel", "systemd-devel"}, []string{"libpq", "systemd-libs"},
		},
		{"rhel, a version of Python", red, `{"extras": [], "python": "/usr/bin/python3.11"}`, []string{"gcc", "python3.11-devel"}, nil},
		{"no family", Family{Packaging: Packaging{Manager: "apt"}}, `{}`, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			build, run := c.family.compiler(desired(t, c.arguments))
			if diff := cmp.Diff([][]string{c.build, c.run}, [][]string{build, run}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// packageNames are what dpkg has, in its order.
func (m *machine) packageNames() []string {
	var names []string
	for _, d := range m.status() {
		names = append(names, d.Name)
	}
	return names
}

// TestCompileLeavesNoCompiler: of what the build took, the library stays, and so does all that was
// there before.
func TestCompileLeavesNoCompiler(t *testing.T) {
	for _, c := range []struct {
		name            string
		before          []string
		borrowed, stays string // as the report has them
		after           []string
	}{
		{"nothing there", nil, "gcc libc6-dev libpq-dev python3-dev", "libpq5 pipx", []string{"base-files", "libpq5", "pipx", "python3-venv"}},
		{
			"a compiler there", []string{"gcc", "libc6-dev"}, "libpq-dev python3-dev", "libpq5 pipx",
			[]string{"base-files", "gcc", "libc6-dev", "libpq5", "pipx", "python3-venv"},
		},
		{
			"all there", []string{"gcc", "libc6-dev", "libpq5", "libpq-dev", "python3-venv", "python3-dev"}, "", "pipx",
			[]string{"base-files", "gcc", "libc6-dev", "libpq5", "libpq-dev", "python3-venv", "python3-dev", "pipx"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t)
			m.write("/var/lib/apt/lists/bookworm", "pipx")
			m.must(m.install(c.before))
			check, err := m.installer(compiles).Check(t.Context())
			m.must(err)
			report := m.run(compiles)
			for _, r := range []*Report{check, report} {
				sets := map[string]string{}
				for _, s := range r.steps() {
					sets[s["name"].(string)], _ = s["path"].(string)
				}
				if sets["packages for the build"] != c.borrowed || sets["package set"] != c.stays {
					t.Errorf("steps have packages %q and %q for the build", sets["package set"], sets["packages for the build"])
				}
				told := strings.Contains(r.message(), strings.ReplaceAll(c.borrowed, " ", ", ")+", with what they need, "+
					r.verb("were", "would be")+" installed for the build and removed after it.")
				if told != (c.borrowed != "") {
					t.Errorf("message: %s", r.message())
				}
				for _, d := range r.diff() {
					if strings.Contains(d.After, "python3-dev") {
						t.Errorf("the diff has what does not stay: %s", d.After)
					}
				}
			}
			if diff := cmp.Diff(c.after, m.packageNames()); diff != "" {
				t.Errorf("packages (-want +got):\n%s", diff)
			}
			if got := m.read(automatic); strings.Contains(got, "dev") || strings.Contains(got, "libpq5") {
				t.Errorf("automatic are %q", got)
			}
		})
	}
}

// TestCompileAskedForNothing: neither if the option is not set nor if there is no build.
func TestCompileAskedForNothing(t *testing.T) {
	m := newMachine(t)
	installed(m)
	if report := m.run(`{"build_dependencies": true}`); report.Changed() || report.plan.Packages != nil {
		t.Errorf("without a build: %q", visible(report))
	}
	before := m.packageNames()
	m.run(`{"version": "4.1.5"}`)
	if diff := cmp.Diff(before, m.packageNames()); diff != "" {
		t.Errorf("packages without the option (-before +after):\n%s", diff)
	}
}

// TestCompileKeepsWhatSomebodyNeeds: somebody installs a package meanwhile that needs the compiler.
func TestCompileKeepsWhatSomebodyNeeds(t *testing.T) {
	m := newMachine(t)
	m.needed = "gcc"
	report := m.run(compiles)
	if len(report.Warnings) != 1 || !strings.Contains(report.Warnings[0], "stay") ||
		!strings.Contains(report.Warnings[0], "gcc=4:12.2.0-3") {
		t.Errorf("warnings %q", report.Warnings)
	}
	if diff := cmp.Diff([]string{"base-files", "libpq5", "pipx", "python3-venv", "gcc"}, m.packageNames()); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
}

// TestCompileFailures: what people read where a build fails for want of a compiler, or of a library.
func TestCompileFailures(t *testing.T) {
	const debianTail = "install what it takes with: apt-get install --no-install-recommends "
	for _, c := range []struct {
		name      string
		setup     func(m *machine)
		arguments string
		want      []string
	}{
		{
			"nothing", func(*machine) {}, `{"extras": ["psycopg2", "etcd"]}`,
			[]string{"psycopg2 must be compiled", debianTail + "gcc libc6-dev libpq-dev python3-dev;", "set build_dependencies", "psycopg2-binary instead"},
		},
		{
			"no headers of Python", func(m *machine) {
				m.must(m.install([]string{"gcc", "libc6-dev", "libpq-dev"}))
			}, `{"extras": ["psycopg2"]}`, []string{"a package must be compiled", debianTail + "python3-dev;"},
		},
		{
			"something else", func(m *machine) {
				m.must(m.install([]string{"gcc", "libc6-dev", "libpq-dev", "python3-dev"}))
				m.remove(headerFile)
				m.write(headerFile+".old", "")
			}, `{"extras": ["psycopg2"]}`,
			[]string{"the packages gcc, libc6-dev, libpq-dev, python3-dev are there, so the output tells"},
		},
		{
			"rhel", bareRHEL, `{"extras": ["psycopg2"]}`,
			[]string{"dnf install --setopt=install_weak_deps=False gcc libpq-devel python3-devel; or set build_dependencies"},
		},
		{
			"no family", func(m *machine) {
				m.write("/etc/os-release", "ID=other\nPRETTY_NAME=\"Other 1\"\n")
				m.write("/usr/bin/apt-get", "")
				m.must(m.install([]string{"pipx", "python3-venv"}))
			}, `{"build_dependencies": true}`, []string{"which packages a build takes on Other 1", "leave build_dependencies",
				"nothing was changed"},
		},
		{
			"the library may not be installed", func(m *machine) {
				m.must(m.install([]string{"pipx", "python3-venv"}))
			}, `{"extras": ["psycopg2"], "build_dependencies": true, "install_prerequisites": false}`,
			[]string{"the package libpq5 is missing, and install_prerequisites is false", "nothing was changed"},
		},
		{
			"a driver that is compiled where a wheel was expected", func(m *machine) { m.compiled = true },
			`{"build_dependencies": true}`, []string{"ImportError: libpq.so.5", "was removed with the packages for the build", "install the package that has it"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t)
			c.setup(m)
			before := m.state()
			_, err := m.installer(c.arguments).Run(t.Context())
			if err == nil {
				t.Fatal("it did not fail")
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

// TestSetsDoNotOverlap: pipx, which stays, and python3-dev, which does not, both need python3-venv.
func TestSetsDoNotOverlap(t *testing.T) {
	m := newMachine(t)
	report := m.run(compiles)
	set := report.plan.borrowed()
	var names []string
	for _, p := range set.Add {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff([]string{"gcc", "libc6-dev", "libpq-dev", "python3-dev"}, names); diff != "" {
		t.Errorf("for the build (-want +got):\n%s", diff)
	}
	venv := pkgmgr.Package{Name: "python3-venv", Version: "3.11.2-1+b1", Arch: "amd64"}
	if !slices.Contains(report.plan.seen.Packages.Add, venv) {
		t.Error("python3-venv is not of those that stay")
	}
}

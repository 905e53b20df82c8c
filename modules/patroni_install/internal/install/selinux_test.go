package install

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/step"
)

const (
	rule    = `/var/lib/postgresql/\.local/share/pipx/venvs/patroni/bin(/.*)?`
	binRule = `/var/lib/postgresql/\.local/bin(/.*)?`
)

const ruleEnd = "    system_u:object_r:bin_t:s0\n"

// enforcing is a machine whose kernel enforces a policy.
func enforcing(t *testing.T) *machine {
	m := newMachine(t)
	bareRHEL(m)
	m.enforce()
	if !m.has("/sys/fs/selinux/enforce") {
		t.Skip("files cannot be labelled here")
	}
	return m
}

func (m *machine) label(name string) string {
	label, err := m.files.Label(name)
	m.must(err)
	return label
}

func TestSELinuxLabelsWhatIsBuilt(t *testing.T) {
	m := enforcing(t)
	report := m.run(`{}`)
	for _, name := range []string{"patroni", "patronictl"} {
		if got := m.label(venv + "/bin/" + name); !strings.Contains(got, ":bin_t:") {
			t.Errorf("%s has the label %q", name, got)
		}
	}
	if got := m.read(localRules); got != rule+ruleEnd+binRule+ruleEnd {
		t.Errorf("rules %q", got)
	}
	if !strings.Contains(strings.Join(visible(report), "\n"), "create SELinux file-context rule "+rule) {
		t.Errorf("the report has no rule: %q", visible(report))
	}
	if again := m.run(`{}`); again.Changed() || strings.Contains(strings.Join(m.trace, "\n"), "run ") {
		t.Errorf("a second run: %q", m.trace)
	}
	m.run(`{"state": "absent"}`)
	if got := m.read(localRules); got != "" {
		t.Errorf("rules after the removal: %q", got)
	}
}

// TestSELinuxMendsLabels: the installation was made while nothing was enforced, or was restored
// from a backup.
func TestSELinuxMendsLabels(t *testing.T) {
	const before = "unconfined_u:object_r:postgresql_db_t:s0"
	m := enforcing(t)
	m.write("/sys/fs/selinux/enforce", "0")
	m.run(`{}`)
	m.must(m.files.SetLabel(venv+"/bin/patroni", before))
	m.write("/sys/fs/selinux/enforce", "1")

	x := m.clone(t)
	x.must(x.files.SetLabel(venv+"/bin/patroni", before))
	x.says = func(line string) string {
		return map[bool]string{true: "told to fail"}[strings.HasPrefix(line, step.Semanage)]
	}
	if _, err := x.installer(`{}`).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "told to fail") {
		t.Errorf("got error %v", err)
	}
	if got := x.label(venv + "/bin/patroni"); got != before || x.read(localRules) != "" {
		t.Errorf("after the undo: label %q, rules %q", got, x.read(localRules))
	}

	m.run(`{}`)
	if got := m.label(venv + "/bin/patroni"); got != "unconfined_u:object_r:bin_t:s0" {
		t.Errorf("label %q", got)
	}
	if m.run(`{}`).Changed() {
		t.Error("a second run changes something")
	}
}

func TestSELinuxTools(t *testing.T) {
	for _, c := range []struct {
		name, arguments string
		missing         []string // packages that are asked for
		want            []string // of the refusal
	}{
		{"come as a package", `{}`, []string{"policycoreutils-python-utils", "python3-pip"}, nil},
		{
			"must not come", `{"prerequisites": []}`, nil,
			[]string{
				"SELinux is enforcing", "dnf install", "semanage fcontext --add --type bin_t '" + rule + "'",
				"semanage fcontext --add --type bin_t '" + binRule + "'", "restorecon -R " + venv + "/bin " + binDir,
			},
		},
		{"must not come either", `{"install_prerequisites": false}`, nil, []string{"semanage fcontext --add"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := enforcing(t)
			m.remove(step.Semanage)
			report, err := m.installer(c.arguments).Check(t.Context())
			if (err == nil) != (c.want == nil) {
				t.Fatalf("got error %v", err)
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("message %q lacks %q", err, part)
				}
			}
			if err == nil {
				if diff := cmp.Diff(c.missing, report.plan.seen.Packages.Missing); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestWithType(t *testing.T) {
	for label, want := range map[string]string{
		"":         "system_u:object_r:bin_t:s0",
		"nonsense": "system_u:object_r:bin_t:s0",
		"unconfined_u:object_r:postgresql_db_t:s0": "unconfined_u:object_r:bin_t:s0",
		"staff_u:object_r:usr_t:s0-s0:c0.c1023":    "staff_u:object_r:bin_t:s0-s0:c0.c1023",
	} {
		if got := withType(label, "bin_t"); got != want {
			t.Errorf("%q becomes %q, want %q", label, got, want)
		}
	}
}

// TestOtherRules: a rule of somebody's for the same pattern with another type is not ours.
func TestOtherRules(t *testing.T) {
	m := newMachine(t)
	m.write(localRules, "# edited by semanage\n/srv(/.*)?    system_u:object_r:var_t:s0\n"+rule+
		"    system_u:object_r:bin_t:s0\n")
	for kind, want := range map[string]bool{"bin_t": true, "var_t": false} {
		if got, err := step.HasFileContext(m.files, localRules, rule, kind); err != nil || got != want {
			t.Errorf("%s: %t, %v", kind, got, err)
		}
	}
}

// TestSELinuxBehindLinks: restorecon and the kernel know real paths only, also of what is still to be made.
func TestSELinuxBehindLinks(t *testing.T) {
	m := enforcing(t)
	m.dir("/data", 0o755)
	m.must(os.Rename(m.real(home), m.real("/data/pg.sql")))
	m.link(home, "../../data/pg.sql")
	report, err := m.installer(`{}`).Check(t.Context())
	m.must(err)
	const want, bin = `/data/pg\.sql/\.local/share/pipx/venvs/patroni/bin(/.*)?`, `/data/pg\.sql/\.local/bin(/.*)?`
	if got := strings.Join(visible(report), "\n"); !strings.Contains(got, "create SELinux file-context rule "+want) {
		t.Errorf("the check has no rule: %q", visible(report))
	}
	m.run(`{}`)
	if got := m.read(localRules); got != want+ruleEnd+bin+ruleEnd {
		t.Errorf("rules %q", got)
	}
	if again := m.run(`{}`); again.Changed() {
		t.Errorf("a second run: %q", visible(again))
	}
	m.run(`{"state": "absent"}`)
	if got := m.read(localRules); got != "" {
		t.Errorf("rules after the removal: %q", got)
	}
}

// TestPolicyName: the name of the loaded policy is that of a directory, and nothing else is taken for one.
func TestPolicyName(t *testing.T) {
	m := newMachine(t)
	if got := policyName(m.files); got != "targeted" {
		t.Errorf("without a configuration: %q", got)
	}
	for text, want := range map[string]string{
		"SELINUX=enforcing\n SELINUXTYPE=mls \n": "mls", "# SELINUXTYPE=minimum\n": "targeted", "SELINUXTYPE=\n": "targeted",
		"SELINUXTYPE=../../../tmp/x\n": "targeted", "SELINUXTYPE=a/b\nSELINUXTYPE=my_own-1\n": "my_own-1",
	} {
		m.write("/etc/selinux/config", text)
		if got := policyName(m.files); got != want {
			t.Errorf("%q names %q, want %q", text, got, want)
		}
	}
}

// TestKnownProgramDirs: another rule would go before those that the policy has for single programs in there.
func TestKnownProgramDirs(t *testing.T) {
	for name, want := range map[string]bool{
		"/usr/bin": true, "/usr/local/bin": true, "/opt/patroni/bin": true, "/srv/patroni/bin": false, binDir: false,
		"/usr/lib/patroni": false, "/opt/patroni/programs": false, "/optional/bin": false,
	} {
		if got := (ProgramDir{Real: name}).known(); got != want {
			t.Errorf("%s is known: %t", name, got)
		}
	}
}

// TestSELinuxLabelOfADanglingLink: the link is replaced, and comes back with its label.
func TestSELinuxLabelOfADanglingLink(t *testing.T) {
	m := enforcing(t)
	m.link(binDir+"/patroni", "/gone/venvs/patroni/bin/patroni")
	m.own(home)
	m.must(m.files.SetLabel(binDir+"/patroni", "system_u:object_r:usr_t:s0"))
	before := m.labels()
	m.failAtUnit(`{}`)
	if diff := cmp.Diff(before, m.labels()); diff != "" {
		t.Errorf("labels after the undo (-before +after):\n%s", diff)
	}
}

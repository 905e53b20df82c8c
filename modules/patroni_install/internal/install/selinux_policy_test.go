package install

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The policy of RHEL 9, as far as it decides whether systemd starts Patroni. Its type init_t executes bin_t, reads
// links of the types bin_t and usr_t, and neither executes files nor reads links of postgresql_db_t.
const databaseType = "postgresql_db_t"

// policyRules are those of its file contexts that matter here; the last one that fits decides.
func policyRules() []string {
	return []string{
		`/.* default_t`, `/usr/.* usr_t`, `/opt/.* usr_t`, `/srv/.* var_t`, `/usr/(.*/)?bin(/.*)? bin_t`, `/opt/(.*/)?bin(/.*)? bin_t`,
		`/var/lib/postgresql(/.*)? ` + databaseType,
	}
}

// policyType is the type that the policy's rules, or with local those of the machine, give a path.
func (m *machine) policyType(name string, local bool) string {
	rules := policyRules()
	for line := range strings.Lines(m.read(localRules)) {
		if fields := strings.Fields(line); local && len(fields) == 2 {
			rules = append(rules, fields[0]+" "+strings.Split(fields[1], ":")[2])
		}
	}
	found := ""
	for _, rule := range rules {
		pattern, kind, _ := strings.Cut(rule, " ")
		if regexp.MustCompile("^(?:" + pattern + ")$").MatchString(name) {
			found = kind
		}
	}
	return found
}

// typeOf is the type of what is at a path. Without a label, as this kernel makes files, it is what the directory has.
func (m *machine) typeOf(name string) string {
	for ; name != "/"; name = path.Dir(name) {
		if label := m.label(name); label != "" {
			return strings.Split(label, ":")[2]
		}
		switch name {
		case home:
			return databaseType
		case "/opt":
			return "usr_t"
		case "/srv":
			return "var_t"
		case "/usr/bin", "/usr/local/bin":
			return "bin_t"
		}
	}
	return "default_t"
}

// restorecon labels everything below a path as the rules say.
func (m *machine) restorecon(top string) {
	m.each(func(name string, _ fs.FileInfo) {
		if below(name, top) {
			m.must(m.files.SetLabel(name, "system_u:object_r:"+m.policyType(name, true)+":s0"))
		}
	})
}

// startedBySystemd executes a program as systemd does, and returns what the policy denies on the way; "": nothing.
func (m *machine) startedBySystemd(program string) string {
	for range 10 {
		info, err := m.files.Lstat(program)
		m.must(err)
		kind := m.typeOf(program)
		if info.Target == "" {
			if kind != "bin_t" {
				return fmt.Sprintf("execute %s file %s", path.Base(program), kind)
			}
			first, _, _ := strings.Cut(m.read(program), "\n")
			if interpreter, script := strings.CutPrefix(first, "#!/"); script {
				program = "/" + interpreter
				continue
			}
			return ""
		}
		if kind != "bin_t" && kind != "usr_t" {
			return fmt.Sprintf("read %s lnk_file %s", path.Base(program), kind)
		}
		program = targetIn(path.Dir(program), info)
	}
	return "too many links"
}

// TestSystemdStartsUnderSELinux: it does as the run leaves things, after somebody restored the labels, and after labels
// that were lost were mended by another run.
func TestSystemdStartsUnderSELinux(t *testing.T) {
	for _, bin := range []string{binDir, "/opt/patroni/bin", "/srv/patroni/bin", "/usr/local/bin"} {
		t.Run(bin, func(t *testing.T) {
			m := enforcing(t)
			m.dir("/srv", 0o755)
			m.dir("/opt", 0o755)
			m.dir("/usr/local/bin", 0o755)
			m.must(m.files.SetLabel("/usr/local/bin", "system_u:object_r:bin_t:s0"))
			arguments := fmt.Sprintf(`{"bin_dir": %q}`, bin)
			m.run(arguments)
			starts := func(when string) {
				t.Helper()
				if denied := m.startedBySystemd(bin + "/patroni"); denied != "" {
					t.Errorf("%s systemd may not %s", when, denied)
				}
			}
			starts("as the run leaves it,")
			before := m.labels()
			for _, top := range []string{home, bin} {
				m.restorecon(top)
			}
			starts("after restorecon,")
			for name, label := range before {
				if got := m.label(name); got != label {
					t.Errorf("restorecon makes the label of %s %q, the run %q", name, got, label)
				}
			}
			if again := m.run(arguments); again.Changed() {
				t.Errorf("a second run: %q", visible(again))
			}
			m.each(func(name string, _ fs.FileInfo) {
				if below(name, home) || below(name, bin) {
					m.must(m.files.SetLabel(name, "system_u:object_r:"+databaseType+":s0"))
				}
			})
			x := m.clone(t)
			for name, label := range m.labels() {
				x.must(x.files.SetLabel(name, label))
			}
			lost := x.labels()
			x.remove(unitFile) // the last step, which fails where its temporary file is a directory
			delete(lost, unitFile)
			x.dir(unitFile+".patroni_install.tmp/x", 0o755)
			if _, err := x.installer(arguments).Run(t.Context()); err == nil {
				t.Error("the run was to fail")
			}
			if diff := cmp.Diff(lost, x.labels()); diff != "" {
				t.Errorf("labels after the undo (-want +got):\n%s", diff)
			}
			m.run(arguments)
			starts("after the labels were lost and a run mended them,")
			for _, dir := range []string{bin, venv + "/bin"} {
				if got := m.typeOf(dir); got != "bin_t" {
					t.Errorf("directory %s is %s", dir, got)
				}
			}
			if again := m.run(arguments); again.Changed() {
				t.Errorf("a second run: %q", visible(again))
			}
		})
	}
}

// labels are those that the machine's files have.
func (m *machine) labels() map[string]string {
	all := map[string]string{}
	m.each(func(name string, _ fs.FileInfo) {
		if name == "/" {
			return
		}
		if label := m.label(name); label != "" {
			all[name] = label
		}
	})
	return all
}

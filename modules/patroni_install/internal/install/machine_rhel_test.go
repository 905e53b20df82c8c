package install

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
)

// rpmDatabase holds a line for each installed package, as rpm prints it when asked.
const rpmDatabase = "/var/lib/rpm/packages"

// userSite is where pip installs what the user alone has.
const userSite = home + "/.local/lib/python3.11/site-packages"

// rhel makes the machine one of the RHEL family, whose user has a Python package of its own.
func rhel(m *machine) {
	bareRHEL(m)
	m.write(userSite+"/requests/__init__.py", "")
	m.write(userSite+"/requests-2.31.0.dist-info/METADATA", "Name: requests\n")
	m.own(home + "/.local")
	m.enforce()
}

// localRules is where SELinux's policy keeps its local file-context rules.
const localRules = "/etc/selinux/targeted/contexts/files/file_contexts.local"

// enforce lets the machine's kernel enforce a policy, which semanage changes; not where the tests
// may not label files.
func (m *machine) enforce() {
	m.write("/var/tmp/probe", "")
	err := m.files.SetLabel("/var/tmp/probe", "system_u:object_r:tmp_t:s0")
	m.remove("/var/tmp/probe")
	if err != nil {
		return
	}
	m.write("/sys/fs/selinux/enforce", "1")
	m.write("/etc/selinux/config", "# mode\nSELINUX=enforcing\nSELINUXTYPE=targeted\n")
	m.write(localRules, "") // as the policy's package has it
	m.program(step.Semanage, "#!", 0o755)
}

// semanage adds or deletes a rule, in one go.
func (m *machine) semanage(argv []string) (string, error) {
	rule := last(argv) + "    system_u:object_r:bin_t:s0\n"
	rules := m.read(localRules)
	if err := m.halfway("semanage"); err != nil {
		return "", err
	}
	switch {
	case slices.Contains(argv, "--add"):
		m.write(localRules, rules+rule)
	case strings.Contains(rules, rule):
		m.write(localRules, strings.Replace(rules, rule, "", 1))
	default:
		return "", fmt.Errorf("ValueError: File context for %s is not defined", last(argv))
	}
	return "", nil
}

func bareRHEL(m *machine) {
	m.write("/etc/os-release",
		"ID=rocky\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.6\"\nPRETTY_NAME=\"Rocky Linux 9.6\"\n")
	m.remove("/etc/apt", "/var/lib/dpkg", "/var/lib/apt", "/usr/lib/python3")
	m.write(rpmDatabase, "bash 5.1.8-9.el9 x86_64\n")
	m.dir("/usr/lib/python3.11/site-packages", 0o755)
	m.write("/etc/yum.repos.d/appstream", "gcc libpq libpq-devel python3-devel python3-pip")
}

func rpmPackages() []offered {
	return []offered{
		{pkgmgr.Package{Name: "gcc", Version: "11.5.0-5.el9", Arch: "x86_64"}, []string{"glibc-devel"}},
		{pkgmgr.Package{Name: "glibc-devel", Version: "2.34-168.el9", Arch: "x86_64"}, nil},
		{pkgmgr.Package{Name: "libpq", Version: "13.20-1.el9", Arch: "x86_64"}, nil},
		{pkgmgr.Package{Name: "libpq-devel", Version: "13.20-1.el9", Arch: "x86_64"}, []string{"libpq"}},
		{pkgmgr.Package{Name: "pgedge-patroni", Version: "4.1.0-1.el9", Arch: "noarch"}, nil},
		{pkgmgr.Package{Name: "pgedge-patroni-etcd", Version: "4.1.0-1.el9", Arch: "noarch"}, []string{"pgedge-patroni"}},
		{pkgmgr.Package{Name: "python3-devel", Version: "3.9.21-1.el9", Arch: "x86_64"}, []string{"python3-setuptools"}},
		{pkgmgr.Package{Name: "python3-pip", Version: "21.3.1-1.el9", Arch: "noarch"}, []string{"python3-setuptools"}},
		{pkgmgr.Package{Name: "python3-setuptools", Version: "53.0.0-15.el9", Arch: "noarch"}, nil},
	}
}

// rpmContents are the files of a package, in directories of its own if it has any.
func rpmContents(name string) []string {
	return map[string][]string{
		"gcc":                 {compilerFile},
		"glibc-devel":         {headerFile},
		"libpq":               {libpqFile},
		"libpq-devel":         {"/usr/bin/pg_config", libpqHeader},
		"pgedge-patroni":      {"/usr/bin/patroni", "/usr/bin/patronictl", "/usr/lib/systemd/system/patroni.service"},
		"pgedge-patroni-etcd": {"/usr/lib/python3.11/site-packages/patroni_etcd/__init__.py"},
		"python3-devel":       {pythonHeader},
		"python3-pip":         {"/usr/bin/pip3", "/usr/lib/python3.11/site-packages/pip/__init__.py"},
		"python3-setuptools":  {"/usr/lib/python3.11/site-packages/setuptools/__init__.py"},
	}[name]
}

func rpmLine(p pkgmgr.Package) string { return p.Name + " " + p.Version + " " + p.Arch + "\n" }

// rpmPackage finds a package by name, name.arch, or the path or full name that begins with it.
func rpmPackage(word string) (pkgmgr.Package, bool) {
	for _, o := range rpmPackages() {
		if name := filepath.Base(word); name == o.Name || name == o.Name+"."+o.Arch ||
			strings.HasPrefix(name, o.Name+"-"+o.Version) {
			return o.Package, true
		}
	}
	return pkgmgr.Package{}, false
}

func (m *machine) dnf(argv []string) (string, error) {
	words := operands(argv)
	switch {
	case words[0] == "makecache":
		return "", nil
	case slices.Contains(argv, "--assumeno"):
		return m.dnfSimulate(words[1:])
	case slices.Contains(argv, "--downloadonly"):
		return "", m.dnfDownload(argv, words[1:])
	}
	m.Fatalf("unexpected command %q", argv)
	return "", nil
}

func (m *machine) dnfSimulate(names []string) (string, error) {
	offers := strings.Fields(m.read("/etc/yum.repos.d/appstream"))
	for _, name := range names {
		if !slices.Contains(offers, name) {
			return "", fmt.Errorf("No match for argument: %[1]s\nError: Unable to find a match: %[1]s", name)
		}
	}
	var text strings.Builder
	text.WriteString("Dependencies resolved.\n=====\n Package Arch Version Repository Size\n=====\nInstalling:\n")
	set := closure(rpmPackages(), names,
		func(p pkgmgr.Package) bool { return strings.Contains(m.read(rpmDatabase), rpmLine(p)) })
	for _, p := range set {
		fmt.Fprintf(&text, " %s %s\n     %s appstream 1.7 M\n", p.Name, p.Arch, p.Version)
	}
	fmt.Fprintf(&text, "\nTransaction Summary\n=====\nInstall  %d Packages\n\n", len(set))
	return text.String(), fmt.Errorf("Operation aborted.") //nolint:revive // dnf's words
}

func (m *machine) dnfDownload(argv, words []string) error {
	dir := ""
	for _, word := range argv {
		if value, found := strings.CutPrefix(word, "--destdir="); found {
			dir = value
		}
	}
	for _, word := range words {
		p, _ := rpmPackage(word)
		m.must(os.WriteFile(filepath.Join(dir, word+".rpm"), []byte(p.String()), 0o644))
		if err := m.halfway("download of " + p.Name); err != nil {
			return err
		}
	}
	return nil
}

func (m *machine) rpm(cmd host.Command) (string, error) {
	words := operands(cmd.Argv)
	has := func(option string) bool { return slices.Contains(cmd.Argv, option) }
	switch {
	case has("--list"):
		var text strings.Builder
		for _, word := range words {
			p, _ := rpmPackage(word)
			text.WriteString(strings.Join(rpmContents(p.Name), "\n") + "\n")
		}
		return text.String(), nil
	case has("--query"):
		if !has("--package") && cmd.User == nil {
			m.Fatalf("%q runs as root, and would touch the database", cmd.Argv)
		}
		return m.rpmQuery(words[1:], has("--package"))
	case has("--install"):
		return "", m.rpmInstall(words)
	case has("--erase") && has("--test"):
		return "", nil
	case has("--erase"):
		return "", m.rpmErase(words)
	}
	m.Fatalf("unexpected command %q", cmd.Argv)
	return "", nil
}

func (m *machine) rpmQuery(words []string, archives bool) (text string, err error) {
	for _, word := range words {
		p, known := rpmPackage(word)
		switch {
		case known && archives:
			if _, err := os.Stat(word); err != nil {
				return text, err
			}
			text += rpmLine(p)
		case known && strings.Contains(m.read(rpmDatabase), rpmLine(p)):
			text += rpmLine(p)
		default:
			err = &host.CommandError{Status: "exit status 1", Code: 1}
			text += "package " + word + " is not installed\n"
		}
	}
	return text, err
}

// rpmInstall writes each file under a temporary name, and a package's line when all its files are there.
func (m *machine) rpmInstall(words []string) error {
	for _, word := range words {
		p, _ := rpmPackage(word)
		if strings.Contains(m.read(rpmDatabase), rpmLine(p)) {
			return fmt.Errorf("package %s is already installed", p)
		}
		for _, name := range rpmContents(p.Name) {
			m.program(name+";0123abcd", p.String(), 0o755)
			if err := m.halfway("unpacking of " + p.Name); err != nil {
				m.remove(name + ";0123abcd")
				return err
			}
			m.remove(name + ";0123abcd")
			m.program(name, p.String(), 0o755)
		}
		if err := m.halfway("noting of " + p.Name); err != nil {
			m.remove(rpmContents(p.Name)...)
			return err
		}
		m.write(rpmDatabase, m.read(rpmDatabase)+rpmLine(p))
	}
	return nil
}

func (m *machine) rpmErase(words []string) error {
	for _, word := range words {
		p, _ := rpmPackage(word)
		for _, name := range rpmContents(p.Name) {
			m.remove(name)
			if dir := path.Dir(name); dir != "/usr/bin" && dir != path.Dir(packageUnit) {
				m.remove(dir)
			}
		}
		if err := m.halfway("erasing of " + p.Name); err != nil {
			return err
		}
		m.write(rpmDatabase, strings.ReplaceAll(m.read(rpmDatabase), rpmLine(p), ""))
	}
	return nil
}

// pip installs pipx for the user, beside what the user has.
func (n *namespace) pip(cmd host.Command) error {
	if !n.has("/usr/lib/python3.11/site-packages/pip/__init__.py") {
		return fmt.Errorf("/usr/bin/python3: No module named pip")
	}
	if slices.Contains(cmd.Argv, "download") {
		return nil
	}
	base := variable(cmd.Env, "PYTHONUSERBASE")
	if base == "" || !below(base, n.binds[0].target) {
		n.Fatalf("pip would install outside of the stage: %q", cmd.Env)
	}
	site := base + "/lib/python3.11/site-packages/"
	if pth, err := os.ReadFile(n.real(site + realSite)); err != nil || strings.TrimSpace(string(pth)) != userSite {
		n.Fatalf("pip does not see what the user has: %q, %v", pth, err)
	}
	n.put(site+"pipx/__main__.py", "")
	if err := n.halfway("pip"); err != nil {
		n.hand(base)
		return err
	}
	n.put(site+"pipx-"+n.pipxByPip+".dist-info/METADATA", "Name: pipx\n")
	n.put(site+"userpath/__init__.py", "")
	n.put(site+"userpath-1.9.2.dist-info/METADATA", "Name: userpath\n")
	n.put(base+"/bin/pipx", "#!/usr/bin/python3\n")
	n.put(base+"/share/man/man1/pipx.1", "")
	n.hand(base)
	return nil
}

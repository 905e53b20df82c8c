package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
)

// debian is a package and dpkg's word on it.
type debian struct {
	pkgmgr.Package

	status string
}

func basePackage() pkgmgr.Package {
	return pkgmgr.Package{Name: "base-files", Version: "12.4", Arch: "amd64"}
}

// contentsOf are the files of a package.
func contentsOf(name string) []string {
	return map[string][]string{
		"gcc":          {compilerFile},
		"libc6-dev":    {headerFile},
		"libpq-dev":    {"/usr/bin/pg_config", libpqHeader},
		"libpq5":       {libpqFile},
		"python3-dev":  {pythonHeader},
		"patroni":      patroniContents(),
		"python3-etcd": {etcdModule}, "python3-psycopg2": {pgModule},
		"pipx":         {"/usr/bin/pipx", "/usr/lib/python3/dist-packages/pipx-1.1.0.dist-info/METADATA"},
		"python3-venv": {"/usr/lib/python3.11/ensurepip/__init__.py"},
	}[name]
}

// unfinishedBytecode is what a killed installation of python3-venv leaves, each time another.
func (m *machine) unfinishedBytecode() string {
	return fmt.Sprintf("/usr/lib/python3.11/ensurepip/__pycache__/__init__.cpython-311.pyc.%d", len(m.trace))
}

func (m *machine) status() []debian {
	var all []debian
	for stanza := range strings.SplitSeq(m.read("/var/lib/dpkg/status"), "\n\n") {
		var d debian
		for line := range strings.Lines(stanza) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch key {
			case "Package":
				d.Name = value
			case "Version":
				d.Version = value
			case "Architecture":
				d.Arch = value
			case "Status":
				d.status = value
			}
		}
		if d.Name != "" {
			all = append(all, d)
		}
	}
	return all
}

// setStatus replaces or adds a package in dpkg's database; without a status it removes it.
func (m *machine) setStatus(d debian) {
	all := slices.DeleteFunc(m.status(), func(other debian) bool { return other.Name == d.Name })
	if d.status != "" {
		all = append(all, d)
	}
	var text strings.Builder
	for _, d := range all {
		fmt.Fprintf(&text, "Package: %s\nStatus: %s\nArchitecture: %s\nVersion: %s\n\n", d.Name, d.status, d.Arch, d.Version)
	}
	m.write("/var/lib/dpkg/status", text.String())
}

// Run implements [host.Runner] for the commands that the product gives outside of the namespace.
func (m *machine) Run(ctx context.Context, cmd host.Command) (host.Output, error) {
	return m.execute(ctx, cmd, m.systemCommand)
}

// execute runs a fake command as host.Execute runs a real one: announced first.
func (m *machine) execute(ctx context.Context, cmd host.Command,
	do func(host.Command) (string, error)) (host.Output, error) {
	line := strings.Join(cmd.Argv, " ")
	if err := m.files.Announce("run", line); err != nil {
		return host.Output{}, err
	}
	if ctx.Err() != nil && !cmd.Detached {
		return host.Output{}, context.Cause(ctx)
	}
	stdout, err := do(cmd)
	if m.says != nil {
		if text := m.says(line); text != "" {
			err = errors.New(strings.TrimPrefix(fmt.Sprintf("%v\n%s", err, text), "<nil>\n"))
		}
	}
	out := host.Output{Stdout: []byte(stdout)}
	if failed := (*host.CommandError)(nil); err != nil && !errors.As(err, &failed) {
		out.Stderr = []byte(err.Error())
		err = &host.CommandError{Argv: cmd.Argv, Status: "exit status 100", Code: 100, Stderr: err.Error()}
	}
	return out, err
}

// halfway announces that a command has done part of its work: there it may fail or be killed.
func (m *machine) halfway(what string) error { return m.files.Announce("halfway", what) }

func (m *machine) systemCommand(cmd host.Command) (string, error) {
	words := operands(cmd.Argv)
	switch {
	case cmd.Argv[0] == "apt-get" && slices.Contains(cmd.Argv, "--print-uris"):
		return "", nil // tells nothing: the simulation is asked
	case cmd.Argv[0] == "apt-get" && words[0] == "install" && slices.Contains(cmd.Argv, "-s"):
		return m.simulate(words[1:])
	case cmd.Argv[0] == "apt-get" && words[0] == "purge" && slices.Contains(cmd.Argv, "-s"):
		return m.simulatePurge(words[1:])
	case cmd.Argv[0] == "apt-get" && words[0] == "update":
		m.write("/var/lib/apt/lists/bookworm", "pipx")
		return "", nil
	case cmd.Argv[0] == "apt-get" && words[0] == "download":
		return "", m.download(cmd.Dir, words[1:])
	case cmd.Argv[0] == "apt-get" && words[0] == "install":
		return "", m.install(words[1:])
	case cmd.Argv[0] == "apt-get" && words[0] == "purge":
		return "", m.purge(words[1:])
	case cmd.Argv[0] == "apt-get" && words[0] == "remove":
		return "", m.removeKeeping(words[1:])
	case cmd.Argv[0] == "apt-cache":
		return m.policy, nil
	case cmd.Argv[0] == "dpkg-deb" && slices.Contains(cmd.Argv, "--info"):
		if known(words[0]).Name == "pipx" {
			return pipxConf + "\n", nil
		}
		return "", nil
	case cmd.Argv[0] == "apt-mark" && words[0] == "auto":
		for _, word := range words[1:] {
			m.write(automatic, m.read(automatic)+word+"\n")
		}
		return "", nil
	case cmd.Argv[0] == "dpkg" && slices.Contains(cmd.Argv, "--unpack"):
		return "", m.unpack(words)
	case cmd.Argv[0] == "dpkg" && slices.Contains(cmd.Argv, "--configure"):
		return "", m.configure(words)
	case cmd.Argv[0] == "dpkg-deb" && words[0] != "":
		return contentLines(known(words[0]).Name), nil
	case cmd.Argv[0] == "dpkg-query" && (strings.HasPrefix("/usr/lib/python3/dist-packages", last(words)) ||
		last(words) == "/usr/include"):
		return "some-package: " + last(words), nil
	case cmd.Argv[0] == "dpkg-query":
		return "", &host.CommandError{Argv: cmd.Argv, Status: "exit status 1", Code: 1} // no package has the path
	case cmd.Argv[0] == "dnf":
		return m.dnf(cmd.Argv)
	case cmd.Argv[0] == "rpm":
		return m.rpm(cmd)
	case cmd.Argv[0] == step.Semanage && !(cmd.Detached && cmd.Confined):
		return "", errors.New("the policy keeps it from what it is to print to")
	case cmd.Argv[0] == step.Semanage:
		return m.semanage(cmd.Argv)
	case cmd.Argv[0] == "getent":
		return "", &host.CommandError{Argv: cmd.Argv, Status: "exit status 2", Code: 2} // it does not know the account
	}
	m.Fatalf("unexpected command %q", cmd.Argv)
	return "", nil
}

// operands are the words of a command without its options.
func operands(argv []string) []string {
	var words []string
	for i, word := range argv[1:] {
		if !strings.HasPrefix(word, "-") && argv[i] != "-o" {
			words = append(words, word)
		}
	}
	return words
}

// known finds a package by name, name:arch or name=version; dpkg's version of a file too.
func known(word string) pkgmgr.Package {
	name, _, _ := strings.Cut(filepath.Base(word), "_")
	name, _, _ = strings.Cut(name, "=")
	name, _, _ = strings.Cut(name, ":")
	for _, o := range debianPackages() {
		if o.Name == name {
			return o.Package
		}
	}
	return pkgmgr.Package{Name: name}
}

func (m *machine) simulate(names []string) (string, error) {
	if !m.has("/var/lib/apt/lists/bookworm") {
		return "", fmt.Errorf("E: Unable to locate package %s", names[0])
	}
	if m.policy != "" {
		return "", fmt.Errorf("E: Package '%s' has no installation candidate", names[0])
	}
	for _, name := range names {
		if known(name).Version == "" {
			return "", fmt.Errorf("E: Unable to locate package %s", name)
		}
	}
	var text strings.Builder
	for _, p := range closure(debianPackages(), names, m.debianHas) {
		fmt.Fprintf(&text, "Inst %s (%s Debian:12.5/stable [%s])\nConf %s (%s)\n", p.Name, p.Version, p.Arch,
			p.Name, p.Version)
	}
	return text.String(), nil
}

func (m *machine) debianHas(p pkgmgr.Package) bool {
	return slices.Contains(m.status(), debian{p, "install ok installed"})
}

func (m *machine) simulatePurge(names []string) (string, error) {
	var text strings.Builder
	for _, name := range names {
		p := known(name)
		fmt.Fprintf(&text, "Purg %s [%s]\n", p.Name, p.Version)
		if p.Name == m.needed {
			text.WriteString("Purg somebody-elses [1.0]\n")
		}
	}
	return text.String(), nil
}

func (m *machine) download(dir string, words []string) error {
	for _, word := range words {
		p := known(word)
		name := fmt.Sprintf("%s_%s_%s.deb", p.Name, strings.ReplaceAll(p.Version, ":", "%3a"), p.Arch)
		m.must(os.WriteFile(filepath.Join(dir, name), []byte(p.String()), 0o644))
		if err := m.halfway("download of " + p.Name); err != nil {
			return err
		}
	}
	return nil
}

func (m *machine) install(words []string) error {
	if err := m.unpack(words); err != nil {
		return err
	}
	return m.configure(words)
}

func (m *machine) unpack(words []string) error {
	for _, word := range words {
		p := known(word)
		m.setStatus(debian{p, "install reinstreq half-installed"})
		if err := m.halfway("unpacking of " + p.Name); err != nil {
			return err
		}
		for _, name := range contentsOf(p.Name) {
			m.program(name, p.String(), 0o755)
		}
		if p.Name == "pipx" {
			m.unpackConf(p.String())
		}
		m.setStatus(debian{p, "install ok unpacked"})
	}
	return nil
}

// contentLines is what dpkg-deb says of a package's archive.
func contentLines(name string) string {
	var text strings.Builder
	for _, file := range contentsOf(name) {
		for dir := filepath.Dir(file); dir != "/"; dir = filepath.Dir(dir) {
			fmt.Fprintf(&text, "drwxr-xr-x root/root 0 2022-12-10 21:46 .%s/\n", dir)
		}
		fmt.Fprintf(&text, "-rw-r--r-- root/root 9 2022-12-10 21:46 .%s\n", file)
	}
	return text.String()
}

// configure makes unpacked packages whole, and leaves those alone that are damaged. On the way the
// interpreter writes bytecode that dpkg does not know, and renames it.
func (m *machine) configure(words []string) error {
	for _, word := range words {
		p := known(word)
		unfinished := m.unfinishedBytecode()
		if p.Name == "python3-venv" {
			m.write(unfinished, "half")
		}
		if err := m.halfway("configuring of " + p.Name); err != nil {
			return err
		}
		m.remove(unfinished)
		_ = os.Remove(m.real(filepath.Dir(unfinished))) // unless another one is in it
		if slices.Contains(m.status(), debian{p, "install ok unpacked"}) {
			m.setStatus(debian{p, "install ok installed"})
		}
		if p.Name == "patroni" {
			m.configurePatroni()
		}
	}
	return nil
}

// pipxConf is a configuration file of the package pipx.
const pipxConf = "/usr/lib/pipx/pipx.conf"

// unpackConf unpacks it as dpkg does with --force-confold: what is there stays, and the new one is put beside it.
func (m *machine) unpackConf(text string) {
	name := pipxConf
	if m.has(name) {
		name += ".dpkg-dist"
	}
	m.write(name, text)
}

// removeKeeping removes packages and keeps their configuration.
func (m *machine) removeKeeping(words []string) error {
	for _, word := range words {
		p := known(word)
		for _, name := range contentsOf(p.Name) {
			m.remove(name)
		}
		if err := m.halfway("removal of " + p.Name); err != nil {
			return err
		}
		m.setStatus(debian{p, "deinstall ok config-files"})
	}
	_ = os.Remove(m.real("/usr/lib/python3/dist-packages/pipx-1.1.0.dist-info"))
	return nil
}

func (m *machine) purge(words []string) error {
	for _, word := range words {
		p := known(word)
		if slices.Contains(m.status(), debian{p, "install reinstreq half-installed"}) {
			return fmt.Errorf("dpkg: package is in a very bad inconsistent state; you should reinstall it")
		}
		for _, name := range contentsOf(p.Name) {
			m.remove(name)
		}
		if err := m.halfway("purging of " + p.Name); err != nil {
			return err
		}
		if p.Name == "pipx" {
			m.remove(pipxConf, pipxConf+".dpkg-dist", pipxConf+"~")
			_ = os.Remove(m.real(filepath.Dir(pipxConf))) // stays if it is not empty
		}
		m.setStatus(debian{Package: p})
		if p.Name == "patroni" {
			m.purgePatroni()
		}
	}
	for _, dir := range []string{
		"/usr/lib/python3/dist-packages/pipx-1.1.0.dist-info", filepath.Dir(etcdModule), filepath.Dir(pgModule), "/usr/lib/python3.11/ensurepip", "/usr/lib/python3.11",
		filepath.Dir(headerFile), filepath.Dir(pythonHeader), filepath.Dir(libpqHeader), filepath.Dir(libpqFile),
	} {
		_ = os.Remove(m.real(dir)) // stays if it is not empty, as dpkg leaves it
	}
	m.forgetMarks()
	return nil
}

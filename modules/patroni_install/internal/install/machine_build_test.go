package install

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/mountns"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
)

// bind is a directory that is seen at another place, both as the product names them.
type bind struct{ source, target string }

// namespace is a real one in which the machine's fakes run instead of commands.
type namespace struct {
	*mountns.Namespace
	*machine

	binds  []bind
	memory string // what a directory in memory covers
}

// namespace opens one.
func (m *machine) namespace(files *fsys.FS, binds []mountns.Bind) (Namespace, error) {
	opened, err := mountns.Open(files, binds)
	n := &namespace{Namespace: opened, machine: m}
	for _, b := range binds {
		if b.Source == nil {
			n.memory = b.Target
			continue
		}
		n.binds = append(n.binds, bind{source: b.Source.Name(), target: b.Target})
	}
	return n, err
}

// real is where a path leads for those inside.
func (n *namespace) real(name string) string {
	for _, b := range slices.Backward(n.binds) {
		if below(name, b.target) {
			return n.machine.real(b.source + strings.TrimPrefix(name, b.target))
		}
	}
	return n.machine.real(name)
}

// Run implements [Namespace].
func (n *namespace) Run(ctx context.Context, cmd host.Command) (host.Output, error) {
	return n.execute(ctx, cmd, n.command)
}

// Start implements [Namespace]; a fake command is done as soon as it is started.
func (n *namespace) Start(ctx context.Context, cmd host.Command) (func() (host.Output, error), error) {
	out, err := n.Run(ctx, cmd)
	return func() (host.Output, error) { return out, err }, nil
}

var _ Namespace = (*namespace)(nil)

func (n *namespace) command(cmd host.Command) (string, error) {
	program := path.Base(cmd.Argv[0])
	if program == "systemd-analyze" {
		return "", n.analyze(cmd.Argv)
	}
	if cmd.User == nil || cmd.User.UID != n.uid {
		n.Fatalf("command %q does not run as the user", cmd.Argv)
	}
	if _, err := os.Stat(n.real(cmd.Argv[0])); err != nil && !strings.HasSuffix(cmd.Argv[0], "/bin/python") {
		return "", err
	}
	if python := variable(cmd.Env, "PIPX_DEFAULT_PYTHON"); python != "" {
		n.interpreter = python
	}
	switch {
	case program == "python3" && cmd.Argv[1] == "-B":
		return "", n.importPackaged()
	case strings.HasPrefix(program, "python3") && cmd.Argv[1] == "-I":
		return n.script(cmd)
	case program == "pipx":
		return "", n.pipx(cmd)
	case slices.Contains(cmd.Argv, "pip"):
		return "", n.pip(cmd)
	case program == "python3" && cmd.Argv[1] == "-m" && cmd.Argv[2] == "pipx":
		if site := variable(cmd.Env, "PYTHONUSERBASE") + "/lib/python3.11/site-packages"; site != userSite[len(home):] {
			n.put(site+"/__pycache__/single.cpython-311.pyc", "bytecode")
			n.hand(site + "/__pycache__")
		}
		return "", n.pipx(cmd)
	case program == "python" && cmd.Argv[1] == "-I":
		return "", n.compile(last(cmd.Argv))
	case program == "python" && cmd.Argv[1] == "-B":
		return "", n.importAll()
	case program == "python" || program == "patroni" || program == "patronictl":
		return "", nil
	}
	n.Fatalf("unexpected command %q in the namespace", cmd.Argv)
	return "", nil
}

// script is one of our own programs in Python, told apart by what follows it.
func (n *namespace) script(cmd host.Command) (string, error) {
	args := cmd.Argv[slices.Index(cmd.Argv, "-c")+2:]
	switch {
	case args[0] == "look":
		return n.look(cmd), nil
	case args[0] == "unpack":
		text, err := io.ReadAll(cmd.Stdin)
		n.put(args[1]+"/patroni-"+string(text)+"-py3-none-any.whl", "wheel")
		return "", err
	case cmd.Argv[2] == "-B":
		return n.newer(cmd)
	case len(args) > 1 && args[1] == "download":
		return "", n.download(cmd, args[3], args[5])
	case len(args) == 1 || len(args) == 2:
		return "", n.shared(args[0])
	}
	return "", nil // tools
}

// look is what a wheelhouse with one package tells, whose archive holds no more than its version.
func (n *namespace) look(cmd host.Command) string {
	python := cmd.Argv[0]
	if n.asked == nil {
		n.asked = map[string][]string{}
	}
	n.asked[python] = cmd.Argv[slices.Index(cmd.Argv, "look")+3:]
	version := n.newest
	if cmd.Stdin != nil {
		text, err := io.ReadAll(cmd.Stdin)
		n.must(err)
		version = string(text)
	}
	found := "file patroni-" + version + "-py3-none-any.whl\n"
	if _, pinned, _ := strings.Cut(n.asked[python][0], "=="); pinned == "" || pinned == version {
		found += "takes patroni " + cmp.Or(n.takes, version) + "\n"
	} else {
		found += "missing patroni==" + pinned + " (it has patroni-" + version + "-py3-none-any.whl)\n"
	}
	if n.unlooked && !n.has("/usr/bin/pipx") {
		return "file patroni-" + version + "-py3-none-any.whl\nunknown\n"
	}
	if n.unlocked != "" {
		found += "unlocked " + n.unlocked + "\n"
	}
	if n.lacks != "" && (n.lacksFor == "" || n.lacksFor == python) {
		found += "missing " + n.lacks + "\n"
	}
	return found
}

// download fetches what a lock file names.
func (n *namespace) download(cmd host.Command, lock, dir string) error {
	text, err := os.ReadFile(n.real(lock))
	if err != nil {
		return err
	}
	parsed, err := pipx.ParseLock(string(text))
	if err != nil {
		return err
	}
	wheel := "/patroni-" + parsed.Versions("patroni")[0] + "-py3-none-any.whl"
	if links := variable(cmd.Env, "PIP_FIND_LINKS"); links != "" {
		if _, err := os.Stat(n.real(strings.TrimPrefix(links, "file://") + wheel)); err != nil {
			return err
		}
	}
	n.put(dir+wheel, "wheel")
	return nil
}

// offered is the version of the one Patroni in the directory that pip may install from, the
// wanted one where pip asks an index.
func (n *namespace) offered(cmd host.Command, wanted string) (string, error) {
	links, found := strings.CutPrefix(variable(cmd.Env, "PIP_FIND_LINKS"), "file://")
	if !found || links == "/srv/wheels" {
		return wanted, nil
	}
	wheels, err := filepath.Glob(n.real(links + "/patroni-*.whl"))
	if err != nil || len(wheels) != 1 {
		return "", fmt.Errorf("%s has %q, %w", links, wheels, err)
	}
	_, version, _ := strings.Cut(path.Base(wheels[0]), "-")
	version, _, _ = strings.Cut(version, "-")
	if wanted != "" && version != wanted {
		return "", fmt.Errorf("%s has %s, not %s", links, version, wanted)
	}
	return version, nil
}

// analyze wants the unit under its real name, with a program that is there.
func (n *namespace) analyze(argv []string) error {
	text, err := os.ReadFile(last(argv))
	_, start, found := strings.Cut(string(text), "ExecStart=")
	if err != nil || path.Ext(last(argv)) != ".service" || !found {
		return fmt.Errorf("%s: bad unit: %w", last(argv), errors.Join(err, errors.New(string(text))))
	}
	if _, err := os.Stat(n.real(strings.Fields(start)[0])); err != nil {
		return fmt.Errorf("%s: Command is not executable: %w", path.Base(last(argv)), err)
	}
	return nil
}

// put writes a file of the user's, at the place where those inside see it.
func (n *namespace) put(name, text string) {
	inside := strings.TrimPrefix(n.real(name), n.root)
	n.program(inside, text, 0o755)
}

func (n *namespace) putLink(name, target string) {
	n.link(strings.TrimPrefix(n.real(name), n.root), target)
}

// give makes everything of a tree the user's, as it would be by itself.
func (n *namespace) hand(name string) { n.own(strings.TrimPrefix(n.real(name), n.root)) }

// shared makes what pipx's shared libraries are recognised by.
func (n *namespace) shared(dir string) error {
	n.put(dir+"/pyvenv.cfg", "home = /usr/bin\nversion = "+n.minor()+".2\n")
	n.putLink(dir+"/bin/python", n.python())
	n.hand(dir)
	if err := n.halfway("shared libraries"); err != nil {
		return err
	}
	n.put(dir+"/lib/python"+n.minor()+"/site-packages/pip/__init__.py", "")
	n.put(dir+"/bin/pip", "#!"+dir+"/bin/python\n")
	n.hand(dir)
	return nil
}

// pipx builds a venv as the real one leaves it: the files that tell what it is.
func (n *namespace) pipx(cmd host.Command) error {
	home := variable(cmd.Env, "PIPX_HOME")
	if home != n.binds[0].target || !below(variable(cmd.Env, "PIPX_BIN_DIR"), home+"/scratch") {
		n.Fatalf("pipx would build outside of the stage: %q", cmd.Env)
	}
	n.backend = variable(cmd.Env, "PIPX_DEFAULT_BACKEND")
	name, wanted, _ := strings.Cut(last(cmd.Argv), "==")
	tree := home + "/venvs/patroni"
	wanted, err := n.offered(cmd, wanted)
	if err != nil {
		return err
	}
	err = n.venv(tree, cmp.Or(wanted, n.newest),
		strings.Split(strings.TrimSuffix(strings.TrimPrefix(name, "patroni["), "]"), ","))
	if n.backend == "pip" {
		site := "/lib/python" + n.minor() + "/site-packages"
		n.put(tree+site+"/pipx_shared.pth", home+"/shared"+site+"\n")
		n.hand(tree)
	}
	n.putLink(variable(cmd.Env, "PIPX_BIN_DIR")+"/patroni", tree+"/bin/patroni")
	n.put(home+"/scratch/cache/left-over", "")
	return err
}

// newer is pip asked for what comes after a version: it writes to memory alone.
func (n *namespace) newer(cmd host.Command) (string, error) {
	if slices.Contains(cmd.Env, "PIP_VERBOSE=3") { // asked for what went wrong in a build
		return "", errors.New(n.index)
	}
	if n.memory == "" || cmd.Dir != n.memory || variable(cmd.Env, "TMPDIR") != n.memory {
		n.Fatalf("pip would write to the disk: %q in %s", cmd.Env, cmd.Dir)
	}
	if n.offersNothing {
		return "", fmt.Errorf("ERROR: Could not find a version that satisfies the requirement %s (from versions: none)",
			last(cmd.Argv))
	}
	_, installed, _ := strings.Cut(last(cmd.Argv), "!=")
	if isAfter(n.newest, installed) {
		return "found patroni-" + n.newest + "-py3-none-any.whl\n", nil
	}
	return "", fmt.Errorf("ERROR: Could not find a version that satisfies the requirement %s (from versions: 4.0.7, %s)",
		last(cmd.Argv), n.newest)
}

// python is the Python that builds.
func (m *machine) python() string { return cmp.Or(m.interpreter, "/usr/bin/python3") }

// minor is the version of the Python that builds, "3.11" where its name does not tell.
func (m *machine) minor() string {
	name := m.python()
	if target, err := os.Readlink(m.real(name)); err == nil {
		name = target
	}
	if version := strings.TrimPrefix(path.Base(name), "python"); strings.Contains(version, ".") {
		return version
	}
	return "3.11"
}

// venv makes a venv with Patroni of a version.
func (n *namespace) venv(tree, version string, extras []string) error {
	site := tree + "/lib/python" + n.minor() + "/site-packages/"
	distribution := func(name, version, metadata string) {
		n.put(site+name+"-"+version+".dist-info/METADATA", "Name: "+name+"\n"+metadata+"\n")
		n.put(site+name+"-"+version+".dist-info/RECORD", "")
	}
	n.put(tree+"/pyvenv.cfg", "home = /usr/bin\nversion = "+n.minor()+".2\n")
	n.putLink(tree+"/bin/python", n.python())
	distribution("click", "8.1.7", "")
	if err := n.halfway("venv"); err != nil {
		n.hand(tree)
		return err
	}
	if slices.Contains(extras, "psycopg2-binary") {
		distribution("psycopg2_binary", "2.9.9", "")
	}
	if slices.Contains(extras, "psycopg2") || n.compiled {
		if err := n.compileDriver(); err != nil {
			n.hand(tree)
			return err
		}
		distribution("psycopg2", "2.9.9", "")
	}
	if slices.Contains(extras, "etcd") {
		distribution("python_etcd", "0.4.5", "")
	}
	record := ""
	recorded := func(name, text string) {
		n.put(path.Join(site, name), text)
		sum := sha256.Sum256([]byte(text))
		record += fmt.Sprintf("%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(text))
	}
	info := "patroni-" + version + ".dist-info/"
	recorded(info+"METADATA", "Name: patroni\n"+patroniMetadata+"\n\n"+n.description)
	recorded("patroni/__init__.py", "version = "+version)
	entries := "[console_scripts]\n"
	for _, app := range appsOf(version) {
		entries += app + " = patroni:main\n"
		recorded("../../../bin/"+app, "#!"+tree+"/bin/python\n")
	}
	recorded(info+"entry_points.txt", entries)
	n.put(site+info+"RECORD", record+info+"RECORD,,\n")
	n.put(tree+"/pipx_metadata.json", `{"main_package": {"package": "patroni"}}`)
	n.hand(tree)
	return nil
}

// compileDriver fails as the compilation of psycopg2 does without what it takes.
func (n *namespace) compileDriver() error {
	for _, c := range []struct{ file, says string }{
		{"/usr/bin/pg_config", "Error: pg_config executable not found."},
		{compilerFile, "error: command 'gcc' failed: No such file or directory"},
		{headerFile, "error: command '/usr/bin/gcc' failed with exit code 1"},
		{pythonHeader, "fatal error: Python.h: No such file or directory"},
		{libpqHeader, "fatal error: libpq-fe.h: No such file or directory"},
	} {
		if !n.has(c.file) {
			return errors.New(c.says)
		}
	}
	return nil
}

// importAll is the trial of the modules: a compiled driver needs its library then, and what it was
// compiled with is gone, if it was there for that only.
func (n *namespace) importAll() error {
	borrowed := strings.Contains(n.read(journalFile), `"borrowed":true`)
	compiled, err := filepath.Glob(n.real(venv + "/lib/python*/site-packages/psycopg2-*"))
	switch {
	case err != nil || len(compiled) == 0:
		return err
	case borrowed && (n.has(libpqHeader) || n.has(pythonHeader)):
		n.Fatal("the trial runs while the packages for the build are there")
	case !n.has(libpqFile):
		return errors.New("ImportError: libpq.so.5: cannot open shared object file: No such file or directory")
	}
	return nil
}

const patroniMetadata = `Requires-Dist: click>=4.1
Requires-Dist: psycopg2-binary; extra == "psycopg2-binary"
Requires-Dist: psycopg2; extra == "psycopg2"
Requires-Dist: python-etcd<0.5,>=0.4.3; extra == "etcd"
Provides-Extra: psycopg2-binary
Provides-Extra: psycopg2
Provides-Extra: etcd`

// appsOf are the entry points of a version; one came and one went on the way to 4.1.
func appsOf(version string) []string {
	if strings.HasPrefix(version, "4.1") {
		return usualApps()
	}
	return []string{"patroni", "patroni_wal_archiver", "patronictl"}
}

func (n *namespace) compile(dir string) error {
	n.put(dir+"/python"+n.minor()+"/site-packages/patroni/__pycache__/__init__.cpython-311.pyc", "bytecode")
	n.hand(dir)
	return nil
}

func variable(env []string, name string) string {
	for _, v := range env {
		if value, found := strings.CutPrefix(v, name+"="); found {
			return value
		}
	}
	return ""
}

func last(words []string) string { return words[len(words)-1] }

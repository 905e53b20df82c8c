package pipx

import (
	"archive/zip"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

func exampleBuild() Build {
	return Build{
		Layout:      Layout{Home: "/home/pg/.local/share/pipx", BinDir: "/home/pg/.local/bin"},
		Program:     Program{Argv: []string{"/usr/bin/pipx"}, Version: "1.1.0"},
		Python:      "/usr/bin/python3",
		Requirement: "patroni[etcd]==4.1.5",
		User:        &host.User{Name: "pg", UID: 26, GID: 26, Home: "/home/pg"},
		Scratch:     "/home/pg/scratch",
	}
}

func TestCommands(t *testing.T) {
	b := exampleBuild()
	got := append(b.Fetch(nil), b.Install()...)
	want := []host.Command{
		{Argv: []string{"/usr/bin/python3", "-I", "-c", bundledWheels + prepareShared + addTools, "/home/pg/.local/share/pipx/shared", ""}},
		{Argv: []string{"/usr/bin/pipx", "install", "patroni[etcd]==4.1.5"}},
		{Argv: []string{"/home/pg/.local/share/pipx/venvs/patroni/bin/python", "-I", "-c", compileTree, "/home/pg/.local/share/pipx/venvs/patroni/lib"}},
	}
	for i := range want {
		want[i].Env, want[i].User, want[i].Dir = b.Env(), b.User, b.Scratch
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/usr/bin/pipx"}, b.Argv); diff != "" {
		t.Errorf("the program changed (-want +got):\n%s", diff)
	}
}

// TestLockedCommands: pip fetches and checks, and pipx installs from what passed alone.
func TestLockedCommands(t *testing.T) {
	b := exampleBuild()
	b.Lock, b.Tools, b.IndexURL, b.Environ = "/home/pg/scratch/lock.txt", "/home/pg/scratch/tools.txt",
		"https://index.example", []string{"PIP_FIND_LINKS=/theirs"}
	const shared = "/home/pg/.local/share/pipx/shared"
	var got [][]string
	for _, cmd := range b.Fetch(nil) {
		got = append(got, cmd.Argv[2:])
		env := variables(cmd.Env)
		if env["PIP_INDEX_URL"] != b.IndexURL || env["PIP_NO_INDEX"] != "0" {
			t.Errorf("%s does not fetch from the index: %v", cmd, env)
		}
		if download := slices.Contains(cmd.Argv, "download"); download != (env["PIP_REQUIRE_HASHES"] == "1") {
			t.Errorf("%s wants hashes: %t", cmd, !download)
		}
	}
	if diff := cmp.Diff([][]string{
		{"-c", bundledWheels + prepareShared, shared},
		{"-c", bundledWheels + addTools, shared, "", b.Tools},
		{"-c", runPip, shared, "download", "-r", b.Lock, "-d", "/home/pg/scratch/locked"},
	}, got); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	for _, cmd := range append(b.Install(), b.BringPipx()...) {
		env := variables(cmd.Env)
		if env["PIP_NO_INDEX"] != "1" || env["PIP_FIND_LINKS"] != "file:///home/pg/scratch/locked" ||
			env["PIP_INDEX_URL"] != "" {
			t.Errorf("%s takes more than what passed: %v", cmd, env)
		}
	}
}

// TestLockedPipxForAnotherPython: what passed for the venv's interpreter may not be for the one that
// installs pipx, which fetches its own, by its own pip.
func TestLockedPipxForAnotherPython(t *testing.T) {
	b := exampleBuild()
	b.Argv, b.Python = []string{"/usr/bin/python3", "-m", "pipx"}, "/usr/bin/python3.12"
	b.Lock, b.Pipx, b.Wheels = "/home/pg/scratch/lock.txt", "/home/pg/scratch/pipx.txt", "/srv/wheels"
	commands := b.BringPipx()
	if len(commands) != 2 {
		t.Fatalf("%v", commands)
	}
	want := "/usr/bin/python3 -m pip download --no-deps --only-binary :all: -r /home/pg/scratch/pipx.txt -d " +
		"/home/pg/scratch/locked-pipx"
	if got := strings.Join(commands[0].Argv, " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	fetch, install := variables(commands[0].Env), variables(commands[1].Env)
	if fetch["PIP_REQUIRE_HASHES"] != "1" || fetch["PIP_FIND_LINKS"] != "file:///srv/wheels" {
		t.Errorf("it is fetched unchecked, or from elsewhere: %v", fetch)
	}
	if install["PIP_FIND_LINKS"] != "file:///home/pg/scratch/locked-pipx" || install["PIP_NO_INDEX"] != "1" {
		t.Errorf("more is installed than what passed: %v", install)
	}
}

// TestUVCommands: uv has variables of its own for everything that pip is told.
func TestUVCommands(t *testing.T) {
	b := exampleBuild()
	b.Installer, b.IndexURL, b.CACert = UV{}, "https://u:p@index.example", "/ca.pem"
	b.Constraints = "/home/pg/scratch/c.txt"
	b.ExtraIndexURLs = []string{"https://a.example", "https://b.example"}
	if commands := b.Fetch(nil); len(commands) > 0 {
		t.Errorf("something is prepared for pip: %v", commands)
	}
	env := variables(b.Install()[0].Env)
	for name, want := range map[string]string{
		"PIPX_DEFAULT_BACKEND": "uv", "UV_DEFAULT_INDEX": b.IndexURL, "UV_INDEX": "https://a.example https://b.example",
		"UV_CONSTRAINT": b.Constraints, "SSL_CERT_FILE": b.CACert, "UV_CACHE_DIR": "/home/pg/scratch/cache/uv",
		"UV_PYTHON_DOWNLOADS": "never", "UV_SYSTEM_CERTS": "1",
		"UV_NATIVE_TLS": "1", "UV_LINK_MODE": "copy", "UV_NO_PROGRESS": "1", "UV_OFFLINE": "", "UV_FIND_LINKS": "",
	} {
		if env[name] != want {
			t.Errorf("%s=%q, want %q", name, env[name], want)
		}
	}
	b.Wheels = "/srv/my wheels"
	env = variables(b.Install()[0].Env)
	if env["UV_OFFLINE"] != "1" || env["UV_FIND_LINKS"] != "file:///srv/my%20wheels" ||
		env["UV_DEFAULT_INDEX"]+env["UV_INDEX"] != "" {
		t.Errorf("from a wheelhouse: %v", env)
	}
	if commands := b.Install(); len(commands) != 2 || variables(commands[0].Env)["PATH"] != buildPath {
		t.Errorf("the host's uv: %v", commands)
	}
	b.Lock = "/home/pg/scratch/lock.txt"
	if commands := b.Fetch(nil); len(commands) != 2 ||
		variables(b.Install()[0].Env)["UV_FIND_LINKS"] != "file:///home/pg/scratch/locked" {
		t.Errorf("with a lock: %v", commands)
	}
}

// TestWheelhouseCommands: nothing asks an index.
func TestWheelhouseCommands(t *testing.T) {
	archive, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close() //nolint:errcheck // a test's
	b := exampleBuild()
	b.Wheels, b.IndexURL, b.ExtraIndexURLs = "/home/pg/scratch/my wheels", "https://index.example",
		[]string{"https://extra.example"}
	commands := b.Fetch(archive)
	unpack := commands[0].Argv
	if unpack[5] != "unpack" || unpack[6] != b.Wheels || commands[0].Stdin != archive {
		t.Errorf("the archive goes by %q to %v", unpack[5:], commands[0].Stdin)
	}
	if last := commands[1].Argv; last[len(last)-1] != b.Wheels {
		t.Errorf("tools are fetched for wheels, too: %q", last[4:])
	}
	for _, cmd := range slices.Concat(commands, b.Install(), b.BringPipx()) {
		env := variables(cmd.Env)
		if env["PIP_NO_INDEX"] != "1" || env["PIP_FIND_LINKS"] != "file:///home/pg/scratch/my%20wheels" ||
			env["PIP_INDEX_URL"]+env["PIP_EXTRA_INDEX_URL"] != "" {
			t.Errorf("%s: %v", cmd, env)
		}
	}
	b.Lock = "/home/pg/scratch/lock.txt"
	if env := variables(b.Install()[0].Env); env["PIP_FIND_LINKS"] != "file:///home/pg/scratch/locked" {
		t.Errorf("with a lock, pipx takes from %s", env["PIP_FIND_LINKS"])
	}
}

// variables returns the value that holds for each variable, the last one.
func variables(env []string) map[string]string {
	found := map[string]string{}
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		found[name] = value
	}
	return found
}

func TestEnvStaysInTheStage(t *testing.T) {
	env := variables(exampleBuild().Env())
	inHome := []string{"HOME", "PIPX_HOME", "PIPX_BIN_DIR"} // the binds cover the last two
	for name, value := range env {
		if strings.HasPrefix(value, "/home/pg") && !strings.HasPrefix(value, "/home/pg/scratch") &&
			!slices.Contains(inHome, name) {
			t.Errorf("%s=%s lies outside the stage", name, value)
		}
	}
	for _, name := range []string{"TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "PIP_CACHE_DIR",
		"PIPX_MAN_DIR", "PIPX_COMPLETION_DIR"} {
		if !strings.HasPrefix(env[name], "/home/pg/scratch") {
			t.Errorf("%s=%s, want it in the scratch directory", name, env[name])
		}
	}
}

func TestEnvPassesSettingsOn(t *testing.T) {
	b := exampleBuild()
	b.Environ = []string{
		"PIP_RETRIES=9", "PIP_CONSTRAINT=/etc/c.txt", "https_proxy=http://proxy:1", "NO_PROXY=localhost", "SSL_CERT_DIR=/certs",
		"PIP_TARGET=/etc", "PIP_LOG=/root/log", "PIP_USER=1", "PIP_CACHE_DIR=/root/cache", "PIP_CERT=/theirs", "PIP_COMPILE=1",
		"HOME=/root", "PYTHONPATH=/evil", "LD_PRELOAD=/evil", "PIPX_HOME=/evil", "SECRET=x", "malformed",
	}
	b.IndexURL, b.CACert = "https://u:p@index.example/simple", "/ours"
	b.ExtraIndexURLs = []string{"https://a.example/simple", "https://b.example/simple"}
	env := variables(b.Env())
	want := map[string]string{
		"PIP_RETRIES": "9", "PIP_CONSTRAINT": "/etc/c.txt", "https_proxy": "http://proxy:1", "NO_PROXY": "localhost", "SSL_CERT_DIR": "/certs",
		"PIP_TARGET": "", "PIP_LOG": "", "PIP_USER": "0", "PIP_CACHE_DIR": "/home/pg/scratch/cache/pip", "PIP_CERT": "/ours", "PIP_COMPILE": "0",
		"HOME": "/home/pg", "PYTHONPATH": "", "LD_PRELOAD": "", "PIPX_HOME": "/home/pg/.local/share/pipx", "SECRET": "",
		"PIP_INDEX_URL":       "https://u:p@index.example/simple",
		"PIP_EXTRA_INDEX_URL": "https://a.example/simple https://b.example/simple",
	}
	for name, value := range want {
		if env[name] != value {
			t.Errorf("%s=%q, want %q", name, env[name], value)
		}
	}
	b.Constraints = "/ours.txt"
	if env := variables(b.Newest().Env); env["PIP_CONSTRAINT"] != "/ours.txt" {
		t.Errorf("the question for the newest version goes by constraints %q", env["PIP_CONSTRAINT"])
	}
	for _, cmd := range slices.Concat(b.Fetch(nil), b.Install(), []host.Command{b.Newest()}) {
		if strings.Contains(strings.Join(cmd.Argv, " "), "index.example") {
			t.Errorf("the index is among the arguments: %q", cmd.Argv[:2])
		}
	}
}

// TestPassed: of the operator's environment, variable by variable, what reaches a build.
func TestPassed(t *testing.T) {
	for _, name := range []string{
		"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON", "PIP_DRY_RUN", "PIP_REPORT", "PIP_LOG",
		"PIP_LOG_FILE", "PIP_SRC", "PIP_EDITABLE", "PIP_REQUIREMENT", "PIP_BUILD", "PIP_NO_COMPILE", "PIP_HELP",
		"PIP_VERSION", "PIP_NO_DEPS", "PIP_PLATFORM", "PIP_Target", "PIP_LOCAL_LOG", "PIP_GROUP", "PIP_ABI",
		"PIP_REQUIRE_VIRTUALENV", "PIP_QUIET", "PIP_VERBOSE", "UV_CACHE_DIR", "PYTHONSTARTUP", "PATH", "proxy",
	} {
		if got := passed([]string{name + "=x"}); len(got) > 0 {
			t.Errorf("%s reaches the build", name)
		}
	}
	for _, name := range []string{
		"PIP_INDEX_URL", "PIP_RETRIES", "PIP_CONSTRAINT", "PIP_TRUSTED_HOST", "http_proxy",
		"HTTPS_PROXY", "no_proxy", "all_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
	} {
		if diff := cmp.Diff([]string{name + "=x"}, passed([]string{name + "=x"})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestEnvIsFixed: what every command of a build has, whatever the operator set.
func TestEnvIsFixed(t *testing.T) {
	b := exampleBuild()
	b.Environ = []string{"PIP_NO_INPUT=0", "PIP_DISABLE_PIP_VERSION_CHECK=0", "PIP_PROGRESS_BAR=on"}
	b.UserBase = "/home/pg/.local"
	got := variables(b.Env())
	for name, want := range map[string]string{
		"HOME": "/home/pg", "USER": "pg", "LOGNAME": "pg", "LC_ALL": "C.UTF-8", "NO_COLOR": "1",
		"PIPX_USE_EMOJI": "0", "USE_EMOJI": "0",
		"PIPX_DEFAULT_PYTHON": "/usr/bin/python3", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1",
		"PIP_PROGRESS_BAR": "off",
		"PIP_COMPILE":      "0", "PYTHONUSERBASE": "/home/pg/.local", "PIP_NO_WARN_SCRIPT_LOCATION": "1",
	} {
		if got[name] != want {
			t.Errorf("%s=%q, want %q", name, got[name], want)
		}
	}
	if value, set := got["PYTHONSAFEPATH"]; !set || value != "" {
		t.Errorf("PYTHONSAFEPATH=%q, set: %t; pipx sets it unless it is there", value, set)
	}
}

func TestEnvVariants(t *testing.T) {
	b := exampleBuild()
	if env := variables(b.Env()); env["PIP_NO_BUILD_ISOLATION"] != "0" || env["PYTHONNOUSERSITE"] != "1" {
		t.Errorf("system pipx, not isolated: %v", env)
	}
	if env := variables(b.Env()); env["PIP_INDEX_URL"]+env["PIP_EXTRA_INDEX_URL"]+env["PIP_CERT"] != "" {
		t.Error("the index is set though nobody set it")
	}
	b.Isolated, b.Argv = true, []string{"/usr/bin/python3", "-m", "pipx"}
	env := variables(b.Env())
	for _, name := range []string{"PIP_NO_BUILD_ISOLATION", "PYTHONNOUSERSITE"} {
		if value, set := env[name]; set {
			t.Errorf("the user's pipx, isolated: %s=%s", name, value)
		}
	}
}

// TestSourcesImportTheirOwn: pipx 1.18 asks pip's children not to import from the directory
// that they work in, which the setup.py of ydiff does.
func TestSourcesImportTheirOwn(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ydiff.py"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const pipx = `
import os, subprocess, sys
os.environ.setdefault("PYTHONSAFEPATH", "1")
sys.exit(subprocess.call([sys.executable, "-c", "import ydiff"]))`
	interpreter, err := exec.LookPath("python3") // by its path, since it looks for its modules by how it was called
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), interpreter, "-c", pipx)
	cmd.Env, cmd.Dir = exampleBuild().Env(), dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// python runs one of the embedded programs with the machine's own interpreter.
func python(t *testing.T, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "python3", append([]string{"-I", "-c", program}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestCompileTree(t *testing.T) {
	root := write(t, map[string]string{"lib/good.py": "x = 1\n", "lib/template.py": "{% if x %}\n"}, nil)
	python(t, compileTree, filepath.Join(root, "lib"))
	made, err := filepath.Glob(filepath.Join(root, "lib/__pycache__/*.pyc"))
	if err != nil || len(made) != 1 || !strings.HasPrefix(filepath.Base(made[0]), "good.") {
		t.Errorf("made %q, %v; want the bytecode of good.py alone", made, err)
	}
}

// fakeWheels makes the interpreter find wheels in a directory alone, the first argument, none
// where it is empty.
const fakeWheels = `
import glob, sys, sysconfig
real_var, real_glob, folder = sysconfig.get_config_var, glob.glob, sys.argv.pop(1)
sysconfig.get_config_var = lambda name: folder if name == "WHEEL_PKG_DIR" else real_var(name)
glob.glob = lambda pattern: [] if pattern.endswith(".whl") and not pattern.startswith(folder) else real_glob(pattern)
`

// wheel makes a wheel with these files, each a name and its content.
func wheel(t *testing.T, name string, files ...string) {
	t.Helper()
	out, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	archive := zip.NewWriter(out)
	for i := 0; i < len(files); i += 2 {
		entry, created := archive.Create(files[i])
		if err = created; err == nil {
			_, err = entry.Write([]byte(files[i+1]))
		}
		if err != nil {
			break
		}
	}
	if err := errors.Join(err, archive.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestPrepareShared(t *testing.T) {
	root := t.TempDir()
	wheel(t, filepath.Join(root, "pip-9.0-py3-none-any.whl"), "pip/old.py", "")
	wheel(t, filepath.Join(root, "pip-23.1-py3-none-any.whl"), "pip/_internal/cli/main.py",
		"main = lambda: print('pip runs')")
	wheel(t, filepath.Join(root, "setuptools-70.1-py3-none-any.whl"), "setuptools/__init__.py", "")
	shared := filepath.Join(root, "shared")
	python(t, fakeWheels+bundledWheels+prepareShared, root, shared)
	out, err := exec.CommandContext(t.Context(), filepath.Join(shared, "bin", "pip")).Output()
	if err != nil || string(out) != "pip runs\n" {
		t.Errorf("bin/pip printed %q, %v", out, err)
	}
	for pattern, want := range map[string]int{"pip/_internal/cli/main.py": 1, "setuptools/__init__.py": 1,
		"pip/old.py": 0} {
		found, err := filepath.Glob(filepath.Join(shared, "lib/python3*/site-packages", pattern))
		if err != nil || len(found) != want {
			t.Errorf("%s is there %d times, want %d; %v", pattern, len(found), want, err)
		}
	}
}

// TestAddTools runs a pip that says what it is called with, and the tools that it is called for.
func TestAddTools(t *testing.T) {
	for _, test := range []struct{ name, setuptools, wheelhouse, lock, want string }{
		{"old setuptools", "setuptools-66.1-py3-none-any.whl", "", "", "install wheel<0.46\n"},
		{"new setuptools", "setuptools-70.1-py3-none-any.whl", "", "", ""},
		{"no setuptools", "", "", "", "install setuptools\n"},
		{"wheels alone", "", "a-1-py3-none-any.whl", "", ""},
		{"a source", "", "a-1.tar.gz", "", "install setuptools\n"},
		{"a lock", "setuptools-70.1-py3-none-any.whl", "", "tools.txt", "install --no-deps --only-binary :all: --require-hashes -r tools.txt\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := write(t, map[string]string{"shared/bin/pip": "#", "wheelhouse/patroni.lock": "#"}, nil)
			for _, name := range []string{test.setuptools, test.wheelhouse} {
				if name != "" {
					wheel(t, filepath.Join(root, map[bool]string{true: "wheelhouse"}[name == test.wheelhouse], name))
				}
			}
			said := filepath.Join(root, "said")
			program := "#!/bin/sh\nshift 2\necho \"$@\" >" + said + "\n"
			interpreter := filepath.Join(root, "shared/bin/python")
			if err := os.WriteFile(interpreter, []byte(program), 0o700); err != nil { //nolint:gosec // to be run
				t.Fatal(err)
			}
			wheelhouse := ""
			if test.wheelhouse != "" {
				wheelhouse = filepath.Join(root, "wheelhouse")
			}
			python(t, fakeWheels+bundledWheels+addTools, root, filepath.Join(root, "shared"), wheelhouse, test.lock)
			got, err := os.ReadFile(said)
			if err != nil && !errors.Is(err, fs.ErrNotExist) || string(got) != test.want {
				t.Errorf("pip was called with %q, %v; want %q", got, err, test.want)
			}
		})
	}
}

func TestPrepareSharedWithoutWheels(t *testing.T) {
	root := t.TempDir()
	python(t, fakeWheels+bundledWheels+prepareShared, root, filepath.Join(root, "shared"))
	if _, err := os.Lstat(filepath.Join(root, "shared")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was made: %v", err)
	}
}

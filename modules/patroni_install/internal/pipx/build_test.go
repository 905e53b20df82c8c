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
	got := b.Commands()
	want := []host.Command{
		{Argv: []string{"/usr/bin/python3", "-I", "-c", bundledWheels + prepareShared, "/home/pg/.local/share/pipx/shared"}},
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

// settings returns the value that holds for each variable, the last one.
func settings(env []string) map[string]string {
	found := map[string]string{}
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		found[name] = value
	}
	return found
}

func TestEnvStaysInTheStage(t *testing.T) {
	env := settings(exampleBuild().Env())
	inHome := []string{"HOME", "PIPX_HOME", "PIPX_BIN_DIR"} // the binds cover the last two
	for name, value := range env {
		if strings.HasPrefix(value, "/home/pg") && !strings.HasPrefix(value, "/home/pg/scratch") && !slices.Contains(inHome, name) {
			t.Errorf("%s=%s lies outside the stage", name, value)
		}
	}
	for _, name := range []string{"TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "PIP_CACHE_DIR", "PIPX_MAN_DIR", "PIPX_COMPLETION_DIR"} {
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
	env := settings(b.Env())
	want := map[string]string{
		"PIP_RETRIES": "9", "PIP_CONSTRAINT": "/etc/c.txt", "https_proxy": "http://proxy:1", "NO_PROXY": "localhost", "SSL_CERT_DIR": "/certs",
		"PIP_TARGET": "", "PIP_LOG": "", "PIP_USER": "", "PIP_CACHE_DIR": "/home/pg/scratch/cache/pip", "PIP_CERT": "/ours", "PIP_COMPILE": "0",
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
	if env := settings(b.Newest().Env); env["PIP_CONSTRAINT"] != "/ours.txt" {
		t.Errorf("the question for the newest version goes by constraints %q", env["PIP_CONSTRAINT"])
	}
	for _, cmd := range append(b.Commands(), b.Newest()) {
		if strings.Contains(strings.Join(cmd.Argv, " "), "index.example") {
			t.Errorf("the index is among the arguments: %q", cmd.Argv[:2])
		}
	}
}

func TestEnvVariants(t *testing.T) {
	b := exampleBuild()
	if env := settings(b.Env()); env["PIP_NO_BUILD_ISOLATION"] != "0" || env["PYTHONNOUSERSITE"] != "1" {
		t.Errorf("system pipx, not isolated: %v", env)
	}
	if env := settings(b.Env()); env["PIP_INDEX_URL"]+env["PIP_EXTRA_INDEX_URL"]+env["PIP_CERT"] != "" {
		t.Error("the index is set though nobody set it")
	}
	b.Isolated, b.Argv = true, []string{"/usr/bin/python3", "-m", "pipx"}
	env := settings(b.Env())
	for _, name := range []string{"PIP_NO_BUILD_ISOLATION", "PYTHONNOUSERSITE"} {
		if value, set := env[name]; set {
			t.Errorf("the user's pipx, isolated: %s=%s", name, value)
		}
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
	wheel(t, filepath.Join(root, "pip-23.1-py3-none-any.whl"), "pip/_internal/cli/main.py", "main = lambda: print('pip runs')")
	wheel(t, filepath.Join(root, "setuptools-70.1-py3-none-any.whl"), "setuptools/__init__.py", "")
	shared := filepath.Join(root, "shared")
	python(t, fakeWheels+bundledWheels+prepareShared, root, shared)
	out, err := exec.CommandContext(t.Context(), filepath.Join(shared, "bin", "pip")).Output()
	if err != nil || string(out) != "pip runs\n" {
		t.Errorf("bin/pip printed %q, %v", out, err)
	}
	for pattern, want := range map[string]int{"pip/_internal/cli/main.py": 1, "setuptools/__init__.py": 1, "pip/old.py": 0} {
		found, err := filepath.Glob(filepath.Join(shared, "lib/python3*/site-packages", pattern))
		if err != nil || len(found) != want {
			t.Errorf("%s is there %d times, want %d; %v", pattern, len(found), want, err)
		}
	}
}

func TestPrepareSharedWithoutWheels(t *testing.T) {
	root := t.TempDir()
	python(t, fakeWheels+bundledWheels+prepareShared, root, filepath.Join(root, "shared"))
	if _, err := os.Lstat(filepath.Join(root, "shared")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was made: %v", err)
	}
}

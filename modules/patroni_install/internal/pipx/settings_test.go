package pipx

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/ini"
)

func inGlobal(name, value string) ini.Setting {
	return ini.Setting{Section: "global", Name: name, Value: value}
}

// TestParsePipFile: what counts are settings of a build's commands that have a value, in pip's own spelling.
func TestParsePipFile(t *testing.T) {
	want := []ini.Setting{{Section: "download", Name: "python-version", Value: "2.7"},
		{Section: "install", Name: "user", Value: "yes"}, {Section: "global", Name: "log-file", Value: "x"}}
	got := parsePipFile("[download]\n--python_version=2.7\n[install]\nUser: yes\n[freeze]\nroot = 1\n[list]\nroot = 1\n" +
		"[global]\nlog =\nLOG_FILE = x\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDefaultSection: its settings count in each other section of the file that a build reads, below what that says
// itself, even with nothing. Without such a section they count nowhere.
func TestDefaultSection(t *testing.T) {
	for text, want := range map[string]string{
		"[DEFAULT]\ntarget = /x\n":                                     "",
		"[DEFAULT]\ntarget = /x\n[freeze]\nall = 1\n":                  "",
		"[DEFAULT]\ntarget = /x\n[global]\n":                           "DEFAULT target=/x",
		"[install]\n[DEFAULT]\nTarget = /x\n":                          "DEFAULT target=/x",
		"[DEFAULT]\ntarget = /x\n[download]\npre = 1\n[global]\n":      "download pre=1; DEFAULT target=/x",
		"[DEFAULT]\nno_deps = 1\n[global]\nno-deps = 0\n":              "global no-deps=0",
		"[DEFAULT]\ntarget = /x\n[global]\ntarget =\n":                 "",
		"[DEFAULT]\ntarget = /x\n[global]\ntarget =\n[install]\n":      "DEFAULT target=/x",
		"[DEFAULT]\npre = 1\n[install]\npre = 0\n[DEFAULT]\nroot=/x\n": "install pre=0; DEFAULT root=/x",
		"[DEFAULT]\npre =\n[global]\n[default]\nroot = /x\n":           "",
	} {
		var got []string
		for _, s := range parsePipFile(text) {
			got = append(got, s.Section+" "+s.Name+"="+s.Value)
		}
		if diff := cmp.Diff(want, strings.Join(got, "; ")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// TestPipFiles: which files pip reads, and whether it can.
func TestPipFiles(t *testing.T) {
	user := &host.User{Name: "pg", UID: 105, GID: 110, Home: "/home/pg"}
	root := write(t, map[string]string{
		"etc/pip.conf": "[global]\nuser = 1\n", "home/pg/.config/pip/pip.conf": "[global]\nroot = /x\n",
		"opt/python/pip.conf": "[global]\nprefix = /x\n", "srv/pip.conf": "[global]\ntarget = /x\n",
		"closed/pip.conf": "[global]\nabi = x\n", "real/pip.conf": "[global]\nabi = x\n", "etc/xdg/pip/pip.conf": "-> ../../../real/pip.conf",
	}, nil)
	files := fsys.New(root)
	if err := os.Chmod(filepath.Join(root, "etc/pip.conf"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(root, "closed"), 0o700); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, file := range PipFiles(files, user, []string{"PIP_CONFIG_FILE=/srv/pip.conf"}, "/usr/bin/python3",
		"/opt/python/bin/python3", "/opt/python/bin/python3.13") {
		got[file.Path] = file.Settings[0].Name
		if file.Closed != nil {
			got[file.Path] += ": " + file.Closed.Error()
		}
	}
	attr, err := files.Lstat("/etc/pip.conf")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"/etc/pip.conf":         "user: it may not read /etc/pip.conf (" + attr.Attr.String() + ")",
		"/etc/xdg/pip/pip.conf": "abi", "/opt/python/pip.conf": "prefix", "/srv/pip.conf": "target",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for environ, want := range map[string]bool{
		"": true, "PIP_CONFIG_FILE=": true, "PIP_CONFIG_FILE=/none": true, "PIP_CONFIG_FILE=/srv/pip.conf": false,
		"PIP_CONFIG_FILE=/srv/pip.conf PIP_CONFIG_FILE=/none": true, "PIP_CONFIG_FILE=/closed/pip.conf": true,
	} {
		got := slices.ContainsFunc(PipFiles(files, user, strings.Fields(environ), "/usr/bin/python3"), func(f PipFile) bool {
			return f.Path == "/home/pg/.config/pip/pip.conf"
		})
		if got != want {
			t.Errorf("%q: the user's file is read: %t", environ, got)
		}
	}
	if got := PipFiles(files, user, []string{"PIP_CONFIG_FILE=/dev/null"}, "/usr/bin/python3"); got != nil {
		t.Errorf("pip reads none, and there are %v", got)
	}
}

// TestDamagedPipFile: what pip would not load, if it reads it.
func TestDamagedPipFile(t *testing.T) {
	user := &host.User{Name: "pg", UID: 105, GID: 110, Home: "/home/pg"}
	root := write(t, map[string]string{"etc/pip.conf": "[global]\na = 1\n[global]\n"}, nil)
	for mode, want := range map[os.FileMode]string{0o644: "line 3: there is a section [global] already", 0o600: ""} {
		if err := os.Chmod(filepath.Join(root, "etc/pip.conf"), mode); err != nil {
			t.Fatal(err)
		}
		files := PipFiles(fsys.New(root), user, nil, "/usr/bin/python3")
		if got := files[0].Damaged; (got == nil) != (want == "") || got != nil && got.Error() != want {
			t.Errorf("%s: %v, want %q", mode, got, want)
		}
	}
}

// TestStays: each setting that nothing takes back is named, by each of its names.
func TestStays(t *testing.T) {
	b, locked := exampleBuild(), exampleBuild()
	locked.Lock = "/lock.txt"
	for name, want := range map[string]bool{
		"target": true, "prefix": true, "root": true, "build": true, "build-dir": true, "build-directory": true,
		"python": true, "editable": true, "group": true, "requirements-from-script": true, "platform": true,
		"python-version": true, "implementation": true, "abi": true, "version": true, "require-hashes": true,
		"user": false, "log": false, "index-url": false, "only-binary": false, "pre": false, "help": false,
	} {
		file := PipFile{Settings: []ini.Setting{inGlobal("timeout", "9"), inGlobal(name, "1")}}
		got, stays := b.Stays(file)
		if stays != want || stays && got.Name != name {
			t.Errorf("%s stays: %t", name, stays)
		}
		if _, stays := locked.Stays(file); stays != (want && name != "require-hashes") {
			t.Errorf("with a lock %s stays: %t", name, stays)
		}
	}
	if got, stays := b.Stays(PipFile{Settings: []ini.Setting{inGlobal("require-hashes", "False")}}); stays {
		t.Errorf("%v is off", got)
	}
	b.Environ = []string{"PIP_REQUIRE_HASHES=0"}
	if got, stays := b.Stays(PipFile{Settings: []ini.Setting{inGlobal("require-hashes", "1")}}); stays {
		t.Errorf("%v is taken back", got)
	}
}

// TestNoIndex: whose setting leaves pip no place to have packages from.
func TestNoIndex(t *testing.T) {
	const variable, file = "PIP_NO_INDEX in the task's environment", "no-index in /etc/pip.conf"
	none := []ini.Setting{inGlobal("no-index", "true")}
	links := append([]ini.Setting{inGlobal("find-links", "/srv")}, none...)
	for _, c := range []struct {
		b    Build
		want string
	}{
		{Build{}, ""},
		{Build{Environ: []string{"PIP_NO_INDEX=1"}}, variable},
		{Build{Environ: []string{"PIP_NO_INDEX=0"}, PipFiles: []PipFile{{Path: "/etc/pip.conf", Settings: none}}}, ""},
		{Build{Environ: []string{"PIP_NO_INDEX=1", "PIP_FIND_LINKS=/srv"}}, ""},
		{Build{Environ: []string{"PIP_NO_INDEX=1"}, IndexURL: "https://x"}, ""},
		{Build{Environ: []string{"PIP_NO_INDEX=1"}, Wheels: "/w"}, ""},
		{Build{Environ: []string{"PIP_NO_INDEX=1"}, ExtraIndexURLs: []string{"https://x"}, Lock: "/l"}, variable},
		{Build{PipFiles: []PipFile{{Path: "/etc/pip.conf", Settings: none}}}, file},
		{Build{PipFiles: []PipFile{{Path: "/etc/pip.conf", Settings: links}}}, ""},
		{Build{PipFiles: []PipFile{{Settings: none, Closed: os.ErrPermission}}}, ""},
		{Build{PipFiles: []PipFile{{Path: "/etc/pip.conf", Settings: none}, {Settings: links, Closed: os.ErrPermission}}}, file},
		{Build{PipFiles: []PipFile{{Settings: []ini.Setting{inGlobal("no-index", "off")}}}}, ""},
	} {
		if got := c.b.NoIndex(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.b, got, c.want)
		}
	}
}

// TestWantsHashes: the variable counts as the setting does; the last one, if it has a value.
func TestWantsHashes(t *testing.T) {
	for environ, want := range map[string]bool{
		"": false, "PIP_REQUIRE_HASHES=": false, "PIP_REQUIRE_HASHES=1": true, "PIP_require_hashes=on": true,
		"PIP_REQUIRE_HASHES=No": false, "PIP_REQUIRE_HASHES=1 PIP_REQUIRE_HASHES=0": false,
		"PIP_REQUIRE_HASHES=1 PIP_REQUIRE_HASHES=": true,
	} {
		b := Build{Environ: strings.Fields(environ)}
		locked := b
		locked.Lock = "/lock.txt"
		if got := b.WantsHashes(); got != want || locked.WantsHashes() {
			t.Errorf("%q: %t", environ, got)
		}
	}
}

// TestLost: what pip would go without if it did not read a file.
func TestLost(t *testing.T) {
	file := PipFile{Settings: parsePipFile("[global]\nindex-url = x\ncert = x\nuser = 1\nprogress-bar = on\n" +
		"pre = 1\n[install]\npre = 1\nconstraint = x\nlocal-log = x\n")}
	for name, c := range map[string]struct {
		edit func(b *Build)
		want []string
	}{
		"as it is":         {func(*Build) {}, []string{"index-url", "cert", "pre", "constraint"}},
		"another index":    {func(b *Build) { b.IndexURL = "https://x" }, []string{"cert", "pre", "constraint"}},
		"by a variable":    {func(b *Build) { b.Environ = []string{"PIP_PRE=1"} }, []string{"index-url", "cert", "constraint"}},
		"own constraints":  {func(b *Build) { b.Constraints, b.CACert = "/c", "/ca" }, []string{"index-url", "pre"}},
		"from a directory": {func(b *Build) { b.Wheels = "/w" }, []string{"pre", "constraint"}},
	} {
		b := exampleBuild()
		c.edit(&b)
		if diff := cmp.Diff(c.want, b.Lost(file)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestFilesAreTakenBack: a real pip whose file has every setting of the build's comes out with ours.
func TestFilesAreTakenBack(t *testing.T) {
	const program = `
import sys
pip = bundled("pip")
if not pip: sys.exit(77)
sys.path.insert(0, pip)
from pip._internal.commands import create_command
values = create_command(sys.argv[1]).parser.get_default_values()
for name in sys.argv[2:]:
    value = getattr(values, name)
    print(name, value[0] if isinstance(value, list) else value)
`
	conf := filepath.Join(t.TempDir(), "pip.conf")
	text := "[global]\n"
	b := exampleBuild()
	b.checked = true
	b.Environ = []string{"PIP_CONFIG_FILE=" + conf}
	for _, name := range []string{"log-file", "report"} {
		b.PipFiles = append(b.PipFiles, PipFile{Settings: []ini.Setting{inGlobal(name, "x")}})
	}
	for _, own := range b.ownSettings() {
		if own.back == "" {
			continue
		}
		for _, name := range own.names {
			text += name + " = 1\n"
		}
	}
	if err := os.WriteFile(conf, []byte(text+requireHashes+" = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "python3", "-I", "-B", "-c", bundledWheels+program, "install", "use_user_site",
		"require_venv", "dry_run", "compile", "ignore_dependencies", "ignore_requires_python", "requirements", "log",
		"json_report_file", "src_dir", "require_hashes", "quiet", "verbose")
	cmd.Env = b.Env()
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() == 77 {
		t.Skip("the interpreter came without a wheel of pip")
	}
	want := "use_user_site 0\nrequire_venv 0\ndry_run 0\ncompile 0\nignore_dependencies 0\nignore_requires_python 0\n" +
		"requirements /dev/null\nlog /dev/null\njson_report_file /dev/null\nsrc_dir /home/pg/scratch/src\nrequire_hashes 0\n" +
		"quiet 0\nverbose 0\n"
	if diff := cmp.Diff(want, string(out)); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

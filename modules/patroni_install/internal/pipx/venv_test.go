package pipx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

const metadataText = `Metadata-Version: 2.4
Name: patroni
Version: 4.1.5
Requires-Dist: urllib3!=1.21,>=1.19.1
Requires-Dist: PyYAML
Requires-Dist: py-consul<1.6.0,>=1.1.1; python_version > "3.6" and python_version < "3.9"
Requires-Dist: py-consul>=1.1.1; python_version >= "3.9"
Requires-Dist: old-thing; python_version == "3.6" and extra == "consul"
Provides-Extra: etcd3
Requires-Dist: python-etcd<0.5,>=0.4.3; extra == "etcd3"
Provides-Extra: psycopg2-binary
Requires-Dist: psycopg2-binary; extra == "psycopg2-binary"
Provides-Extra: psycopg3
Requires-Dist: psycopg[binary]>=3.0.0; extra == "psycopg3"
Provides-Extra: consul

Requires-Dist: not-in-the-header
`

// venvFiles is a healthy venv below a root: path → content, with "-> target" for a link.
func venvFiles() map[string]string {
	const site = "venv/lib/python3.11/site-packages/"
	return map[string]string{
		"usr/bin/python3":                         "-> python3.11",
		"usr/bin/python3.11":                      "interpreter",
		"venv/pyvenv.cfg":                         "home = /usr/bin\nversion = 3.11.2\n",
		"venv/pipx_metadata.json":                 `{"main_package": {"package": "patroni", "apps": ["patroni"]}}`,
		"venv/bin/python":                         "-> python3",
		"venv/bin/python3":                        "-> /usr/bin/python3",
		"venv/bin/patroni":                        "#!/venv/bin/python\n",
		"venv/bin/patronictl":                     "#!/venv/bin/python\n",
		"venv/lib64":                              "-> lib",
		site + "pipx_shared.pth":                  "/shared\n",
		site + "patroni/daemon.py":                "code\n",
		site + "patroni-4.1.5.dist-info/METADATA": metadataText,
		site + "patroni-4.1.5.dist-info/RECORD":   "",
		site + "patroni-4.1.5.dist-info/entry_points.txt": "[console_scripts]\npatroni = patroni.__main__:main\n" +
			"patronictl = patroni.ctl:ctl\n\n[other]\nno = no:no\n",
		site + "urllib3-2.8.0.dist-info/RECORD":      "",
		site + "PyYAML-6.0.3.dist-info/RECORD":       "",
		site + "py_consul-1.8.0.dist-info/RECORD":    "",
		site + "python_etcd-0.4.5-py3.11.egg-info/x": "",
	}
}

// site is where the packages of the venv above are.
const site = "venv/lib/python3.11/site-packages/"

// write makes files below a new root, with the changes applied; "" as a change removes a file.
func write(t *testing.T, files, changes map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		if change, changed := changes[name]; changed {
			content = change
		}
		writeOne(t, filepath.Join(root, name), content)
	}
	for name, content := range changes {
		if _, known := files[name]; !known {
			writeOne(t, filepath.Join(root, name), content)
		}
	}
	return root
}

func writeOne(t *testing.T, name, content string) {
	t.Helper()
	if content == "" && !strings.HasSuffix(name, "RECORD") && !strings.HasSuffix(name, "/x") {
		return
	}
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		if target, isLink := strings.CutPrefix(content, "-> "); isLink {
			err = os.Symlink(target, name)
		} else {
			err = os.WriteFile(name, []byte(content), 0o755)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestInspectHealthy(t *testing.T) {
	root := write(t, venvFiles(), nil)
	at := time.Unix(1_700_000_000, 5)
	if err := os.Chtimes(filepath.Join(root, "venv/pipx_metadata.json"), at, at); err != nil {
		t.Fatal(err)
	}
	v, err := Inspect(fsys.New(root), "/venv", os.Geteuid())
	if err != nil {
		t.Fatal(err)
	}
	if v.Info.Type != fsys.Directory {
		t.Errorf("it is a %s", v.Info.Type)
	}
	got := *v
	got.Info, got.metadata = fsys.Info{}, metadata{}
	want := Venv{
		Path: "/venv", Python: "3.11", Interpreter: "/usr/bin/python3", PatroniVersion: "4.1.5",
		Packages: map[string]string{
			"patroni": "4.1.5", "urllib3": "2.8.0", "pyyaml": "6.0.3", "py-consul": "1.8.0", "python-etcd": "0.4.5",
		},
		Apps: []string{"patroni", "patronictl"}, InstalledAt: at,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Venv{}, metadata{}, requirement{})); diff != "" {
		t.Errorf("venv (-want +got):\n%s", diff)
	}
}

// TestInjected are names of packages; what else the user may have written there is of no interest.
func TestInjected(t *testing.T) {
	for injected, want := range map[string][]string{
		`{}`: nil,
		`{"six": {"package": "six", "apps": []}, "PG_activity": {"package": "pg_activity==3.5"}}`: {"pg-activity", "six"},
		`{"a b": {}, "-x": {}, "\u001b[1m": {}, "ok": "x"}`:                                       {"ok"},
		`null`:    nil,
		`"x"`:     nil,
		`["six"]`: nil,
		`{"` + strings.Repeat("x", 999) + `": {}}`: nil,
	} {
		files := venvFiles()
		files["venv/pipx_metadata.json"] = `{"main_package": {"package": "patroni"}, "injected_packages": ` + injected + `}`
		v, err := Inspect(fsys.New(write(t, files, nil)), "/venv", os.Geteuid())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, v.Injected); diff != "" || len(v.Problems) > 0 {
			t.Errorf("%s: problems %q (-want +got):\n%s", injected, v.Problems, diff)
		}
	}
}

func TestInspectFindsProblems(t *testing.T) {
	const info = site + "patroni-4.1.5.dist-info/"
	tests := map[string]struct {
		changes map[string]string
		want    string
	}{
		"interpreter gone":        {map[string]string{"usr/bin/python3.11": ""}, "its interpreter /usr/bin/python3 is gone"},
		"no interpreter link":     {map[string]string{"venv/bin/python3": ""}, "/venv/bin/python3 is missing"},
		"links in a circle":       {map[string]string{"venv/bin/python3": "-> python"}, "bin/python leads to no interpreter"},
		"new Python":              {map[string]string{"usr/bin/python3": "-> python3.13", "usr/bin/python3.13": "new"}, "it was made for Python 3.11, but /usr/bin/python3 is Python 3.13 now"},
		"no pyvenv.cfg":           {map[string]string{"venv/pyvenv.cfg": ""}, "it is half-written: pyvenv.cfg is missing"},
		"pyvenv.cfg is a link":    {map[string]string{"venv/pyvenv.cfg": "-> /etc/shadow"}, "pyvenv.cfg"},
		"odd pyvenv.cfg":          {map[string]string{"venv/pyvenv.cfg": "version = ../../x\n"}, "pyvenv.cfg does not tell the version of Python"},
		"large pyvenv.cfg":        {map[string]string{"venv/pyvenv.cfg": strings.Repeat("#", smallFile+1)}, "larger than"},
		"no pipx metadata":        {map[string]string{"venv/pipx_metadata.json": ""}, "it is half-written: pipx_metadata.json is missing"},
		"damaged pipx metadata":   {map[string]string{"venv/pipx_metadata.json": "{"}, "pipx_metadata.json is damaged"},
		"another package":         {map[string]string{"venv/pipx_metadata.json": `{"main_package":{"package":"black"}}`}, `its main package is "black", not "patroni"`},
		"no packages":             {map[string]string{"venv/pyvenv.cfg": "version = 3.12.1\n"}, "it is half-written: /venv/lib/python3.12/site-packages is missing"},
		"Patroni's RECORD gone":   {map[string]string{info + "RECORD": "-> nowhere", info + "METADATA": ""}, "it is half-written"},
		"dependency gone":         {map[string]string{site + "py_consul-1.8.0.dist-info/RECORD": "-> x", site + "PyYAML-6.0.3.dist-info/RECORD": "-> x"}, ""},
		"app gone":                {map[string]string{"venv/bin/patronictl": ""}, "program bin/patronictl is missing"},
		"app is a link":           {map[string]string{"venv/bin/patroni": "-> /bin/sh"}, "program bin/patroni is missing"},
		"app not declared":        {map[string]string{info + "entry_points.txt": "[console_scripts]\npatroni=x:y\n"}, "program bin/patronictl is not among Patroni's entry points"},
		"no entry points":         {map[string]string{info + "entry_points.txt": ""}, "it is half-written: Patroni's entry_points.txt is missing"},
		"moved":                   {map[string]string{"venv/bin/patroni": "#!/old/venv/bin/python\n"}, "it was moved or copied: bin/patroni starts /old/venv/bin/python, which does not exist"},
		"long path":               {map[string]string{"venv/bin/patroni": "#!/bin/sh -e\n"}, ""},
		"interpreter is the file": {map[string]string{"venv/bin/python3": "interpreter itself"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			root := write(t, venvFiles(), test.changes)
			v, err := Inspect(fsys.New(root), "/venv", os.Geteuid())
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(v.Problems, "\n")
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("problems are %q, want one with %q", v.Problems, test.want)
			}
		})
	}
}

// TestInspectProgramThatNobodyExecutes: without the right to execute it, a file is no program.
func TestInspectProgramThatNobodyExecutes(t *testing.T) {
	root := write(t, venvFiles(), nil)
	if err := os.Chmod(filepath.Join(root, "venv/bin/patronictl"), 0o655); err != nil {
		t.Fatal(err)
	}
	v, err := Inspect(fsys.New(root), "/venv", os.Geteuid())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"program bin/patronictl is missing"}, v.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestInspectMissingDependency(t *testing.T) {
	root := write(t, venvFiles(), nil)
	for _, name := range []string{"PyYAML-6.0.3.dist-info", "py_consul-1.8.0.dist-info"} {
		if err := os.RemoveAll(filepath.Join(root, site, name)); err != nil {
			t.Fatal(err)
		}
	}
	v, err := Inspect(fsys.New(root), "/venv", os.Geteuid())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"packages that Patroni needs are missing: py-consul, pyyaml"}
	if diff := cmp.Diff(want, v.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestInspectForeignOwner(t *testing.T) {
	root := write(t, venvFiles(), nil)
	v, err := Inspect(fsys.New(root), "/venv", os.Geteuid()+1)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{fmt.Sprintf("it belongs to uid %d, not to uid %d", os.Geteuid(), os.Geteuid()+1)}
	if diff := cmp.Diff(want, v.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestInspectBoundsDirectories(t *testing.T) {
	root := write(t, venvFiles(), nil)
	for i := range maxEntries {
		if err := os.Mkdir(filepath.Join(root, site, fmt.Sprintf("package%d", i)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	v, err := Inspect(fsys.New(root), "/venv", os.Geteuid())
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Problems) != 1 || !strings.Contains(v.Problems[0], "more than 4096 entries") {
		t.Errorf("problems are %q", v.Problems)
	}
}

func TestInspectRefuses(t *testing.T) {
	root := write(t, map[string]string{"file": "x", "link": "-> /venv"}, nil)
	files := fsys.New(root)
	if _, err := Inspect(files, "/none", 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there gave %v", err)
	}
	for _, name := range []string{"/file", "/link"} {
		if _, err := Inspect(files, name, 0); err == nil || !strings.Contains(err.Error(), "not a directory") {
			t.Errorf("%s gave %v", name, err)
		}
	}
}

// TestMachineIsNoProblem: what this process may not do for want of descriptors is no problem of the venv.
func TestMachineIsNoProblem(t *testing.T) {
	for _, errno := range []error{unix.EMFILE, unix.ENFILE} {
		v := &Venv{}
		if err := v.note(&fs.PathError{Op: "open", Path: "/x", Err: errno}); !errors.Is(err, errno) || len(v.Problems) > 0 {
			t.Errorf("%v: %v, problems %q", errno, err, v.Problems)
		}
	}
	v := &Venv{}
	if err := v.note(&fs.PathError{Op: "open", Path: "/x", Err: unix.EACCES}); err != nil || len(v.Problems) != 1 {
		t.Errorf("what the owner can cause: %v, problems %q", err, v.Problems)
	}
}

package pipx

import (
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

func TestSharedUsable(t *testing.T) {
	const pip = "shared/lib/python3.11/site-packages/pip/__init__.py"
	shared := map[string]string{
		"usr/bin/python3":       "-> python3.11",
		"usr/bin/python3.11":    "interpreter",
		"shared/bin/python":     "-> python3",
		"shared/bin/python3":    "-> /usr/bin/python3",
		"shared/bin/pip":        "#!/shared/bin/python\n",
		pip:                     "code\n",
		"shared/pip_is_here/no": "x",
	}
	tests := map[string]struct {
		changes map[string]string
		python  string
		want    bool
	}{
		"complete":               {nil, "3.11", true},
		"for another Python":     {nil, "3.13", false},
		"for no Python":          {nil, "", false},
		"no program pip":         {map[string]string{"shared/bin/pip": ""}, "3.11", false},
		"program pip is a link":  {map[string]string{"shared/bin/pip": "-> /usr/bin/pip"}, "3.11", false},
		"no package pip":         {map[string]string{pip: ""}, "3.11", false},
		"package pip is a file":  {map[string]string{pip: "", "shared/lib/python3.11/site-packages/pip": "file"}, "3.11", false},
		"package pip is a link":  {map[string]string{pip: "", "shared/lib/python3.11/site-packages/pip": "-> /shared/pip_is_here"}, "3.11", false},
		"no link to interpreter": {map[string]string{"shared/bin/python": ""}, "3.11", false},
		"interpreter gone":       {map[string]string{"usr/bin/python3.11": ""}, "3.11", false},
		"interpreter replaced":   {map[string]string{"usr/bin/python3": "-> python3.13", "usr/bin/python3.13": "new"}, "3.11", false},
		"links in a circle":      {map[string]string{"shared/bin/python3": "-> python"}, "3.11", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			files := fsys.New(write(t, shared, test.changes))
			if got := SharedUsable(files, "/shared", test.python); got != test.want {
				t.Errorf("usable: %v, want %v", got, test.want)
			}
		})
	}
	if SharedUsable(fsys.New(t.TempDir()), "/shared", "3.11") {
		t.Error("nothing at all is usable")
	}
}

func TestSharedPython(t *testing.T) {
	for text, want := range map[string]string{
		"home = /usr/bin\nversion = 3.11.2\n": "3.11", "version = ../../x\n": "", "home = /usr/bin\n": "", "-> /etc/passwd": "", "": "",
	} {
		files := fsys.New(write(t, map[string]string{"shared/pyvenv.cfg": text, "shared/bin/pip": "#!"}, nil))
		if got := SharedPython(files, "/shared"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

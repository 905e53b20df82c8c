package pipx

import (
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// TestInstallers: what each has pipx use, and what it needs before that.
func TestInstallers(t *testing.T) {
	for _, c := range []struct {
		name      string
		installer Installer
		backend   string
		prepared  bool // something for a pip
	}{
		{"none chosen", nil, "pip", true},
		{"pip", Pip{}, "pip", true},
		{"the host's uv", UV{}, "uv", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := exampleBuild()
			b.Installer = c.installer
			env := variables(b.Env())
			if env["PIPX_DEFAULT_BACKEND"] != c.backend || env["PATH"] != buildPath {
				t.Errorf("backend %q, PATH %q, want %q, %q", env["PIPX_DEFAULT_BACKEND"], env["PATH"], c.backend, buildPath)
			}
			if prepared := len(b.Fetch(nil)) > 0; prepared != c.prepared {
				t.Errorf("a pip is prepared: %t, want %t", prepared, c.prepared)
			}
		})
	}
}

// TestInstallersByName: pipx has the same names for them, and the preferred one is among them.
func TestInstallersByName(t *testing.T) {
	for name, installer := range Installers() {
		b := exampleBuild()
		b.Installer = installer
		if backend := variables(b.Env())["PIPX_DEFAULT_BACKEND"]; backend != name {
			t.Errorf("%s has pipx use %q", name, backend)
		}
	}
	if Installers()[Preferred] == nil {
		t.Errorf("there is no %s", Preferred)
	}
}

func TestPipIsConfigured(t *testing.T) {
	user := someUser()
	user.Home = "/home/pg"
	for name, test := range map[string]struct {
		file    string
		environ []string
		want    bool
	}{
		"not at all":       {"etc/other.conf", []string{"HTTPS_PROXY=x", "UV_CACHE_DIR=/x"}, false},
		"for the system":   {"etc/pip.conf", nil, true},
		"for the user":     {"home/pg/.config/pip/pip.conf", nil, true},
		"for the desktop":  {"etc/xdg/pip/pip.conf", nil, true},
		"as long ago":      {"home/pg/.pip/pip.conf", nil, true},
		"for the Python":   {"usr/pip.conf", nil, true},
		"for another user": {"home/other/.config/pip/pip.conf", nil, false},
		"by a variable":    {"x", []string{"PIP_RETRIES=9"}, true},
		"not for a build":  {"x", []string{"PIP_TARGET=/x"}, false},
	} {
		root := write(t, map[string]string{test.file: "[global]"}, nil)
		files := PipFiles(fsys.New(root), user, test.environ, "/usr/bin/python3")
		if got := PipIsConfigured(files, test.environ); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

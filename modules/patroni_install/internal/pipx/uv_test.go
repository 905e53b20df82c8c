package pipx

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

func TestUVChecks(t *testing.T) {
	for version, want := range map[string]bool{"1.1.0": false, "1.11.1": false, "1.12.0": true, "1.18.4": true,
		"2.0": true, "": false, "odd": false} {
		if err := (UV{}).Check(Program{Version: version}); (err == nil) != want {
			t.Errorf("pipx %q: %v", version, err)
		}
	}
}

func TestHasUV(t *testing.T) {
	for name, change := range map[string]struct {
		place string
		mode  os.FileMode
		want  bool
	}{
		"there":           {"usr/local/bin/uv", 0o755, true},
		"of the system":   {"usr/bin/uv", 0o755, true},
		"not executable":  {"usr/bin/uv", 0o644, false},
		"others may edit": {"usr/local/bin/uv", 0o775, false},
		"elsewhere":       {"opt/uv", 0o755, false},
	} {
		t.Run(name, func(t *testing.T) {
			if os.Geteuid() != 0 {
				t.Skip("a program of root's takes root")
			}
			root := write(t, map[string]string{change.place: "#!"}, nil)
			if err := os.Chmod(filepath.Join(root, change.place), change.mode); err != nil {
				t.Fatal(err)
			}
			if got, err := HasUV(fsys.New(root)); got != change.want || err != nil {
				t.Errorf("%t, %v", got, err)
			}
		})
	}
}

func TestPipIsConfigured(t *testing.T) {
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
		"for another user": {"home/other/.config/pip/pip.conf", nil, false},
		"by a variable":    {"x", []string{"PIP_RETRIES=9"}, true},
		"not for a build":  {"x", []string{"PIP_TARGET=/x"}, false},
	} {
		root := write(t, map[string]string{test.file: "[global]"}, nil)
		if got := PipIsConfigured(fsys.New(root), "/home/pg", test.environ); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

package pipx

import (
	"errors"
	"io/fs"
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

func TestUVIsFound(t *testing.T) {
	for name, change := range map[string]struct {
		place string
		mode  os.FileMode
		want  bool
	}{
		"there":           {"usr/local/bin/uv", 0o755, true},
		"of the system":   {"usr/bin/uv", 0o755, true},
		"not executable":  {"usr/bin/uv", 0o644, false},
		"root's alone":    {"usr/local/bin/uv", 0o700, false},
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
			err := (UV{}).Find(fsys.New(root), someUser())
			if (err == nil) != change.want || err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Error(err)
			}
		})
	}
}

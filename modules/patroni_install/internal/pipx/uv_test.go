package pipx

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// TestUVsFiles: where uv would look for settings, and which of them tell where packages come from.
func TestUVsFiles(t *testing.T) {
	user := someUser()
	user.Home = "/home/pg"
	for text, want := range map[string][]string{
		" ": nil, "exclude-newer = \"2020-01-01\"\n# index-url = \"x\"\n[pip]\ntarget = \"/x\"": nil,
		"[[index]]\nurl = \"https://u:p@x\"\ndefault = true\n": {"index"},
		"index = [{ url = \"x\" }]\nindex-url=\"x\"":           {"index", "index-url"},
		"[pip]\n  \"extra-index-url\" = [\n\"x\"]\n":           {"extra-index-url"},
		"pip = { find-links = [\"x\"] }":                       {"find-links"},
		"pip.no-index = true\noffline = true\noffline = false": {"no-index", "offline"},
		"index-strategy = \"first-index\"":                     nil,
	} {
		for _, name := range []string{"/etc/uv/uv.toml", "/etc/xdg/uv/uv.toml", "/home/pg/.config/uv/uv.toml"} {
			got := UV{}.Unread(fsys.New(write(t, map[string]string{name[1:]: text}, nil)), user)
			if diff := cmp.Diff([]Unread{{Path: name, Sources: want}}, got); diff != "" {
				t.Errorf("%s: %q (-want +got):\n%s", name, text, diff)
			}
		}
	}
	none := fsys.New(write(t, map[string]string{"home/other/.config/uv/uv.toml": "x"}, nil))
	linked := fsys.New(write(t, map[string]string{"real": "offline = true", "etc/uv/uv.toml": "-> ../../real"}, nil))
	if got := (UV{}).Unread(none, user); len(got) > 0 || len(Pip{}.Unread(linked, user)) > 0 {
		t.Errorf("there are %v", got)
	}
	if got := (UV{}).Unread(linked, user); len(got) != 1 || len(got[0].Sources) != 1 {
		t.Errorf("behind a link: %v", got)
	}
	b := exampleBuild()
	b.Installer = UV{}
	if got := variables(b.Env())["UV_NO_CONFIG"]; got != "1" {
		t.Errorf("UV_NO_CONFIG=%q", got)
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

package pipx

import (
	"slices"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// TestInstallers: what each has pipx use, what it needs before that, and where programs are then searched.
func TestInstallers(t *testing.T) {
	for _, c := range []struct {
		name      string
		installer Installer
		backend   string
		prepared  bool // something for a pip
		path      string
	}{
		{"none chosen", nil, "pip", true, buildPath},
		{"pip", Pip{}, "pip", true, buildPath},
		{"the host's uv", UV{}, "uv", false, buildPath},
		{"a uv brought", UV{Brought: true}, "uv", true, "/home/pg/scratch/installer/bin:" + buildPath},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := exampleBuild()
			b.Installer = c.installer
			env := variables(b.Env())
			if env["PIPX_DEFAULT_BACKEND"] != c.backend || env["PATH"] != c.path {
				t.Errorf("backend %q, PATH %q, want %q, %q", env["PIPX_DEFAULT_BACKEND"], env["PATH"], c.backend, c.path)
			}
			if prepared := len(b.Fetch(nil)) > 0; prepared != c.prepared {
				t.Errorf("a pip is prepared: %t, want %t", prepared, c.prepared)
			}
			brings := slices.ContainsFunc(b.Install(), func(cmd host.Command) bool {
				return slices.Contains(cmd.Argv, "--target")
			})
			if want := len(b.installer().Brings()) > 0; brings != want {
				t.Errorf("it is brought: %t, want %t", brings, want)
			}
		})
	}
}

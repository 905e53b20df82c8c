package pipx

import "testing"

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

package install

import "testing"

// TestBuildWithBinDirOfOthers: the programs that build lie in bin_dir, and are in sight.
func TestBuildWithBinDirOfOthers(t *testing.T) {
	for name, c := range map[string]struct {
		arguments string
		edit      func(m *machine)
	}{
		"pipx": {`{"bin_dir": "/usr/local/bin"}`, func(m *machine) {
			m.program("/usr/local/bin/pipx", "#!", 0o755)
			m.dir("/usr/local/lib/python3.11/dist-packages/pipx-1.7.1.dist-info", 0o755)
		}},
		"python": {`{"bin_dir": "/usr/local/bin", "python": "/usr/local/bin/python3"}`, func(m *machine) {
			m.program("/usr/local/bin/python3.11", "#!", 0o755)
			m.link("/usr/local/bin/python3", "python3.11")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			c.edit(m)
			m.run(c.arguments)
			if !m.has("/usr/local/bin/patroni") || m.run(c.arguments).Changed() {
				t.Error("not installed, or not for good")
			}
		})
	}
}

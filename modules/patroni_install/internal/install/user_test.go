package install

import (
	"testing"
)

// TestRootIsNoUser: what the package index sends runs as the user, so root is refused under every name, by a check as
// well, and before anything is touched.
func TestRootIsNoUser(t *testing.T) {
	for name, user := range map[string]string{"by its name": "root", "by its number": "0", "by another name": "toor"} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.append("/etc/passwd", "toor:x:0:0::/root:/bin/sh\n")
			m.dir("/root", 0o700)
			m.refuses(`{"user": "`+user+`"}`, "cannot install for user", "uid 0", "patroni_user")
		})
	}
}

// TestRootsInstallationGoes: what an earlier version installed for root can be removed.
func TestRootsInstallationGoes(t *testing.T) {
	m := newMachine(t)
	m.dir("/root/.local/share/pipx/venvs", 0o755)
	m.must((&namespace{machine: m}).venv("/root/.local/share/pipx/venvs/patroni", "4.0.7", []string{"etcd"}))
	m.run(`{"user": "root", "state": "absent"}`)
	if m.has("/root/.local/share/pipx/venvs/patroni") {
		t.Error("it is still there")
	}
}

package install

import (
	"os"
	"strings"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// TestConfigDirOfTheSystem: a directory that is something else's does not become the user's.
func TestConfigDirOfTheSystem(t *testing.T) {
	const dir = "/etc/patroni"
	roots := func(names ...string) func(m *machine) {
		return func(m *machine) {
			m.dir(dir, 0o755)
			for _, name := range names {
				m.write(dir+"/"+name, "")
			}
		}
	}
	users := func(names ...string) func(m *machine) {
		return func(m *machine) { roots(names...)(m); m.own(dir) }
	}
	for name, c := range map[string]struct {
		arguments string
		edit      func(m *machine)
		want      string // of the refusal, "" when it is taken
	}{
		"root's and empty":         {`{}`, roots(), ""},
		"with the configuration":   {`{}`, roots("patroni.yaml", "server.key"), ""},
		"with its like":            {`{}`, roots("dcs.yml", "config.yml.in", "old.yaml", "patroni.yaml.bak"), ""},
		"the user's":               {`{}`, users("server.key"), ""},
		"with something else":      {`{}`, roots("a.yml", "sudo"), "it holds sudo, and belongs to user 0, not to postgres"},
		"with another name for it": {`{"config_file": "b"}`, roots("patroni.yaml", "key"), "it holds key"},
		"the package's":            {`{"method": "package"}`, func(m *machine) { packageOffered(m); roots("README")(m) }, ""},
		"somebody's":               {`{}`, func(m *machine) { roots("member")(m); m.must(os.Lchown(m.real(dir), 33, 33)) }, "belongs to user 33"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			c.edit(m)
			_, check := m.installer(c.arguments).Check(t.Context())
			_, err := m.installer(c.arguments).Run(t.Context())
			if (check == nil) != (err == nil) || (err == nil) != (c.want == "") ||
				err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("check: %v; run: %v", check, err)
			}
			if info, failed := m.files.Lstat(dir); failed != nil ||
				err == nil && info.Attr != (fsys.Attr{Mode: 0o700, UID: m.uid, GID: m.gid}) {
				t.Errorf("%v, %v", info.Attr, failed)
			}
			gone := removed
			if strings.Contains(c.arguments, "package") {
				gone = `{"method": "package", "state": "absent"}`
			}
			m.run(gone) // which has no interest in it
		})
	}
}

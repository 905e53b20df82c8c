package pkgmgr

import (
	"errors"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// TestExplain uses lines as apt 2.6 and 3.0 print them, with other host names.
func TestExplain(t *testing.T) {
	for name, c := range map[string]struct{ stderr, want string }{
		"DNS": {
			"E: Failed to fetch http://mirror.example/pool/p.deb  Temporary failure resolving 'mirror.example'",
			"the package mirror's name cannot be resolved; check the host's DNS, or set http_proxy in the task's environment or apt's configuration",
		},
		"refused": {
			"E: Failed to fetch http://127.0.0.1:9/p.deb  Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)",
			"the package mirror or the proxy refuses connections; check apt's sources and the proxy",
		},
		"full": {
			"E: Write error - write (28: No space left on device)",
			"the file system is full; free space below /var",
		},
		"unknown": {"E: something else", `command "apt-get update" failed: exit status 100: E: something else`},
	} {
		t.Run(name, func(t *testing.T) {
			failed := &host.CommandError{Argv: []string{"apt-get", "update"}, Status: "exit status 100", Code: 100,
				Stderr: c.stderr}
			err := explain(failed)
			if err.Error() != c.want {
				t.Errorf("explain: %q, want %q", err, c.want)
			}
			if kept, ok := errors.AsType[*host.CommandError](err); !ok || kept != failed {
				t.Error("the command's error is lost")
			}
		})
	}
	if other := errors.New("other"); explain(other) != other { //nolint:errorlint // the same error is meant
		t.Error("an error that is no command's is changed")
	}
}

package pkgmgr

import (
	"strings"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// TestHooksOfApt: a hook that fails is named, and what dpkg has done is done.
func TestHooksOfApt(t *testing.T) {
	pipx, _, _ := pipxSet()
	for name, stderr := range map[string]string{ // of apt 2.6.2 and 3.0.4
		"DPkg::Post-Invoke 'echo hello; exit 3'": "E: Problem executing scripts DPkg::Post-Invoke 'echo hello; exit 3'\n" +
			"E: Sub-process returned an error code",
		"/bin/false": "E: Sub-process /bin/false returned an error code (1)\nE: Failure running script /bin/false",
	} {
		t.Run(name, func(t *testing.T) {
			f := newHost(t, entry(pipx, "install ok installed"))
			f.on["apt-get -s"] = prints("Purg pipx [1.1.0-1]\n")
			fail := fails(stderr)
			f.on["apt-get -qy purge"] = fail
			want := "a hook in apt's configuration failed, " + name + "; mend it or take it away"
			_, err := f.apt.Remove(t.Context(), []Package{pipx}, "/nowhere")
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("a hook before: %v, want %q", err, want)
			}
			f.on["apt-get -qy purge"] = func(cmd host.Command) (string, error) {
				f.write(statusFile, "")
				return fail(cmd)
			}
			if kept, err := f.apt.Remove(t.Context(), []Package{pipx}, "/nowhere"); err != nil || len(kept) > 0 {
				t.Errorf("a hook after all is gone: %v, kept %v", err, kept)
			}
		})
	}
}

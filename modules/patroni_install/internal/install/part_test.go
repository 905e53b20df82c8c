package install

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEveryPartGoes: what a removal leaves is named here, so that no new part is forgotten in it.
func TestEveryPartGoes(t *testing.T) {
	for arguments, stay := range map[string][]string{
		`{}`: {
			"*install.byPipx", "*install.runnable", "*install.stages", "*install.userPipx", "*install.labels", "*install.dirs",
			"*install.places",
		},
		`{"method": "package"}`: {
			"*install.byPackage", "*install.stages", "*install.dirs", "*install.places", "*install.disabling", "*install.release",
		},
	} {
		want := desired(t, arguments)
		parts, going := bare(t, arguments).look(t, &want).method.list()
		var left []string
		for _, part := range parts {
			if name := fmt.Sprintf("%T",
				part); !slices.ContainsFunc(going, func(p Part) bool { return fmt.Sprintf("%T", p) == name }) {
				left = append(left, name)
			}
		}
		if diff := cmp.Diff(stay, left); diff != "" {
			t.Errorf("%s: what stays (-want +got):\n%s", arguments, diff)
		}
		if len(going) != len(parts)-len(stay) {
			t.Errorf("%s: %d parts go, of %d", arguments, len(going), len(parts))
		}
	}
}

// TestLookComesFirst: what nobody has looked at, or asked for, is known to nobody, and a plan reads nothing.
func TestLookComesFirst(t *testing.T) {
	want := desired(t, `{}`)
	v := healthy(t, `{}`).look(t, &want).seen
	for want, use := range map[string]func(){
		"nobody has looked at /etc/hostname":              func() { v.At("/etc/hostname") },
		"nobody has read":                                 func() { v.usedBy("/etc/patroni/") },
		"/etc/hostname is read after all have looked":     func() { _ = v.Look("/etc/hostname") },
		"/etc/machine-id is read after all have looked":   func() { _, _ = v.files.Lstat("/etc/machine-id") },
		"/etc/machine-info is read after all have looked": func() { _, _, _ = v.files.ReadFileInfo("/etc/machine-info", 1) },
		"/etc/opt is read after all have looked":          func() { _, _ = v.Names("/etc/opt") },
		"/etc/alias is read after all have looked":        func() { _, _ = v.files.RealPath("/etc/alias") },
		"/etc/link is read after all have looked":         func() { _, _ = v.files.Resolve("/etc/link") },
		"/etc/mount is read after all have looked":        func() { _, _ = v.files.NoExec("/etc/mount") },
		"/etc/label is read after all have looked":        func() { _, _ = v.files.Label("/etc/label") },
	} {
		func() {
			defer func() {
				if said := fmt.Sprint(recover()); !strings.Contains(said, want) {
					t.Errorf("it says %q, want %q", said, want)
				}
			}()
			use()
		}()
	}
	if e, found := v.At(unitFile); !found || len(e.Data) == 0 {
		t.Errorf("the unit: %v, %t", e, found)
	}
}

package install

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEveryPartGoes: what a removal leaves is named here, so that no new part is forgotten in it.
func TestEveryPartGoes(t *testing.T) {
	for arguments, stay := range map[string][]string{
		`{}`: {
			"*install.byPipx", "*install.stages", "*install.userPipx", "*install.labels", "*install.dirs", "*install.places",
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
	for name, use := range map[string]func(){
		"a path":         func() { v.At("/etc/hostname") },
		"other services": func() { v.usedBy("/etc/patroni/") },
		"a late look":    func() { _ = v.Look("/etc/hostname") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: nothing said that it was not looked at", name)
				}
			}()
			use()
		}()
	}
	if e, found := v.At(unitFile); !found || len(e.Data) == 0 {
		t.Errorf("the unit: %v, %t", e, found)
	}
}

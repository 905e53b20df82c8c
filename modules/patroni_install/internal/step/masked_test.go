package step_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
)

// TestMaskedUnit: of a unit that somebody else may have written people see no value, and its owner and mode.
func TestMaskedUnit(t *testing.T) {
	before := &step.FileState{Attr: fsys.Attr{Mode: 0o600}, Data: []byte("[Service]\nNice=1\nEnvironment=A=hunter2\n")}
	after := &step.FileState{Attr: fsys.Attr{Mode: 0o644}, Data: []byte("[Service]\nNice=1\nEnvironment=A=mine\n")}
	for masked, want := range map[step.Masking][2]string{
		"": {
			"# mode and owner: 0600 0:0\n[Service]\nNice=1\nEnvironment=A=hunter2\n",
			"# mode and owner: 0644 0:0\n[Service]\nNice=1\nEnvironment=A=mine\n",
		},
		step.MaskBefore: {
			"# mode and owner: 0600 0:0\n[Service]\nNice=1\nEnvironment=…\n",
			"# mode and owner: 0644 0:0\n[Service]\nNice=1\nEnvironment=A=mine\n",
		},
		step.MaskBoth: {"# mode and owner: 0600 0:0\n", "# mode and owner: 0644 0:0\n"},
	} {
		got := (&step.File{Name: "unit", Path: "/u", Before: before, After: after, Masked: masked}).Describe()
		if diff := cmp.Diff(want, [2]string{got.Before, got.After}); diff != "" {
			t.Errorf("%q (-want +got):\n%s", masked, diff)
		}
	}
}

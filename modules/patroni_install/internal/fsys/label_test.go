package fsys

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

const programLabel = "system_u:object_r:bin_t:s0"

func TestLabel(t *testing.T) {
	root := t.TempDir()
	f := New(root)
	if err := os.WriteFile(filepath.Join(root, "program"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	err := f.SetLabel("/program", programLabel)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("labels cannot be given here:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if label, err := f.Label("/program"); err != nil || label != programLabel {
		t.Errorf("label %q, %v", label, err)
	}
	for range 2 { // once more does no harm
		if err := f.SetLabel("/program", ""); err != nil {
			t.Fatal(err)
		}
	}
	if label, err := f.Label("/program"); err != nil || label == programLabel {
		t.Errorf("label %q, %v", label, err)
	}
}

// TestLabelFollowsNoLink: the owner of a directory could otherwise have any file labelled.
func TestLabelFollowsNoLink(t *testing.T) {
	root := t.TempDir()
	f := New(root)
	if err := errors.Join(os.WriteFile(filepath.Join(root, "secret"), nil, 0o600), os.Symlink("secret", filepath.Join(root, "program"))); err != nil {
		t.Fatal(err)
	}
	if err := f.SetLabel("/program", programLabel); err == nil {
		t.Error("a link was followed")
	}
	if label, _ := f.Label("/secret"); label == programLabel {
		t.Error("what the link leads to was labelled")
	}
}

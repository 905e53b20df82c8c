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
	if err := errors.Join(os.WriteFile(filepath.Join(root, "secret"), nil, 0o600),
		os.Symlink("secret", filepath.Join(root, "program"))); err != nil {
		t.Fatal(err)
	}
	_ = f.SetLabel("/program", programLabel)
	if label, _ := f.Label("/secret"); label == programLabel {
		t.Error("what the link leads to was labelled")
	}
}

// TestLabelOfEveryKind: systemd follows links and passes through directories, so that these have a label too.
func TestLabelOfEveryKind(t *testing.T) {
	root := t.TempDir()
	f := New(root)
	must(t, os.WriteFile(filepath.Join(root, "file"), nil, 0o755))
	must(t, os.Mkdir(filepath.Join(root, "directory"), 0o755))
	must(t, os.Symlink("file", filepath.Join(root, "link")))
	if err := f.SetLabel("/file", programLabel); errors.Is(err, unix.EPERM) || errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("labels cannot be given here:", err)
	}
	for _, name := range []string{"/file", "/directory", "/link"} {
		for _, want := range []string{programLabel, programLabel, ""} {
			must(t, f.SetLabel(name, want))
			got, err := f.Label(name)
			if err != nil || got != want && want != "" || want == "" && got == programLabel {
				t.Errorf("%s has the label %q, %v, want %q", name, got, err, want)
			}
		}
	}
	must(t, f.SetLabel("/file", ""))
	must(t, f.LabelledSymlink("/link", "directory", os.Geteuid(), os.Getegid(), programLabel))
	if info, err := f.Lstat("/link"); err != nil || info.Target != "directory" {
		t.Errorf("the link leads to %q, %v", info.Target, err)
	}
	for name, want := range map[string]bool{"/link": true, "/file": false, "/directory": false} {
		if got, err := f.Label(name); err != nil || (got == programLabel) != want {
			t.Errorf("%s has the label %q, %v", name, got, err)
		}
	}
}

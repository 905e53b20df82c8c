package fsys

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTouch(t *testing.T) {
	root := t.TempDir()
	name, past := filepath.Join(root, "file"), time.Unix(1_000_000_000, 0)
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file", filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	for entry, touched := range map[string]bool{"file": true, "link": false, "none": false} {
		if err := os.Chtimes(name, past, past); err != nil {
			t.Fatal(err)
		}
		err := New(root).Touch("/" + entry)
		info, statErr := os.Stat(name)
		if statErr != nil || (err == nil) != touched || info.ModTime().After(past) != touched {
			t.Errorf("%s: %v, time %v, %v", entry, err, info.ModTime(), statErr)
		}
	}
}

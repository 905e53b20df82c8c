package fsys

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSyncTree(t *testing.T) {
	f, dir := sample(t)
	build(t, dir, map[string]entry{"d/fifo": {Type: Other}, "d/dangling": {Type: Link, Text: "/nowhere"}})
	before, open := snapshot(t, dir), openDescriptors(t)
	must(t, f.SyncTree("/d"))
	if diff := cmp.Diff(before, snapshot(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if now := openDescriptors(t); now != open {
		t.Errorf("%d descriptors open, %d before", now, open)
	}
	for _, name := range []string{"/d/file", "/missing"} {
		if err := f.SyncTree(name); err == nil {
			t.Errorf("SyncTree %s: no error", name)
		}
	}
}

// TestSyncTreeSyncsAll counts what is handed to fsync.
func TestSyncTreeSyncsAll(t *testing.T) {
	f, _ := sample(t)
	top, err := f.OpenDir("/d")
	must(t, err)
	defer top.Close() //nolint:errcheck // read only
	for range 2 {
		var got []string
		must(t, f.eachEntry(top, func(file *os.File, directory bool) error {
			got = append(got, fmt.Sprintf("%s %v", file.Name(), directory))
			return file.Close()
		}))
		want := []string{
			"/d/empty true", "/d/file false", "/d/full true", "/d/full/file false", "/d/full/sub true",
			"/d/full/sub/end false",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("synced (-want +got):\n%s", diff)
		}
	}
}

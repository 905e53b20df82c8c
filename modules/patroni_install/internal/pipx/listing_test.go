package pipx

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// listed makes a small tree, all of it from one moment.
func listed(t *testing.T) string {
	t.Helper()
	root := write(t, map[string]string{
		"bin/patroni": "program", "lib/a.py": "code", "lib/a.pyc": "bytecode", "lib/__pycache__/a.pyc": "bytecode",
		"lib64": "-> lib", "odd\nname": "-> \t\"x\"", "café": "text",
	}, nil)
	at := time.Unix(1, 5)
	for _, name := range []string{"bin/patroni", "lib/a.py", "café"} {
		if err := os.Chtimes(filepath.Join(root, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestListing(t *testing.T) {
	root := listed(t)
	before, err := Listing(fsys.New(root), "/")
	if err != nil {
		t.Fatal(err)
	}
	want := `d 755 - - bin
f 755 7 1000000005 bin/patroni
f 755 4 1000000005 café
d 755 - - lib
f 755 4 1000000005 lib/a.py
l - - - lib64	-> lib
l - - - "odd\nname"	-> "\t\"x\""
`
	if diff := cmp.Diff(want, string(before)); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
	// Importing the code and nothing else leaves the listing as it is.
	if err := os.WriteFile(filepath.Join(root, "lib/__pycache__/b.pyc"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	after, err := Listing(fsys.New(root), "/")
	if err != nil {
		t.Fatal(err)
	}
	if diff := Differences(before, after); diff != nil {
		t.Errorf("bytecode shows: %q", diff)
	}
}

func TestDifferences(t *testing.T) {
	root := listed(t)
	before, err := Listing(fsys.New(root), "/")
	if err != nil {
		t.Fatal(err)
	}
	changes := []error{
		os.WriteFile(filepath.Join(root, "lib/a.py"), []byte("edit"), 0o755),
		os.Chmod(filepath.Join(root, "bin/patroni"), 0o644),
		os.Remove(filepath.Join(root, "lib64")),
		os.Symlink("bin", filepath.Join(root, "lib64")),
		os.Remove(filepath.Join(root, "café")),
		os.Mkdir(filepath.Join(root, "new"), 0o755),
	}
	for _, err := range changes {
		if err != nil {
			t.Fatal(err)
		}
	}
	after, err := Listing(fsys.New(root), "/")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"bin/patroni was changed", "café was removed", "lib/a.py was changed", "lib64 was changed", "new was added"}
	if diff := cmp.Diff(want, Differences(before, after)); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"new was removed"}, Differences([]byte("d 755 - - new\n"), nil)); diff != "" {
		t.Errorf("against nothing (-want +got):\n%s", diff)
	}
}

func TestListingOfNothing(t *testing.T) {
	if text, err := Listing(fsys.New(t.TempDir()), "/venv"); err == nil {
		t.Errorf("got %q and no error", text)
	}
}

// BenchmarkListing lists a tree of the size of Patroni's venv: 1,400 entries in 150 directories
// beside as many with bytecode.
func BenchmarkListing(b *testing.B) {
	root := b.TempDir()
	for i := range 1400 {
		dir := filepath.Join(root, fmt.Sprintf("package%d", i%15), fmt.Sprintf("part%d", i%150))
		if err := os.MkdirAll(filepath.Join(dir, "__pycache__"), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("module%d.py", i)), nil, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	files := fsys.New("/")
	for b.Loop() {
		if _, err := Listing(files, root); err != nil {
			b.Fatal(err)
		}
	}
}

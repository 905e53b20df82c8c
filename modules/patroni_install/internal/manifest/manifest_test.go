package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// tree makes files, and a link if the content begins with "-> ".
func tree(t *testing.T, content map[string]string) *fsys.FS {
	t.Helper()
	root := t.TempDir()
	for name, text := range content {
		full := filepath.Join(root, "tree", name)
		err := os.MkdirAll(filepath.Dir(full), 0o755)
		target, isLink := strings.CutPrefix(text, "-> ")
		switch {
		case err != nil:
		case isLink:
			err = os.Symlink(target, full)
		default:
			err = os.WriteFile(full, []byte(text), 0o644)
			if err == nil {
				err = os.Chtimes(full, time.Unix(1, 2), time.Unix(1, 2))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return fsys.New(root)
}

func scan(t *testing.T, files *fsys.FS) []Entry {
	t.Helper()
	found, err := Scan(files, "/tree")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestScan(t *testing.T) {
	files := tree(t, map[string]string{
		"lib/a.py": "text", "lib/a.pyc": "no", "lib/__pycache__/a.cpython-311.pyc": "no", "lib64": "-> lib",
	})
	owner := fsys.Attr{UID: os.Getuid(), GID: os.Getgid()}
	dir, file, link := owner, owner, owner
	dir.Mode, file.Mode, link.Mode = 0o755, 0o644, 0o777
	want := []Entry{
		{Attr: dir, Path: "lib", Type: fsys.Directory},
		{Attr: file, Path: "lib/a.py", Type: fsys.File, Size: 4, Time: 1_000_000_002},
		{Attr: link, Path: "lib64", Type: fsys.Link, Target: "lib"},
	}
	if diff := cmp.Diff(want, scan(t, files)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestText: a written manifest is read again, whatever the names are.
func TestText(t *testing.T) {
	entries := scan(t, tree(t, map[string]string{
		"lib/site/a.py": "1", "lib/site/b\tc\n.py": "22", "lib/\xff": "-> x\n\"y", "ü/ä": "", "a": "",
	}))
	entries[0].Sum = strings.Repeat("0f", 32)
	text, err := Encode(Tree{Path: "/tree"}, entries)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode("/tree", text)
	if diff := cmp.Diff(entries, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good, err := Encode(Tree{Path: "/tree"}, []Entry{{Path: "a", Type: fsys.File}, {Path: "ab", Type: fsys.File}})
	if err != nil {
		t.Fatal(err)
	}
	text := string(good)
	for name, c := range map[string]struct{ text, want string }{
		"nothing":        {"", "it is no manifest of /tree"},
		"another tree":   {strings.Replace(text, "/tree", "/home", 1), "it is no manifest of /tree"},
		"another format": {strings.Replace(text, "manifest 1", "manifest 2", 1), "it is no manifest of /tree"},
		"cut short":      {text[:len(text)-10], "line 3: it has 5 fields, not 9"},
		"no number":      {strings.Replace(text, "0:0", "x:0", 1), `line 2: strconv.ParseInt: parsing "x"`},
		"no type":        {strings.Replace(text, "\tf\t", "\tz\t", 1), "line 2: it is damaged"},
		"shares more":    {strings.Replace(text, "\n1\t", "\n7\t", 1), "line 3: it is damaged"},
		"not quoted":     {strings.Replace(text, `"b"`, `b`, 1), "line 3: invalid syntax"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Decode("/tree", []byte(c.text))
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%v, %v; want %s", got, err, c.want)
			}
		})
	}
}

// TestMatches: any difference but that of a sum shows.
func TestMatches(t *testing.T) {
	base := Entry{Attr: fsys.Attr{Mode: 0o644, UID: 1, GID: 2}, Path: "a", Type: fsys.File, Size: 3, Time: 4}
	text, err := Encode(Tree{Path: "/tree"}, []Entry{base})
	if err != nil {
		t.Fatal(err)
	}
	with := func(edit func(e *Entry)) []Entry { e := base; edit(&e); return []Entry{e} }
	for name, c := range map[string]struct {
		tree, mount string
		now         []Entry
		want        bool
	}{
		"mount":   {"/tree", "/", []Entry{base}, false},
		"same":    {"/tree", "", []Entry{base}, true},
		"sum":     {"/tree", "", with(func(e *Entry) { e.Sum = "0f" }), true},
		"tree":    {"/trees", "", []Entry{base}, false},
		"path":    {"/tree", "", with(func(e *Entry) { e.Path = "b" }), false},
		"type":    {"/tree", "", with(func(e *Entry) { e.Type = fsys.Other }), false},
		"target":  {"/tree", "", with(func(e *Entry) { e.Target = "a" }), false},
		"mode":    {"/tree", "", with(func(e *Entry) { e.Mode = 0o600 }), false},
		"user":    {"/tree", "", with(func(e *Entry) { e.UID = 0 }), false},
		"group":   {"/tree", "", with(func(e *Entry) { e.GID = 0 }), false},
		"size":    {"/tree", "", with(func(e *Entry) { e.Size = 4 }), false},
		"time":    {"/tree", "", with(func(e *Entry) { e.Time = 3 }), false},
		"more":    {"/tree", "", []Entry{base, base}, false},
		"nothing": {"/tree", "", nil, false},
	} {
		if got := Matches(Tree{c.tree, c.mount}, text, c.now); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
	if Matches(Tree{Path: "/tree"}, nil, []Entry{base}) {
		t.Error("no manifest matches")
	}
}

func TestCompare(t *testing.T) {
	entry := func(path string, size int64) Entry { return Entry{Path: path, Type: fsys.File, Size: size} }
	was := []Entry{entry("same", 1), entry("gone", 1), entry("other", 1)}
	now := []Entry{entry("added", 1), entry("other", 2), entry("same", 1)}
	was[0].Sum = "known"
	want := []Difference{{"added", nil, &now[0]}, {"other", &was[2], &now[1]}, {"gone", &was[1], nil}}
	if diff := cmp.Diff(want, Compare(was, now)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if found := Compare(now, now); found != nil {
		t.Errorf("a tree differs from itself: %v", found)
	}
}

// TestBounds: neither a tree nor a manifest is as large as its owner likes.
func TestBounds(t *testing.T) {
	files := tree(t, map[string]string{"d/x": ""})
	for i := range maxEntries {
		name := time.Unix(int64(i), 0).Format("150405.2006-01-02")
		if err := os.Symlink("x", filepath.Join(files.Real("/tree/d"), name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Scan(files, "/tree"); err == nil || !strings.Contains(err.Error(), "it holds more than 30000 entries") {
		t.Errorf("too many entries: %v", err)
	}
	if _, err := Encode(Tree{Path: "/tree"}, []Entry{{Path: strings.Repeat("x", Limit)}}); err == nil {
		t.Error("a manifest without bounds")
	}
}

// TestMountOf: where the file system of a tree was mounted, whatever the names are. A manifest of one on that of the
// root directory does not tell, and neither does one of another tree.
func TestMountOf(t *testing.T) {
	for _, mount := range []string{"", "/home", "/a b\t\n\"c"} {
		tree := Tree{"/home/a\tb", mount}
		text, err := Encode(tree, []Entry{{Path: "a", Type: fsys.File}})
		if err != nil {
			t.Fatal(err)
		}
		if got := MountOf(tree.Path, text); got != mount {
			t.Errorf("%q, want %q", got, mount)
		}
		if got := MountOf("/home/a", text); got != "" {
			t.Errorf("another tree's: %q", got)
		}
		entries, err := Decode(tree.Path, text)
		if err != nil || len(entries) != 1 || !Matches(tree, text, entries) {
			t.Errorf("%v, %v", entries, err)
		}
	}
	if got := MountOf("/tree", nil); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}

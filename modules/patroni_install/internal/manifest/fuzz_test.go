package manifest

import (
	"bytes"
	"slices"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// FuzzDecode: a text that is read as a manifest is written again as one that reads the same.
func FuzzDecode(f *testing.F) {
	entries := []Entry{
		{Path: "bin", Type: fsys.Directory, Attr: fsys.Attr{Mode: 0o755}},
		{Path: "bin/a\tb\n\xff", Type: fsys.File, Attr: fsys.Attr{Mode: 0o644, UID: 1, GID: 2}, Size: 3, Time: -4, Sum: "ab"},
		{Path: "bin/link", Type: fsys.Link, Target: "/x\ny"},
	}
	good, err := Encode(Tree{Path: "/venv"}, entries)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	for _, line := range []string{
		"", "0\t\"a\"\tf\t644\t1:2\t3\t4\t\"\"\t\n", "5\t\"a\"\tf\t644\t1:2\t3\t4\t\"\"\t\n",
		"-1\t\"\"\tf\t0\t0:0\t0\t0\t\"\"\t\n", "0\ta\tx\n", "\n\n",
	} {
		f.Add(append(bytes.Clone(good), line...))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := Decode("/venv", text)
		if err != nil {
			return
		}
		once, err := Encode(Tree{Path: "/venv"}, first)
		if err != nil {
			return // too long
		}
		second, err := Decode("/venv", once)
		if err != nil || !slices.Equal(first, second) {
			t.Errorf("%q was written as %q, %v", text, once, err)
		}
	})
}

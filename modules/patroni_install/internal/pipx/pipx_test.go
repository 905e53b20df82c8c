package pipx

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

func TestLayout(t *testing.T) {
	l := Layout{Home: "/home/pg/.local/share/pipx", BinDir: "/home/pg/.local/bin"}
	got := []string{l.Venv(), l.Shared()}
	want := []string{"/home/pg/.local/share/pipx/venvs/patroni", "/home/pg/.local/share/pipx/shared"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func TestFind(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: only root's programs count")
	}
	const debian12 = "usr/lib/python3/dist-packages/pipx-1.1.0.dist-info/METADATA"
	tests := map[string]struct {
		files map[string]string
		spoil func(root string) error
		want  Program
	}{
		"Debian 12": {files: map[string]string{"usr/bin/pipx": "x", debian12: "x"}, want: Program{[]string{"/usr/bin/pipx"}, "1.1.0"}},
		"Debian 11": {
			files: map[string]string{"usr/bin/pipx": "x", "usr/lib/python3/dist-packages/pipx-0.12.3.1.egg-info": "x"},
			want:  Program{[]string{"/usr/bin/pipx"}, "0.12.3.1"},
		},
		"the administrator's own goes first": {
			files: map[string]string{
				"usr/bin/pipx": "x", debian12: "x",
				"usr/local/bin/pipx": "x", "usr/local/lib/python3.11/dist-packages/pipx-1.18.4.dist-info/METADATA": "x",
			},
			want: Program{[]string{"/usr/local/bin/pipx"}, "1.18.4"},
		},
		"through a link": {
			files: map[string]string{"usr/bin/pipx": "-> ../share/pipx/pipx", "usr/share/pipx/pipx": "x"},
			want:  Program{[]string{"/usr/bin/pipx"}, ""},
		},
		"somebody else's is passed over": {
			files: map[string]string{"usr/local/bin/pipx": "x", "usr/bin/pipx": "x", debian12: "x"},
			spoil: func(root string) error { return os.Chown(filepath.Join(root, "usr/local/bin/pipx"), 65534, 65534) },
			want:  Program{[]string{"/usr/bin/pipx"}, "1.1.0"},
		},
		"writable for others is passed over": {
			files: map[string]string{"usr/bin/pipx": "x", debian12: "x"},
			spoil: func(root string) error { return os.Chmod(filepath.Join(root, "usr/bin/pipx"), 0o775) },
		},
		"not executable is passed over": {
			files: map[string]string{"usr/bin/pipx": "x"},
			spoil: func(root string) error { return os.Chmod(filepath.Join(root, "usr/bin/pipx"), 0o644) },
		},
		"dangling": {files: map[string]string{"usr/bin/pipx": "-> nowhere"}},
		"none":     {files: map[string]string{"usr/bin/python3": "x"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			root := write(t, test.files, nil)
			if test.spoil != nil {
				if err := test.spoil(root); err != nil {
					t.Fatal(err)
				}
			}
			got, err := Find(fsys.New(root))
			if test.want.Argv == nil != errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("program (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProgramCheck(t *testing.T) {
	tests := map[string]bool{"1.0.0": true, "1.1.0": true, "1.18.4": true, "": true, "0.12.3.1": false, "0.16.4": false, "odd": false}
	for version, fits := range tests {
		err := Program{Argv: []string{"/usr/bin/pipx"}, Version: version}.Check()
		if (err == nil) != fits {
			t.Errorf("pipx %q: %v", version, err)
		}
	}
}

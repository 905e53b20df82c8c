package pipx

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
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
		"by pip": {
			files: map[string]string{
				"usr/local/bin/pipx": "x", "usr/local/lib/python3.12/site-packages/pipx-1.7.1.dist-info/METADATA": "x",
			},
			want: Program{[]string{"/usr/local/bin/pipx"}, "1.7.1"},
		},
		"the RHEL family's": {
			files: map[string]string{"usr/bin/pipx": "x", "usr/lib/python3.9/site-packages/pipx-1.2.0.dist-info/METADATA": "x"},
			want:  Program{[]string{"/usr/bin/pipx"}, "1.2.0"},
		},
		"a directory": {files: map[string]string{"usr/bin/pipx/pipx": "x"}},
		"writable for all is passed over": {
			files: map[string]string{"usr/bin/pipx": "x", debian12: "x"},
			spoil: func(root string) error { return os.Chmod(filepath.Join(root, "usr/bin/pipx"), 0o757) },
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
			got, err := Find(fsys.New(root), someUser())
			if test.want.Argv == nil != errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("program (-want +got):\n%s", diff)
			}
		})
	}
}

// someUser owns nothing of the system's.
func someUser() *host.User { return &host.User{Name: "pg", UID: 105, GID: 110} }

// TestFindsNothingClosed: a program that root alone can start is passed over. It is named if there is no other.
func TestFindsNothingClosed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: only root's programs count")
	}
	const module = "usr/local/lib/python3.11/dist-packages/"
	for name, c := range map[string]struct {
		files  map[string]string
		closed string // what gets the mode 0700
		want   string // the end of the message
	}{
		"behind a link": {
			map[string]string{"usr/local/bin/pipx": "-> ../../../root/.local/bin/pipx", "root/.local/bin/pipx": "x"},
			"root", "it may not enter /root (0700 0:0)",
		},
		"the file": {
			map[string]string{"usr/local/bin/pipx": "x"}, "usr/local/bin/pipx",
			"it may not execute /usr/local/bin/pipx (0700 0:0)",
		},
		"the interpreter": {
			map[string]string{"usr/local/bin/pipx": "#!/opt/venv/bin/python -E\n", "opt/venv/bin/python": "x"}, "opt/venv",
			"it may not enter /opt/venv (0700 0:0)",
		},
		"the interpreter behind a shell": {
			map[string]string{
				"usr/local/bin/pipx": "#!/bin/sh\n'''exec' '/opt/a b/python' \"$0\" \"$@\"\n' '''\n", "opt/a b/python": "x",
			},
			"opt/a b", "it may not enter /opt/a b (0700 0:0)",
		},
		"the interpreter's interpreter": {
			map[string]string{
				"usr/local/bin/pipx": "#! \"/opt/wrapper\"\n", "opt/wrapper": "#!/opt/venv/python\n", "opt/venv/python": "x",
			},
			"opt/venv", "it may not enter /opt/venv (0700 0:0)",
		},
		"the module": {
			map[string]string{
				"usr/local/bin/pipx": "#!/usr/bin/python3\n", "usr/bin/python3": "x", module + "pipx/__init__.py": "x",
				module + "pipx-1.18.4.dist-info/METADATA": "x",
			},
			module + "pipx", "it may not enter /" + module + "pipx (0700 0:0)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := write(t, c.files, nil)
			closed := filepath.Join(root, c.closed)
			if _, err := Find(fsys.New(root), someUser()); err != nil {
				t.Fatalf("open: %v", err)
			}
			if err := os.Chmod(closed, 0o700); err != nil {
				t.Fatal(err)
			}
			_, err := Find(fsys.New(root), someUser())
			want := "user pg cannot start /usr/local/bin/pipx: " + c.want
			if _, isClosed := errors.AsType[*ClosedError](err); !isClosed || !errors.Is(err, fs.ErrNotExist) ||
				err.Error() != want {
				t.Errorf("error %v, want %s", err, want)
			}
			writeOne(t, filepath.Join(root, "usr/bin/pipx"), "x")
			if got, err := Find(fsys.New(root), someUser()); err != nil || got.Argv[0] != "/usr/bin/pipx" {
				t.Errorf("with another one: %v, %v", got, err)
			}
		})
	}
}

// TestScriptsInACircle: a script that starts itself is looked at a few times.
func TestScriptsInACircle(t *testing.T) {
	files := fsys.New(write(t, map[string]string{"bin/a": "#!/bin/a\n"}, nil))
	if err := CheckProgram(files, someUser(), "/bin/a"); err != nil {
		t.Error(err)
	}
}

func TestProgramCheck(t *testing.T) {
	tests := map[string]bool{"1.0.0": true, "1.1.0": true, "1.18.4": true, "": true, "0.12.3.1": false, "0.16.4": false,
		"odd": false}
	for version, fits := range tests {
		err := Program{Argv: []string{"/usr/bin/pipx"}, Version: version}.Check()
		if (err == nil) != fits {
			t.Errorf("pipx %q: %v", version, err)
		}
	}
}

// TestCheckPython: which Pythons have a pipx that we can use, and which of these an old one.
func TestCheckPython(t *testing.T) {
	for version, c := range map[string]struct {
		fits   bool
		newest string
	}{
		"":    {true, ""}, // not known yet
		"2.7": {false, ""}, "3.5": {false, ""}, "3.6": {true, "1.0"}, "3.7": {true, "1.0"}, "3.8": {true, ""},
		"3.10": {true, ""},
		"odd":  {false, ""},
	} {
		if err := CheckPython(version); (err == nil) != c.fits {
			t.Errorf("Python %q: %v", version, err)
		}
		if got := NewestFor(version); got != c.newest {
			t.Errorf("pip chooses pipx %q for Python %q, want %q", got, version, c.newest)
		}
	}
}

// TestFindOfUser: it is the user's for this Python only, and a module that pip has on record.
func TestFindOfUser(t *testing.T) {
	const site = "home/pg/.local/lib/python3.9/site-packages/"
	for name, c := range map[string]struct {
		files  map[string]string
		python string
		want   string // its version
	}{
		"there":          {map[string]string{site + "pipx/x": "", site + "pipx-1.2.0.dist-info/x": ""}, "3.9", "1.2.0"},
		"another Python": {map[string]string{site + "pipx/x": "", site + "pipx-1.2.0.dist-info/x": ""}, "3.11", ""},
		"no Python":      {map[string]string{site + "pipx/x": "", site + "pipx-1.2.0.dist-info/x": ""}, "", ""},
		"half removed":   {map[string]string{site + "pipx-1.2.0.dist-info/x": ""}, "3.9", ""},
		"not on record":  {map[string]string{site + "pipx/x": ""}, "3.9", ""},
	} {
		got, found := FindOfUser(fsys.New(write(t, c.files, nil)), "/usr/bin/python3", "/home/pg", c.python)
		if found != (c.want != "") || found && got.Version != c.want {
			t.Errorf("%s: %+v, %t, want %q", name, got, found, c.want)
		}
	}
}

package pkgmgr

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

const packageLines = `drwxr-xr-x root/root         0 2022-12-10 21:46 ./
drwxr-xr-x root/root         0 2022-12-10 21:46 ./usr/
drwxr-xr-x root/root         0 2022-12-10 21:46 ./usr/lib/
drwxr-xr-x root/root         0 2022-12-10 21:46 ./usr/lib/click/
drwxr-xr-x root/root         0 2022-12-10 21:46 ./usr/lib/click/sub/
-rw-r--r-- root/root      1234 2022-12-10 21:46 ./usr/lib/click/core.py
lrwxrwxrwx root/root         0 2022-12-10 21:46 ./usr/lib/link -> ./click/
`

// TestRemoveTidies has the interpreter of an earlier, killed installation leave bytecode that it
// had not finished, which dpkg does not know.
func TestRemoveTidies(t *testing.T) {
	_, click, _ := pipxSet()
	const unfinished = "__pycache__/core.cpython-311.pyc.140223"
	for _, tc := range []struct {
		name     string
		files    []string
		empty    string   // a directory
		owned    []string // directories that other packages have
		commands []string // after those that read the archive
		left     []string
	}{
		{name: "nothing left"},
		{name: "in the package's own directory", files: []string{"/usr/lib/click/" + unfinished},
			commands: []string{"dpkg-query /usr/lib/click/__pycache__", "dpkg-query /usr/lib/click"}},
		{name: "in two of its directories", files: []string{"/usr/lib/click/" + unfinished, "/usr/lib/click/sub/" + unfinished},
			commands: []string{"dpkg-query /usr/lib/click/sub/__pycache__", "dpkg-query /usr/lib/click/sub",
				"dpkg-query /usr/lib/click/__pycache__", "dpkg-query /usr/lib/click"}},
		{name: "when an earlier removal came half-way", empty: "/usr/lib/click/sub/__pycache__",
			commands: []string{"dpkg-query /usr/lib/click/sub/__pycache__", "dpkg-query /usr/lib/click/sub",
				"dpkg-query /usr/lib/click"}},
		{name: "in a directory shared with others", files: []string{"/usr/lib/" + unfinished, "/usr/lib/__pycache__/x.pyc"},
			left: []string{"/usr/lib/__pycache__/x.pyc"}},
		{name: "in an empty directory of others", files: []string{"/usr/lib/click/" + unfinished}, owned: []string{"/usr/lib/click"},
			commands: []string{"dpkg-query /usr/lib/click/__pycache__", "dpkg-query /usr/lib/click"},
			left:     []string{"/usr/lib/click"}},
		{name: "what is not Python's stays",
			files: []string{"/usr/lib/click/__pycache__/core.pyc.", "/usr/lib/click/__pycache__/core.pyc.12a",
				"/usr/lib/other/" + unfinished},
			left: []string{"/usr/lib/click/__pycache__/core.pyc.", "/usr/lib/click/__pycache__/core.pyc.12a",
				"/usr/lib/other/" + unfinished}},
		{name: "a file in the directory's place", files: []string{"/usr/lib/click/sub"},
			left: []string{"/usr/lib/click/sub"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newHost(t, "")
			f.write("/usr/lib/kept", "")
			for _, name := range tc.files {
				f.write(name, "")
			}
			if tc.empty != "" {
				if err := os.MkdirAll(filepath.Join(f.root, tc.empty), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			f.on["dpkg-deb --contents"] = prints(packageLines)
			f.on["dpkg-query --search"] = func(cmd host.Command) (string, error) {
				if slices.Contains(tc.owned, cmd.Argv[2]) {
					return "other: " + cmd.Argv[2] + "\n", nil
				}
				return "", &host.CommandError{Argv: cmd.Argv, Code: 1, Stderr: "no path found"}
			}
			if _, err := f.apt.Remove(t.Context(), []Package{click}, archivesOf(f, click)); err != nil {
				t.Fatal(err)
			}
			f.expect(append([]string{"dpkg-deb /priv/" + archive(click)}, tc.commands...)...)
			diff(t, "left", tc.left, f.left("/usr/lib"))
		})
	}
}

// left lists the files and the empty directories below a directory, but the one named kept.
func (f *fakeHost) left(dir string) []string {
	f.t.Helper()
	var found []string
	entries, err := os.ReadDir(filepath.Join(f.root, dir))
	if err != nil {
		f.t.Fatal(err)
	}
	for _, e := range entries {
		switch name := dir + "/" + e.Name(); {
		case e.Name() == "kept":
		case e.IsDir():
			found = append(found, f.left(name)...)
		default:
			found = append(found, name)
		}
	}
	if len(entries) == 0 {
		return []string{dir}
	}
	return found
}

// TestTidyWithDamagedArchives has the disk full in the middle of a download: nothing was installed.
func TestTidyWithDamagedArchives(t *testing.T) {
	_, click, _ := pipxSet()
	f := newHost(t, "")
	f.on["dpkg-deb --contents"] = fails("dpkg-deb: error: unexpected end of file in archive magic version number")
	if _, err := f.apt.Remove(t.Context(), []Package{click}, archivesOf(f, click)); err != nil {
		t.Error(err)
	}
}

// TestTidyLeavesWhatIsKept: a package that another one needs keeps what lies beside its files.
func TestTidyLeavesWhatIsKept(t *testing.T) {
	_, click, _ := pipxSet()
	f := newHost(t, entry(click, "install ok installed"))
	f.write("/usr/lib/click/__pycache__/core.cpython-311.pyc.140223", "")
	f.on["apt-get -s"] = prints("Purg python3-click [1]\nPurg flask [1]\n")
	kept, err := f.apt.Remove(t.Context(), []Package{click}, archivesOf(f, click))
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "kept", []Package{click}, kept)
	diff(t, "left", []string{"/usr/lib/click/__pycache__/core.cpython-311.pyc.140223"}, f.left("/usr/lib"))
}

// TestTidyNeedsItsAnswer: a dpkg-query that fails does not say that no package has a directory.
func TestTidyNeedsItsAnswer(t *testing.T) {
	_, click, _ := pipxSet()
	f := newHost(t, "")
	f.write("/usr/lib/click/__pycache__/core.cpython-311.pyc.140223", "")
	f.on["dpkg-deb --contents"] = prints(packageLines)
	f.on["dpkg-query --search"] = func(cmd host.Command) (string, error) {
		return "", &host.CommandError{Argv: cmd.Argv, Code: 2, Stderr: "cannot allocate memory"}
	}
	_, err := f.apt.Remove(t.Context(), []Package{click}, archivesOf(f, click))
	if err == nil || !strings.Contains(err.Error(), "cannot remove what python3-click=8.1.3-2 left") {
		t.Errorf("got error %v", err)
	}
	diff(t, "left", []string{"/usr/lib/click/__pycache__"}, f.left("/usr/lib"))
}

// TestTidyWithoutArchives starts no process: nothing was installed.
func TestTidyWithoutArchives(t *testing.T) {
	pipx, click, venv := pipxSet()
	f := newHost(t, "")
	if kept, err := f.apt.Remove(t.Context(), []Package{pipx, click, venv}, "/priv"); err != nil || len(kept) > 0 {
		t.Errorf("kept %v, error %v", kept, err)
	}
	f.expect()
}

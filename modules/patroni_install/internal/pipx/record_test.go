package pipx

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/manifest"
)

// recordLine is what a RECORD says of a file with this content.
func recordLine(name, content string) string {
	sum := sha256.Sum256([]byte(content))
	return fmt.Sprintf("%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(content))
}

func TestReadRecord(t *testing.T) {
	sum := sha256.Sum256([]byte("code"))
	known := recorded{sum: hex.EncodeToString(sum[:]), size: 4}
	const in = "lib/python3.11/site-packages"
	for name, c := range map[string]struct {
		text string
		want map[string]recorded
	}{
		"a file":            {recordLine("x/a.py", "code"), map[string]recorded{in + "/x/a.py": known}},
		"a program":         {recordLine("../../../bin/x", "code"), map[string]recorded{"bin/x": known}},
		"itself":            {"x.dist-info/RECORD,,\r\n", map[string]recorded{in + "/x.dist-info/RECORD": {size: -1}}},
		"commas in quotes":  {recordLine(`"a,""b"".py"`, "code"), map[string]recorded{in + `/a,"b".py`: known}},
		"bytecode":          {"x/__pycache__/a.cpython-311.pyc,,\nx/b.pyc,,\n", nil},
		"another algorithm": {"a.py,md5=1B2M2Y8AsgTpgAmY7PhCfg,4\n", map[string]recorded{in + "/a.py": {size: 4}}},
		"no sum":            {"a.py,sha256=????,-4\n", map[string]recorded{in + "/a.py": {size: -1}}},
		"a short sum":       {"a.py,sha256=AAAA,4\n", map[string]recorded{in + "/a.py": {size: 4}}},
		"the venv itself":   {recordLine("../../..", ""), nil},
		"nothing":           {"\n,\n,,\nno commas\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]recorded{}
			if err := readRecord(got, in, c.text); err != nil {
				t.Fatal(err)
			}
			if c.want == nil {
				c.want = map[string]recorded{}
			}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(recorded{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestReadRecordRefuses paths that leave the venv, and looks at nothing there.
func TestReadRecordRefuses(t *testing.T) {
	const in = "lib/python3.11/site-packages"
	for _, name := range []string{
		"../../../../etc/passwd", "/etc/passwd", "../../../../venv/bin/x", "../../../..", `"/etc/a,b"`, "x/../../../../../y", "a\x00b", "//",
	} {
		got := map[string]recorded{}
		err := readRecord(got, in, recordLine("a.py", "")+recordLine(name, "code"))
		if err == nil || !strings.Contains(err.Error(), "it names a file outside of the venv") || len(got) != 1 {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
}

// FuzzReadRecord: whatever the user writes there, nothing outside of the venv is named.
func FuzzReadRecord(f *testing.F) {
	f.Add(recordLine("../../../bin/x", "code") + "../../../../x,,\n\"a\"\"b\",sha256=,3")
	f.Fuzz(func(t *testing.T, text string) {
		got := map[string]recorded{}
		_ = readRecord(got, "lib/python3.11/site-packages", text)
		for name := range got {
			if !filepath.IsLocal(name) {
				t.Errorf("outside: %q", name)
			}
		}
	})
}

// recordedVenv is the healthy venv, with RECORDs that tell something.
func recordedVenv(t *testing.T) (v *Venv, files *fsys.FS, root string) {
	t.Helper()
	const info = "venv/lib/python3.11/site-packages/patroni-4.1.5.dist-info/"
	content := venvFiles()
	content[info+"RECORD"] = recordLine("patroni/daemon.py", "code\n") +
		recordLine("../../../bin/patroni", "#!/venv/bin/python\n") +
		recordLine("patroni-4.1.5.dist-info/METADATA", metadataText) + "patroni-4.1.5.dist-info/RECORD,,\n"
	root = write(t, content, nil)
	files = fsys.New(root)
	v, err := Inspect(files, "/venv", os.Geteuid())
	if err != nil || len(v.Problems) > 0 {
		t.Fatal(err, v.Problems)
	}
	return v, files, root
}

// TestVerifyWithoutManifest: an installation that somebody else made is held against its RECORDs.
func TestVerifyWithoutManifest(t *testing.T) {
	const site = "lib/python3.11/site-packages/"
	for name, c := range map[string]struct {
		do   func(file func(string) string) error
		want []string
	}{
		"healthy":            {func(func(string) string) error { return nil }, nil},
		"more than recorded": {func(f func(string) string) error { return os.WriteFile(f(site+"more.py"), nil, 0o644) }, nil},
		"edited": {func(f func(string) string) error {
			return os.WriteFile(f(site+"patroni/daemon.py"), []byte("evil\n"), 0o644)
		}, []string{site + "patroni/daemon.py was edited"}},
		"longer":  {func(f func(string) string) error { return os.WriteFile(f("bin/patroni"), []byte("longer"), 0o755) }, []string{"bin/patroni was edited"}},
		"deleted": {func(f func(string) string) error { return os.Remove(f(site + "patroni/daemon.py")) }, []string{site + "patroni/daemon.py is missing"}},
		"RECORD is a link": {
			func(f func(string) string) error {
				name := f(site + "urllib3-2.8.0.dist-info/RECORD")
				if err := os.Remove(name); err != nil {
					return err
				}
				return os.Symlink("/etc/shadow", name)
			}, []string{"open /venv/" + site + "urllib3-2.8.0.dist-info/RECORD: too many levels of symbolic links"},
		},
		"RECORD without end": {
			func(f func(string) string) error {
				return os.Truncate(f(site+"urllib3-2.8.0.dist-info/RECORD"), maxRecord+1)
			},
			[]string{"read /venv/" + site + "urllib3-2.8.0.dist-info/RECORD: larger than 4194304 bytes"},
		},
		"RECORD of another's file": {
			func(f func(string) string) error {
				return os.WriteFile(f(site+"urllib3-2.8.0.dist-info/RECORD"),
					[]byte(recordLine("../../../../etc/shadow", "")), 0o644)
			},
			[]string{"read /venv/" + site + `urllib3-2.8.0.dist-info/RECORD: it names a file outside of the venv: "../../../../etc/shadow"`},
		},
		"RECORDs of too many files": {
			func(f func(string) string) error {
				var text strings.Builder
				for i := range maxRecords + 2 {
					fmt.Fprintf(&text, "%d,,\n", i)
				}
				return os.WriteFile(f(site+"urllib3-2.8.0.dist-info/RECORD"), []byte(text.String()), 0o644)
			}, []string{"read /venv/" + site + "urllib3-2.8.0.dist-info/RECORD: the RECORDs name too many files"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			v, files, root := recordedVenv(t)
			if err := c.do(func(name string) string { return filepath.Join(root, "venv", name) }); err != nil {
				t.Fatal(err)
			}
			now, err := manifest.Scan(files, "/venv")
			if err == nil {
				err = v.Verify(files, nil, now, false)
			}
			if diff := cmp.Diff(c.want, v.Problems); err != nil || diff != "" {
				t.Errorf("%v; problems (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestVerifyAgainstManifest: what is wrong with a tree, and what only looks different, beside what was written down of
// it; files of packages are held against their RECORDs.
func TestVerifyAgainstManifest(t *testing.T) {
	const site = "lib/python3.11/site-packages/"
	edit := func(entry string, change func(e *manifest.Entry)) func([]manifest.Entry) []manifest.Entry {
		return func(now []manifest.Entry) []manifest.Entry {
			i := slices.IndexFunc(now, func(e manifest.Entry) bool { return e.Path == entry })
			change(&now[i])
			return now
		}
	}
	without := func(entry string) func([]manifest.Entry) []manifest.Entry {
		return func(now []manifest.Entry) []manifest.Entry {
			return slices.DeleteFunc(now, func(e manifest.Entry) bool { return e.Path == entry })
		}
	}
	uid, gid := os.Geteuid(), os.Getegid()
	with := func(entry string, kind fsys.Type) func([]manifest.Entry) []manifest.Entry {
		e := manifest.Entry{Path: entry, Type: kind, Attr: fsys.Attr{Mode: 0o644, UID: uid, GID: gid}}
		return func(now []manifest.Entry) []manifest.Entry { return append(now, e) }
	}
	other := fsys.Attr{Mode: 0o755, UID: uid + 1, GID: gid}
	for name, c := range map[string]struct {
		was, now func([]manifest.Entry) []manifest.Entry // changes of what was written down, and of what is there
		want     []string
	}{
		"the same": {},
		"touched":  {now: edit(site+"patroni/daemon.py", func(e *manifest.Entry) { e.Time++ })},
		"a link in a file's place": {now: edit("bin/patroni", func(e *manifest.Entry) { e.Type = fsys.Link }),
			want: []string{"bin/patroni is a link instead of a file"}},
		"a link that leads elsewhere": {now: edit("lib64", func(e *manifest.Entry) { e.Target = "/tmp" }),
			want: []string{"lib64 leads to /tmp instead of lib"}},
		"another mode": {now: edit("bin/patroni", func(e *manifest.Entry) { e.Mode = 0o777 }),
			want: []string{"bin/patroni has mode and owner "}},
		"another owner": {now: edit("bin/patroni", func(e *manifest.Entry) { e.Attr = other }),
			want: []string{"bin/patroni has mode and owner "}},
		"a link of another owner": {now: edit("lib64", func(e *manifest.Entry) { e.UID++ }),
			want: []string{"lib64 belongs to "}},
		"an account with a new number": {was: edit("bin/patroni", func(e *manifest.Entry) { e.UID++ })},
		"a new number and another mode": {was: edit("bin/patroni", func(e *manifest.Entry) { e.UID++; e.Mode = 0o700 }),
			want: []string{"bin/patroni has mode and owner "}},
		"a new number and another group": {was: edit("bin/patroni", func(e *manifest.Entry) { e.UID++ }),
			now: edit("bin/patroni", func(e *manifest.Entry) { e.GID++ }), want: []string{"bin/patroni has mode and owner "}},
		"a package's file is gone": {now: without(site + "patroni/daemon.py"),
			want: []string{site + "patroni/daemon.py is missing"}},
		"a link is gone":       {now: without("lib64"), want: []string{"lib64 is missing"}},
		"a file of no package": {now: without("pyvenv.cfg"), want: []string{"pyvenv.cfg is missing"}},
		"a RECORD is gone": {now: without(site + "PyYAML-6.0.3.dist-info/RECORD"),
			want: []string{site + "PyYAML-6.0.3.dist-info/RECORD is missing"}},
		"a package is gone": {was: with(site+"gone-1.0.dist-info/RECORD", fsys.File),
			want: []string{"package gone was removed"}},
		"another version of one": {was: with(site+"PyYAML-5.0.dist-info/RECORD", fsys.File)},
		"an old file of one":     {was: with(site+"old.py", fsys.File)},
		"a file was added":       {now: with("bin/x", fsys.File), want: []string{"bin/x was added"}},
		"a link was added":       {now: with("bin/x", fsys.Link), want: []string{"bin/x was added"}},
		"a directory was added":  {now: with("logs", fsys.Directory)},
		"a RECORD was added":     {now: with(site+"more-1.dist-info/RECORD", fsys.File)},
		"a package's file came":  {was: without(site + "patroni/daemon.py")},
		"it came as everybody's": {was: without("bin/patroni"),
			now:  edit("bin/patroni", func(e *manifest.Entry) { e.Mode = 0o777 }),
			want: []string{"bin/patroni can be written by everybody (mode 0777)"}},
		"it came as somebody else's": {was: without("bin/patroni"),
			now:  edit("bin/patroni", func(e *manifest.Entry) { e.Attr = other }),
			want: []string{"bin/patroni belongs to uid "}},
		"pipx wrote again": {was: without(MetadataFile)},
		"another content and time": {was: edit("pyvenv.cfg", func(e *manifest.Entry) { e.Sum, e.Time = "00", 0 }),
			want: []string{"pyvenv.cfg was edited"}},
		"another size": {was: edit("pyvenv.cfg", func(e *manifest.Entry) { e.Size++; e.Time-- }),
			want: []string{"pyvenv.cfg was edited"}},
	} {
		t.Run(name, func(t *testing.T) {
			v, files, _ := recordedVenv(t)
			was, err := manifest.Scan(files, "/venv")
			if err == nil {
				err = v.Sums(files, was)
			}
			if err != nil {
				t.Fatal(err)
			}
			now := slices.Clone(was)
			for i := range now {
				now[i].Sum = ""
			}
			if c.was != nil {
				was = c.was(was)
			}
			if c.now != nil {
				now = c.now(now)
			}
			if err := v.Verify(files, was, now, false); err != nil {
				t.Fatal(err)
			}
			if len(v.Problems) != len(c.want) {
				t.Fatalf("problems %q, want %q", v.Problems, c.want)
			}
			for i, want := range c.want {
				if !strings.HasPrefix(v.Problems[i], want) {
					t.Errorf("problem %q, want %q", v.Problems[i], want)
				}
			}
		})
	}
}

// TestVerifyBounds: a file as large as its owner likes is not read, and not all files are named.
func TestVerifyBounds(t *testing.T) {
	v, files, root := recordedVenv(t)
	was, err := manifest.Scan(files, "/venv")
	if err == nil {
		err = v.Sums(files, was)
	}
	if err != nil {
		t.Fatal(err)
	}
	large := filepath.Join(root, "venv/lib/python3.11/site-packages/large.bin")
	record := filepath.Join(root, "venv/lib/python3.11/site-packages/urllib3-2.8.0.dist-info/RECORD")
	line := strings.Replace(recordLine("large.bin", ""), ",0\n", ",-1\n", 1)
	for _, err := range []error{os.WriteFile(large, nil, 0o644), os.Truncate(large, 1<<40),
		os.WriteFile(record, []byte(line), 0o644)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2 * maxNamed {
		if err := os.WriteFile(filepath.Join(root, "venv", fmt.Sprintf("added%02d", i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	now, err := manifest.Scan(files, "/venv")
	if err == nil {
		err = v.Verify(files, was, now, false)
	}
	if err != nil || len(v.Problems) != maxNamed+1 || v.Problems[maxNamed] != "and 11 more files" {
		t.Errorf("%v, %q", err, v.Problems)
	}
	v.Problems = nil
	if err := v.Verify(files, now, now, true); err != nil || len(v.Problems) != 1 ||
		v.Problems[0] != "lib/python3.11/site-packages/large.bin has 1099511627776 bytes, too many to be one of Patroni's" {
		t.Errorf("%v, %q", err, v.Problems)
	}
}

package pipx

import (
	"archive/tar"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// exampleWheels is a wheelhouse for Patroni with the extra etcd, by file name and metadata.
func exampleWheels() map[string]string {
	return map[string]string{
		"patroni-4.1.5-py3-none-any.whl": "Requires-Dist: click>=4.1\nRequires-Dist: python-etcd>=0.4.3; extra == \"etcd\"\n" +
			"Requires-Dist: boto3; extra == \"aws\"\nRequires-Dist: old; python_version < \"3\"",
		"patroni-4.0.7-py3-none-any.whl":        "Requires-Dist: older>=1",
		"click-8.1.7-py3-none-any.whl":          "Requires-Dist: colorama; platform_system == \"Windows\"",
		"python_etcd-0.4.5.tar.gz":              "",
		"ours-1-cp27-none-any.whl":              "",
		"psycopg2_binary-2-cp27-cp27-linux.whl": "",
	}
}

// rawWheel begins what is the content of a wheel, not its metadata.
const rawWheel = "raw:"

// makeWheelhouse makes a directory of wheels and returns it, and the same as an open archive.
func makeWheelhouse(t *testing.T, wheels map[string]string) (string, *os.File) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "wheel house")
	packed, err := os.Create(filepath.Join(t.TempDir(), "wheels.tar"))
	if err = errors.Join(err, os.Mkdir(dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	archive := tar.NewWriter(packed)
	for name, metadata := range wheels {
		full := filepath.Join(dir, name)
		metadata, isRaw := strings.CutPrefix(metadata, rawWheel)
		if project, _, isWheel := strings.Cut(name, "-"); isWheel && strings.HasSuffix(name, ".whl") &&
			metadata != "damaged" && !isRaw {
			wheel(t, full, project+"-1.dist-info/METADATA", "Name: "+project+"\n"+metadata+"\n\nRequires-Dist: no header\n",
				project+"/x.py", "")
		} else if err := os.WriteFile(full, []byte(metadata), 0o600); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(full)
		if err == nil {
			err = archive.WriteHeader(&tar.Header{Name: "../elsewhere/" + name, Mode: 0o600, Size: int64(len(data))})
		}
		if err == nil {
			_, err = archive.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	err = archive.WriteHeader(&tar.Header{Name: "link.whl", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"})
	if err = errors.Join(err, archive.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := packed.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = packed.Close() })
	return dir, packed
}

// runReal runs a command of a build with the machine's own interpreter.
func runReal(t *testing.T, cmd host.Command) host.Output {
	t.Helper()
	process := exec.CommandContext(t.Context(), "python3", cmd.Argv[1:]...)
	process.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	var stderr strings.Builder
	process.Stderr = &stderr
	if cmd.Stdin != nil {
		process.Stdin = cmd.Stdin
	}
	out, err := process.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return host.Output{Stdout: out}
}

func TestLook(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  map[string]string
		wanted  []string
		bounds  string
		missing []string
		damaged []string
		newest  string
	}{
		{name: "complete", wanted: []string{"patroni[etcd]"}, newest: "4.1.5"},
		{name: "bounded", wanted: []string{"patroni"}, bounds: "# ours\nPatroni == 4.0.* # old\nolder @ https://me:hidden@x\n",
			missing: []string{"older>=1"}, newest: "4.0.7"},
		{name: "bounded for others", wanted: []string{"patroni"}, bounds: "patroni<4.1; python_version < \"3\"\n-c other\n", newest: "4.1.5"},
		{name: "bounded away", wanted: []string{"patroni"}, bounds: "click>9 --hash=sha256:0\n", newest: "4.1.5",
			missing: []string{"click>9,>=4.1 (it has click-8.1.7-py3-none-any.whl)"}},
		{name: "the newest is for another Python", change: map[string]string{
			"patroni-4.2.0-py3-none-any.whl": "Requires-Python: >=3.99",
		}, wanted: []string{"patroni"}, newest: "4.1.5"},
		{name: "the newest is a pre-release", change: map[string]string{"patroni-4.2.0rc1-py3-none-any.whl": ""},
			wanted: []string{"patroni"}, newest: "4.1.5"},
		{name: "an older version", wanted: []string{"patroni==4.0.7"}, missing: []string{"older>=1"}, newest: "4.0.7"},
		{name: "no such version", wanted: []string{"patroni==4.2.0"}, missing: []string{
			"patroni==4.2.0 (it has patroni-4.0.7-py3-none-any.whl, patroni-4.1.5-py3-none-any.whl)",
		}},
		{name: "an extra", wanted: []string{"patroni[aws]"}, missing: []string{"boto3"}, newest: "4.1.5"},
		{name: "more than one", wanted: []string{"patroni", "pipx>1", "other"}, missing: []string{"other", "pipx>1"}, newest: "4.1.5"},
		{name: "of another platform", wanted: []string{"psycopg2-binary"}, missing: []string{
			"psycopg2-binary (it has psycopg2_binary-2-cp27-cp27-linux.whl)",
		}},
		{name: "of another Python", change: map[string]string{"click-8.1.7-py3-none-any.whl": "Requires-Python: <3"},
			wanted: []string{"patroni"}, missing: []string{"click>=4.1 (it has click-8.1.7-py3-none-any.whl)"}, newest: "4.1.5"},
		{name: "damaged", change: map[string]string{"click-8.1.7-py3-none-any.whl": "damaged"},
			wanted: []string{"patroni"}, missing: []string{"click>=4.1"}, damaged: []string{"click-8.1.7-py3-none-any.whl"},
			newest: "4.1.5"},
	} {
		t.Run(test.name, func(t *testing.T) {
			wheels := exampleWheels()
			maps.Copy(wheels, test.change)
			dir, archive := makeWheelhouse(t, wheels)
			for _, source := range []Wheelhouse{{Dir: dir}, {Archive: archive}} {
				got := ReadContents(runReal(t,
					exampleBuild().Look(source, Needs{Requirements: test.wanted, Constraints: test.bounds})))
				want := Contents{Damaged: test.damaged, Missing: test.missing, Newest: test.newest}
				for name, metadata := range wheels {
					if metadata != "damaged" {
						want.Files = append(want.Files, name)
					}
				}
				slices.Sort(want.Files)
				slices.Sort(got.Missing)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%+v (-want +got):\n%s", source, diff)
				}
			}
		})
	}
}

// TestLookWithLock: everything that is locked must be there, in that version, and everything that is
// taken must be locked.
func TestLookWithLock(t *testing.T) {
	const hash = " --hash=" + digest + "\n"
	for _, test := range []struct {
		name, lock        string
		wanted            []string
		missing, unlocked []string
	}{
		{name: "complete", lock: "click==8.1.7" + hash + "python-etcd==0.4.5" + hash + "old==1 ; python_version < '3'" + hash, wanted: []string{"patroni[etcd]"}},
		{name: "another version", lock: "click==8.3" + hash, wanted: []string{"patroni"},
			missing: []string{"click==8.3 (it has click-8.1.7-py3-none-any.whl)"}},
		{name: "too much", lock: "click==8.1.7" + hash + "other==1" + hash, wanted: []string{"patroni"}, missing: []string{"other==1"}},
		{name: "an extra", lock: "click==8.1.7" + hash, wanted: []string{"patroni[aws,etcd]"}, unlocked: []string{"boto3", "python-etcd>=0.4.3"}},
		{name: "not for it", lock: "click==8.1.7" + hash + "ours==1" + hash, wanted: []string{"patroni"},
			missing: []string{"ours==1 (it has ours-1-cp27-none-any.whl)"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			lock, err := ParseLock("patroni==4.1.5" + hash + test.lock)
			if err != nil {
				t.Fatal(err)
			}
			dir, _ := makeWheelhouse(t, exampleWheels())
			needs := Needs{Requirements: append(test.wanted, lock.Requirements()...), Lock: lock}
			got := ReadContents(runReal(t, exampleBuild().Look(Wheelhouse{Dir: dir}, needs)))
			want := Contents{Missing: test.missing, Unlocked: test.unlocked, Newest: "4.1.5", Files: sorted(exampleWheels())}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestLookForTools: a source archive takes what its interpreter did not bring.
func TestLookForTools(t *testing.T) {
	for _, test := range []struct {
		setuptools string
		wheels     map[string]string
		missing    []string
	}{
		{"setuptools-66.1-py3-none-any.whl", exampleWheels(), []string{"wheel<0.46"}},
		{"setuptools-66.1-py3-none-any.whl", map[string]string{"patroni-4.1.5-py3-none-any.whl": ""}, nil},
		{"setuptools-70.1-py3-none-any.whl", exampleWheels(), nil},
		{"", exampleWheels(), []string{"setuptools"}},
	} {
		root := t.TempDir()
		bundled, err := filepath.Glob("/usr/share/python-wheels/pip-*.whl")
		if err != nil || len(bundled) == 0 {
			t.Skip("the pip of an interpreter is not there as a wheel")
		}
		if err := os.Symlink(bundled[0], filepath.Join(root, filepath.Base(bundled[0]))); err != nil {
			t.Fatal(err)
		}
		if test.setuptools != "" {
			wheel(t, filepath.Join(root, test.setuptools))
		}
		dir, _ := makeWheelhouse(t, test.wheels)
		for _, tools := range []bool{true, false} {
			cmd := exampleBuild().Look(Wheelhouse{Dir: dir}, Needs{Requirements: []string{"patroni==4.1.5"}, Tools: tools})
			cmd.Argv[4] = fakeWheels + cmd.Argv[4]
			cmd.Argv = slices.Insert(cmd.Argv, 5, root)
			missing := ReadContents(runReal(t, cmd)).Missing
			if want := map[bool][]string{true: test.missing}[tools]; !slices.Equal(missing, want) {
				t.Errorf("%s, tools %t: %q, want %q", test.setuptools, tools, missing, want)
			}
		}
	}
}

// TestLookByTheWheelhousesPip: on a host that has no pip, the one in the wheelhouse knows what fits,
// unless it is for other interpreters; then nothing does.
func TestLookByTheWheelhousesPip(t *testing.T) {
	own, err := filepath.Glob("/usr/share/python-wheels/pip-*.whl")
	if err != nil || len(own) == 0 {
		t.Skip("the pip of an interpreter is not there as a wheel")
	}
	pip, err := os.ReadFile(own[0])
	if err != nil {
		t.Fatal(err)
	}
	wheels := exampleWheels()
	wheels["pip-99.0-py3-none-any.whl"] = "Requires-Python: >=3.99"
	for _, known := range []bool{false, true} {
		if known {
			wheels[filepath.Base(own[0])] = rawWheel + string(pip)
		}
		dir, archive := makeWheelhouse(t, wheels)
		for _, source := range []Wheelhouse{{Dir: dir}, {Archive: archive}} {
			cmd := exampleBuild().Look(source, Needs{Requirements: []string{"patroni[aws]"}, Tools: true})
			cmd.Argv[4] = noPip + cmd.Argv[4]
			got := ReadContents(runReal(t, cmd))
			if got.Again != known || got.Unknown == known ||
				known && (got.Newest != "4.1.5" || !slices.Equal(got.Missing, []string{"boto3"})) {
				t.Errorf("a pip in it: %t: %+v", known, got)
			}
		}
	}
}

// noPip makes an interpreter one without a pip of its own.
const noPip = `
import glob, sys
real_glob = glob.glob
glob.glob = lambda pattern: [] if "pip-" in pattern else real_glob(pattern)
sys.path[:] = [folder for folder in sys.path if not folder.endswith("-packages")]
`

// TestLookAtDamage: whatever is wrong with a file, it is named, and what is no file is not looked at.
func TestLookAtDamage(t *testing.T) {
	wheels := exampleWheels()
	wheels["empty-1-py3-none-any.whl"], wheels["broken-1-py3-none-any.whl"] = rawWheel, rawWheel+brokenWheel(t)
	wheels["notes.zip"], wheels["odd-one-py3-none-any.whl"], wheels["picky-1-py3-none-any.whl"] = "", "",
		"Requires-Python: never\nRequires-Dist: what ever"
	dir, archive := makeWheelhouse(t, wheels)
	err := errors.Join(os.Mkdir(filepath.Join(dir, "folder-1-py3-none-any.whl"), 0o700),
		os.Symlink("nowhere", filepath.Join(dir, "dangling-1-py3-none-any.whl")))
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []Wheelhouse{{Dir: dir}, {Archive: archive}} {
		got := ReadContents(runReal(t, exampleBuild().Look(source, Needs{Requirements: []string{"patroni", "odd", "picky"}})))
		slices.Sort(got.Damaged)
		missing := []string{"odd (it has odd-one-py3-none-any.whl)"}
		if want := []string{"broken-1-py3-none-any.whl", "empty-1-py3-none-any.whl"}; !slices.Equal(got.Damaged, want) ||
			!slices.Equal(got.Missing, missing) {
			t.Errorf("damaged %q, want %q; missing %q, want %q", got.Damaged, want, got.Missing, missing)
		}
	}
}

// brokenWheel is a wheel whose metadata cannot be inflated.
func brokenWheel(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x.whl")
	wheel(t, name, "broken-1.dist-info/METADATA", strings.Repeat("Name: broken\n", 100))
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	begin := strings.Index(string(data), "METADATA") + len("METADATA")
	for i := begin; i < begin+8; i++ {
		data[i] = 0xff
	}
	return string(data)
}

// TestUnpack: nothing but packages, and nothing outside of the directory.
func TestUnpack(t *testing.T) {
	dir, archive := makeWheelhouse(t, exampleWheels())
	b := exampleBuild()
	b.Wheels = filepath.Join(t.TempDir(), "a", "b")
	if err := os.MkdirAll(b.Wheels, 0o700); err != nil {
		t.Fatal(err)
	}
	runReal(t, b.Fetch(archive)[0])
	for _, name := range sorted(exampleWheels()) {
		want, err := os.ReadFile(filepath.Join(dir, name))
		got, err2 := os.ReadFile(filepath.Join(b.Wheels, name))
		if err := errors.Join(err, err2); err != nil || string(want) != string(got) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, at := range []string{b.Wheels, filepath.Dir(b.Wheels)} {
		entries, err := os.ReadDir(at)
		if want := map[bool]int{true: len(exampleWheels()), false: 1}[at == b.Wheels]; err != nil || len(entries) != want {
			t.Errorf("%s has %v, %v; want %d", at, entries, err, want)
		}
	}
}

// TestLinksInAnArchive: links of both kinds are the files that they lead to inside of the archive, and nothing else.
func TestLinksInAnArchive(t *testing.T) {
	file := filepath.Join(t.TempDir(), "wheels.tar")
	packed, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close() //nolint:errcheck // read by its name
	data := []byte("content")
	archive := tar.NewWriter(packed)
	for _, h := range []tar.Header{
		{Name: "links/first.whl", Typeflag: tar.TypeSymlink, Linkname: "../store/1"},
		{Name: "store/1", Mode: 0o600, Size: int64(len(data))},
		{Name: "links/second.whl", Typeflag: tar.TypeLink, Linkname: "store/1"},
		{Name: "links/outside.whl", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
		{Name: "links/circle.whl", Typeflag: tar.TypeSymlink, Linkname: "circle.whl"},
		{Name: "links/directory.whl", Typeflag: tar.TypeDir},
	} {
		err = errors.Join(err, archive.WriteHeader(&h))
		if h.Size > 0 {
			_, failed := archive.Write(data)
			err = errors.Join(err, failed)
		}
	}
	if err = errors.Join(err, archive.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := packed.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	b := exampleBuild()
	b.Wheels = t.TempDir()
	runReal(t, b.Fetch(packed)[0])
	got := map[string]string{}
	entries, err := os.ReadDir(b.Wheels)
	for _, e := range entries {
		text, failed := os.ReadFile(filepath.Join(b.Wheels, e.Name()))
		got[e.Name()], err = string(text), errors.Join(err, failed)
	}
	want := map[string]string{"first.whl": "content", "second.whl": "content"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestWordsOfConstraints: the program that looks gets them as it can read them, a line each.
func TestWordsOfConstraints(t *testing.T) {
	text := "click (<9) ; python_version < '3.12'\npatroni \\\n  <4.1 # not yet\nx @ https://u:p@x/\n--pre\n"
	want := []string{"bound:click (<9) ; python_version < '3.12'", "bound:patroni   <4.1"}
	if diff := cmp.Diff(want, Needs{Constraints: text}.words()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func sorted(m map[string]string) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestNewestIn(t *testing.T) {
	files := []string{
		"patroni-4.0.7-py3-none-any.whl", "patroni-4.1.5-py3-none-any.whl", "patroni-4.2.0rc1-py3-none-any.whl",
		"patroni-4.1.10.tar.gz", "click-9-py3-none-any.whl", "patroni.txt",
	}
	for spec, want := range map[string]string{"": "4.1.10", "<4.1.10": "4.1.5", "==4.0.*": "4.0.7", ">4.1.10": "4.2.0rc1",
		">5": ""} {
		parsed, err := ParseSpec(spec)
		if err != nil {
			t.Fatal(err)
		}
		for _, order := range [][]string{files, slices.Sorted(slices.Values(files))} {
			if got := parsed.NewestIn(order); got != want {
				t.Errorf("%q: %q, want %q", spec, got, want)
			}
		}
	}
}

// TestBound: what constraints say of Patroni counts where only names of files are known.
func TestBound(t *testing.T) {
	for text, want := range map[string]string{
		"":                          ">=4",
		"click<9\n":                 ">=4",
		"Patroni < 4.1 # not yet\n": ">=4,<4.1",
		"patroni==4.0.7 \\\n    --hash=sha256:00\npatroni!=4.1.0": ">=4,==4.0.7,!=4.1.0",
		"patroni \\\n<4.1\n": ">=4,<4.1",
		"patroni (<4.1)\n":   ">=4,<4.1",
		"Patroni( < 4.1, != 4.0.1 ) # not yet\nclick (<9)": ">=4,<4.1,!=4.0.1",
		"patroni\t<\t4.1":                   ">=4,<4.1",
		"pat\\\nroni<\\\n4.1":               ">=4,<4.1",
		"patroni<4; python_version < \"3\"": ">=4",
		"patroni @ https://x.example/p.whl": ">=4",
	} {
		spec, err := ParseSpec(">=4")
		if err != nil {
			t.Fatal(err)
		}
		if got := spec.Bound(text).String(); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

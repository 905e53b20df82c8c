package pipx

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

const exampleLock = `# made by hand
patroni[etcd,psycopg2-binary]==4.1.5 \
    --hash=` + digest + ` \
    --hash=` + digest + `
    # via nothing
Click == 8.1.7 ; python_version < "3.10" --hash=` + digest + "\r\n" +
	`click==8.3.0 ; python_version >= "3.10" --hash=` + digest + `
setuptools==80.9.0 --hash=` + digest + `
wheel==0.45.1 \
  --hash=` + digest

func TestParseLock(t *testing.T) {
	lock, err := ParseLock(exampleLock)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"patroni": {"4.1.5"}, "click": {"8.1.7", "8.3.0"}, "wheel": {"0.45.1"}, "unknown": nil,
	} {
		if diff := cmp.Diff(want, lock.Versions(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if want := "setuptools==80.9.0 --hash=" + digest + "\nwheel==0.45.1   --hash=" + digest + "\n"; lock.Tools() != want {
		t.Errorf("tools %q, want %q", lock.Tools(), want)
	}
	if got := lock.Pipx().String(); strings.Count(got, "==") != 2 ||
		!strings.Contains(got, "click==8.3.0 ; python_version") {
		t.Errorf("pipx takes %q, want both of click", got)
	}
	want := []string{
		"patroni[etcd,psycopg2-binary]==4.1.5", `Click == 8.1.7 ; python_version < "3.10"`, `click==8.3.0 ; python_version >= "3.10"`,
		"setuptools==80.9.0", "wheel==0.45.1",
	}
	if diff := cmp.Diff(want, lock.Requirements()); diff != "" {
		t.Errorf("requirements (-want +got):\n%s", diff)
	}
	again, err := ParseLock(lock.String())
	if lock.IsZero() || err != nil || !slices.Equal(again.pins, lock.pins) || strings.Contains(lock.String(), "#") {
		t.Errorf("zero %t, text %q, %v", lock.IsZero(), lock, err)
	}
	if !(Lock{}).IsZero() {
		t.Error("the lock of nothing is not zero")
	}
}

// TestPipReadsWhatWasParsed: a comment may name an encoding, and pip would read other lines, and a mark at the
// beginning is none of the first name.
func TestPipReadsWhatWasParsed(t *testing.T) {
	const comments = "\ufeff# coding: utf-7\n# +AAo---index-url http://evil\n"
	pin := `patroni==4.0.7 ; python_version >= "3.9"   --hash=` + digest
	lock, err := ParseLock(comments + pin + " # why \\\n")
	if want := pin + "\n"; err != nil || lock.String() != want {
		t.Errorf("a lock: %q, %v, want %q", lock, err, want)
	}
	got, err := Constraints(comments + "click < \\\n  9 ; os_name == 'é' # -*- coding: x -*-\n\n" +
		"urllib3!=2 # a \\\npatroni<4.1\n")
	if want := "click <   9 ; os_name == 'é'\nurllib3!=2\npatroni<4.1\n"; err != nil || got != want {
		t.Errorf("constraints: %q, %v, want %q", got, err, want)
	}
	if got, err := Constraints("# coding: none\n"); err != nil || got != "" {
		t.Errorf("of comments alone: %q, %v", got, err)
	}
	if _, err := Constraints("click<9\n\ufeffurllib3\n"); err == nil {
		t.Error("a mark in the middle is taken")
	}
	if _, err := Constraints("click<9 ; os_name == '\xff'\n"); err == nil {
		t.Error("what is not UTF-8 is taken")
	}
}

// TestLockParts: what pip is given for the build of source packages, and for pipx, name by name.
func TestLockParts(t *testing.T) {
	parts := map[string][]string{
		"tools": {"setuptools", "wheel"},
		"pipx": {
			"argcomplete", "click", "distro", "filelock", "importlib-metadata", "packaging", "pipx", "platformdirs", "tomli",
			"typing-extensions", "userpath", "zipp",
		},
	}
	text := "patroni==4.1.5 --hash=" + digest + "\nurllib3==2.0 --hash=" + digest + "\n"
	for _, name := range slices.Sorted(slices.Values(slices.Concat(parts["tools"], parts["pipx"]))) {
		text += strings.ReplaceAll(name, "-", "_") + "==1.0 --hash=" + digest + "\n"
	}
	lock, err := ParseLock(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]string{"tools": lock.Tools(), "pipx": lock.Pipx().String()} {
		var got []string
		for line := range strings.Lines(part) {
			found, _, _ := strings.Cut(line, "==")
			got = append(got, Normalise(found))
		}
		if diff := cmp.Diff(parts[name], got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestHashes: which options of pip vouch for a package.
func TestHashes(t *testing.T) {
	hex := func(n int) string { return strings.Repeat("0a", n/2) }
	for word, want := range map[string]bool{
		"--hash=sha256:" + hex(64): true, "--hash=sha384:" + hex(96): true, "--hash=sha512:" + hex(128): true,
		"--hash=sha256:" + strings.Repeat("0A", 32): true,

		"--hash=sha256:" + hex(62): false, "--hash=sha256:" + hex(66): false,
		"--hash=sha384:" + hex(64): false, "--hash=sha512:" + hex(64): false,
		"--hash=sha256:" + strings.Repeat("0g", 32): false,

		"--hash=md5:" + hex(32): false, "--hash=sha1:" + hex(40): false, "--hash=sha224:" + hex(56): false,
		"--hash=" + hex(64): false, "--hash": false,
	} {
		if isHash(word) != want {
			t.Errorf("%s vouches: %t, want %t", word, !want, want)
		}
	}
}

func TestParseLockRefuses(t *testing.T) {
	const patroni = "patroni==4.1.5 --hash=" + digest + "\n"
	for text, want := range map[string]string{
		"":                                      "does not hold patroni",
		"click==8.1.7 --hash=" + digest:         "does not hold patroni",
		"patroni==4.1.5":                        "line 1: patroni 4.1.5 has no --hash",
		patroni + "click>=8 --hash=" + digest:   `line 2: "click>=8" does not name a package and its version`,
		patroni + "click===8 --hash=" + digest:  "does not name",
		patroni + "click==8.* --hash=" + digest: "does not name",
		patroni + "click --hash=" + digest:      "does not name",
		patroni + "click @ https://x.example/c.whl --hash=" + digest:           "does not name",
		patroni + "https://x.example/c.whl --hash=" + digest:                   "does not name",
		patroni + "\n--index-url https://x.example":                            `line 3: "--index-url" is not allowed`,
		patroni + "--index-url=https://me:hidden@x.example":                    `"--index-url=https://…" is not allowed`,
		patroni + "click @ https://me:hidden@x.example/c.whl --hash=" + digest: `"click @ https://…" does not name`,
		patroni + "-r other.txt":                                               `"-r" is not allowed`,
		patroni + "-e .":                                                       `"-e" is not allowed`,
		patroni + "click==8 --hash=md5:0123456789abcdef":                       "is not allowed",
		patroni + "click==8 --hash=sha256:0123":                                "is not allowed",
		patroni + "click==8 --hash=" + digest + " --global-option=-x":          `"--global-option=-x" is not allowed`,
		patroni + "root:x:0:0:root:/root:/bin/bash":                            "line 2: ",
		patroni + "click==8 --hash=" + digest + " \\":                          "continued by nothing",
		patroni + "click==8 ; x\revil --hash=" + digest: "line 2: it has a character that pip may take for the " +
			"end of a line",
		patroni + "# a comment\u2028evil==1 --hash=" + digest: "line 2: it has a character",
		patroni + "# a comment\u2029evil==1 --hash=" + digest: "line 2: it has a character",
		patroni + "# a comment\u0085evil==1 --hash=" + digest: "line 2: it has a character",
		patroni + "click==8 --hash=" + digest + "\x0b\n":      "line 2: it has a character",
	} {
		if _, err := ParseLock(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestLockDiffers(t *testing.T) {
	lock, err := ParseLock(exampleLock)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		packages map[string]string
		want     string
	}{
		{map[string]string{"patroni": "4.1.5", "click": "8.3", "other": "1"}, ""},
		{map[string]string{"patroni": "4.1.5", "click": "8.1.7"}, ""},
		{map[string]string{"patroni": "4.1.5", "click": "8.2"}, "the lock file has click 8.1.7 or 8.3.0 in place of 8.2"},
		{map[string]string{"patroni": "4.1.5", "wheel": "odd"}, "the lock file has wheel 0.45.1 in place of odd"},
	} {
		if got := lock.Differs(test.packages); got != test.want {
			t.Errorf("%v: %q, want %q", test.packages, got, test.want)
		}
	}
	if got := (Lock{}).Differs(map[string]string{"patroni": "4.1.5"}); got != "" {
		t.Errorf("no lock: %q", got)
	}
}

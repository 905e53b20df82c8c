package ini

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for text, want := range map[string][]Setting{
		"":                                  nil,
		"[global]\nindex-url = https://a\n": {{"global", "index-url", "https://a"}},
		"[install]\nUser: yes\n":            {{"install", "User", "yes"}},
		"[global]\n# user = 1\n; user = 1\n\na =":   {{"global", "a", ""}},
		"[a]\nb =\n  /a\n  # no\n\n  /b\nuser = 1":  {{"a", "b", "/a /b"}, {"a", "user", "1"}},
		"[a]\n  b = /x\n  user = 1\n   more\n[x]\n": {{"a", "b", "/x"}, {"a", "user", "1 more"}},
		"user = 1\n[global]\n":                      {{"", "user", "1"}},
		"[global]\r\nroot = /x\r\n":                 {{"global", "root", "/x"}},
		"[a] # comment\nb = /x\n[a\nc = /y\n= z":    {{"a", "b", "/x"}, {"a", "c", "/y"}},
		"[a]\nb=c\n[x]\n d\n":                       {{"a", "b", "c"}},
	} {
		if diff := cmp.Diff(want, Parse(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// TestSections: each header counts, as often as it stands there.
func TestSections(t *testing.T) {
	want := []string{"a", "b", "a"}
	if _, got := Sections("x = 1\n[a]\n[b] # comment\nx =\n [c]\n[a]\n"); !cmp.Equal(want, got) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// checks is a text for each thing that Python's configparser does not load, and what Check says of it.
func checks() map[string]string {
	return map[string]string{
		"":                      "",
		"# none\n; none\n[a]\n": "",
		"[a]\nb = 1\n  more = x\n\n  [c]\nd: 2\n[DEFAULT]\n[DEFAULT]\n[A]\n[b] # x\nb=1\nb-c=1\nb_c=1\n": "",
		"[a]\nb = 1\n[DEFAULT]\nb = 2\n":       "",
		"b = 1\n[a]\n":                         "line 1: it stands before the first section",
		"\n  nonsense\n":                       "line 2: it stands before the first section",
		"\ufeff[a]\nb = 1\n":                   "line 1: it begins with a byte order mark",
		"[a]\nb = 1\n# x\n[a]\n":               "line 4: there is a section [a] already",
		"[a]\nB = 1\n  b = 2\nb: 3\n":          "line 4: [a] sets b already",
		"[DEFAULT]\nb = 1\n[DEFAULT]\nb = 2\n": "line 4: [DEFAULT] sets b already",
		"[a]\nb\n":                             "line 2: it is neither a section nor a setting",
		"[a]\n= 1\n":                           "line 2: it is neither a section nor a setting",
		"[a]\n[b\n":                            "line 2: it is neither a section nor a setting",
		"[a]\n[]\n":                            "line 2: it is neither a section nor a setting",
		"[a\n":                                 "line 1: it stands before the first section",
		"[a]\nb = 1\nc = \xff\n":               "line 3: it is not UTF-8",
		"[a]\nb\n[a]\n":                        "line 2: it is neither a section nor a setting",
		"[a]\nb = 1\nnonsense\n  c\nd\n":       "line 3: it is neither a section nor a setting",
	}
}

func TestCheck(t *testing.T) {
	for text, want := range checks() {
		err := Check(text)
		if got := fmt.Sprint(err); err == nil && want != "" || err != nil && got != want {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestCheckAsPython: a real configparser loads what Check lets pass, and nothing else.
func TestCheckAsPython(t *testing.T) {
	const program = "import configparser, sys\nconfigparser.RawConfigParser().read(sys.argv[1], encoding='utf-8')\n"
	if exec.CommandContext(t.Context(), "python3", "-c", "import configparser").Run() != nil {
		t.Skip("there is no Python")
	}
	for text, want := range checks() {
		name := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "python3", "-c", program, name).CombinedOutput()
		if (err == nil) != (want == "") {
			t.Errorf("%q: %v\n%s", text, err, out)
		}
	}
}

// FuzzParse: a setting has a name, and is of one line or of those that go on with it.
func FuzzParse(f *testing.F) {
	f.Add("[global]\nuser = 1\n more\n")
	f.Add("[install\n: x\n=\n[")
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range Parse(text) {
			if s.Name == "" || strings.ContainsAny(s.Name+s.Value, "\n") || !strings.ContainsAny(text, "=:") {
				t.Errorf("%q: %+v", text, s)
			}
		}
	})
}

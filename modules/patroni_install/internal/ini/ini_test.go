package ini

import (
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

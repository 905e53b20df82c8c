package ansible

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testSpec has an argument of each kind.
func testSpec() Spec {
	return Spec{
		Name: "tryout",
		Arguments: []Argument{
			{Name: "state", Choices: []string{"present", "absent"}, Default: "present", Help: "what is to be"},
			{Name: "name", Aliases: []string{"pkg", "package"}},
			{Name: "force", Type: Bool, Default: false},
			{Name: "timeout", Type: Int, Default: 300},
			{Name: "extras", Type: List, Default: []string{"a", "b"}},
			{Name: "only", Type: List, Choices: []string{"x", "y"}},
			{Name: "dir", Type: Path},
			{Name: "token", NoLog: true},
			{Name: "db_password"},
			{Name: "index_url", Credentials: true},
			{Name: "extra_index_urls", Type: List, Credentials: true},
		},
		MutuallyExclusive: [][]string{{"name", "dir"}, {"index_url", "dir"}},
	}
}

func TestUsage(t *testing.T) {
	spec := Spec{Arguments: []Argument{
		{Name: "state", Choices: []string{"present", "absent"}, Default: "present", Help: "What is to be."},
		{Name: "name", Aliases: []string{"pkg"}, Required: true},
		{Name: "extras", Type: List, Default: []string{"a", "b"}},
		{Name: "home", Type: Path, Unset: "the user's"},
	}}
	want := `  state (str; one of present, absent; default present)
        What is to be.
  name, pkg (str; required)
  extras (list; default a,b)
  home (path; default: the user's)
`
	if diff := cmp.Diff(want, spec.Usage()); diff != "" {
		t.Errorf("Usage (-want +got):\n%s", diff)
	}
}

func TestUnsoundSpecPanics(t *testing.T) {
	tests := []struct {
		name string
		spec Spec
		want string
	}{
		{"no name", Spec{Arguments: []Argument{{}}}, `argument name "" is empty`},
		{"name twice", Spec{Arguments: []Argument{{Name: "a"}, {Name: "a"}}}, `"a" is empty or declared twice`},
		{"alias is a name", Spec{Arguments: []Argument{{Name: "a"}, {Name: "b", Aliases: []string{"a"}}}}, `"a" is empty or declared twice`},
		{"required with default", Spec{Arguments: []Argument{{Name: "a", Required: true, Default: "x"}}}, "required and default are mutually exclusive for a"},
		{"default of a wrong type", Spec{Arguments: []Argument{{Name: "a", Type: Int, Default: "5"}}}, "default of a is a string, not of type int"},
		{"list as text", Spec{Arguments: []Argument{{Name: "a", Type: List, Default: "x,y"}}}, "default of a is a string, not of type list"},
		{"path as a list", Spec{Arguments: []Argument{{Name: "a", Type: Path, Default: []string{}}}}, "not of type path"},
		{"bool as number", Spec{Arguments: []Argument{{Name: "a", Type: Bool, Default: 1}}}, "not of type bool"},
		{"unknown exclusive", Spec{Arguments: []Argument{{Name: "a"}}, MutuallyExclusive: [][]string{{"a", "b"}}}, "mutually exclusive argument b is not declared"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := panicOf(func() { _, _ = ParseRequest(test.spec, []byte("{}")) })
			if !strings.HasPrefix(got, "internal error: ") || !strings.Contains(got, test.want) {
				t.Errorf("panic %q, want an internal error with %q", got, test.want)
			}
		})
	}
}

// panicOf returns the text of f's panic, "" without one.
func panicOf(f func()) (text string) {
	defer func() {
		if reason := recover(); reason != nil {
			text, _ = reason.(string)
		}
	}()
	f()
	return ""
}

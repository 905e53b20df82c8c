package ansible

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func parse(t *testing.T, data string) *Request {
	t.Helper()
	req, err := ParseRequest(testSpec(), []byte(data))
	if err != nil {
		t.Fatalf("ParseRequest(%s): %v", data, err)
	}
	return req
}

func TestParams(t *testing.T) {
	p := parse(t, `{"name": "n", "force": true, "timeout": 5, "extras": "x", "index_url": ""}`).Params
	got := []any{
		p.String("name"), p.Bool("force"), p.Int("timeout"), p.List("extras"),
		p.String("state"), p.String("dir"), p.List("only"), p.String("index_url"),
	}
	want := []any{"n", true, 5, []string{"x"}, "present", "", []string(nil), ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestIsSet(t *testing.T) {
	p := parse(t, `{"name": null, "index_url": "", "only": ""}`).Params
	want := map[string]bool{"name": false, "dir": false, "index_url": true, "only": true, "state": true}
	got := map[string]bool{}
	for name := range want {
		got[name] = p.IsSet(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("IsSet (-want +got):\n%s", diff)
	}
}

func TestFill(t *testing.T) {
	type values struct {
		Name, Dir, Token string
		Force            bool
		Timeout          time.Duration
		Retries          int
		Extras, Only     []string
	}
	got := values{Dir: "/before", Only: []string{"before"}}
	spec := Spec{Arguments: []Argument{
		{Name: "name", To: &got.Name},
		{Name: "dir", Type: Path, To: &got.Dir},
		{Name: "token"}, // goes nowhere
		{Name: "force", Type: Bool, To: &got.Force},
		{Name: "timeout", Type: Int, To: &got.Timeout},
		{Name: "retries", Type: Int, Default: 3, To: &got.Retries},
		{Name: "extras", Type: List, To: &got.Extras},
		{Name: "only", Type: List, To: &got.Only},
	}}
	req, err := ParseRequest(spec, []byte(`{"name": "n", "token": "t", "force": true, "timeout": 90, "extras": []}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Params.Fill(spec.Arguments)
	want := values{
		Name: "n", Dir: "/before", Force: true, Timeout: 90 * time.Second, Retries: 3,
		Extras: []string{}, Only: []string{"before"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestListIsACopy(t *testing.T) {
	p := parse(t, `{"extras": ""}`).Params
	if got := p.List("extras"); got == nil || len(got) != 0 {
		t.Errorf("an empty list came as %#v", got)
	}
	p = parse(t, `{"extras": "a,b"}`).Params
	p.List("extras")[0] = "changed"
	if diff := cmp.Diff([]string{"a", "b"}, p.List("extras")); diff != "" {
		t.Errorf("the caller's change reached the parameters (-want +got):\n%s", diff)
	}
}

func TestParamsPanicOnMisuse(t *testing.T) {
	p := parse(t, `{}`).Params
	tests := []struct {
		name string
		read func()
		want string
	}{
		{"undeclared", func() { p.String("nmae") }, `internal error: argument "nmae" is not declared`},
		{"undeclared, asked for", func() { p.IsSet("nmae") }, `internal error: argument "nmae" is not declared`},
		{"by alias", func() { p.String("pkg") }, `internal error: argument "pkg" is not declared`},
		{"wrong type", func() { p.Int("name") }, `internal error: argument "name" is of type str`},
		{"text into a bool", func() { p.Fill([]Argument{{Name: "state", To: new(bool)}}) },
			`internal error: argument "state" is of type str`},
		{"into a float", func() { p.Fill([]Argument{{Name: "state", To: new(float64)}}) },
			`internal error: argument "state" cannot be stored in a *float64`},
		{"list as string", func() { p.String("extras") }, `internal error: argument "extras" is of type list`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, panicOf(test.read)); diff != "" {
				t.Errorf("panic (-want +got):\n%s", diff)
			}
		})
	}
}

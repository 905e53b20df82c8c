package ansible

import (
	"testing"

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

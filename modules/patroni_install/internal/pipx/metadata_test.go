package pipx

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

func TestMissingFor(t *testing.T) {
	root := write(t, venvFiles(), nil)
	v, err := Inspect(fsys.New(root), "/venv", os.Geteuid())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		extras []string
		want   []string
	}{
		{nil, nil},
		{[]string{"etcd"}, nil},
		{[]string{"etcd3"}, nil},
		{[]string{"psycopg2-binary"}, []string{"psycopg2-binary"}},
		{[]string{"Psycopg2_Binary", "etcd", "psycopg3"}, []string{"psycopg", "psycopg2-binary"}},
		{[]string{"consul"}, nil},
		{[]string{"unknown"}, nil},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, v.MissingFor(test.extras)); diff != "" {
			t.Errorf("missing for %v (-want +got):\n%s", test.extras, diff)
		}
	}
	if err := v.CheckExtras([]string{"etcd", "psycopg3"}); err != nil {
		t.Error(err)
	}
	want := `Patroni 4.1.5 has no extra "zoo"; it has consul, etcd3, psycopg2-binary, psycopg3`
	if err := v.CheckExtras([]string{"zoo"}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestMarkerHolds(t *testing.T) {
	tests := []struct {
		marker string
		want   bool
	}{
		{"", true},
		{`extra == "etcd"`, true},
		{`extra == 'ETCD'`, true},
		{`extra == "raft"`, false},
		{`python_version >= "3.9"`, true},
		{`python_version < "3.9"`, false},
		{`"3.9" <= python_version`, true},
		{`"3.12" > python_version`, true},
		{`python_version > "3.6" and python_version < "3.9"`, false},
		{`python_version == "3.6" or extra == "etcd"`, true},
		{`(python_version == "3.6" or extra == "etcd") and sys_platform == "linux"`, true},
		{`sys_platform != "win32"`, true},
		{`platform_machine == "x86_64"`, false},
		{`python_version >= "three"`, false},
		{`python_version === "3.11"`, true},
		{`python_version in "3.10 3.11"`, false},
		{`python_version != "3.11.*"`, false},
		{`extra=='etcd'or(extra=='raft')`, true},
		{`extra ==`, false},
		{`extra !=`, false},
		{`extra`, false},
		{`python_version`, false},
		{`extra == "etcd`, false},
		{`extra % == "etcd"`, false},
		{`(extra == "etcd"`, false},
		{`extra == "etcd") or extra == "etcd"`, false},
		{strings.Repeat("(", maxMarker+1), false},
	}
	for _, test := range tests {
		got := markerHolds(test.marker, map[string]string{"extra": "etcd", "python_version": "3.11"})
		if got != test.want {
			t.Errorf("markerHolds(%.60q) = %v, want %v", test.marker, got, test.want)
		}
	}
}

func TestParseMetadata(t *testing.T) {
	got := parseMetadata("Requires-Dist: Zope.Interface[a,b] (>=1.0,<2) ; extra == \"x\"\r\n" +
		"requires-dist: urllib3!=1.21,>=1.19.1\n" +
		"Requires-Dist: x @ https://index.example/x.whl ; python_version > \"3\"\nRequires-Dist: -x\nRequires-Dist:\n" +
		"Requires-Dist: x-;\nProvides-Extra: Psycopg2_Binary\n\nRequires-Dist: body\n")
	want := metadata{
		extras: []string{"psycopg2-binary"},
		requires: []requirement{
			{"zope-interface", ` extra == "x"`}, {"urllib3", ""}, {"x", ` python_version > "3"`},
		},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(metadata{}, requirement{})); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	many := parseMetadata(strings.Repeat("Requires-Dist: x\n", 2*maxRequires))
	if len(many.requires) != maxRequires {
		t.Errorf("%d requirements, want at most %d", len(many.requires), maxRequires)
	}
}

func TestConsoleScripts(t *testing.T) {
	text := "stray = a:b\n[console_scripts]\npatronictl = x:y\n patroni=x:y [extra]\n../evil = x:y\n-rf = x:y\n" +
		".hidden = x:y\na/b = x:y\npatroni = again:y\nnothing\n[gui_scripts]\ngui = x:y\n"
	apps, unfit := consoleScripts(text)
	if diff := cmp.Diff([][]string{{"patroni", "patronictl"}, {"../evil", "-rf", ".hidden", "a/b"}},
		[][]string{apps, unfit}); diff != "" {
		t.Errorf("apps, and what is unfit (-want +got):\n%s", diff)
	}
	var many strings.Builder
	many.WriteString("[console_scripts]\n")
	for i := range 2 * maxApps {
		fmt.Fprintf(&many, "app%d = x:y\n", i)
	}
	if apps, unfit := consoleScripts(many.String()); len(apps) != maxApps || len(unfit) != maxNamed {
		t.Errorf("%d apps, %d too many; want at most %d and %d", len(apps), len(unfit), maxApps, maxNamed)
	}
}

func TestDistributions(t *testing.T) {
	got := Distributions([]string{
		"Foo.Bar_Baz-1.0.post1.dist-info", "python_etcd-0.4.5-py3.11.egg-info", "patroni", "~atroni-4.1.5.dist-info",
		"no-version.dist-info", "x-1.0", "local-1.0+deb12.dist-info",
	})
	want := map[string]string{"foo-bar-baz": "1.0.post1", "python-etcd": "0.4.5", "local": "1.0+deb12"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("distributions (-want +got):\n%s", diff)
	}
}

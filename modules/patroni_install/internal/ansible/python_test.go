package ansible

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
)

func TestPyRepr(t *testing.T) {
	tests := []struct {
		value any
		want  string
	}{
		{nil, "None"},
		{true, "True"},
		{jsonvalue.Number("1.5"), "1.5"},
		{7, "7"},
		{"plain", "'plain'"},
		{"it's", `"it's"`},
		{`say "it"`, `'say "it"'`},
		{`it's "it"`, `'it\'s "it"'`},
		{`back\slash`, `'back\\slash'`},
		{"a\n\r\t\x00\x7f", `'a\n\r\t\x00\x7f'`},
		{"ä€😀", "'ä€😀'"},
		{"\u00a0\u2028\U000e0001", `'\xa0\u2028\U000e0001'`},
		{[]string{"a", "it's"}, `['a', "it's"]`},
		{[]any{nil, false, "x"}, "[None, False, 'x']"},
		{map[string]any{"b": jsonvalue.Number("1"), "a": "x"}, "{'a': 'x', 'b': 1}"},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, pyRepr(test.value)); diff != "" {
			t.Errorf("%#v (-want +got):\n%s", test.value, diff)
		}
	}
}

func TestPyTypeName(t *testing.T) {
	tests := []struct {
		value any
		want  string
	}{
		{nil, "NoneType"}, {true, "bool"}, {"", "str"}, {[]any{}, "list"}, {map[string]any{}, "dict"},
		{jsonvalue.Number("1"), "int"}, {jsonvalue.Number("1.0"), "float"}, {jsonvalue.Number("1e5"), "float"},
	}
	for _, test := range tests {
		if got := pyTypeName(test.value); got != test.want {
			t.Errorf("%#v is a %s, want %s", test.value, got, test.want)
		}
	}
}

package ansible

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
)

// refused stands for an error in the tables below.
type refused struct{}

func checkCoercion(t *testing.T, to Type, value, want any) {
	t.Helper()
	got, err := to.coerce(value)
	if err != nil {
		got = refused{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%#v as %s (-want +got):\n%s", value, to, diff)
	}
}

func TestBool(t *testing.T) {
	for _, value := range []any{
		true, "y", "yes", "on", "1", "true", "t", "YES", " True\n",
		jsonvalue.Number("1"), jsonvalue.Number("1.0"), jsonvalue.Number("1e0"),
	} {
		checkCoercion(t, Bool, value, true)
	}
	for _, value := range []any{
		false, "n", "no", "off", "0", "false", "f", "No", "\tOFF ",
		jsonvalue.Number("0"), jsonvalue.Number("0.0"), jsonvalue.Number("-0"),
	} {
		checkCoercion(t, Bool, value, false)
	}
	for _, value := range []any{
		"", "2", "yes!", "1.0", "tru e", jsonvalue.Number("2"), jsonvalue.Number("0.5"), jsonvalue.Number("-1"),
		[]any{}, []any{true}, map[string]any{},
	} {
		checkCoercion(t, Bool, value, refused{})
	}
}

func TestInt(t *testing.T) {
	tests := []struct{ value, want any }{
		{jsonvalue.Number("5"), 5},
		{jsonvalue.Number("-5"), -5},
		{jsonvalue.Number("420"), 420}, // YAML's unquoted 0644
		{jsonvalue.Number("5.0"), 5},
		{jsonvalue.Number("5e2"), 500},
		{jsonvalue.Number("1E+3"), 1000},
		{jsonvalue.Number("50e-1"), 5},
		{jsonvalue.Number("0e-9"), 0},
		{jsonvalue.Number("0.000"), 0},
		{jsonvalue.Number("9223372036854775807"), 9223372036854775807},
		{"5", 5}, {" 5 ", 5}, {"+5", 5}, {"-5", -5}, {"0644", 644}, {"1_000", 1000},
		{"5.0", 5}, {"5.", 5}, {"5.00000000000000000000000", 5}, {"00000000000000000000000", 0},
		{true, 1}, {false, 0},

		{jsonvalue.Number("5.5"), refused{}},
		{jsonvalue.Number("5e-1"), refused{}},
		{jsonvalue.Number("9223372036854775808"), refused{}},
		{jsonvalue.Number("9007199254740992.0"), 1 << 53},
		{jsonvalue.Number("9007199254740994.0"), refused{}},
		{jsonvalue.Number("1e19"), refused{}},
		{jsonvalue.Number("1e999999999999"), refused{}},
		{"", refused{}}, {" ", refused{}}, {"0x10", refused{}}, {"abc", refused{}}, {"5 5", refused{}},
		{"-", refused{}}, {"+-", refused{}}, {"--5", refused{}}, {".", refused{}}, {"e5", refused{}}, {"5e", refused{}},
		{"5.0.0", refused{}}, {"5.-0", refused{}}, {"5.01", refused{}},
		{"nan", refused{}}, {"inf", refused{}}, {"Infinity", refused{}},
		{[]any{jsonvalue.Number("5")}, refused{}}, {map[string]any{}, refused{}},
	}
	for _, test := range tests {
		checkCoercion(t, Int, test.value, test.want)
	}
}

func TestStr(t *testing.T) {
	tests := []struct {
		value any
		want  string
	}{
		{"", ""}, {" as it is ", " as it is "}, {"$HOME ~", "$HOME ~"},
		{true, "True"}, {false, "False"},
		{jsonvalue.Number("420"), "420"}, {jsonvalue.Number("3.10"), "3.10"},
		{jsonvalue.Number("123456789012345678901234567890"), "123456789012345678901234567890"},
		{[]any{"a", jsonvalue.Number("1"), nil}, "['a', 1, None]"},
		{map[string]any{"b": []any{}, "a": map[string]any{}}, "{'a': {}, 'b': []}"},
	}
	for _, test := range tests {
		checkCoercion(t, Str, test.value, test.want)
	}
}

func TestList(t *testing.T) {
	tests := []struct{ value, want any }{
		{"a,b", []string{"a", "b"}},
		{" a , b ", []string{"a", "b"}},
		{"a", []string{"a"}},
		{"", []string{}},
		{" , ,", []string{}},
		{"a,,b,", []string{"a", "b"}},
		{"a,__omit_place_holder__1", []string{"a"}},
		{`["a","b"]`, []string{`["a"`, `"b"]`}}, // a string is split, never parsed
		{jsonvalue.Number("5"), []string{"5"}},
		{jsonvalue.Number("5.5"), []string{"5.5"}},
		{true, []string{"True"}},
		{[]any{}, []string{}},
		{[]any{" a ", "b,c", ""}, []string{"a", "b,c", ""}},
		{[]any{jsonvalue.Number("1"), true, nil, []any{"x"}}, []string{"1", "True", "['x']"}},
		{[]any{"__omit_place_holder__1", "a"}, []string{"a"}},
		{map[string]any{}, refused{}},
	}
	for _, test := range tests {
		checkCoercion(t, List, test.value, test.want)
	}
}

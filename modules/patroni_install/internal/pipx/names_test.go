package pipx

import (
	"strings"
	"testing"
)

func TestNormalise(t *testing.T) {
	tests := map[string]string{
		"PyYAML": "pyyaml", "zope.interface": "zope-interface", "a_.-b": "a-b", "a--b": "a-b", "a-----b": "a-b",
		"_x.": "-x-", "psycopg2-binary": "psycopg2-binary", "": "",
	}
	for name, want := range tests {
		if got := Normalise(name); got != want {
			t.Errorf("Normalise(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	tests := []struct {
		text          string
		isName, isApp bool
		isVersion     bool
	}{
		{"patroni", true, true, false},
		{"psycopg2-binary", true, true, false},
		{"a.b_c", true, true, false},
		{"4.0.7", true, true, true},
		{"1", true, true, true},
		{"a-", false, true, false},
		{"4.1.", false, true, true},
		{"1!4.0-1+x_y", false, false, true},
		{"", false, false, false},
		{"-rf", false, false, false},
		{".hidden", false, false, false},
		{"a/b", false, false, false},
		{"a b", false, false, false},
		{"a\n", false, false, false},
		{"4.0 ", false, false, false},
		{"4.0*", false, false, false},
		{"patroní", false, false, false},
		{"4.０", false, false, false},
		{strings.Repeat("a", 100), true, true, false},
		{strings.Repeat("a", 101), false, false, false},
	}
	for _, test := range tests {
		if got := isName(test.text); got != test.isName {
			t.Errorf("%q is the name of a package: %v", test.text, got)
		}
		if got := isAppName(test.text); got != test.isApp {
			t.Errorf("%q is the name of a program: %v", test.text, got)
		}
		if got := isPlainVersion(test.text); got != test.isVersion {
			t.Errorf("%q is a version alone: %v", test.text, got)
		}
	}
}

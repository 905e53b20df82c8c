package pep440

import (
	"strings"
	"testing"
)

func TestContains(t *testing.T) {
	tests := []struct {
		specifiers       string
		allowed, refused string // space-separated versions
	}{
		{"", "0 4.0.7 5.0rc1 1!1", ""},
		{"==4.1.0.*", "4.1 4.1.0 4.1.0.3 4.1rc1 4.1.0+x", "4.1.1 4.0 4 1!4.1"},
		{"!=4.1.0.*", "4.1.1 4.0 1!4.1", "4.1 4.1.0.3 4.1.dev0"},
		{"==4.0.*", "4 4.0 4.0.7 4.0.0rc1 4.0.post1", "4.1.0 3.9 40.0"},
		{"==4.0", "4 4.0.0 4.0+deb12", "4.0.1 4.0rc1 4.0.post1"},
		{"==4.0+deb12", "4.0.0+DEB12", "4.0 4.0+deb13 4.0+deb12.1"},
		{"!=4.0", "4.0.1 4.0rc1", "4 4.0.0 4.0+deb12"},
		{"<4.1", "4.0.99 4.0.post1", "4.1 4.1.0 4.1rc1 4.1.dev0 4.1+x"},
		{"<4.1rc1", "4.1b9 4.1rc1.dev1 4.0", "4.1rc1 4.1"},
		{"<4.1.post1", "4.1 4.1rc1", "4.1.post1.dev0 4.1.post1"},
		{">4.0", "4.0.1 4.1.dev0", "4.0 4.0.post1 4.0.0.post2.dev1 4.0+x 4.0rc1"},
		{">4.0.post1", "4.0.post2 4.0.1 4.0.post2.dev0", "4.0.post1 4.0.post1+x 4.0"},
		{">4.0rc1", "4.0rc2 4.0 4.0.post1", "4.0rc1.post1 4.0rc1"},
		{"<=4.0", "4.0 4.0+x 4.0rc1", "4.0.post1 4.0.1"},
		{">=4.0", "4.0 4.0+x 4.0.post1", "4.0rc1 4.0.dev1"},
		{"~=4.0", "4.0 4.9.9 4.1rc1", "5.0 5.0rc1 5.0.dev0 4.0rc1 1!4.1"},
		{"~=4.0.2", "4.0.2 4.0.3.post1", "4.0.1 4.1 4.1.0"},
		{"~=4.0.0", "4 4.0.9", "4.1"},
		{"~=4.0.post2", "4.0.post2 4.0.post3 4.5", "4.0 4.0.post1 5"},
		{"~=4.1rc1", "4.1rc1 4.1 4.2", "4.1b1 5.0"},
		{">=4.0,<4.1,!=4.0.3", "4.0 4.0.4", "4.0.3 4.1 3.9"},
		{" >= 4.0 ,\t< v4.1 ", "4.0.5", "4.1"},
		{">=20240101000000000000000", "20240101000000000000001", "20240101"},
	}
	for _, test := range tests {
		s, err := ParseSpecifiers(test.specifiers)
		if err != nil {
			t.Errorf("ParseSpecifiers(%q): %v", test.specifiers, err)
			continue
		}
		for text := range strings.FieldsSeq(test.allowed) {
			if !s.Contains(mustParse(t, text), true) {
				t.Errorf("%q does not contain %s", test.specifiers, text)
			}
		}
		for text := range strings.FieldsSeq(test.refused) {
			if s.Contains(mustParse(t, text), true) {
				t.Errorf("%q contains %s", test.specifiers, text)
			}
		}
	}
}

func TestContainsPrereleases(t *testing.T) {
	tests := []struct {
		specifiers, version string
		asked, any          bool // without and with pre-releases
	}{
		{"", "4.1rc1", false, true},
		{">=4.0", "4.1rc1", false, true},
		{">=4.0", "4.1.dev1", false, true},
		{">=4.0", "4.1.post1", true, true},
		{">=4.1b1", "4.1rc1", true, true},
		{">=4.0.dev0,<5", "4.1rc1", true, true},
		{"==4.1rc1", "4.1rc1", true, true},
		{"!=4.1b1", "4.1rc1", false, true},
		{"==4.1.*", "4.1rc1", false, true},
		{">=4.1", "4.1rc1", false, false},
	}
	for _, test := range tests {
		s, err := ParseSpecifiers(test.specifiers)
		if err != nil {
			t.Fatal(err)
		}
		v := mustParse(t, test.version)
		if asked, all := s.Contains(v, false), s.Contains(v, true); asked != test.asked || all != test.any {
			t.Errorf("%q contains %s: %v, with pre-releases %v", test.specifiers, test.version, asked, all)
		}
	}
}

func TestParseSpecifiersRefuses(t *testing.T) {
	tests := map[string]string{
		"4.0":                               "it begins with no operator",
		"=4.0":                              "it begins with no operator",
		">=4.0,":                            "it begins with no operator",
		",":                                 "it begins with no operator",
		"===4.0":                            "the operator === is not supported",
		">=":                                "not of the form of PEP 440",
		"> =4.0":                            "not of the form of PEP 440",
		">=4.0 <5":                          "not of the form of PEP 440",
		"== 4.0 .*":                         "not of the form of PEP 440",
		"==4.0.*.*":                         "not of the form of PEP 440",
		">=4.*":                             "only == and != go with a wildcard",
		"~=4.0.*":                           "only == and != go with a wildcard",
		"==4.0rc1.*":                        "a plain release",
		"==4.0.dev1.*":                      "a plain release",
		"!=4.0.post1.*":                     "a plain release",
		"==4.0+x.*":                         "a plain release",
		">=4.0+x":                           "only == and != go with a local version",
		"~=4.0+x":                           "only == and != go with a local version",
		"~=4":                               "two or more numbers",
		"~=1!4":                             "two or more numbers",
		"==" + strings.Repeat("1", 257):     "longer than 256 bytes",
		strings.Repeat("==1,", 256) + "==1": "longer than 1024 bytes",
	}
	for text, want := range tests {
		s, err := ParseSpecifiers(text)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot read version specifier") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("ParseSpecifiers(%.40q) = %v, %v; want %q", text, s, err, want)
		}
	}
}

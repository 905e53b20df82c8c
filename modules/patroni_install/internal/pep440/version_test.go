package pep440

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	tests := map[string]string{
		"4.0.7":                     "4.0.7",
		" 4.0.7\n":                  "4.0.7",
		"v4.0":                      "4.0",
		"V4.0":                      "4.0",
		"04.00.007":                 "4.0.7",
		"0":                         "0",
		"0!1.0":                     "1.0",
		"002!1.0":                   "2!1.0",
		"4.1alpha":                  "4.1a0",
		"4.1-BETA-2":                "4.1b2",
		"4.1_preview.3":             "4.1rc3",
		"4.1pre":                    "4.1rc0",
		"4.1c1":                     "4.1rc1",
		"4.1.rc.01":                 "4.1rc1",
		"4.1-1":                     "4.1.post1",
		"4.1-post":                  "4.1.post0",
		"4.1.rev-2":                 "4.1.post2",
		"4.1r3":                     "4.1.post3",
		"4.1_dev":                   "4.1.dev0",
		"4.1a-1":                    "4.1a1",
		"4.1a--1":                   "4.1a0.post1",
		"1!4.1a2.post3.dev4+De_b-1": "1!4.1a2.post3.dev4+de.b.1",
		"4.1+007.00.0x1":            "4.1+7.0.0x1",
		"20240101123456789012345":   "20240101123456789012345",
	}
	for text, want := range tests {
		v, err := Parse(text)
		if err != nil || v.String() != want {
			t.Errorf("Parse(%q) = %q, %v; want %q", text, v, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const form = "it is not of the form of PEP 440, such as 4.0.7 or 4.1rc1"
	tests := map[string]string{
		"":                               form,
		"latest":                         form,
		"4.":                             form,
		"4..1":                           form,
		"4.1x":                           form,
		"4.1 rc1":                        form,
		"4.1+":                           form,
		"4.1+a..b":                       form,
		"!4.1":                           form,
		"1!":                             form,
		"4.1.*":                          form,
		"4.1.post1rc1":                   form,
		"4.1\u0660":                      "it has characters beyond ASCII",
		"4.1+\u212a":                     "it has characters beyond ASCII", // its lower case is k
		strings.Repeat("1", 257):         "it is longer than 256 bytes",
		"1" + strings.Repeat(".1", 1000): "it is longer than 256 bytes",
	}
	for text, want := range tests {
		v, err := Parse(text)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot read version ") ||
			!strings.HasSuffix(err.Error(), ": "+want) {
			t.Errorf("Parse(%.40q) = %q, %v; want %q", text, v, err, want)
		}
	}
}

// TestOrder has the order that PEP 440 gives as its example, and what it says of local versions.
func TestOrder(t *testing.T) {
	want := strings.Fields(`0.9 1.dev0 1.0.dev456 1.0a1 1.0a2.dev456 1.0a12.dev456 1.0a12 1.0b1.dev456 1.0b2
		1.0b2.post345.dev456 1.0b2.post345 1.0rc1.dev456 1.0rc1 1.0 1.0+abc.5 1.0+abc.7 1.0+abc.10 1.0+5 1.0+5.a
		1.0+5.0 1.0.post456.dev34 1.0.post456
		1.0.15 1.1.dev1 1.9 1.10 18446744073709551615 18446744073709551616 1!0.1`)
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, func(a, b string) int { return mustParse(t, a).Compare(mustParse(t, b)) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestEqual(t *testing.T) {
	for _, texts := range [][]string{
		{"1", "1.0", "1.0.0", "v1", "0!1", "01.00"},
		{"0", "0.0", "000"},
		{"1.0rc1", "1c1", "1.0.0-PRE_1"},
		{"1.0+a.1", "1+A_01"},
	} {
		for _, text := range texts[1:] {
			if got := mustParse(t, texts[0]).Compare(mustParse(t, text)); got != 0 {
				t.Errorf("%s compared to %s is %d", texts[0], text, got)
			}
		}
	}
}

// FuzzParse holds that what is read is written so that it reads the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"4.0.7", "v1!2.0-RC.1-1.dev+Ubuntu_01.x", "1.0a.-1", "1.0.dev-", "00.0", "!1", "1+", "é",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(v.String())
		if err != nil {
			t.Fatalf("%q reads as %q, which does not read: %v", text, v, err)
		}
		if diff := cmp.Diff(v, again, cmp.AllowUnexported(Version{})); diff != "" {
			t.Errorf("%q read again (-want +got):\n%s", text, diff)
		}
	})
}

// FuzzCompare holds that versions are in one order, and that specifiers agree with it.
func FuzzCompare(f *testing.F) {
	f.Add("1.0", "1.0.post1", "1.0+x")
	f.Add("1.0.dev1", "1.0a1.dev1", "1.0a1")
	f.Add("1.0+a", "1.0+1", "1.0+a.1")
	f.Add("1!0", "99999999999999999999", "1.0rc1.post2.dev3")
	f.Fuzz(func(t *testing.T, first, second, third string) {
		var v [3]Version
		for i, text := range []string{first, second, third} {
			var err error
			if v[i], err = Parse(text); err != nil {
				return
			}
		}
		ab, ba := v[0].Compare(v[1]), v[1].Compare(v[0])
		if ab != -ba || v[0].Compare(v[0]) != 0 {
			t.Errorf("%s to %s is %d, the other way %d", v[0], v[1], ab, ba)
		}
		if ab <= 0 && v[1].Compare(v[2]) <= 0 && v[0].Compare(v[2]) > 0 {
			t.Errorf("%s, %s, %s are in order, and not", v[0], v[1], v[2])
		}
		checkSpecifiers(t, v[0], v[1])
	})
}

// checkSpecifiers checks what must hold of the operators for any two versions.
func checkSpecifiers(t *testing.T, a, b Version) {
	t.Helper()
	allows := func(operator string) bool {
		public := b
		public.local = nil
		s, err := ParseSpecifiers(operator + public.String())
		if err != nil {
			t.Fatal(err)
		}
		return s.Contains(a, true)
	}
	equal, less, greater := allows("=="), allows("<"), allows(">")
	most, least := allows("<="), allows(">=")
	if equal == allows("!=") || equal != (most && least) || !most && !least {
		t.Errorf("%s to %s: equal %v, <= %v, >= %v", a, b, equal, most, least)
	}
	if less && (!most || least) || greater && (!least || most) {
		t.Errorf("%s to %s: < %v, <= %v, > %v, >= %v", a, b, less, most, greater, least)
	}
}

func TestMustParse(t *testing.T) {
	if got := MustParse("1.0").String(); got != "1.0" {
		t.Errorf("got %q", got)
	}
	defer func() {
		if got, _ := recover().(string); !strings.HasPrefix(got, `internal error: cannot read version "x"`) {
			t.Errorf("panicked with %q", got)
		}
	}()
	MustParse("x")
}

package charset

import "testing"

func TestMadeOf(t *testing.T) {
	for _, test := range []struct {
		text, set string
		want      bool
	}{
		{"", Alphanumeric, false},
		{"azAZ09", Alphanumeric, true},
		{"az", Lower, true},
		{"aZ", Lower, false},
		{"0189", Digits, true},
		{"a0", Digits, false},
		{"0 1", Digits, false},
		{"a-b", Alphanumeric, false},
		{"a-b", Alphanumeric + "-", true},
		{"-", Alphanumeric + `-\`, true},
		{"a\n", Alphanumeric, false},
		{"é", Alphanumeric, false},
		{"٣", Digits, false}, // a digit, not of ASCII
		{"\xff", Alphanumeric, false},
	} {
		if got := MadeOf(test.text, test.set); got != test.want {
			t.Errorf("MadeOf(%q, %q) = %t", test.text, test.set, got)
		}
	}
}

func TestHasControl(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "a b": false, "Ω~": false,
		"a\nb": true, "\t": true, "\x00": true, "\x1f": true, "\x7f": true, "a\xff": true, "\uFFFD": true,
	} {
		if got := HasControl(text); got != want {
			t.Errorf("HasControl(%q) = %t", text, got)
		}
	}
}

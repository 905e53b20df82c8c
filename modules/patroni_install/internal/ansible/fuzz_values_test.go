package ansible

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
)

// FuzzCoerce converts any text and number to each type: what comes out stays what it is when it is converted again.
func FuzzCoerce(f *testing.F) {
	for _, text := range []string{
		"", " ", "yes", "FALSE", "1", "1.0", "1_000", " 5 ", "5e2", "1e9999", "-0", "+", "0x10", "1e-1", "1.50", "9223372036854775808", "a, b,,c", ",", "[1]",
		"~", "~root/x", "~nobody-there", "$HOME/${HOME}/$", "${", "$$", "\xff", "\x00", "é", strings.Repeat("9", 400), "100000e-5",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values := []any{text, []any{text, nil, true}}
		if number, err := jsonvalue.Plain([]byte(text)); err == nil {
			values = append(values, number, []any{number})
		}
		for _, value := range values {
			if value == nil {
				continue // counts as not given
			}
			for _, kind := range []Type{Str, Bool, Int, List, Path} {
				got, err := kind.coerce(value)
				if err != nil {
					if list, isList := value.([]any); isList && kind == List {
						t.Errorf("%q is no list: %v", list, err)
					}
					continue
				}
				checkCoerced(t, kind, value, got)
			}
		}
	})
}

func checkCoerced(t *testing.T, kind Type, value, got any) {
	t.Helper()
	switch got := got.(type) {
	case int:
		if again, err := toInt(strconv.Itoa(got)); err != nil || again != got {
			t.Errorf("%q became %d, and that %d, %v", value, got, again, err)
		}
	case []string:
		again, err := toList(strings.Join(got, ","))
		whole := !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, ",") || s == "" || isOmitted(s) })
		if whole && (err != nil || !slices.Equal(got, again)) {
			t.Errorf("%q became %q, and that %q, %v", value, got, again, err)
		}
	case string:
		if text, isText := value.(string); isText && kind == Str && got != text {
			t.Errorf("the text %q became %q", value, got)
		}
	case bool:
	default:
		t.Errorf("%q became a %T", value, got)
	}
}

// FuzzCredentials: no password of a URL is in an answer, however it is written there.
func FuzzCredentials(f *testing.F) {
	for _, password := range []string{"s3cret-word", "p@ss:word", "a%2Fb%40c", "sp ace", "a/b/c", "é-long-one",
		"\"quoted\"", "back\\slash", "100%sure", "???", "a://b@c", "tab\tbed"} {
		f.Add("me", password)
		f.Add("", password)
	}
	f.Fuzz(func(t *testing.T, user, password string) {
		if utf8.RuneCountInString(password) < 8 || !utf8.ValidString(password) ||
			strings.Contains(maskPart+maskWhole, password) {
			return
		}
		if strings.ContainsAny(user, "/?#@:") ||
			strings.Contains("https://"+user+":@host/simple did not answer, it said :", password) {
			return
		}
		var s Scrubber
		s.AddURL("https://" + user + ":" + password + "@host/simple")
		decoded, err := url.PathUnescape(password)
		if err != nil {
			decoded = password
		}
		for _, said := range []string{
			"https://" + user + ":" + password + "@host/simple did not answer", "it said " + password, strconv.Quote("it said " + password), password,
			"https://" + user + ":" + decoded + "@host/simple", "it said " + decoded,
		} {
			if got := s.String(said); strings.Contains(got, password) || len(decoded) > 8 && strings.Contains(got, decoded) {
				t.Errorf("%q is left of %q", got, said)
			}
		}
	})
}

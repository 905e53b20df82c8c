// Package charset tells which characters a text is made of. Its sets are of ASCII characters.
package charset

import (
	"strings"
	"unicode/utf8"
)

// The usual sets.
const (
	Digits       = "0123456789"
	Lower        = "abcdefghijklmnopqrstuvwxyz"
	Alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + Lower + Digits
)

// MadeOf tells whether text has characters, and only these.
func MadeOf(text, set string) bool {
	return text != "" && strings.Trim(text, set) == ""
}

// HasControl tells whether text has control characters, or bytes that are not UTF-8.
func HasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError })
}

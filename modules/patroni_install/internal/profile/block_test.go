package profile

import (
	"strings"
	"testing"
)

// TestLanguages: what a block sets is read back from it, and the block goes to the byte, in the language of each kind
// of file.
func TestLanguages(t *testing.T) {
	for kind := range languages() {
		for _, word := range awkwardDirs() {
			for _, set := range []content{{dir: word}, {config: word}, {word, word}} {
				p := parse("a\n" + block(set, Kind(kind), false) + "b\n")
				if p.set != set || p.rest() != "a\nb\n" {
					t.Errorf("kind %d: a block of %+v is read as %+v, and leaves %q", kind, set, p.set, p.rest())
				}
			}
		}
	}
}

// TestMatch: a language may name the word anywhere, more than once in a line, too.
func TestMatch(t *testing.T) {
	l := posix()
	for statement, lines := range map[string]int{
		"%s\n": 1, "a %s b\n": 1, "if %s; then\n    add %s %s\nfi\n": 3, "%s%s\n": 1, "a\nend %s": 2,
	} {
		for _, word := range awkwardDirs() {
			text := strings.ReplaceAll(statement, "%s", l.quote(word))
			if got, n := l.match(statement, strings.SplitAfter(text, "\n")); got != word || n != lines {
				t.Errorf("%q is read as %q in %d lines", text, got, n)
			}
		}
		for _, text := range []string{"", "a", "'a'x\n", "a 'a' b c\n", "if 'a'; then\n    add 'a' 'b'\nfi\n", "b\nend 'a'"} {
			if got, n := l.match(statement, strings.SplitAfter(text, "\n")); n > 0 {
				t.Errorf("%q is read as %q in the place of %q", text, got, statement)
			}
		}
	}
}

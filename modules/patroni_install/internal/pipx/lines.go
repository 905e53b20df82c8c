package pipx

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// eachLine calls do for each line of a file of requirements or constraints as pip reads it: without comments, and with
// what a backslash continues. A byte order mark begins a file, and no line. The error names the line's number, which
// is that of its last part.
func eachLine(text string, do func(line string) error) error {
	number, line := 0, ""
	for part := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		if !utf8.ValidString(withoutComment(part)) {
			return fmt.Errorf("line %d: it is not UTF-8", number)
		}
		if strings.ContainsFunc(strings.TrimRight(part, "\r\n"), endsLine) {
			return fmt.Errorf("line %d: it has a character that pip may take for the end of a line", number)
		}
		part, continued := strings.CutSuffix(withoutComment(strings.TrimRight(part, "\r\n")), "\\")
		line += part
		if continued {
			continue
		}
		line = strings.TrimSpace(line)
		if strings.HasSuffix(line, "\\") { // pip would take it for one that continues what is written of this line
			return fmt.Errorf("line %d: it ends in a backslash that continues nothing", number)
		}
		if line != "" {
			if err := do(line); err != nil {
				return fmt.Errorf("line %d: %w", number, err)
			}
		}
		line = ""
	}
	if line != "" {
		return errors.New("its last line is continued by nothing")
	}
	return nil
}

// endsLine tells whether Python may divide a text at a character, which is more than \n.
func endsLine(r rune) bool {
	return r < ' ' && r != '\t' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// withoutComment drops what follows a # at the beginning or after white space, as pip does.
func withoutComment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

// shown is a text for people, without addresses, which may hold a password that nobody else knows as one.
func shown(text string) string {
	if before, _, found := strings.Cut(text, "://"); found {
		return before + "://…"
	}
	return text
}

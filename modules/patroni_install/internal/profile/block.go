package profile

import "slices"

import "strings"

// The marker lines. The second end marker records that the file did not end in a newline: removing the block
// at the end of the file then removes the newline that had to come before it.
const (
	beginMarker        = "# patroni_install begin: puts Patroni's programs on the PATH"
	endMarker          = "# patroni_install end"
	endMarkerNoNewline = "# patroni_install end (no newline ended the file)"
)

// The statement, line by line; the quoted directory stands between the two parts of its second and third.
// Changing it makes blocks in the field unrecognisable, so a new form must keep the old one recognised.
const (
	caseLine    = `case ":${PATH-}:" in`
	matchPrefix = `*:`
	matchSuffix = `:*) ;;`
	addPrefix   = `*) PATH="${PATH:+${PATH}:}"`
	addSuffix   = `; export PATH ;;`
	esacLine    = `esac`

	statementLines = 4
)

// block returns the text of the block for dir, its last newline included.
func block(dir string, unterminated bool) string {
	end := endMarker
	if unterminated {
		end = endMarkerNoNewline
	}
	lines := []string{
		beginMarker,
		caseLine,
		"    " + matchPrefix + quote(dir) + matchSuffix,
		"    " + addPrefix + quote(dir) + addSuffix,
		esacLine,
		end,
	}
	return strings.Join(lines, "\n") + "\n"
}

// parsed is a text taken apart at the first statement of ours. All else that is ours has been dropped.
type parsed struct {
	before, after string
	// found tells that there is such a statement.
	found bool
	// unterminated asks for the end marker that says so.
	unterminated bool
}

// rest is the text without anything of ours.
func (p parsed) rest() string {
	if p.unterminated && p.after == "" {
		return strings.TrimSuffix(p.before, "\n")
	}
	return p.before + p.after
}

func parse(text string) parsed {
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	var p parsed
	var keep strings.Builder
	var firstEnd string
	for i := 0; i < len(lines); {
		switch n := ownedStatement(lines, i); {
		case n > 0:
			if !p.found {
				p.found, p.before = true, keep.String()
				firstEnd = nextMarker(lines[i+n:])
				keep.Reset()
			}
			i += n
		case isMarker(lines[i]):
			i++
		default:
			keep.WriteString(lines[i])
			i++
		}
	}
	p.finish(keep.String(), firstEnd, lines)
	return p
}

// finish sets the kept text after the first statement and settles what the end of the file was before the
// block: the file's last line says so, or, where the user has added lines since, the block's own end marker.
func (p *parsed) finish(kept, firstEnd string, lines []string) {
	last := len(lines) > 0 && trim(lines[len(lines)-1]) == endMarkerNoNewline
	switch {
	case kept == "" && p.found:
		p.unterminated = last
	case !p.found:
		p.before, p.unterminated = kept, last
	case last:
		p.after = strings.TrimSuffix(kept, "\n")
	default:
		p.after, p.unterminated = kept, firstEnd == endMarkerNoNewline
	}
}

// ownedStatement returns the number of lines of the statement that starts at i if markers make it ours, else 0.
func ownedStatement(lines []string, i int) int {
	if !isStatement(lines[i:]) {
		return 0
	}
	below := lines[i+statementLines:]
	touches := i > 0 && trim(lines[i-1]) == beginMarker || len(below) > 0 && isEnd(trim(below[0]))
	if touches || previousMarker(lines[:i]) == beginMarker && isEnd(nextMarker(below)) {
		return statementLines
	}
	return 0
}

// isStatement reports whether lines start with what block could have written between its markers, however
// indented, for any directory.
func isStatement(lines []string) bool {
	return len(lines) >= statementLines &&
		trim(lines[0]) == caseLine &&
		holdsQuoted(lines[1], matchPrefix, matchSuffix) &&
		holdsQuoted(lines[2], addPrefix, addSuffix) &&
		trim(lines[3]) == esacLine
}

// holdsQuoted reports whether exactly one string that quote could have made stands between prefix and suffix.
func holdsQuoted(line, prefix, suffix string) bool {
	quoted, hasPrefix := strings.CutPrefix(trim(line), prefix)
	quoted, hasSuffix := strings.CutSuffix(quoted, suffix)
	if !hasPrefix || !hasSuffix || len(quoted) < 2 || quoted[0] != '\'' || quoted[len(quoted)-1] != '\'' {
		return false
	}
	name := strings.ReplaceAll(quoted[1:len(quoted)-1], `'\''`, "")
	return !strings.Contains(name, "'")
}

// quote makes s one inert word of a POSIX shell.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func previousMarker(lines []string) string {
	for _, line := range slices.Backward(lines) {
		if isMarker(line) {
			return trim(line)
		}
	}
	return ""
}

func nextMarker(lines []string) string {
	for _, line := range lines {
		if isMarker(line) {
			return trim(line)
		}
	}
	return ""
}

func isMarker(line string) bool {
	return trim(line) == beginMarker || isEnd(trim(line))
}

func isEnd(trimmed string) bool {
	return trimmed == endMarker || trimmed == endMarkerNoNewline
}

// trim bears with indentation, and with the CR that an editor may have added to our lines.
func trim(line string) string {
	return strings.Trim(line, " \t\r\n")
}

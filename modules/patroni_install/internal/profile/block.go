package profile

import (
	"cmp"
	"slices"
	"strings"
)

// The marker lines. The second begin marker heads a block that names the configuration. The second end marker
// records that the file did not end in a newline: removing the block at the end of the file then removes the
// newline that had to come before it.
const (
	beginMarker        = "# patroni_install begin: puts Patroni's programs on the PATH"
	beginConfigMarker  = "# patroni_install begin: settings for Patroni's programs"
	endMarker          = "# patroni_install end"
	endMarkerNoNewline = "# patroni_install end (no newline ended the file)"
)

// The statements, line by line. The quoted directory stands between the two parts of the second and third line of
// the one for the PATH, the quoted file ends the one for the configuration, which leaves alone what is set.
// Changing one makes blocks in the field unrecognisable, so a new form must keep the old one recognised.
const (
	caseLine    = `case ":${PATH-}:" in`
	matchPrefix = `*:`
	matchSuffix = `:*) ;;`
	addPrefix   = `*) PATH="${PATH:+${PATH}:}"`
	addSuffix   = `; export PATH ;;`
	esacLine    = `esac`

	configPrefix = `[ -n "${PATRONICTL_CONFIG_FILE-}" ] || export PATRONICTL_CONFIG_FILE=`
)

// content is what a block sets, each as the quoted word in it; "" for what it does not set.
type content struct{ dir, config string }

// block returns the text of the block, its last newline included.
func block(set content, unterminated bool) string {
	begin, end := beginMarker, endMarker
	if set.config != "" {
		begin = beginConfigMarker
	}
	if unterminated {
		end = endMarkerNoNewline
	}
	lines := []string{begin}
	if set.dir != "" {
		lines = append(lines, caseLine, "    "+matchPrefix+set.dir+matchSuffix, "    "+addPrefix+set.dir+addSuffix, esacLine)
	}
	if set.config != "" {
		lines = append(lines, configPrefix+set.config)
	}
	return strings.Join(append(lines, end), "\n") + "\n"
}

// parsed is a text taken apart at the first statements of ours. All else that is ours has been dropped.
type parsed struct {
	before, after string
	// set is what the statements of ours set, the first of each.
	set content
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
		switch set, n := ownedStatements(lines, i); {
		case n > 0:
			p.set = content{cmp.Or(p.set.dir, set.dir), cmp.Or(p.set.config, set.config)}
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

// ownedStatements returns what the statements set that start at i and follow one another, and the number of
// their lines, if markers make them ours, else 0.
func ownedStatements(lines []string, i int) (set content, n int) {
	for {
		next, length := statement(lines[i+n:])
		if length == 0 {
			break
		}
		set = content{cmp.Or(set.dir, next.dir), cmp.Or(set.config, next.config)}
		n += length
	}
	if n == 0 {
		return content{}, 0
	}
	below := lines[i+n:]
	touches := i > 0 && isBegin(trim(lines[i-1])) || len(below) > 0 && isEnd(trim(below[0]))
	if touches || isBegin(previousMarker(lines[:i])) && isEnd(nextMarker(below)) {
		return set, n
	}
	return content{}, 0
}

// statement returns what the statement sets with which lines start, and the number of its lines; 0 unless it
// is one that block could have written between its markers, however indented.
func statement(lines []string) (set content, n int) {
	if len(lines) > 0 {
		if file, ok := quotedBetween(lines[0], configPrefix, ""); ok {
			return content{config: file}, 1
		}
	}
	if len(lines) < 4 || trim(lines[0]) != caseLine || trim(lines[3]) != esacLine {
		return content{}, 0
	}
	_, matches := quotedBetween(lines[1], matchPrefix, matchSuffix)
	dir, adds := quotedBetween(lines[2], addPrefix, addSuffix)
	if !matches || !adds {
		return content{}, 0
	}
	return content{dir: dir}, 4
}

// quotedBetween returns the one string that quote could have made which stands between prefix and suffix.
func quotedBetween(line, prefix, suffix string) (quoted string, ok bool) {
	quoted, hasPrefix := strings.CutPrefix(trim(line), prefix)
	quoted, hasSuffix := strings.CutSuffix(quoted, suffix)
	if !hasPrefix || !hasSuffix || len(quoted) < 2 || quoted[0] != '\'' || quoted[len(quoted)-1] != '\'' {
		return "", false
	}
	name := strings.ReplaceAll(quoted[1:len(quoted)-1], `'\''`, "")
	return quoted, !strings.Contains(name, "'")
}

// quote makes s one inert word of a POSIX shell.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// unquote returns what quote made a word of; "" of "".
func unquote(word string) string {
	return strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(word, "'"), "'"), `'\''`, "'")
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
	return isBegin(trim(line)) || isEnd(trim(line))
}

func isBegin(trimmed string) bool {
	return trimmed == beginMarker || trimmed == beginConfigMarker
}

func isEnd(trimmed string) bool {
	return trimmed == endMarker || trimmed == endMarkerNoNewline
}

// trim bears with indentation, and with the CR that an editor may have added to our lines.
func trim(line string) string {
	return strings.Trim(line, " \t\r\n")
}

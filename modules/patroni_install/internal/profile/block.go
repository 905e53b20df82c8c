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

// language is how a block is written: its statements, with %s in a line for the quoted word, and how it quotes. The
// statement for the configuration leaves alone what is set. Changing one makes blocks in the field unrecognisable, so a
// new form must keep the old one recognised.
type language struct {
	path, config   string
	quote, unquote func(s string) string // unquote of what quote made is the text; of anything else, anything
}

func posix() language {
	return language{
		path:    "case \":${PATH-}:\" in\n    *:%s:*) ;;\n    *) PATH=\"${PATH:+${PATH}:}\"%s; export PATH ;;\nesac\n",
		config:  "[ -n \"${PATRONICTL_CONFIG_FILE-}\" ] || export PATRONICTL_CONFIG_FILE=%s\n",
		quote:   func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" },
		unquote: func(word string) string { return strings.ReplaceAll(within(word), `'\''`, "'") },
	}
}

func fish() language {
	return language{
		path:    "if not contains -- %s $PATH\n    set -gx PATH $PATH %s\nend\n",
		config:  "test -n \"$PATRONICTL_CONFIG_FILE\"; or set -gx PATRONICTL_CONFIG_FILE %s\n",
		quote:   func(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'" },
		unquote: func(word string) string { return strings.NewReplacer(`\\`, `\`, `\'`, "'").Replace(within(word)) },
	}
}

// within is a word without the quotes around it.
func within(word string) string { return strings.TrimSuffix(strings.TrimPrefix(word, "'"), "'") }

// languages are those of the files, by their kind. A block in any of them is ours in any file.
func languages() []language {
	return []language{Login: posix(), Interactive: posix(), Fish: fish()}
}

// content is what a block sets; "" for what it does not set.
type content struct{ dir, config string }

// block returns the text of the block, its last newline included.
func block(set content, kind Kind, unterminated bool) string {
	begin, end, l := beginMarker, endMarker, languages()[kind]
	if set.config != "" {
		begin = beginConfigMarker
	}
	if unterminated {
		end = endMarkerNoNewline
	}
	text := begin + "\n"
	if set.dir != "" {
		text += strings.ReplaceAll(l.path, "%s", l.quote(set.dir))
	}
	if set.config != "" {
		text += strings.ReplaceAll(l.config, "%s", l.quote(set.config))
	}
	return text + end + "\n"
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
	for _, l := range languages() {
		if dir, n := l.match(l.path, lines); n > 0 {
			return content{dir: dir}, n
		}
		if config, n := l.match(l.config, lines); n > 0 {
			return content{config: config}, n
		}
	}
	return content{}, 0
}

// match returns what the lines quote in the place of the statement's %s, and the number of the statement's lines; 0
// unless they are the statement, with a word that quote could have made.
func (l language) match(statement string, lines []string) (text string, n int) {
	for want := range strings.Lines(statement) {
		if n == len(lines) {
			return "", 0
		}
		line := trim(lines[n])
		word, quotes := wordIn(line, trim(want))
		if quotes {
			text = l.unquote(word)
		}
		if strings.ReplaceAll(trim(want), "%s", word) != line || quotes && l.quote(text) != word {
			return "", 0
		}
		n++
	}
	return text, n
}

// wordIn returns what can stand in a line in the place of each %s of the wanted one, "" if nothing can. It tells
// whether that has a %s.
func wordIn(line, want string) (word string, quotes bool) {
	times := strings.Count(want, "%s")
	if times == 0 {
		return "", false
	}
	begin := strings.Index(want, "%s")
	end := begin + (len(line)-len(want))/times + len("%s")
	if end < begin || end > len(line) {
		return "", true
	}
	return line[begin:end], true
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

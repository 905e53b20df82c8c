package profile

import "strings"

// Marks that stand in an expanded word for what is not known here; no directory we accept contains them.
const (
	pathMark = "\x01" // the value of PATH
	opaque   = "\x00" // any other expansion
)

// token is an operator (a newline is one), or a word with quotes removed and ~ and $HOME expanded.
type token struct {
	text string
	op   bool
}

// lexer reads a shell text far enough to find the assignments in it. Redirections are left out.
type lexer struct {
	text, home string
	pos        int
	word       strings.Builder
	inWord     bool
	redirected bool // the next word is a redirection's file
	tokens     []token
}

// lex returns the tokens of text, up to the first here-document: what follows that may be its content.
func lex(text, home string) []token {
	l := &lexer{text: text, home: home}
	for l.pos < len(text) && l.step() {
	}
	l.endWord()
	return l.tokens
}

// step takes the next construct; it returns false at a here-document.
func (l *lexer) step() bool {
	c := l.text[l.pos]
	switch {
	case strings.IndexByte(" \t\r", c) >= 0:
		l.endWord()
		l.pos++
	case c == '#' && !l.inWord:
		l.pos += lengthUntil(l.text[l.pos:], "\n")
	case strings.IndexByte("\n;&|()<>", c) >= 0:
		return l.operator()
	case c == '\'':
		l.singleQuoted()
	case c == '"':
		l.doubleQuoted()
	case c == '~' && l.tildeExpands():
		l.add(l.homeOrOpaque(), 1)
	default:
		l.character()
	}
	return true
}

// operator takes a run of the same character (;; && || << …) as one operator.
func (l *lexer) operator() bool {
	l.endWord()
	rest := l.text[l.pos:]
	n := 1
	for n < len(rest) && rest[n] == rest[0] && strings.IndexByte(";&|<", rest[0]) >= 0 {
		n++
	}
	op := rest[:n]
	l.pos += n
	switch {
	case op == "<<":
		return false
	case op[0] == '<' || op[0] == '>' || op == "&" && strings.HasPrefix(rest[n:], ">"):
		l.pos += len(rest[n:]) - len(strings.TrimLeft(rest[n:], "<>&|"))
		l.redirected = true
	default:
		l.tokens = append(l.tokens, token{op, true})
	}
	return true
}

func (l *lexer) singleQuoted() {
	content := l.text[l.pos+1:]
	n := lengthUntil(content, "'")
	l.add(content[:n], n+2)
}

func (l *lexer) doubleQuoted() {
	l.add("", 1)
	for l.pos < len(l.text) && l.text[l.pos] != '"' {
		l.character()
	}
	l.pos++
}

// character takes what means the same inside double quotes and outside.
func (l *lexer) character() {
	rest := l.text[l.pos:]
	switch {
	case strings.HasPrefix(rest, "\\\n"):
		l.pos += 2
	case rest[0] == '\\' && len(rest) > 1:
		l.add(rest[1:2], 2)
	case rest[0] == '`':
		l.add(opaque, lengthUntil(rest[1:], "`")+2)
	case rest[0] == '$':
		l.expansion(rest)
	default:
		l.add(rest[:1], 1)
	}
}

func (l *lexer) expansion(rest string) {
	name, n := variable(rest)
	switch {
	case name == "PATH" && n > len("${PATH}"):
		// ${PATH:+:${PATH}} brings its own colons.
		l.add(":"+pathMark+":", n)
	case name == "PATH":
		l.add(pathMark, n)
	case name == "HOME":
		l.add(l.homeOrOpaque(), n)
	default:
		l.add(opaque, n)
	}
}

// variable returns the name of the variable that rest, which starts with $, expands to, and the expansion's
// length. The name is empty for commands, arithmetic and other variables' defaults. ${PATH…} is PATH
// with any operator (as in ${PATH:+${PATH}:}), ${HOME…} only without.
func variable(rest string) (string, int) {
	switch {
	case strings.HasPrefix(rest, "$("):
		return "", balanced(rest, '(', ')')
	case strings.HasPrefix(rest, "${"):
		n := balanced(rest, '{', '}')
		inner := strings.TrimSuffix(rest[2:n], "}")
		name := inner[:nameLength(inner)]
		if name != "PATH" && name != inner {
			return "", n
		}
		return name, n
	}
	n := nameLength(rest[1:])
	return rest[1 : 1+n], 1 + n
}

// balanced returns the length of s up to the bracket that closes its first one, or all of it.
func balanced(s string, opening, closing byte) int {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case opening:
			depth++
		case closing:
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

func nameLength(s string) int {
	isName := func(c byte) bool {
		return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}
	n := 0
	for n < len(s) && isName(s[n]) {
		n++
	}
	return n
}

// tildeExpands reports whether the ~ here is the user's home: unquoted, where a path starts, and alone.
func (l *lexer) tildeExpands() bool {
	next := l.text[l.pos+1:]
	ends := next == "" || strings.IndexByte("/: \t\r\n;", next[0]) >= 0
	starts := !l.inWord || strings.IndexByte("=:", l.text[l.pos-1]) >= 0
	return starts && ends
}

func (l *lexer) homeOrOpaque() string {
	if l.home == "" {
		return opaque
	}
	return l.home
}

// add appends s to the current word and passes over n bytes of the text.
func (l *lexer) add(s string, n int) {
	l.word.WriteString(s)
	l.inWord = true
	l.pos = min(l.pos+n, len(l.text))
}

func (l *lexer) endWord() {
	if l.inWord && !l.redirected {
		l.tokens = append(l.tokens, token{l.word.String(), false})
	}
	if l.inWord {
		l.redirected = false
	}
	l.word.Reset()
	l.inWord = false
}

// lengthUntil returns the offset of stop in s, or the length of s.
func lengthUntil(s, stop string) int {
	if i := strings.Index(s, stop); i >= 0 {
		return i
	}
	return len(s)
}

package profile

import (
	"path"
	"slices"
	"strings"
)

// finding is what the user's own lines do.
type finding struct {
	// onPath: every shell that reads the file has the directory on its PATH afterwards.
	onPath bool
	// leaves: a shell may not read the file to its end.
	leaves bool
}

// inspector walks through the commands of a text. It is no shell: wherever it is in doubt whether a line is
// reached, the line does not count. An unneeded block is harmless, a missing one is not.
type inspector struct {
	finding
	dir string
	// open holds the compound commands around the current one.
	open []compound
	// condition: the commands up to then or do are those of the innermost compound.
	condition bool
	// sure: what stands left of the current command in its && || list does not decide about it.
	sure bool
}

// compound is an if, while, until, for, case, { or (.
type compound struct {
	word string
	// about: its condition looks at the directory or the PATH, as in the usual tests for one of them.
	about bool
}

// inspect looks for lines that put dir on the PATH: assignments to PATH and calls of the functions that
// distributions have for it, unconditional or under a test for the directory or the PATH.
func inspect(text, dir, home string) finding {
	in := &inspector{dir: path.Clean(dir), sure: true}
	var words []string
	for _, t := range append(lex(text, home), token{"\n", true}) {
		if !t.op {
			words = append(words, t.text)
			continue
		}
		in.command(words)
		if in.leaves {
			break
		}
		in.operator(t.text, words)
		words = nil
	}
	return in.finding
}

func (in *inspector) operator(op string, words []string) {
	switch op {
	case "&&", "||":
		in.sure = in.sure && in.mentions(words)
	case "|":
		in.sure = false
	case "(":
		in.push("(")
	case ")":
		// A case pattern's closing parenthesis has no opening one.
		if in.innermost() == "(" {
			in.pop()
		}
		in.sure = true
	default:
		in.sure = true
	}
}

// command takes the words between two operators: reserved words first, then a simple command.
func (in *inspector) command(words []string) {
	for len(words) > 0 && in.reserved(words) {
		words = words[1:]
	}
	if len(words) == 0 {
		return
	}
	if in.condition {
		top := &in.open[len(in.open)-1]
		top.about = top.about || in.mentions(words)
		in.condition = top.word != "case"
		return
	}
	in.simple(words)
}

// reserved takes the first of words if it is a reserved word.
func (in *inspector) reserved(words []string) bool {
	switch words[0] {
	case "if", "while", "until", "for", "case":
		in.push(words[0])
		in.condition = true
	case "elif":
		in.pop()
		in.push("if")
		in.condition = true
	case "then", "do", "else":
		in.condition = false
	case "{":
		in.push("{")
	case "}", "fi", "done", "esac":
		in.pop()
	case "!", "time":
	default:
		return false
	}
	return true
}

func (in *inspector) simple(words []string) {
	switch words[0] {
	case "return", "exit":
		// A function's return leaves only the function.
		in.leaves = !in.within("{")
	case "exec":
		in.leaves = len(words) > 1 && !in.within("{")
	case "function":
		if words[len(words)-1] == "{" {
			in.push("{")
		}
	case "export", "declare", "typeset", "readonly":
		in.assignments(words[1:])
	case "pathmunge", "path_append", "path_prepend", "append_path", "prepend_path", "appendpath", "prependpath":
		in.onPath = in.onPath || in.counts() && slices.ContainsFunc(words[1:], in.isDir)
	default:
		// Assignments in front of a command hold for that command alone.
		if !slices.ContainsFunc(words, func(w string) bool { return !isAssignment(w) }) {
			in.assignments(words)
		}
	}
}

// assignments looks at those to PATH. One that neither keeps the old value nor names the directory may undo what was found.
func (in *inspector) assignments(words []string) {
	for _, word := range words {
		name, value, assigns := strings.Cut(word, "=")
		switch {
		case !assigns || name != "PATH" && name != "PATH+":
		case slices.ContainsFunc(strings.Split(value, ":"), in.isDir):
			in.onPath = in.onPath || in.counts()
		case name == "PATH" && !strings.Contains(value, pathMark):
			in.onPath = false
		}
	}
}

// counts reports whether every shell gets to the current command, or all but those that have the directory.
func (in *inspector) counts() bool {
	return in.sure && !slices.ContainsFunc(in.open, func(c compound) bool { return !c.about })
}

func (in *inspector) mentions(words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool {
		return strings.Contains(word, pathMark) || slices.ContainsFunc(strings.Split(word, ":"), in.isDir)
	})
}

func (in *inspector) isDir(entry string) bool {
	return entry != "" && path.Clean(entry) == in.dir
}

func (in *inspector) push(word string) {
	in.open = append(in.open, compound{word: word})
}

func (in *inspector) pop() {
	in.condition = false
	if len(in.open) > 0 {
		in.open = in.open[:len(in.open)-1]
	}
}

func (in *inspector) innermost() string {
	if len(in.open) == 0 {
		return ""
	}
	return in.open[len(in.open)-1].word
}

func (in *inspector) within(word string) bool {
	return slices.ContainsFunc(in.open, func(c compound) bool { return c.word == word })
}

func isAssignment(word string) bool {
	name, _, found := strings.Cut(word, "=")
	name = strings.TrimSuffix(name, "+")
	return found && name != "" && nameLength(name) == len(name)
}

// Package profile edits the block that puts one directory on the PATH in a shell's start-up files, and that
// names patronictl's configuration. It is pure: text in, text out, no I/O, no clock, no environment.
//
// # The block
//
// A begin marker, a statement that appends the directory unless the PATH already holds it, one that exports
// PATRONICTL_CONFIG_FILE unless it is set, an end marker; either of both may be missing. The statements are those of
// POSIX shells, or of fish. They are silent, succeed under set -e and set -u, and quote what they set so that nothing
// in its name is ever expanded. Lines end in LF also where the rest of the file has CRLF: a shell would take the CR
// for a part of the word.
//
// # Its place
//
// In a login file the block comes last, so that it also sees the PATH which lines above have set afresh.
// If the file may leave before its end (return, exit, exec), and in files of interactive shells, whose guards
// turn others away, it comes first: below the comment that heads the file if a blank line ends
// that comment, otherwise at the very top (below a #! line). Nothing can be open at either place.
//
// # What is ours
//
// The marker lines, and each statement of exactly the block's form (for any name) that lies between a
// begin and the end that follows it, directly below a begin without an end, or directly above an end
// without a begin; statements that follow one another count as one. Every other line is the user's, also between the
// markers: it stays, in its place. A statement that was changed by hand hence loses its markers and becomes the user's
// own, and a fresh block is added. A marker counts wherever it is a line of its own: lines of the user's with an open
// quote, which only the apostrophe of a marker closes, do not parse without it. Of several blocks the first is renewed
// where it stands, the others go.
//
// For every text, Remove(Ensure(text)) equals Remove(text), byte by byte, and Remove returns a text
// without markers as it is.
package profile

import (
	"fmt"
	"path"
	"strings"
)

// Kind says when shells read a file, which decides where in it the block belongs, and in which language.
type Kind int

const (
	// Login is a file that login shells read: .bash_profile, .bash_login, .profile or .zprofile.
	Login Kind = iota
	// Interactive is .bashrc, .kshrc, .mkshrc or .zshrc.
	Interactive
	// Fish is a file that each shell of fish reads, in its language.
	Fish
)

// readsBashrc ends a new .bash_profile: its mere existence keeps bash from reading .profile, which
// usually brings in .bashrc.
const readsBashrc = `if [ -f ~/.bashrc ]; then
    . ~/.bashrc
fi
`

// Settings are what a block sets.
type Settings struct {
	// Dir is put on the PATH; "" leaves what a block that is there does about the PATH.
	Dir string
	// Home is the directory that ~ and $HOME stand for in the user's lines.
	Home string
	// Config is the file that PATRONICTL_CONFIG_FILE names; "" takes it out of a block that is there.
	Config string
}

// Ensure returns text with one current block, or without one if there is nothing to set. A block that is there is
// renewed in its place. Without one that puts Dir on the PATH, none does where a line of the user's puts it there for
// every shell that reads the file. The error tells that Dir cannot be on a PATH, or Dir or Config in a line of
// text: they must be absolute, without control characters, and Dir without colons.
func Ensure(text string, s Settings, kind Kind) (string, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	p := parse(text)
	found := scan(p.rest(), s.Dir, s.Home)
	set := content{dir: p.set.dir, config: s.Config}
	if s.Dir != "" && (set.dir != "" || !found.onPath) {
		set.dir = s.Dir
	}
	switch {
	case set == content{}:
		return p.rest(), nil
	case p.found:
		return p.before + block(set, kind, p.unterminated) + p.after, nil
	}
	return insert(p.rest(), set, kind, found.leaves), nil
}

// Config returns the file that a block in text names as the configuration, "" when none does.
func Config(text string) string { return parse(text).set.config }

// Dir returns the directory that a block in text puts on the PATH, "" when none does.
func Dir(text string) string { return parse(text).set.dir }

// Remove returns text without our blocks, and without what is left of damaged ones.
func Remove(text string) string {
	return parse(text).rest()
}

// New returns the content of a file that did not exist: the block, and in a login file of bash (by its name)
// the lines that read .bashrc. Errors are those of Ensure.
func New(kind Kind, name string, s Settings) (string, error) {
	text, err := Ensure("", s, kind)
	return text + newRest(kind, name), err
}

// Bare reports whether text, of a file of this name, is what New writes besides the block: such a file may go
// with the block.
func Bare(kind Kind, name, text string) bool { return text == newRest(kind, name) }

func newRest(kind Kind, name string) string {
	if kind == Login && strings.HasPrefix(name, ".bash_") {
		return readsBashrc
	}
	return ""
}

func (s Settings) check() error {
	isControl := func(r rune) bool { return r < ' ' || r == 0x7f }
	switch dir, file := s.Dir, s.Config; {
	case dir != "" && !path.IsAbs(dir):
		return fmt.Errorf("cannot put %q on the PATH: not an absolute path", dir)
	case strings.Contains(dir, ":"):
		return fmt.Errorf("cannot put %q on the PATH: a colon separates its entries", dir)
	case strings.ContainsFunc(dir, isControl):
		return fmt.Errorf("cannot put %q on the PATH: it has control characters", dir)
	case file != "" && (!path.IsAbs(file) || strings.ContainsFunc(file, isControl)):
		return fmt.Errorf("cannot name %q to patronictl: not an absolute path without control characters", file)
	}
	return nil
}

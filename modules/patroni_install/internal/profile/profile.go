// Package profile edits the block that puts one directory on the PATH in a shell's start-up files.
// It is pure: text in, text out, no I/O, no clock, no environment.
//
// # The block
//
// A begin marker, a POSIX case statement that appends the directory unless the PATH already holds it, an
// end marker. The statement is silent, succeeds under set -e and set -u, and quotes the directory so that
// nothing in its name is ever expanded. Lines end in LF also where the rest of the file has CRLF: a shell
// would take the CR for a part of the word.
//
// # Where it goes
//
// In a login file the block comes last, so that it also sees the PATH which lines above have set afresh.
// Where the file may leave before its end (return, exit, exec), and in .bashrc, whose guard turns
// non-interactive shells away, it comes first: below the comment that heads the file if a blank line ends
// that comment, otherwise at the very top (below a #! line). Nothing can be open at either place.
//
// # What is ours
//
// The marker lines, and each statement of exactly the block's form (for any directory) that lies between a
// begin and the end that follows it, directly below a begin without an end, or directly above an end
// without a begin. Every other line is the user's, also between the markers: it stays, in its place. A
// statement that was changed by hand hence loses its markers and becomes the user's own, and a fresh block is
// added unless the changed one still does its work. Of several blocks the first is renewed where it
// stands, the others go.
//
// For every text, Remove(Ensure(text)) equals Remove(text), byte by byte, and Remove returns a text
// without markers as it is.
package profile

import (
	"fmt"
	"path"
	"strings"
)

// Kind says when shells read a file, which decides where in it the block belongs.
type Kind int

const (
	// Login is a file that login shells read: .bash_profile, .bash_login or .profile.
	Login Kind = iota
	// Interactive is .bashrc.
	Interactive
)

// readsBashrc ends a new .bash_profile: its mere existence keeps bash from reading .profile, by which
// .bashrc usually comes in.
const readsBashrc = `if [ -f ~/.bashrc ]; then
    . ~/.bashrc
fi
`

// Ensure returns text with one current block for dir. A block that is there is renewed in its place; without one,
// nothing is added where a line of the user's puts dir on the PATH of every shell that reads the file. home
// is the directory that ~ and $HOME stand for in such lines. The error tells that dir cannot be on a PATH
// or in a line of text: it must be absolute, without colons and control characters.
func Ensure(text, dir, home string, kind Kind) (string, error) {
	if err := check(dir); err != nil {
		return "", err
	}
	p := parse(text)
	if p.found {
		return p.before + block(dir, p.unterminated) + p.after, nil
	}
	found := inspect(p.rest(), dir, home)
	if found.onPath {
		return p.rest(), nil
	}
	return insert(p.rest(), dir, kind, found.leaves), nil
}

// Remove returns text without our blocks, and without what is left of damaged ones.
func Remove(text string) string {
	return parse(text).rest()
}

// New returns the content of a file that did not exist: the block, and in a login file of bash (by its name)
// the lines that read .bashrc. Errors are those of Ensure.
func New(kind Kind, name, dir string) (string, error) {
	if err := check(dir); err != nil {
		return "", err
	}
	return block(dir, false) + newRest(kind, name), nil
}

// Untouched reports whether text, of a file of this name, holds nothing beyond what New wrote, for any
// directory and with or without the block: such a file may be deleted along with the block.
func Untouched(kind Kind, name, text string) bool {
	return Remove(text) == newRest(kind, name)
}

// LoginFile returns the name of the file in the home that login shells of this shell (a path, as passwd
// has it) read, given which exist. bash takes the first of .bash_profile, .bash_login and .profile; other
// shells take .profile. create is true when there is none yet.
func LoginFile(existing func(name string) bool, shell string) (name string, create bool) {
	names := []string{".profile"}
	if path.Base(shell) == "bash" {
		names = []string{".bash_profile", ".bash_login", ".profile"}
	}
	for _, name := range names {
		if existing(name) {
			return name, false
		}
	}
	return names[0], true
}

func newRest(kind Kind, name string) string {
	if kind == Login && strings.HasPrefix(name, ".bash_") {
		return readsBashrc
	}
	return ""
}

func check(dir string) error {
	isControl := func(r rune) bool { return r < ' ' || r == 0x7f }
	switch {
	case !path.IsAbs(dir):
		return fmt.Errorf("cannot put %q on the PATH: not an absolute path", dir)
	case strings.Contains(dir, ":"):
		return fmt.Errorf("cannot put %q on the PATH: a colon separates its entries", dir)
	case strings.ContainsFunc(dir, isControl):
		return fmt.Errorf("cannot put %q on the PATH: it has control characters", dir)
	}
	return nil
}

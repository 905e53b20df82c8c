// Package ini reads files of settings in sections, as Python's configparser does, and the programs that are like it.
package ini

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Setting is a line NAME = VALUE, or NAME: VALUE, in a section. It has a name.
type Setting struct{ Section, Name, Value string }

// Parse returns the settings of a text in their order. A line that is indented more than the setting before it goes on
// with that; the value has one blank there. Comments are lines of their own. What is none of this is passed over.
func Parse(text string) []Setting {
	all, _ := Sections(text)
	return all
}

// Sections is Parse, and returns the names of the sections too, in the order of their headers: one may be empty.
func Sections(text string) (all []Setting, sections []string) {
	r := reader{}
	for line := range strings.Lines(text) {
		switch kind, said := r.read(line); kind {
		case header:
			r.section, _, _ = strings.Cut(said[1:], "]")
			sections = append(sections, r.section)
		case setting:
			name, value := divide(said)
			all = append(all, Setting{r.section, name, value})
		case more:
			last := &all[len(all)-1]
			last.Value = strings.TrimSpace(last.Value + " " + said)
		case nothing, unknown:
		}
	}
	return all, sections
}

// defaults is the one section that may have several headers.
const defaults = "DEFAULT"

// Check refuses what Python's configparser does not load. The error names the first line that it stumbles over, without
// a value.
func Check(text string) error {
	r, number, there := reader{}, 0, map[Setting]bool{}
	for line := range strings.Lines(text) {
		number++
		if err := r.check(line, there); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	return nil
}

func (r *reader) check(line string, there map[Setting]bool) error {
	if !utf8.ValidString(line) {
		return errors.New("it is not UTF-8")
	}
	kind, said := r.read(line)
	switch {
	case len(there) == 0 && strings.HasPrefix(said, "\ufeff"):
		return errors.New("it begins with a byte order mark")
	case kind == nothing, kind == more:
		return nil
	case kind == header && strings.Index(said, "]") > 1:
		r.section, _, _ = strings.Cut(said[1:], "]")
		one := Setting{Section: r.section}
		if there[one] && r.section != defaults {
			return fmt.Errorf("there is a section [%s] already", r.section)
		}
		there[one] = true
		return nil
	case len(there) == 0:
		return errors.New("it stands before the first section")
	case kind != setting:
		return errors.New("it is neither a section nor a setting")
	}
	name, _ := divide(said)
	one := Setting{Section: r.section, Name: strings.ToLower(name)}
	if there[one] {
		return fmt.Errorf("[%s] sets %s already", r.section, one.Name)
	}
	there[one] = true
	return nil
}

// divide returns the name and the value of a setting.
func divide(line string) (name, value string) {
	end := strings.IndexAny(line, "=:")
	return strings.TrimSpace(line[:end]), strings.TrimSpace(line[end+1:])
}

// reader tells what each line is, given those before it.
type reader struct {
	section string
	open    bool // a setting may go on
	indent  int  // of the line before
}

// kind is what a line is.
type kind int

const (
	nothing kind = iota // a comment, or blank
	header              // of a section; it may lack its end
	setting
	more // of the value of a setting
	unknown
)

func (r *reader) read(line string) (_ kind, said string) {
	said = strings.TrimSpace(line)
	if said == "" || strings.ContainsRune("#;", rune(said[0])) {
		return nothing, said
	}
	at := len(line) - len(strings.TrimLeft(line, " \t"))
	if r.open && at > r.indent {
		return more, said
	}
	r.indent, r.open = at, false
	if said[0] == '[' {
		return header, said
	}
	if strings.IndexAny(said, "=:") > 0 {
		r.open = true
		return setting, said
	}
	return unknown, said
}

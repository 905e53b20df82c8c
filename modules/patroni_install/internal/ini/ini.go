// Package ini reads files of settings in sections, as Python's configparser does, and the programs that are like it.
package ini

import "strings"

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
	section, open, indent := "", false, 0
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || strings.ContainsRune("#;", rune(trimmed[0])) {
			continue
		}
		at := len(line) - len(strings.TrimLeft(line, " \t"))
		if open && at > indent {
			last := &all[len(all)-1]
			last.Value = strings.TrimSpace(last.Value + " " + trimmed)
			continue
		}
		indent, open = at, false
		if name, isSection := strings.CutPrefix(trimmed, "["); isSection {
			section, _, _ = strings.Cut(name, "]")
			sections = append(sections, section)
			continue
		}
		if end := strings.IndexAny(trimmed, "=:"); end > 0 {
			all = append(all, Setting{section, strings.TrimSpace(trimmed[:end]), strings.TrimSpace(trimmed[end+1:])})
			open = true
		}
	}
	return all, sections
}

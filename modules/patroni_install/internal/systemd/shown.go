package systemd

import (
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/charset"
)

// shownNames are the settings whose values are words of systemd's, names of units or of accounts. The values of others may
// hold secrets, as Environment, SetCredential and the commands do, unless they are numbers, times or switches.
func shownNames() []string {
	return []string{"Wants", "After", "Requires", "Type", "User", "Group", "KillMode", "TimeoutSec", "Restart", "WantedBy"}
}

// Shown is the text of a unit or a drop-in for people who may not read the file: a value that may be a secret is left out,
// and so is what somebody wrote in a comment. Lines that known has, too, are as they are.
func Shown(text, known string) string {
	lines := map[string]bool{}
	for line := range strings.Lines(known) {
		lines[strings.TrimSuffix(line, "\n")] = true
	}
	var b strings.Builder
	goesOn := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		trimmed := strings.TrimSpace(line)
		comment := strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, ";")
		switch {
		case lines[line] && !goesOn, trimmed == "":
		case goesOn:
			line = ""
		default:
			line = shownLine(trimmed, comment)
		}
		if line != "" || trimmed == "" {
			b.WriteString(line + "\n")
		}
		if !comment {
			goesOn = strings.HasSuffix(trimmed, `\`)
		}
	}
	return b.String()
}

// isPlain tells whether a value of systemd's own settings is a number, a time or a size, or a switch.
func isPlain(name, value string) bool {
	if strings.HasPrefix(name, "X-") {
		return false // anybody's
	}
	unit := strings.TrimLeft(strings.TrimPrefix(value, "-"), "0123456789")
	isUnit := unit == "" || unit == "%" || len(unit) <= 5 && charset.MadeOf(unit, charset.Alphanumeric)
	isNumber := len(unit) < len(value) && len(value) <= 20 && isUnit
	return isNumber || slices.Contains([]string{"yes", "no", "true", "false", "on", "off", "infinity"}, value)
}

// shownLine is a line of a unit without what may be a secret.
func shownLine(line string, comment bool) string {
	name, value, found := strings.Cut(line, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	const nameChars = charset.Alphanumeric + "-"
	isPath := func(word string) bool {
		return path.IsAbs(strings.TrimLeft(word, "-:")) && !strings.Contains(word, "=")
	}
	switch {
	case comment:
		return "# …"
	case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") && charset.MadeOf(line[1:len(line)-1], nameChars):
		return line
	case !found || !charset.MadeOf(name, nameChars):
		return "…"
	case value == "", isPlain(name, value), slices.Contains(shownNames(), name) && !strings.HasSuffix(line, `\`):
		return line
	// The program of a service and its configuration.
	case name == "ExecStart" && !strings.HasSuffix(line, `\`) && !slices.ContainsFunc(strings.Fields(value), func(w string) bool { return !isPath(w) }):
		return line
	}
	return name + "=…"
}

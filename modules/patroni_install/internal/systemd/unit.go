// Package systemd renders the unit that runs Patroni, and asks and reloads the system's manager.
//
// This package alone decides the text of the unit file: a file that differs from Render in one byte was changed, so
// callers compare bytes. An administrator's own settings go into a drop-in. Our drop-in, for the unit of an operating
// system's package, is rendered here too.
//
// The manager is reached over D-Bus, without any child process.
package systemd

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/charset"
)

// Directory is where the administrator's unit files live; Patroni's goes there.
const Directory = "/etc/systemd/system"

// Header begins the files that this program wrote and keeps as it wrote them.
const Header = "# Written by patroni_install, which undoes any change made in this file.\n"

// Unit is the service unit of Patroni.
type Unit struct {
	// Name is the unit's name without ".service".
	Name string
	// User and Group run Patroni and, through it, PostgreSQL.
	User, Group string
	// Exec is the absolute path of the program patroni.
	Exec string
	// ConfigPath is the absolute path of Patroni's configuration file, its only argument.
	ConfigPath string
	// Hardened drops privileges that the service does not need.
	Hardened bool
}

// directive is one assignment in a unit file and the reason for it.
type directive struct {
	reason, name, value string
}

// String returns the directive's lines.
func (d directive) String() string {
	text := fmt.Sprintf("%s=%s\n", d.name, d.value)
	if d.reason != "" {
		text = fmt.Sprintf("# %s\n", strings.ReplaceAll(d.reason, "\n", "\n# ")) + text
	}
	return text
}

// section is a section of a unit file.
type section struct {
	name       string
	directives []directive
}

// FileName returns the unit's full name, which is also its file's name.
func (u Unit) FileName() string {
	return u.Name + ".service"
}

// Render returns the unit file. The same unit always gives the same bytes. It may be rendered if Check
// returns nil.
func (u Unit) Render() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, Header+
		"# Settings of your own belong into a drop-in: systemctl edit %s\n", u.FileName())
	for _, s := range u.sections() {
		fmt.Fprintf(&b, "\n[%s]\n", s.name)
		for _, d := range s.directives {
			b.WriteString(d.String())
		}
	}
	return []byte(b.String())
}

func (u Unit) sections() []section {
	var more []directive
	if u.Hardened {
		more = hardening()
	}
	return []section{
		{"Unit", []directive{
			{"", "Description", "Patroni, high availability for PostgreSQL"},
			{"Patroni registers this host's addresses in the DCS, so the network has to be up.",
				"Wants", "network-online.target"},
			{"etcd on this host and the log socket come first where they exist. Neither is required: the DCS\n" +
				"may run elsewhere, and Patroni bears its absence.",
				"After", "network-online.target etcd.service syslog.socket"},
		}},
		{"Service", append([]directive{
			{"Type=notify needs Python's systemd module; without it systemd would wait for a message that\n" +
				"never comes and restart the service for ever.",
				"Type", "simple"},
			{"PostgreSQL refuses to run as root.", "User", escapeSpecifiers(u.User)},
			{"", "Group", escapeSpecifiers(u.Group)},
			{"", "ExecStart", executable(u.Exec) + " " + argument(u.ConfigPath)},
			{"Patroni reads its configuration again on HUP; nothing is restarted.",
				"ExecReload", "/bin/kill -s HUP $MAINPID"},
			{"Only Patroni gets the signal: it stops PostgreSQL itself, in order. Signals from systemd to\n" +
				"PostgreSQL's processes would cut that short.",
				"KillMode", "process"},
			{"A stop waits for a synchronous standby, up to two loop_wait intervals.", "TimeoutSec", "30"},
			{"PostgreSQL must not run on without a Patroni that watches it.", "Restart", "on-failure"},
		}, more...)},
		{"Install", []directive{
			{"", "WantedBy", "multi-user.target"},
		}},
	}
}

// Commands returns the values of ExecStart in the text of a unit.
func Commands(text []byte) (commands []string) {
	line, rest := "", strings.ReplaceAll(string(text), "\\\n", " ")
	for rest != "" {
		line, rest, _ = strings.Cut(rest, "\n")
		name, value, _ := strings.Cut(line, "=")
		if strings.TrimSpace(name) == "ExecStart" {
			commands = append(commands, strings.TrimSpace(value))
		}
	}
	return commands
}

// Mention tells whether one of the commands has this absolute path as a word, or, if that ends in a slash, a path
// below it. A word may also hold the path: an assignment, an option, or the command of a shell.
func Mention(commands []string, name string) bool {
	return name != "" && slices.ContainsFunc(commands, func(command string) bool { return mentions(command, name) })
}

// marks are what systemd takes before the first word of a command.
const marks = "@-:+!|"

func mentions(command, name string) bool {
	program, last := true, ""
	for _, word := range words(command) {
		if program {
			word = strings.TrimLeft(word, marks)
		}
		isShells := strings.HasPrefix(last, "-") && strings.HasSuffix(last, "c") // such as sh -ec COMMAND
		for _, spelled := range []string{escapeSpecifiers(name), escapeVariables(escapeSpecifiers(name))} {
			// A path is one whole word, whatever is in it: blanks do not end it.
			isPath := path.IsAbs(word) && !isShells
			if isPath && leadsTo(word, spelled) || !isPath && contains(word, spelled) {
				return true
			}
		}
		program, last = false, word
	}
	return false
}

// leadsTo tells whether a path is name or, if that ends in a slash, below it.
func leadsTo(word, name string) bool {
	return word == name || strings.HasSuffix(name, "/") && strings.HasPrefix(word, name)
}

// contains looks for a path in a text.
func contains(text, name string) bool {
	for before, rest, found := strings.Cut(text, name); found; before, rest, found = strings.Cut(rest, name) {
		begins := before == "" || strings.ContainsRune(" \t\"'="+marks, rune(before[len(before)-1]))
		if begins && (strings.HasSuffix(name, "/") || rest == "" || strings.ContainsRune(" \t\"'", rune(rest[0]))) {
			return true
		}
	}
	return false
}

// Paths returns the absolute paths among the words of a command, without the marks before the first one.
func Paths(command string) (paths []string) {
	unescape := strings.NewReplacer("%%", "%", "$$", "$")
	for _, word := range words(command) {
		if word = unescape.Replace(strings.TrimLeft(word, marks)); path.IsAbs(word) {
			paths = append(paths, word)
		}
	}
	return paths
}

// words splits a command as systemd does: at white space outside of quotes. A character after a backslash stands for
// itself.
func words(command string) (all []string) {
	var word strings.Builder
	var quote byte
	escaped := false
	for _, c := range []byte(command + " ") { // a path need not be UTF-8
		switch {
		case escaped:
			word.WriteByte(c)
			escaped = false
		case c == '\\':
			escaped = true
		case c == quote:
			quote = 0
		case quote == 0 && strings.IndexByte(`"'`, c) >= 0:
			quote = c
		case quote == 0 && strings.IndexByte(" \t", c) >= 0:
			if word.Len() > 0 {
				all = append(all, word.String())
			}
			word.Reset()
		default:
			word.WriteByte(c)
		}
	}
	return all
}

// isUnitName tells whether a name has only the characters of unit names, and at most one @ that
// divides it into two parts.
func isUnitName(name string) bool {
	prefix, instance, divided := strings.Cut(name, "@")
	const chars = charset.Alphanumeric + `:_.\-`
	return charset.MadeOf(prefix, chars) && (!divided || charset.MadeOf(instance, chars))
}

// Check reports what systemd would refuse or misread: a name that is no unit's, relative paths, control characters,
// and quotes or backslashes in the program's path, which a unit file cannot spell.
func (u Unit) Check() error {
	if err := u.check(); err != nil {
		return fmt.Errorf("cannot make a unit of %q: %w", u.FileName(), err)
	}
	return nil
}

func (u Unit) check() error {
	switch {
	case !isUnitName(u.Name) || len(u.FileName()) > 255:
		return errors.New("not a unit name: letters, digits and :_.-\\ are allowed, and one @")
	case u.User == "" || u.Group == "":
		return errors.New("user and group must be given")
	case strings.HasSuffix(u.User, `\`) || strings.HasSuffix(u.Group, `\`):
		return fmt.Errorf("a backslash at the end of user %q or group %q would join its line with the next one",
			u.User, u.Group)
	case !path.IsAbs(u.Exec):
		return fmt.Errorf("the program %q is not an absolute path", u.Exec)
	case strings.ContainsAny(u.Exec, `"'\`):
		return fmt.Errorf("systemd runs no program whose path has quotes or backslashes: %q", u.Exec)
	case !path.IsAbs(u.ConfigPath):
		return fmt.Errorf("the configuration file %q is not an absolute path", u.ConfigPath)
	}
	for _, value := range []string{u.User, u.Group, u.Exec, u.ConfigPath} {
		if charset.HasControl(value) {
			return fmt.Errorf("%q has characters that a unit file cannot hold", value)
		}
	}
	return nil
}

// executable spells the first word of ExecStart. systemd expands specifiers in it, but no variables.
func executable(name string) string {
	return quote(escapeSpecifiers(name))
}

// argument spells a later word, in which systemd expands specifiers and variables.
func argument(word string) string {
	return quote(escapeVariables(escapeSpecifiers(word)))
}

func escapeSpecifiers(s string) string {
	return strings.ReplaceAll(s, "%", "%%")
}

func escapeVariables(s string) string {
	return strings.ReplaceAll(s, "$", "$$")
}

// quote keeps a word in one piece where systemd would split or unescape it.
func quote(word string) string {
	if charset.MadeOf(word, charset.Alphanumeric+`/_.:@%$+,-`) {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word) + `"`
}

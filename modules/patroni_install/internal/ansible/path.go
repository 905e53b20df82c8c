package ansible

import (
	"os"
	"os/user"
	"strconv"
	"strings"
)

// expandVars replaces $NAME and ${NAME} by the environment's values, as Python's
// os.path.expandvars does: an unknown variable stays as it is written, and values
// are not expanded again.
func expandVars(path string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(path, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, length := variable(after)
		if value, ok := os.LookupEnv(name); ok && name != "" {
			b.WriteString(value)
		} else {
			b.WriteString("$" + after[:length])
		}
		path = after[length:]
	}
}

// variable returns the name that follows a dollar sign, and how many bytes of
// text it takes, braces included.
func variable(text string) (name string, length int) {
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		if name, _, closed := strings.Cut(inner, "}"); closed {
			return name, len(name) + len("{}")
		}
		return "", 0
	}
	for length < len(text) && isWord(text[length]) {
		length++
	}
	return text[:length], length
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// expandUser replaces a leading ~ or ~user by the home directory, as Python's
// os.path.expanduser does: an unknown user's stays as it is written.
func expandUser(path string) string {
	if !strings.HasPrefix(path, "~") {
		return path
	}
	name, _, _ := strings.Cut(path[1:], "/")
	home, ok := homeOf(name)
	if !ok {
		return path
	}
	if expanded := strings.TrimRight(home, "/") + path[1+len(name):]; expanded != "" {
		return expanded
	}
	return "/"
}

// homeOf returns a user's home directory, the process's own for no name.
func homeOf(name string) (string, bool) {
	if name != "" {
		found, err := user.Lookup(name)
		return homeDir(found, err)
	}
	if home, ok := os.LookupEnv("HOME"); ok {
		return home, true
	}
	return homeDir(user.LookupId(strconv.Itoa(os.Getuid())))
}

func homeDir(found *user.User, err error) (string, bool) {
	if err != nil {
		return "", false
	}
	return found.HomeDir, true
}

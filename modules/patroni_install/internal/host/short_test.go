package host

import (
	"strings"
	"testing"
)

// TestShort: a message has whole words of a command line and no more than there is room for.
func TestShort(t *testing.T) {
	long := strings.Repeat("x", 100)
	for name, c := range map[string]struct {
		argv []string
		want string
	}{
		"short":      {[]string{"apt-get", "update"}, "apt-get update"},
		"as long":    {[]string{long, strings.Repeat("y", 19)}, long + " " + strings.Repeat("y", 19)},
		"longer":     {[]string{long, strings.Repeat("y", 20)}, long + " …"},
		"many words": {append([]string{"dnf"}, strings.Split(long, "")...), "dnf" + strings.Repeat(" x", 56) + " …"},
		"one word":   {[]string{long + long}, "…"},
		"letters":    {[]string{"echo", strings.Repeat("ä", 60), "b"}, "echo …"},
		"a program":  {[]string{"python3", "-c", "import os\nprint(1)", long, long}, "python3 -c … " + long + " …"},
	} {
		got := Command{Argv: c.argv}.Short()
		if got != c.want || len(got) > shortLine {
			t.Errorf("%s: %q with %d bytes, want %q", name, got, len(got), c.want)
		}
	}
	secret := &CommandError{Argv: append(strings.Split(strings.Repeat("word ", 30), " "), "end"), Status: "exit status 1"}
	if text := secret.Error(); strings.Contains(text, "end") || !strings.HasSuffix(secret.Command(), " end") {
		t.Errorf("the message is %q, and the command %q", text, secret.Command())
	}
}

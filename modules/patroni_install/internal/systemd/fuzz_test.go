package systemd

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// FuzzUnit: every unit that passes Check becomes a file with only our sections and directives. The command is read
// back from it, and another unit becomes another file.
func FuzzUnit(f *testing.F) {
	for _, word := range []string{
		"/opt/bin/patroni", "/opt/my bin/patroni", "/opt/%h/$HOME/patroni", "/opt/a\nUser=root", "/opt/[Service]", "/opt/é", "/opt/a\tb", "/opt/#x", "/opt/;x",
		"/opt/\\", "/opt/\"", "/opt/it's", "/opt/{a}", "/opt/\u2028x", "/", "/opt/a=b", "/opt/\xff", "/opt/\x00",
	} {
		f.Add("patroni", "postgres", "postgres", word, "/etc/patroni/patroni.yaml", "one")
		f.Add("patroni@a", "postgres", "26", "/usr/bin/patroni", word, "/two")
		f.Add(word, word, word, "/usr/bin/patroni", "/etc/x", word)
	}
	f.Fuzz(func(t *testing.T, name, user, group, program, config, other string) {
		u := Unit{Name: name, User: user, Group: group, Exec: program, ConfigPath: config}
		if u.Check() != nil {
			return
		}
		text := u.Render()
		plain := Unit{
			Name: "patroni", User: "postgres", Group: "postgres",
			Exec: "/usr/bin/patroni", ConfigPath: "/etc/patroni/patroni.yaml",
		}
		if got, want := keys(text), keys(plain.Render()); !slices.Equal(got, want) {
			t.Errorf("sections and directives %q, want %q", got, want)
		}
		commands := Commands(text)
		if len(commands) != 1 || !Mention(commands, program) || !Mention(commands, config) {
			t.Errorf("the commands %q do not mention %q and %q", commands, program, config)
		}
		for _, v := range []Unit{
			{name, other, group, program, config, false}, {name, user, other, program, config, false}, {name, user, group, other, config, false},
			{name, user, group, program, other, false}, {name, user, group, program, config, true},
		} {
			if v.Check() == nil && v != u && string(v.Render()) == string(text) {
				t.Errorf("%+v and %+v are one file", u, v)
			}
		}
	})
}

// keys lists the sections of a unit and the names of its directives.
func keys(text []byte) (found []string) {
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != '#' {
			name, _, _ := strings.Cut(line, "=")
			found = append(found, name)
		}
	}
	return found
}

// FuzzCommands reads units that others wrote: each command is one line of the file's.
func FuzzCommands(f *testing.F) {
	for _, text := range []string{
		"", "ExecStart=/usr/bin/patroni /etc/x\n", "ExecStart = \"/opt/a b\" \\\n  x\n", "ExecStart=\nExecStart=-/x", "ExecStart", "\\\n\\\n", "[Service]\r\nExecStart=/x\r\n",
		"ExecStart=/opt/%%x /opt/$$y", "# ExecStart=/x", "\x00ExecStart=/x", strings.Repeat("ExecStart=x\\\n", 100),
	} {
		f.Add(text, "/usr/bin/patroni")
		f.Add(text, "/opt/")
		f.Add(text, "")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		commands := Commands([]byte(text))
		for _, command := range commands {
			if strings.Contains(command, "\n") {
				t.Errorf("%q is more than a line", command)
			}
		}
		if Mention(commands, name) && len(commands) == 0 {
			t.Errorf("nothing mentions %q", name)
		}
		if path.IsAbs(name) && !Mention([]string{executable(name)}, name) {
			t.Errorf("%q does not mention %q", executable(name), name)
		}
	})
}

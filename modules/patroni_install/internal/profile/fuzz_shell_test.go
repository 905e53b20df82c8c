package profile

import (
	"os/exec"
	"strings"
	"testing"
)

// FuzzShell: what a shell can parse it can still parse with the block, and after its removal. If a text has markers
// already, that is so if the user's own lines can be parsed without them.
func FuzzShell(f *testing.F) {
	shells := []string{"dash", "bash"}
	for _, name := range shells {
		if _, err := exec.LookPath(name); err != nil {
			f.Skipf("%s is not installed", name)
		}
	}
	for _, text := range seeds() {
		f.Add(text, testDir, testConfig, true)
		f.Add(text, "/opt/it's $HOME/`bin`", "", false)
	}
	for _, text := range []string{
		"if x; then\n  y\nfi", "case $- in\n*i*) ;;\n*) return;;\nesac", "cat <<E\ntext\nE\n", "f() {\n:\n}", "x=\"a\nb\"\n", "echo $(\nls\n)", "a &&\nb", "a |\n b",
		"# comment \\\nls", "[ -z \"$PS1\" ] &&\\\n return", "{ [ -z \"$PS1\" ] && return; }", "for i in 1; do\n[[ $- != *i* ]] && return\ndone", "x='\n[ -z \"$PS1\" ] && return\n'",
		"cat <<'E'\n[ -z \"$PS1\" ] && return\nE\n", "if true\nthen [ -z \"$PS1\" ] && return\nfi", "((x)) ||\n[ -z \"$PS1\" ] && return",
	} {
		f.Add(text, testDir, testConfig, false)
		f.Add(text, testDir, "", true)
	}
	f.Fuzz(func(t *testing.T, text, dir, config string, login bool) {
		kind := Interactive
		if login {
			kind = Login
		}
		edited, err := Ensure(text, Settings{Dir: dir, Home: testHome, Config: config}, kind)
		if err != nil || strings.Contains(edited, "\x00") {
			return
		}
		for _, name := range shells {
			if parses(name, text) && parses(name, Remove(text)) && (!parses(name, edited) || !parses(name, Remove(edited))) {
				t.Errorf("%s parses %q, and neither %q nor %q", name, text, edited, Remove(edited))
			}
		}
	})
}

// parses tells whether a shell takes a text for a script, without running it.
func parses(shell, text string) bool {
	command := exec.Command(shell, "-n")
	command.Stdin = strings.NewReader(text)
	command.Env = []string{}
	return command.Run() == nil
}

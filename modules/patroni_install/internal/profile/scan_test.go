package profile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// debianProfile is the part of Debian's /etc/skel/.profile that matters here.
const debianProfile = `# ~/.profile: executed by the command interpreter for login shells.
# see /usr/share/doc/bash/examples/startup-files for examples.

# the default umask is set in /etc/profile
#umask 022

# if running bash
if [ -n "$BASH_VERSION" ]; then
    # include .bashrc if it exists
    if [ -f "$HOME/.bashrc" ]; then
	. "$HOME/.bashrc"
    fi
fi

# set PATH so it includes user's private bin if it exists
if [ -d "$HOME/bin" ] ; then
    PATH="$HOME/bin:$PATH"
fi

# set PATH so it includes user's private bin if it exists
if [ -d "$HOME/.local/bin" ] ; then
    PATH="$HOME/.local/bin:$PATH"
fi
`

// rockyBashrc is the part of the RHEL family's /etc/skel/.bashrc that matters here.
const rockyBashrc = `# .bashrc

# Source global definitions
if [ -f /etc/bashrc ]; then
	. /etc/bashrc
fi

# User specific environment
if ! [[ "$PATH" =~ "$HOME/.local/bin:$HOME/bin:" ]]
then
    PATH="$HOME/.local/bin:$HOME/bin:$PATH"
fi
export PATH
`

func TestScan(t *testing.T) {
	onPath, leaves, neither := finding{onPath: true}, finding{leaves: true}, finding{}
	tests := []struct {
		name, text string
		want       finding
	}{
		{"absolute", "PATH=$PATH:/var/lib/postgresql/.local/bin", onPath},
		{"$HOME", `PATH="$HOME/.local/bin:$PATH"`, onPath},
		{"${HOME}", `export PATH="${PATH}:${HOME}/.local/bin"`, onPath},
		{"tilde at the start", "export PATH=~/.local/bin:$PATH", onPath},
		{"tilde after a colon", "PATH=$PATH:~/.local/bin; export PATH", onPath},
		{"with a slash at its end", "PATH=$PATH:$HOME/.local/bin/", onPath},
		{"with CRLF", "PATH=$PATH:$HOME/.local/bin\r\n", onPath},
		{"fixed list", "PATH=/usr/bin:/bin:/var/lib/postgresql/.local/bin", onPath},
		{"pipx ensurepath", "\n# Created by `pipx` on 2024-05-01 10:00:00\n" +
			"export PATH=\"$PATH:/var/lib/postgresql/.local/bin\"\n", onPath},
		{"Debian's .profile", debianProfile, onPath},
		{"the RHEL family's .bashrc", rockyBashrc, onPath},
		{"kept by a later line", "PATH=$PATH:$HOME/.local/bin\nPATH=/opt/bin:$PATH", onPath},
		{"exported in the same line", "PATH=$PATH:$HOME/.local/bin; export PATH", onPath},
		{"RHEL 10's .bashrc", strings.Replace(rockyBashrc, "]]\nthen", "]]; then", 1), onPath},
		{"below what is closed", "if a; then\n  b\nfi\nfor c in d; do\n  e\ndone\ncase g in\nh) ;;\nesac\n{\n  f\n}\n" +
			"PATH=$PATH:$HOME/.local/bin", onPath},
		{"below a function", "f() {\n  PATH=/usr/bin\n}\nPATH=$PATH:$HOME/.local/bin", onPath},
		{"kept by another expansion", "PATH=$PATH:$HOME/.local/bin\nPATH=${PATH:+${PATH}:}/opt/bin", onPath},
		{"above the guard", "PATH=$PATH:$HOME/.local/bin\n[ -z \"$PS1\" ] && return\n", finding{onPath: true, leaves: true}},

		{"nothing", "", neither},
		{"comment", "# PATH=$PATH:$HOME/.local/bin", neither},
		{"comment behind a command", "true # PATH=$PATH:$HOME/.local/bin", neither},
		{"another directory", "PATH=$PATH:$HOME/bin:$HOME/.local/bin2:/x/.local/bin", neither},
		{"another variable", "MYPATH=$PATH:$HOME/.local/bin", neither},
		{"printed", "echo PATH=$PATH:$HOME/.local/bin", neither},
		{"for one command", "PATH=$PATH:$HOME/.local/bin patroni --version", neither},
		{"quoted tilde", `PATH="$PATH:~/.local/bin"`, neither},
		{"quoted tilde at the start", `PATH="~/.local/bin:$PATH"`, neither},
		{"tilde in a name", "PATH=$PATH:/x~/.local/bin", neither},
		{"quoted $HOME", `PATH='$HOME/.local/bin'`, neither},
		{"escaped $HOME", `PATH=\$HOME/.local/bin`, neither},
		{"another user's home", "PATH=$PATH:~root/.local/bin", neither},
		{"unknown variable", "PATH=$PATH:$BASE/.local/bin", neither},
		{"command substitution", "PATH=$PATH:$(echo $HOME/.local/bin)", neither},
		{"undone by a later line", "PATH=$PATH:$HOME/.local/bin\nPATH=/usr/bin:/bin", neither},
		{"undone behind another command", "PATH=$PATH:$HOME/.local/bin\nexport LANG=C PATH=/usr/bin:/bin", neither},
		{"in the other branch", "if [ -d $HOME/.local/bin ]; then\n:\nelse\nPATH=$PATH:$HOME/.local/bin\nfi", neither},
		{"in another case", "if [ -d $HOME/.local/bin ]; then\n:\nelif x; then\nPATH=$PATH:$HOME/.local/bin\nfi", neither},
		{"under a second condition", "if [ -n \"$PS1\" ]; then\nif [ -d $HOME/.local/bin ]; then\n" +
			"PATH=$PATH:$HOME/.local/bin\nfi\nfi", neither},
		{"in a while", "while x; do\nPATH=$PATH:$HOME/.local/bin\ndone", neither},
		{"in an until", "until x; do\nPATH=$PATH:$HOME/.local/bin\ndone", neither},
		{"in a select", "select x in a; do\nPATH=$PATH:$HOME/.local/bin\ndone", neither},
		{"in a loop", "for d in a; do\nPATH=$PATH:$HOME/.local/bin\ndone", neither},
		{"in a case", "case $TERM in\nxterm)\nPATH=$PATH:$HOME/.local/bin\nesac", neither},
		{"in a group", "x && {\nPATH=$PATH:$HOME/.local/bin\n}", neither},
		{"unknown condition", "if [ \"$TERM\" = xterm ]; then\nPATH=$PATH:$HOME/.local/bin\nfi", neither},
		{"unknown test in front", `[ "$TERM" = xterm ] && PATH=$PATH:$HOME/.local/bin`, neither},
		{"interactive only", "if [ -n \"$PS1\" ]; then\nPATH=$PATH:$HOME/.local/bin\nfi", neither},
		{"in a function", "f() {\n PATH=$PATH:$HOME/.local/bin\n}", neither},
		{"in a bash function", "function f {\n PATH=$PATH:$HOME/.local/bin\n}", neither},
		{"in a subshell", "(PATH=$PATH:$HOME/.local/bin)", neither},
		{"in a pipeline", "true | PATH=$PATH:$HOME/.local/bin", neither},
		{"in a here-document", "cat <<EOF\nPATH=$PATH:$HOME/.local/bin\nEOF\n", neither},

		{"Debian's guard", "case $- in\n    *i*) ;;\n      *) return;;\nesac\nPATH=$PATH:~/.local/bin", leaves},
		{"PS1 guard", "[ -z \"$PS1\" ] && return\nPATH=$PATH:~/.local/bin", leaves},
		{"[[ guard", "[[ $- != *i* ]] && return\nPATH=$PATH:~/.local/bin", leaves},
		{"if guard", "if [[ $- != *i* ]]; then return; fi\nPATH=$PATH:~/.local/bin", leaves},
		{"or guard", "[[ $- == *i* ]] || return 0\nPATH=$PATH:~/.local/bin", leaves},
		{"exec", "exec zsh -l\n", leaves},
		{"exec of what a variable names", "[ -t 0 ] && exec \"$SHELL\" 2>log\n", leaves},
		{"exec behind its redirections", "exec 2>log >&2 < /dev/null zsh\n", leaves},
		{"exec in a continued line", "exec \\\n  zsh\n", leaves},
		{"exec that redirects", "exec 2>log\n", neither},
		{"exec that redirects, in words", "exec 2> log < /dev/null >> out\n", neither},
		{"exec that redirects to what is open", "exec >log 2>&1 3<&0\n", neither},
		{"exec that redirects all", "exec &>log\n", neither},
		{"exec that redirects before another command", "exec 2>log; umask 022\n", neither},
		{"exec that overwrites", "exec >| log\n", neither},
		{"exec that redirects to a process", "exec > >(logger -t login) 2>&1\n", neither},
		{"exec that redirects, or not", "exec 3<log || :\n", neither},
		{"exec that redirects in a subshell", "(exec 2>log)\n", neither},
		{"exec that redirects in a list", "exec 2>log && umask 022\n", neither},
		{"exec of nothing", "exec\n", neither},
		{"exec as an option", "find . -exec touch {} +\n", neither},
		{"exit", "test -t 0 || exit\n", leaves},
		{"return in a group", "[ -n \"$PS1\" ] || { umask 022; return; }\n", leaves},
		{"return in a group below a case", "case $- in\n*i*) ;;\n*) { return; } ;;\nesac\n", leaves},
		{"return below a function", "f() {\n  { return 1; }\n}\n[ -z \"$PS1\" ] && return\n", leaves},
		{"return below a here-document", "cat <<E\ntext\nE\n[ -z \"$PS1\" ] && return\n", leaves},
		{"return with CRLF", "[ -z \"$PS1\" ] && return\r\n", leaves},
		{"return in a bash function", "function f {\n  return 1\n}\n", neither},
		{"return in a function with its brace below", "f()\n{\n  { return 1; }\n  exit\n}\n", neither},
		{"a name that ends in return", "my_return\nno-exit\n", neither},
		{"return in a function", "f() { return 1; }\n", neither},
		{"return in a comment", "# return\n", neither},
		{"return in a comment without a space", "#x; return\n", neither},
		{"return as an argument, which is in doubt", "echo return\n", leaves},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := scan(tt.text, testDir, testHome)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(finding{})); diff != "" {
				t.Errorf("scan (-want +got):\n%s", diff)
			}
			if tt.want.onPath {
				if diff := cmp.Diff(tt.text, ensure(t, tt.text, testDir, Interactive)); diff != "" {
					t.Errorf("Ensure (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestScanWithoutHome(t *testing.T) {
	for _, text := range []string{"PATH=$PATH:$HOME/.local/bin", "PATH=$PATH:~/.local/bin"} {
		if got := scan(text, "/.local/bin", ""); got.onPath {
			t.Errorf("scan(%q) with an unknown home found /.local/bin", text)
		}
	}
}

// TestScanBrokenText walks every prefix of the texts that distributions ship: none may panic or hang.
func TestScanBrokenText(t *testing.T) {
	whole := debianProfile + rockyBashrc + "case $- in *i*) ;; *) return;; esac\nA=${B:-$(c \"d\")} e=`f` <<<g"
	for end := range len(whole) {
		text := whole[:end]
		if got := scan(text, "/not/there", testHome); got.onPath {
			t.Fatalf("the first %d bytes put /not/there on the PATH", end)
		}
		if got := ensure(t, text, "/not/there", Login); !strings.Contains(got, "'/not/there'") {
			t.Fatalf("no block was added to the first %d bytes", end)
		}
	}
}

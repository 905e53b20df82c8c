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

func TestInspect(t *testing.T) {
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
		{"with a slash at its end", "PATH=$PATH:~/.local/bin/", onPath},
		{"appended", "PATH+=:~/.local/bin", onPath},
		{"alternative value", "PATH=$HOME/.local/bin${PATH:+:${PATH}}", onPath},
		{"declare", "declare -x PATH=$PATH:$HOME/.local/bin", onPath},
		{"continued line", "PATH=$PATH:\\\n$HOME/.local/bin", onPath},
		{"several assignments", "A=1 PATH=$PATH:$HOME/.local/bin B=2", onPath},
		{"with CRLF", "PATH=$PATH:$HOME/.local/bin\r\n", onPath},
		{"fixed list", "PATH=/usr/bin:/bin:/var/lib/postgresql/.local/bin", onPath},
		{"pathmunge", "pathmunge /var/lib/postgresql/.local/bin after", onPath},
		{"path_append", "path_append \"$HOME/.local/bin\"", onPath},
		{"pipx ensurepath", "\n# Created by `pipx` on 2024-05-01 10:00:00\nexport PATH=\"$PATH:/var/lib/postgresql/.local/bin\"\n", onPath},
		{"Debian's .profile", debianProfile, onPath},
		{"the RHEL family's .bashrc", rockyBashrc, onPath},
		{"test in front", `[ -d ~/.local/bin ] && PATH="$PATH:$HOME/.local/bin"`, onPath},
		{"test in front, silenced", `[ -d ~/.local/bin ] 2>/dev/null && PATH="$PATH:$HOME/.local/bin"`, onPath},
		{"case of the PATH", "case \":$PATH:\" in\n*:$HOME/.local/bin:*) ;;\n*) PATH=$PATH:$HOME/.local/bin ;;\nesac", onPath},
		{"after a redirection", "exec_me > /dev/null; PATH=$PATH:~/.local/bin", onPath},
		{"kept by a later line", "PATH=$PATH:~/.local/bin\nPATH=/opt/bin:$PATH", onPath},
		{"above the guard", "PATH=$PATH:~/.local/bin\n[ -z \"$PS1\" ] && return\n", finding{onPath: true, leaves: true}},

		{"nothing", "", neither},
		{"comment", "# PATH=$PATH:~/.local/bin", neither},
		{"comment behind a command", "true # PATH=$PATH:~/.local/bin", neither},
		{"another directory", "PATH=$PATH:$HOME/bin:$HOME/.local/bin2:/x/.local/bin", neither},
		{"another variable", "MYPATH=$PATH:$HOME/.local/bin", neither},
		{"printed", "echo PATH=$PATH:$HOME/.local/bin", neither},
		{"for one command", "PATH=$PATH:$HOME/.local/bin patroni --version", neither},
		{"quoted tilde", `PATH="$PATH:~/.local/bin"`, neither},
		{"quoted $HOME", `PATH='$HOME/.local/bin'`, neither},
		{"escaped $HOME", `PATH=\$HOME/.local/bin`, neither},
		{"another user's home", "PATH=$PATH:~root/.local/bin", neither},
		{"unknown variable", "PATH=$PATH:$BASE/.local/bin", neither},
		{"command substitution", "PATH=$PATH:$(echo ~/.local/bin)", neither},
		{"undone by a later line", "PATH=$PATH:~/.local/bin\nPATH=/usr/bin:/bin", neither},
		{"unknown condition", "if [ \"$TERM\" = xterm ]; then\nPATH=$PATH:~/.local/bin\nfi", neither},
		{"unknown test in front", `[ "$TERM" = xterm ] && PATH=$PATH:~/.local/bin`, neither},
		{"interactive only", "if [ -n \"$PS1\" ]; then\nPATH=$PATH:~/.local/bin\nfi", neither},
		{"in a function", "f() {\n PATH=$PATH:~/.local/bin\n}", neither},
		{"in a bash function", "function f {\n PATH=$PATH:~/.local/bin\n}", neither},
		{"in a subshell", "(PATH=$PATH:~/.local/bin)", neither},
		{"in a pipeline", "true | PATH=$PATH:~/.local/bin", neither},
		{"in a string of several lines", "A='\nPATH=$PATH:~/.local/bin\n'", neither},
		{"in a here-document", "cat <<EOF\nPATH=$PATH:~/.local/bin\nEOF\n", neither},
		{"pathmunge of another directory", "pathmunge /opt/bin", neither},

		{"Debian's guard", "case $- in\n    *i*) ;;\n      *) return;;\nesac\nPATH=$PATH:~/.local/bin", leaves},
		{"PS1 guard", "[ -z \"$PS1\" ] && return\nPATH=$PATH:~/.local/bin", leaves},
		{"[[ guard", "[[ $- != *i* ]] && return\nPATH=$PATH:~/.local/bin", leaves},
		{"if guard", "if [[ $- != *i* ]]; then return; fi\nPATH=$PATH:~/.local/bin", leaves},
		{"or guard", "[[ $- == *i* ]] || return 0\nPATH=$PATH:~/.local/bin", leaves},
		{"exec", "exec zsh -l\n", leaves},
		{"exit", "test -t 0 || exit\n", leaves},
		{"return in a function", "f() { return 1; }\n", neither},
		{"return in a comment", "# return\n", neither},
		{"return as an argument", "echo return\n", neither},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := inspect(tt.text, testDir, testHome)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(finding{})); diff != "" {
				t.Errorf("inspect (-want +got):\n%s", diff)
			}
			if tt.want.onPath {
				if diff := cmp.Diff(tt.text, ensure(t, tt.text, testDir, Interactive)); diff != "" {
					t.Errorf("Ensure (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestInspectWithoutHome(t *testing.T) {
	for _, text := range []string{"PATH=$PATH:$HOME/.local/bin", "PATH=$PATH:~/.local/bin"} {
		if got := inspect(text, "/.local/bin", ""); got.onPath {
			t.Errorf("inspect(%q) with an unknown home found /.local/bin", text)
		}
	}
}

// TestInspectBrokenText walks every prefix of the texts that distributions ship: none may panic or hang.
func TestInspectBrokenText(t *testing.T) {
	whole := debianProfile + rockyBashrc + "case $- in *i*) ;; *) return;; esac\nA=${B:-$(c \"d\")} e=`f` <<<g"
	for end := range len(whole) {
		text := whole[:end]
		if got := inspect(text, "/not/there", testHome); got.onPath {
			t.Fatalf("the first %d bytes put /not/there on the PATH", end)
		}
		if got := ensure(t, text, "/not/there", Login); !strings.Contains(got, "'/not/there'") {
			t.Fatalf("no block was added to the first %d bytes", end)
		}
	}
}

package install

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// completionText speaks the protocol that click documents for shells of all kinds: the words go to patronictl
// in its environment, which prints a line "type,value" for each suggestion. click's own script does the same.
// This one is the program's own text, so that what a plan writes is known without running what the user owns.
const completionText = systemd.Header +
	`# bash completes the commands and options of patronictl by asking patronictl itself.
_patronictl_completion() {
    local IFS=$'\n' suggestion
    COMPREPLY=()
    while read -r suggestion; do
        case $suggestion in
            dir,*) compopt -o dirnames ;;
            file,*) compopt -o default ;;
            plain,*) COMPREPLY+=("${suggestion#*,}") ;;
        esac
    done < <(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD="$COMP_CWORD" _PATRONICTL_COMPLETE=bash_complete "$1")
}
complete -o nosort -F _patronictl_completion patronictl
`

// needrestartText tells needrestart to leave a unit alone. Perl would take an @ for the start of a variable.
func needrestartText(unit string) string {
	return systemd.Header + "# A restart of Patroni can move the primary to another host: that is left to people.\n" +
		`$nrconf{override_rc}{qr(^` + strings.ReplaceAll(strings.ReplaceAll(unit, ".", `\.`), "@", `\@`) + "$)} = 0;\n"
}

// comfort is a file that an option asks for, and that nothing else needs.
type comfort struct {
	base

	option, name, path string
	text               []byte
	attr               fsys.Attr
	wanted             bool
	shared             bool // it serves all services of the user, and goes with the last
}

// comforts are these files.
func comforts(b base) group { return group{completion(b), needrestart(b)} }

// completion is where bash-completion looks for the user's own.
func completion(b base) *comfort {
	user := b.seen.User
	return &comfort{
		base: b, option: "completion", name: "shell completion",
		path: path.Join(user.Home, ".local/share/bash-completion/completions/patronictl"), text: []byte(completionText),
		attr:   fsys.Attr{Mode: 0o644, UID: user.UID, GID: user.GID},
		wanted: !b.removes() && b.want.Completion, shared: true,
	}
}

// needrestart is in a directory that needrestart reads as a whole.
func needrestart(b base) *comfort {
	unit := path.Base(b.seen.Unit)
	return &comfort{
		base: b, option: "needrestart", name: "needrestart configuration",
		path: "/etc/needrestart/conf.d/" + unit + ".conf", text: []byte(needrestartText(unit)),
		attr: fsys.Attr{Mode: 0o644}, wanted: !b.removes() && b.want.Needrestart,
	}
}

// Look implements [Part]. What stands in the way of a file that nobody wants is of no interest.
func (c *comfort) Look(context.Context) error {
	err := c.seen.Read(c.path)
	for dir := path.Dir(c.path); err == nil && dir != "/"; dir = path.Dir(dir) {
		err = c.seen.Look(dir)
	}
	switch {
	case err != nil && c.wanted:
		return fmt.Errorf("cannot write the %s: %w; %s", c.name, err, c.remedy())
	case c.shared && !c.wanted && c.seen.exists(c.path):
		return c.seen.readServices()
	}
	return nil
}

func (c *comfort) remedy() string {
	return "set " + c.option + " (in the role: patroni_" + c.option + ") to false"
}

// before is the file that is there, nil for none, and tells whether this program wrote it.
func (c *comfort) before() (_ *step.FileState, ours bool) {
	found := c.seen.fileState(c.path)
	return found, found != nil && isOurs(found.Data)
}

// Refuse implements [Part].
func (c *comfort) Refuse() error {
	if before, ours := c.before(); !c.wanted || before == nil || ours {
		return nil
	}
	return fmt.Errorf("cannot write the %s: %s is there already, and this installation did not make it; move it away, "+
		"or %s",
		c.name, c.path, c.remedy())
}

// Parents implements [Part].
func (c *comfort) Parents() []string {
	if !c.wanted {
		return nil
	}
	return []string{path.Dir(c.path)}
}

// Steps implements [Part]: it writes the file, or takes away what this program wrote.
func (c *comfort) Steps(Decision, Outcome) ([]txn.Step, error) {
	before, ours := c.before()
	s := &step.File{Name: c.name, Path: c.path, Before: before}
	switch {
	case !c.wanted && (!ours || c.shared && c.seen.sharesUser()):
		return nil, nil
	case c.wanted:
		s.After = &step.FileState{Data: c.text, Attr: c.attr}
	}
	if before != nil && c.wanted && before.Attr == c.attr && string(before.Data) == string(c.text) {
		return nil, nil
	}
	return []txn.Step{s}, nil
}

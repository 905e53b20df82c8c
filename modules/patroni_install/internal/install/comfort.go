package install

import (
	"fmt"
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// oursHeader begins the files of this kind that this program wrote.
const oursHeader = "# Written by patroni_install, which undoes any change made in this file.\n"

// completionText speaks the protocol that click documents for shells of all kinds: the words go to patronictl
// in its environment, which prints a line "type,value" for each suggestion. click's own script does the same.
// This one is the program's own text, so that what a plan writes is known without running what the user owns.
const completionText = oursHeader + `# bash completes the commands and options of patronictl by asking patronictl itself.
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
	return oursHeader + "# A restart of Patroni can move the primary to another host: that is left to people.\n" +
		`$nrconf{override_rc}{qr(^` + strings.ReplaceAll(strings.ReplaceAll(unit, ".", `\.`), "@", `\@`) + "$)} = 0;\n"
}

// comfort is a file that an option asks for, and that nothing else needs.
type comfort struct {
	option, name, path string
	text               []byte
	attr               fsys.Attr
	wanted             bool
	shared             bool // it serves all services of the user, and goes with the last
}

// comforts are these files: bash-completion looks for the user's own in the home, and needrestart
// reads all of its directory.
func (o *Observed) comforts(want *Desired) []*comfort {
	present, unit := want.State != Absent, path.Base(o.Unit)
	return []*comfort{
		{"completion", "shell completion", path.Join(o.User.Home, ".local/share/bash-completion/completions/patronictl"),
			[]byte(completionText), fsys.Attr{Mode: 0o644, UID: o.User.UID, GID: o.User.GID}, present && want.Completion, true},
		{"needrestart", "needrestart configuration", "/etc/needrestart/conf.d/" + unit + ".conf",
			[]byte(needrestartText(unit)), fsys.Attr{Mode: 0o644}, present && want.Needrestart, false},
	}
}

// comfort looks at these files. What stands in the way of one that nobody wants is of no interest.
func (o *observer) comfort() error {
	for _, c := range o.found.comforts(&o.want) {
		err := o.look(c.path, true)
		for dir := path.Dir(c.path); err == nil && dir != "/"; dir = path.Dir(dir) {
			err = o.look(dir, false)
		}
		if err != nil && c.wanted {
			return fmt.Errorf("cannot write the %s: %w; %s", c.name, err, c.remedy())
		}
	}
	return nil
}

func (c *comfort) remedy() string {
	return "set " + c.option + " (in the role: patroni_" + c.option + ") to false"
}

// comforts writes the files that are wanted, and takes away what this program wrote of the others.
func (p *Plan) comforts() ([]txn.Step, error) {
	var steps []txn.Step
	for _, c := range p.seen.comforts(&p.want) {
		before := p.fileState(c.path)
		ours := before != nil && strings.HasPrefix(string(before.Data), oursHeader)
		s := &step.File{Name: c.name, Path: c.path, Before: before}
		switch {
		case !c.wanted && (!ours || c.shared && p.seen.othersOfUser()):
			continue
		case c.wanted && before != nil && !ours:
			return nil, fmt.Errorf("cannot write the %s: %s is there already, and this installation did not make it; move it away, or %s",
				c.name, c.path, c.remedy())
		case c.wanted:
			s.After = &step.FileState{Data: c.text, Attr: c.attr}
		}
		if before == nil || !c.wanted || before.Attr != c.attr || string(before.Data) != string(c.text) {
			steps = append(steps, s)
		}
	}
	return steps, nil
}

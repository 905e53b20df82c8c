package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// programType is SELinux's type of programs: systemd executes no others, and files below the
// user's home have that of a database.
const programType = "bin_t"

// ProgramDir is a directory of programs, or of links to programs.
type ProgramDir struct {
	Real  string    // its path without links, the one that policies know
	Attr  fsys.Attr // if it is there
	Label string    // the same; "" if it is not
	Rule  bool      // whether the local rules have ours
}

// pattern is the regular expression of the paths in the directory, and of its own.
func (d ProgramDir) pattern() string {
	var text strings.Builder
	for _, r := range d.Real {
		if strings.ContainsRune(`.^$*+?()[]{}|\`, r) {
			text.WriteByte('\\')
		}
		text.WriteRune(r)
	}
	return text.String() + "(/.*)?"
}

// known tells whether every policy knows such a directory as one of programs, so that it takes no rule of ours: another
// of the same directory would go before the policy's own for single programs in there.
func (d ProgramDir) known() bool {
	return path.Base(d.Real) == "bin" && (below(d.Real, "/usr") || below(d.Real, "/opt"))
}

// lookSELinux asks the kernel whether it enforces a policy.
func (v *View) lookSELinux() error {
	enforce, _, err := v.files.ReadFileInfo("/sys/fs/selinux/enforce", 16)
	if errors.Is(err, fs.ErrNotExist) || err == nil && strings.TrimSpace(string(enforce)) != "1" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot tell whether SELinux is enforcing: %w", err)
	}
	rules := "/etc/selinux/" + policyName(v.files) + "/contexts/files/file_contexts.local"
	v.SELinux = SELinux{Enforcing: true, Tools: v.finds(step.Semanage), Rules: rules}
	return nil
}

// newLabel is the label of what is made in the bin directory, and of that; "" if no policy is enforced.
func (v *View) newLabel() string {
	if !v.SELinux.Enforcing {
		return ""
	}
	return withType("", programType)
}

// rules are those of SELinux's policy that let systemd execute the programs, and keep them labelled so.
type rules struct {
	base

	programs, links ProgramDir // the directories that systemd passes on its way to Patroni
}

// Look implements [Part].
func (p *rules) Look(context.Context) (err error) {
	if !p.seen.SELinux.Enforcing {
		return nil
	}
	if p.programs, err = p.programDir(p.seen.programs()); err != nil {
		return err
	}
	p.links, err = p.programDir(p.seen.BinDir)
	return err
}

// programDir looks at a directory of programs, which may be missing.
func (p *rules) programDir(name string) (ProgramDir, error) {
	resolved, err := realPath(p.seen.files, name)
	if err != nil {
		return ProgramDir{}, fmt.Errorf("cannot tell where the programs are to SELinux: %w", p.seen.explainLink(err))
	}
	d := ProgramDir{Real: resolved}
	if d.Rule, err = step.HasFileContext(p.seen.files, p.seen.SELinux.Rules, d.pattern(), programType); err != nil {
		return d, err
	}
	info, err := p.seen.files.Lstat(resolved)
	if err == nil {
		d.Attr = info.Attr
		d.Label, err = p.seen.files.Label(resolved)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return d, fmt.Errorf("cannot read the label of %s: %w", resolved, err)
	}
	return d, nil
}

// realPath returns a path without links. What is not there yet is made below where the rest leads to.
func realPath(files reader, name string) (string, error) {
	found, err := files.RealPath(name)
	if errors.Is(err, fs.ErrNotExist) && name != "/" {
		found, err = realPath(files, path.Dir(name))
		return path.Join(found, path.Base(name)), err
	}
	return found, err
}

// policyName is the name of the loaded policy, and of its directory.
func policyName(files reader) string {
	text, _, err := files.ReadFileInfo("/etc/selinux/config", entryLimit)
	if err == nil {
		for line := range strings.Lines(string(text)) {
			name, found := strings.CutPrefix(strings.TrimSpace(line), "SELINUXTYPE=")
			if found && isName(name, "", "_-") {
				return name
			}
		}
	}
	return "targeted"
}

// wrongLabels returns what has another type of a directory of programs: systemd has to pass the directory, to read the
// links and to execute the files.
func wrongLabels(files reader, dir string) ([]step.FileLabel, error) {
	names, err := files.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the programs' labels: %w", err)
	}
	var wrong []step.FileLabel
	for _, name := range append([]string{""}, names...) {
		name = path.Join(dir, name)
		if info, err := files.Lstat(name); err != nil || info.Type == fsys.Other {
			continue
		}
		label, err := files.Label(name)
		if err != nil {
			return nil, fmt.Errorf("cannot read the programs' labels: %w", err)
		}
		if change := programLabel(label); change != nil {
			wrong = append(wrong, step.FileLabel{Path: name, LabelChange: *change})
		}
	}
	return wrong, nil
}

// programLabel is the change that a label needs, nil for none.
func programLabel(label string) *step.LabelChange {
	after := withType(label, programType)
	if after == label {
		return nil
	}
	return &step.LabelChange{Before: label, After: after}
}

// withType returns a label, user:role:type:level, with another type.
func withType(label, kind string) string {
	parts := strings.SplitN(label, ":", 4)
	if len(parts) != 4 {
		return "system_u:object_r:" + kind + ":s0"
	}
	parts[2] = kind
	return strings.Join(parts, ":")
}

// lacking are the directories whose rule the policy lacks, though an installation needs it.
func (p *rules) lacking() []ProgramDir {
	if !p.seen.SELinux.Enforcing {
		return nil
	}
	return slices.DeleteFunc([]ProgramDir{p.programs, p.links}, func(d ProgramDir) bool { return d.Rule || d.known() })
}

// Refuse implements [Part]: systemd could not execute an installation if nothing may bring the tools.
func (p *rules) Refuse() error {
	if p.removes() || len(p.lacking()) == 0 || p.seen.SELinux.Tools {
		return nil
	}
	brings := p.want.Prerequisites == nil || slices.Contains(p.want.Prerequisites, policyTools)
	if brings && p.want.InstallPrerequisites {
		return nil
	}
	var dirs, rules []string
	for _, d := range p.lacking() {
		dirs = append(dirs, d.Real)
		rules = append(rules, fmt.Sprintf("%s fcontext --add --type %s '%s'", path.Base(step.Semanage), programType,
			d.pattern()))
	}
	return fmt.Errorf("cannot install Patroni: SELinux is enforcing and would keep systemd from executing the programs "+
		"in %s, and %s, which changes that, is not there; install it (%s %s), or give the commands yourself: %s and, after "+
		"the installation, restorecon -R %s", strings.Join(dirs, " and "), step.Semanage, p.seen.Family.Install, policyTools,
		strings.Join(rules, "; "),
		strings.Join(dirs, " "))
}

// Steps implements [Part]: it adds the rules, or takes them away with the programs. Without the tools they stay, and do
// no harm.
func (p *rules) Steps(Decision, Outcome) ([]txn.Step, error) {
	var steps []txn.Step
	switch {
	case !p.removes():
		for _, d := range p.lacking() {
			steps = append(steps, p.rule(d, false))
		}
	case !p.seen.isShared():
		steps = append(p.drop(p.seen.programs()), p.drop(p.seen.BinDir)...)
	}
	return steps, nil
}

// drop removes the rule of one of the two directories, if the policy has it.
func (p *rules) drop(name string) []txn.Step {
	d := p.programs
	if name == p.seen.BinDir {
		d = p.links
	}
	if !d.Rule || !p.seen.SELinux.Tools {
		return nil
	}
	return []txn.Step{p.rule(d, true)}
}

func (p *rules) rule(d ProgramDir, remove bool) txn.Step {
	return &step.FileContext{Pattern: d.pattern(), Type: programType, File: p.seen.SELinux.Rules, Remove: remove}
}

// isAbout tells whether one of the two directories is at that path.
func (p *rules) isAbout(name string) bool { return p.programs.Real == name || p.links.Real == name }

// label labels the bin directory if it is there; a new one has its label from the start.
func (p *rules) label() []txn.Step {
	change := programLabel(p.links.Label)
	if !p.seen.SELinux.Enforcing || !p.seen.exists(p.seen.BinDir) || change == nil {
		return nil
	}
	attr := &p.links.Attr
	return []txn.Step{&step.Directory{Name: "directory", Path: p.links.Real, Before: attr, After: attr, Label: change}}
}

// labels are those of programs that are there. What is built is labelled in the stage.
type labels struct {
	base

	wrong []step.FileLabel // what systemd may not read or execute
}

// Look implements [Part].
func (p *labels) Look(context.Context) (err error) {
	if there := p.seen.Installed; p.seen.SELinux.Enforcing && there != nil && len(there.Problems) == 0 {
		p.wrong, err = wrongLabels(p.seen.files, p.seen.programs())
	}
	return err
}

// Steps implements [Part].
func (p *labels) Steps(d Decision, _ Outcome) ([]txn.Step, error) {
	if p.removes() || d.Builds() || len(p.wrong) == 0 {
		return nil, nil
	}
	return []txn.Step{&step.Labels{Path: p.seen.programs(), Files: p.wrong}}, nil
}

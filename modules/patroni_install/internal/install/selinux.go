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
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// programType is SELinux's type of programs: systemd executes no others, and files below the
// user's home have that of a database.
const programType = "bin_t"

// policyTools is the package that has semanage.
const policyTools = "policycoreutils-python-utils"

// SELinux is what has to be known of it.
type SELinux struct {
	Enforcing bool   // whether the kernel enforces a policy; the rest is not looked at where it does not
	Rules     string // the file of the policy's local file-context rules
	Tools     bool   // whether semanage is there
	// Dirs are the two directories that systemd passes on its way to Patroni: of the venv's programs, and of the links
	// to them.
	Dirs []ProgramDir
	// Wrong is what systemd may not read or execute among the programs of the tree that is there.
	Wrong []step.FileLabel
	// Links holds the labels of the links in the bin directory that are ours, by name.
	Links map[string]string
}

// ProgramDir is a directory of programs, or of links to programs.
type ProgramDir struct {
	Real  string    // its path without links, the one that policies know
	Attr  fsys.Attr // where it is there
	Label string    // the same; "" where it is not
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

// selinux asks the kernel whether it enforces a policy, and reads that policy's local rules.
func (o *observer) selinux(context.Context) error {
	s := &o.found.SELinux
	enforce, err := o.host.FS.ReadFile("/sys/fs/selinux/enforce", 16)
	if errors.Is(err, fs.ErrNotExist) || err == nil && strings.TrimSpace(string(enforce)) != "1" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot tell whether SELinux is enforcing: %w", err)
	}
	s.Enforcing, s.Tools = true, o.exists(step.Semanage)
	s.Rules = "/etc/selinux/" + policyName(o.host) + "/contexts/files/file_contexts.local"
	for _, name := range []string{o.found.programs(), o.found.BinDir} {
		dir, err := o.programDir(name)
		if err != nil {
			return err
		}
		s.Dirs = append(s.Dirs, dir)
	}
	if o.found.Installed != nil && len(o.found.Installed.Problems) == 0 {
		if s.Wrong, err = wrongLabels(o.host, o.found.programs()); err != nil {
			return err
		}
	}
	return o.linkLabels()
}

// programDir looks at a directory of programs, which may be missing.
func (o *observer) programDir(name string) (ProgramDir, error) {
	resolved, err := realPath(o.host.FS, name)
	if err != nil {
		return ProgramDir{}, fmt.Errorf("cannot tell where the programs are to SELinux: %w", err)
	}
	d := ProgramDir{Real: resolved}
	if d.Rule, err = step.HasFileContext(o.host, o.found.SELinux.Rules, d.pattern(), programType); err != nil {
		return d, err
	}
	info, err := o.host.FS.Lstat(resolved)
	if err == nil {
		d.Attr = info.Attr
		d.Label, err = o.host.FS.Label(resolved)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return d, fmt.Errorf("cannot read the label of %s: %w", resolved, err)
	}
	return d, nil
}

// linkLabels reads the labels of the links in the bin directory that are ours.
func (o *observer) linkLabels() (err error) {
	f := o.found
	f.SELinux.Links = map[string]string{}
	for _, name := range sortedKeys(f.Bin) {
		if !f.leadsTo(f.BinDir, f.Bin[name], name) && !f.Dangling[name] {
			continue
		}
		if f.SELinux.Links[name], err = o.host.FS.Label(path.Join(f.BinDir, name)); err != nil {
			return fmt.Errorf("cannot read the label of a link in bin_dir: %w", err)
		}
	}
	return nil
}

// realPath returns a path without links. What is not there yet is made below where the rest leads to.
func realPath(files *fsys.FS, name string) (string, error) {
	found, err := files.RealPath(name)
	if errors.Is(err, fs.ErrNotExist) && name != "/" {
		found, err = realPath(files, path.Dir(name))
		return path.Join(found, path.Base(name)), err
	}
	return found, err
}

// policyName is the name of the loaded policy, and of its directory.
func policyName(h *host.Host) string {
	text, err := h.FS.ReadFile("/etc/selinux/config", entryLimit)
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
func wrongLabels(h *host.Host, dir string) ([]step.FileLabel, error) {
	names, err := h.FS.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the programs' labels: %w", err)
	}
	var wrong []step.FileLabel
	for _, name := range append([]string{""}, names...) {
		name = path.Join(dir, name)
		if info, err := h.FS.Lstat(name); err != nil || info.Type == fsys.Other {
			continue
		}
		label, err := h.FS.Label(name)
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

// lacking are the directories for which the policy lacks the rule that an installation needs.
func (s SELinux) lacking() []ProgramDir {
	return slices.DeleteFunc(slices.Clone(s.Dirs), func(d ProgramDir) bool { return d.Rule || d.known() })
}

// wantsRule tells whether the policy lacks a rule that an installation needs.
func (o *Observed) wantsRule() bool { return len(o.SELinux.lacking()) > 0 }

// refuseSELinux refuses an installation that systemd could not execute, where nothing may bring the tools.
func (p *Plan) refuseSELinux() error {
	if !p.seen.wantsRule() || p.seen.SELinux.Tools || p.want.Prerequisites == nil && p.want.InstallPrerequisites {
		return nil
	}
	if p.want.InstallPrerequisites && slices.Contains(p.want.Prerequisites, policyTools) {
		return nil
	}
	var dirs, rules []string
	for _, d := range p.seen.SELinux.lacking() {
		dirs = append(dirs, d.Real)
		rules = append(rules, fmt.Sprintf("%s fcontext --add --type %s '%s'", path.Base(step.Semanage), programType, d.pattern()))
	}
	return fmt.Errorf("cannot install Patroni: SELinux is enforcing and would keep systemd from executing the programs in %s, and "+
		"%s, which changes that, is not there; install it (%s %s), or give the commands yourself: %s and, after the installation, "+
		"restorecon -R %s", strings.Join(dirs, " and "), step.Semanage, p.seen.Family.Install, policyTools, strings.Join(rules, "; "),
		strings.Join(dirs, " "))
}

// contexts adds the rules, and labels programs that are there and have none of their type. Those that
// were built have it already.
func (p *Plan) contexts() []txn.Step {
	var steps []txn.Step
	for _, d := range p.seen.SELinux.lacking() {
		steps = append(steps, p.rule(d, false))
	}
	if !p.Builds() && len(p.seen.SELinux.Wrong) > 0 {
		steps = append(steps, &step.Labels{Path: p.seen.programs(), Files: p.seen.SELinux.Wrong})
	}
	return steps
}

// labelBinDir labels the bin directory where it is there; a new one has its label from the start.
func (p *Plan) labelBinDir() []txn.Step {
	if !p.seen.SELinux.Enforcing || !p.seen.exists(p.seen.BinDir) {
		return nil
	}
	d := p.seen.SELinux.Dirs[1]
	change := programLabel(d.Label)
	if change == nil {
		return nil
	}
	return []txn.Step{&step.Directory{Name: "directory", Path: d.Real, Before: &d.Attr, After: &d.Attr, Label: change}}
}

// newLabel is the label of what is made in the bin directory, and of that; "" where no policy is enforced.
func (p *Plan) newLabel() string {
	if !p.seen.SELinux.Enforcing {
		return ""
	}
	return withType("", programType)
}

func (p *Plan) rule(d ProgramDir, remove bool) txn.Step {
	return &step.FileContext{Pattern: d.pattern(), Type: programType, File: p.seen.SELinux.Rules, Remove: remove}
}

// removeRule takes the rules away with the programs. Without the tools they stay, and do no harm.
func (p *Plan) removeRule() []txn.Step {
	var steps []txn.Step
	for _, d := range p.seen.SELinux.Dirs {
		if d.Rule && p.seen.SELinux.Tools {
			steps = append(steps, p.rule(d, true))
		}
	}
	return steps
}

// label labels what was built, before anybody sees it.
func (b *builder) label() error {
	if !b.plan.seen.SELinux.Enforcing {
		return nil
	}
	wrong, err := wrongLabels(b.host, path.Join(b.plan.seen.staged(b.plan.seen.Layout.Venv()), "bin"))
	if err != nil {
		return err
	}
	for _, f := range wrong {
		if err := b.host.FS.SetLabel(f.Path, f.After); err != nil {
			return fmt.Errorf("cannot label what was built: %w", err)
		}
	}
	return nil
}

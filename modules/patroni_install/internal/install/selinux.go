package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
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
	Rule      bool   // whether they have ours
	Tools     bool   // whether semanage is there
	Programs  string // the directory of the venv's programs by its path without links, the one that policies know
	// Wrong are the programs of the tree that is there which systemd may not execute.
	Wrong []step.FileLabel
}

// rulePattern is the regular expression of the paths of the venv's programs.
func (s SELinux) rulePattern() string {
	var text strings.Builder
	for _, r := range s.Programs {
		if strings.ContainsRune(`.^$*+?()[]{}|\`, r) {
			text.WriteByte('\\')
		}
		text.WriteRune(r)
	}
	return text.String() + "(/.*)?"
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
	if s.Programs, err = realPath(o.host.FS, path.Join(o.found.Layout.Venv(), "bin")); err != nil {
		return fmt.Errorf("cannot tell where the programs are to SELinux: %w", err)
	}
	if s.Rule, err = step.HasFileContext(o.host, s.Rules, s.rulePattern(), programType); err != nil {
		return err
	}
	if o.found.Current != nil && len(o.found.Current.Problems) == 0 {
		s.Wrong, err = wrongLabels(o.host, path.Join(o.found.Layout.Venv(), "bin"))
	}
	return err
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

// wrongLabels returns the regular files of a directory of programs whose type is another one.
func wrongLabels(h *host.Host, dir string) ([]step.FileLabel, error) {
	names, err := h.FS.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the programs' labels: %w", err)
	}
	var wrong []step.FileLabel
	for _, name := range names {
		name = path.Join(dir, name)
		if info, err := h.FS.Lstat(name); err != nil || info.Type != fsys.File {
			continue
		}
		label, err := h.FS.Label(name)
		if err != nil {
			return nil, fmt.Errorf("cannot read the programs' labels: %w", err)
		}
		if after := withType(label, programType); after != label {
			wrong = append(wrong, step.FileLabel{Path: name, Before: label, After: after})
		}
	}
	return wrong, nil
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

// wantsRule tells whether the policy lacks the rule that an installation needs.
func (o *Observed) wantsRule() bool { return o.SELinux.Enforcing && !o.SELinux.Rule }

// refuseSELinux refuses an installation that systemd could not execute, where nothing may bring the tools.
func (p *Plan) refuseSELinux() error {
	if !p.seen.wantsRule() || p.seen.SELinux.Tools || p.want.Prerequisites == nil && p.want.InstallPrerequisites {
		return nil
	}
	for _, name := range p.want.Prerequisites {
		if name == policyTools && p.want.InstallPrerequisites {
			return nil
		}
	}
	dir := p.seen.SELinux.Programs
	return fmt.Errorf("cannot install Patroni: SELinux is enforcing and would keep systemd from executing the programs in %s, and "+
		"%s, which changes that, is not there; install it (%s %s), or give both commands yourself: "+
		"semanage fcontext --add --type %s '%s' and, after the installation, restorecon -R %s",
		dir, step.Semanage, p.seen.Family.Install, policyTools, programType, p.seen.SELinux.rulePattern(), dir)
}

// contexts adds the rule, and labels programs that are there and have none of its type. Those that
// were built have it already.
func (p *Plan) contexts() []txn.Step {
	var steps []txn.Step
	if p.seen.wantsRule() {
		steps = append(steps, p.rule(false))
	}
	if p.Build == "" && len(p.seen.SELinux.Wrong) > 0 {
		steps = append(steps, &step.Labels{Path: path.Join(p.seen.Layout.Venv(), "bin"), Files: p.seen.SELinux.Wrong})
	}
	return steps
}

func (p *Plan) rule(remove bool) txn.Step {
	return &step.FileContext{Pattern: p.seen.SELinux.rulePattern(), Type: programType, File: p.seen.SELinux.Rules, Remove: remove}
}

// removeRule takes the rule away with the programs. Without the tools it stays, and does no harm.
func (p *Plan) removeRule() []txn.Step {
	if !p.seen.SELinux.Rule || !p.seen.SELinux.Tools {
		return nil
	}
	return []txn.Step{p.rule(true)}
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

package install

import (
	"context"
	"fmt"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// What people read of the trees.
const (
	treeName   = "venv"
	sharedName = "shared libraries of pipx"
	sharedText = "pip for the virtual environments of pipx\n"
)

// trees are the venv, and pipx's shared libraries, each switched by one rename.
type trees struct {
	base

	apart string // the directory for the venvs, or the one of ours, on another file system than pipx's home; "": none
}

// Look implements [Part].
func (p *trees) Look(context.Context) error {
	for _, name := range []string{p.seen.venvs(), p.seen.Shared()} {
		if err := p.seen.LookAlong(name); err != nil {
			return err
		}
	}
	p.apart = p.findApart()
	return nil
}

// findApart finds what no tree can be renamed into from pipx's home. What cannot be looked at is refused elsewhere.
func (p *trees) findApart() string {
	home, known := p.device(p.seen.Home)
	for _, name := range []string{p.seen.venvs(), p.seen.Layout.Venv()} {
		if device, found := p.device(name); known && found && device != home {
			return name
		}
	}
	return ""
}

// device tells the file system that a directory lies on, if it is there.
func (p *trees) device(name string) (number uint64, found bool) {
	target, err := p.seen.files.Resolve(name)
	if err != nil {
		return 0, false
	}
	info, err := p.seen.files.Lstat(target)
	return info.Dev, err == nil
}

// Steps implements [Part].
func (p *trees) Steps(d Decision, out Outcome) ([]txn.Step, error) {
	switch {
	case p.removes() && p.seen.Installed != nil && !p.seen.isShared():
		return p.remove(d, out), nil
	case p.removes(), !d.Builds():
		return nil, nil
	}
	if err := first(p.refuseShared, p.refuseApart); err != nil {
		return nil, err
	}
	return p.change(d, out), nil
}

// change switches what was built.
func (p *trees) change(d Decision, out Outcome) []txn.Step {
	var steps []txn.Step
	if out.Shared != "" {
		shared := p.shared(out)
		shared.After = &step.TreeState{ID: out.Shared, Text: sharedText}
		if e, found := p.seen.At(p.seen.Shared()); found {
			shared.Before = &step.TreeState{ID: e.ID, Text: sharedText}
		}
		steps = append(steps, shared)
	}
	tree := p.venv(d, out)
	tree.After = &step.TreeState{ID: out.ID, Text: p.text(d, out)}
	return append(steps, tree)
}

// remove moves the venv into the stage, which goes away at the end, and with it the shared
// libraries that no other venv uses.
func (p *trees) remove(d Decision, out Outcome) []txn.Step {
	steps := []txn.Step{p.venv(d, out)}
	if p.seen.sharedGoes(out, true) {
		e, _ := p.seen.At(p.seen.Shared())
		shared := p.shared(out)
		shared.Before = &step.TreeState{ID: e.ID, Text: sharedText}
		steps = append(steps, shared)
	}
	return steps
}

// venv is a step that begins with the venv that is there, and shared one with the shared libraries.
func (p *trees) venv(d Decision, out Outcome) *step.Tree {
	name := p.seen.Layout.Venv()
	return &step.Tree{Name: treeName, Path: name, Spare: p.seen.staged(name), Before: p.now(d), Copy: out.Copy}
}

func (p *trees) shared(out Outcome) *step.Tree {
	name := p.seen.Shared()
	return &step.Tree{Name: sharedName, Path: name, Spare: p.seen.staged(name), Copy: out.SharedCopy}
}

// now is the venv that is there.
func (p *trees) now(d Decision) *step.TreeState {
	if p.seen.Installed == nil {
		return nil
	}
	var text strings.Builder
	text.WriteString(p.seen.Installed.contents())
	for _, problem := range d.Problems {
		text.WriteString("# broken: " + problem + "\n")
	}
	return &step.TreeState{ID: p.seen.Installed.ID, Text: text.String()}
}

// text is what the built tree holds, or will hold.
func (p *trees) text(d Decision, out Outcome) string {
	if out.Tree != nil {
		return installedVenv(out.Tree).contents()
	}
	if d.version(p.want) != "" {
		return fmt.Sprintf("%s (predicted, with what it needs)\n", d.Requirement)
	}
	return fmt.Sprintf("%s (predicted: the newest that satisfies this)\n", d.Requirement)
}

// sharedGoes tells whether the shared libraries that are there go away: replaced by the built
// ones, or removed, since no other venv uses them.
func (v *View) sharedGoes(out Outcome, removed bool) bool {
	return v.isDirectory(v.Shared()) && (out.Shared != "" || removed && len(v.OtherVenvs) == 0)
}

// refuseShared refuses what cannot trade places with pipx's shared libraries: the switch would find out only after the
// build, and an undo could not go on at it.
func (p *trees) refuseShared() error {
	e, found := p.seen.At(p.seen.Shared())
	if !found || e.Type == fsys.Directory {
		return nil
	}
	what := "a " + string(e.Type)
	if e.Type == fsys.Link {
		what = "a link to " + e.Target
	}
	return fmt.Errorf("cannot build Patroni: %s, where pipx has its shared libraries, is %s, not a directory; move it "+
		"away, or set pipx_home (in the role: patroni_pipx_home)", p.seen.Shared(), what)
}

// refuseApart refuses what the switch cannot rename across, which it would find out only after the build.
func (p *trees) refuseApart() error {
	if p.apart == "" {
		return nil
	}
	return fmt.Errorf("cannot build Patroni: %s is on another file system than pipx's home, %s, so that what was built "+
		"could not take its place in one step; mount that file system at pipx's home instead, or set pipx_home (in the "+
		"role: patroni_pipx_home) to another directory", p.apart, p.seen.Home)
}

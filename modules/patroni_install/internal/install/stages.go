package install

import (
	"context"
	"fmt"
	"path"

	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// stages are the directories in which things are prepared. A run makes its own, and must find none.
type stages struct {
	base

	pending bool // an interrupted run is still to be undone or finished, and its stage goes with it
}

// Look implements [Part]. Below a home that root may not enter nothing is staged unless something goes there.
func (p *stages) Look(context.Context) error {
	for _, name := range []string{p.seen.Scratch, archives(), borrowedArchives()} {
		if err := p.seen.Look(name); err != nil {
			return err
		}
	}
	if err := p.seen.LookAlong(p.seen.Stage); err != nil {
		return err
	}
	err := p.seen.LookAlong(p.seen.UserStage)
	if !p.seen.inHome(p.seen.Home) && (!p.seen.Family.PipxByPip || p.removes()) {
		return nil
	}
	return err
}

// Refuse implements [Part]: a stage that no journal tells of may hold the only copy of an installation.
func (p *stages) Refuse() error {
	if p.pending || p.seen.BeforePackages != nil { // a journal tells of what is there
		return nil
	}
	for _, stage := range []string{p.seen.Stage, p.seen.UserStage} {
		if p.seen.exists(stage) {
			return fmt.Errorf("cannot stage anything: %s is there, and no journal tells of it; it may hold an "+
				"installation that was taken out of use; look at it, then move it away or remove it", stage)
		}
	}
	for _, dir := range []string{p.seen.Scratch, archives(), borrowedArchives()} {
		if p.seen.exists(dir) {
			return fmt.Errorf("cannot stage anything: %s is there, and no journal tells of it; an interrupted run has "+
				"left it, whose journal was moved away; remove it (rm -r %[1]s)", dir)
		}
	}
	return nil
}

// steps make what the stages are bound over and switched into, the directory for the new tree, or for the old one on
// its way out, and the one for root's own files. If bin_dir cannot be made, the build is not worth beginning.
func (p *stages) steps(d Decision) []txn.Step {
	v, steps := p.seen, []txn.Step(nil)
	switch {
	case d.Builds() && d.BringsPipx:
		steps = v.missingDirs(map[string]bool{}, v.venvs(), v.BinDir, v.userBase())
	case d.Builds():
		steps = v.missingDirs(map[string]bool{}, v.venvs(), v.BinDir)
	case !p.removes() || v.Installed == nil || v.isShared():
		return nil
	}
	subs := append([]string{"home", "home/venvs", "home/scratch"}, trialDirs()...)
	tree := v.stageAt(v.Stage, subs...)
	steps = append(steps, tree, &step.Stage{Path: v.Scratch})
	if d.BringsPipx {
		tree.Subs = append(tree.Subs, "home/scratch/user") // shows the stage of pipx
		steps = append(steps, v.stageAt(v.UserStage, "user"))
	}
	return steps
}

// stageAt is a stage of the user's.
func (v *View) stageAt(name string, subs ...string) *step.Stage {
	above := path.Dir(name)
	for above != "/" && !v.exists(above) {
		above = path.Dir(above)
	}
	return &step.Stage{Path: name, Subs: subs, UID: v.User.UID, GID: v.User.GID, Above: step.Place{Path: above}}
}

// trialDirs are empty directories of the stage, for the trial of what the switch does with trees.
func trialDirs() []string { return []string{"one", "other"} }

package install

import (
	"fmt"
	"path"
	"slices"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// removal takes the service away, the unit first: it must not start what is going; and, unless others
// use it, the installation. It keeps the packages of the operating system, drop-ins, every
// configuration, and what other programs of the same pipx need.
func (p *Plan) removal(out Outcome) ([]txn.Step, error) {
	steps := append(p.removeUnit(), p.removeDropIn()...)
	comforts, err := p.comforts()
	if err != nil {
		return nil, err
	}
	profiles, err := p.unprofile()
	if err != nil {
		return nil, err
	}
	steps = append(steps, comforts...)
	steps = slices.Concat(steps, p.leaveBinDir(), p.leaveFormer(), profiles)
	if p.removesTree() && !p.want.packaged() {
		steps = slices.Concat(steps, p.removeTrees(out), p.manifest(out), p.removeRule(), p.removeOldHome())
	}
	if p.removesTree() && p.want.packaged() {
		steps = append(steps, p.manifest(out)...)
	}
	if p.seen.removesConfig() {
		before := p.seen.Entries[p.seen.ConfigDir].Attr
		steps = append(steps, &step.Directory{Name: "configuration directory", Path: p.seen.ConfigDir, Before: &before})
	}
	return steps, nil
}

// leaveBinDir removes the links to the programs. While others use the installation, those of a bin directory outside of the
// home go, of which no other service starts anything: they are root's, and lead to what the user can change. Those in the
// home serve people, too, and are the user's.
func (p *Plan) leaveBinDir() []txn.Step {
	if p.removesTree() {
		return p.staleLinks(nil)
	}
	if p.seen.inHome(p.seen.BinDir) || p.seen.usedBy(p.seen.BinDir+"/") != "" {
		return nil
	}
	steps := p.staleLinks(nil)
	if s := p.seen.SELinux; s.Enforcing && s.Tools && s.Dirs[1].Rule {
		steps = append(steps, p.rule(s.Dirs[1], true))
	}
	return steps
}

// removeTrees moves the venv into the stage, which goes away at the end, and with it the shared
// libraries that no other venv uses.
func (p *Plan) removeTrees(out Outcome) []txn.Step {
	if p.seen.Installed == nil {
		return nil
	}
	name, shared := p.seen.Layout.Venv(), p.seen.Shared()
	steps := []txn.Step{
		&step.Tree{Name: treeName, Path: name, Spare: p.seen.staged(name), Before: p.currentState(), Copy: out.Copy},
	}
	if p.sharedGoes(out) {
		before := &step.TreeState{ID: p.seen.Entries[shared].ID, Text: sharedText}
		steps = append(steps, &step.Tree{Name: sharedName, Path: shared, Spare: p.seen.staged(shared), Before: before, Copy: out.SharedCopy})
	}
	return steps
}

// sharedGoes tells whether the shared libraries that are there go away: replaced by the built
// ones, or removed, since no other venv uses them.
func (p *Plan) sharedGoes(out Outcome) bool {
	e, found := p.seen.Entries[p.seen.Shared()]
	if !found || e.Type != fsys.Directory {
		return false
	}
	return out.Shared != "" || p.want.State == Absent && len(p.seen.OtherVenvs) == 0
}

// removeOldHome removes the link that oldHome made, while no other program of pipx needs it.
func (p *Plan) removeOldHome() []txn.Step {
	link := p.oldHomeLink()
	e, found := p.seen.Entries[p.seen.OldHome]
	if link == nil || !found || e.Type != fsys.Link || e.Target != link.Target || len(p.seen.OtherVenvs) > 0 {
		return nil
	}
	before := &step.LinkState{Target: e.Target, UID: e.UID, GID: e.GID}
	return []txn.Step{&step.Symlink{Path: p.seen.OldHome, Before: before}}
}

// absentMessage says in a sentence what a removal did.
func (r *Report) absentMessage() string {
	what, stays := "Patroni", r.plan.keptPackages()
	if !r.plan.removesTree() {
		what, stays = path.Base(r.plan.seen.Unit), "; Patroni itself stays, since "+r.plan.seen.usedBy("")+" starts it"
	}
	if !r.Changed() {
		return what + " is not installed; nothing had to be changed" + stays + "."
	}
	return fmt.Sprintf("%s %s: %s%s.", what, r.verb("was removed", "would be removed"), r.parts(), stays)
}

package install

import (
	"context"
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// oldHome is a link at the place where pipx before 1.3 looks for its home, so that the user's own pipx finds the
// installation.
type oldHome struct{ base }

// Look implements [Part]. A home that root may not enter, as on NFS, is in nobody's way while everything lies
// elsewhere.
func (p *oldHome) Look(context.Context) error {
	err := p.seen.LookAlong(p.seen.OldHome)
	if !p.seen.inHome(p.seen.Home) {
		return nil
	}
	return err
}

// Steps implements [Part].
func (p *oldHome) Steps(d Decision, out Outcome) ([]txn.Step, error) {
	link := p.link()
	if p.removes() {
		return p.remove(link), nil
	}
	version := out.PipxVersion
	if !d.Builds() {
		version = pipxVersion(p.seen, d)
	}
	if link == nil || !isOldPipx(version) || p.seen.exists(p.seen.OldHome) {
		return nil, nil
	}
	return []txn.Step{&step.Symlink{Path: p.seen.OldHome, After: link}}, nil
}

// remove removes the link, while no other program of pipx needs it.
func (p *oldHome) remove(link *step.LinkState) []txn.Step {
	e, found := p.seen.At(p.seen.OldHome)
	ours := link != nil && found && e.Type == fsys.Link && e.Target == link.Target
	if !ours || len(p.seen.OtherVenvs) > 0 || p.seen.isShared() {
		return nil
	}
	before := &step.LinkState{Target: e.Target, UID: e.UID, GID: e.GID}
	return []txn.Step{&step.Symlink{Path: p.seen.OldHome, Before: before}}
}

// link is the one to make; nil if pipx's home is not the usual one.
func (p *oldHome) link() *step.LinkState {
	if p.seen.Home != path.Join(path.Dir(p.seen.OldHome), "share/pipx") {
		return nil
	}
	return &step.LinkState{Target: "share/pipx", UID: p.seen.User.UID, GID: p.seen.User.GID}
}

// isOldPipx tells whether a pipx has its home in ~/.local/pipx: those before 1.3.
func isOldPipx(version string) bool {
	for _, old := range []string{"1.0", "1.1", "1.2"} {
		if version == old || strings.HasPrefix(version, old+".") {
			return true
		}
	}
	return false
}

package install

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// FormerBin is the bin directory that the service had before, where the run gives it another one.
type FormerBin struct {
	ProgramDir // of SELinux, where that is enforcing

	Path  string // "" for none
	Links map[string]*step.LinkState
}

// formerBin finds the links of the bin directory that our unit starts Patroni from, when that is another one by now.
// They lead into the user's home, which the user can fill again.
func (o *observer) formerBin() error {
	f := o.found
	e := f.Entries[f.Unit]
	if e.Type != fsys.File || !strings.HasPrefix(string(e.Data), oursHeader) {
		return nil
	}
	for _, command := range systemd.Commands(e.Data) {
		if words := systemd.Paths(command); len(words) > 0 && path.Base(words[0]) == "patroni" {
			f.Former.Path = path.Dir(words[0])
		}
	}
	if dir := f.Former.Path; dir == "" || dir == f.BinDir || dir == f.programs() {
		f.Former.Path = ""
		return nil
	}
	return o.formerLinks()
}

// formerLinks finds the links to programs of this installation, and root's to those of another tree: it is the one that
// the service had, where pipx_home or the user is another by now. The user's own links to it stay.
func (o *observer) formerLinks() error {
	f := o.found
	f.Former.Links = map[string]*step.LinkState{}
	names, err := o.names(f.Former.Path)
	if err == nil && len(names) > binLimit {
		err = fmt.Errorf("%s has %d entries, more than %d", f.Former.Path, len(names), binLimit)
	}
	if err == nil && f.SELinux.Enforcing {
		f.Former.ProgramDir, err = o.programDir(f.Former.Path)
	}
	for _, app := range names {
		if err == nil {
			err = o.formerLink(app)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot look at the links of the former bin_dir: %w", err)
	}
	return nil
}

func (o *observer) formerLink(app string) error {
	f, name := o.found, path.Join(o.found.Former.Path, app)
	link, err := o.host.FS.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	another := link.UID == 0 && link.Type == fsys.Link && strings.HasSuffix(link.Target, "/venvs/patroni/bin/"+app)
	if !f.leadsTo(f.Former.Path, link, app) && !another || !canBeMadeAgain(app) {
		return nil
	}
	state := &step.LinkState{Target: link.Target, UID: link.UID, GID: link.GID}
	if f.SELinux.Enforcing {
		state.Label, err = o.host.FS.Label(name)
	}
	f.Former.Links[app] = state
	return err
}

// leavesFormer tells whether the former bin directory is left: no other service starts anything from it.
func (o *Observed) leavesFormer() bool {
	return o.Former.Path != "" && o.usedBy(o.Former.Path+"/") == ""
}

// leaveFormer removes the links of the former bin directory, and its rule of SELinux's, unless another service uses it.
func (p *Plan) leaveFormer() []txn.Step {
	former := p.seen.Former
	if !p.seen.leavesFormer() {
		return nil
	}
	var steps []txn.Step
	for _, app := range sortedKeys(former.Links) {
		steps = append(steps, &step.Symlink{Path: path.Join(former.Path, app), Before: former.Links[app]})
	}
	ours := slices.ContainsFunc(p.seen.SELinux.Dirs, func(d ProgramDir) bool { return d.Real == former.Real })
	if former.Rule && p.seen.SELinux.Tools && !ours {
		steps = append(steps, p.rule(former.ProgramDir, true))
	}
	return steps
}

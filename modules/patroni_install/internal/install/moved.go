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

func (o *observer) formerLinks() (err error) {
	f := o.found
	f.Former.Links = map[string]*step.LinkState{}
	apps := usualApps()
	if f.Current != nil {
		apps = append(apps, f.Current.Apps...)
	}
	for _, app := range apps {
		name := path.Join(f.Former.Path, app)
		link, err := o.host.FS.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("cannot look at the links of the former bin_dir: %w", err)
		}
		if !f.leadsTo(f.Former.Path, link, app) {
			continue
		}
		state := &step.LinkState{Target: link.Target, UID: link.UID, GID: link.GID}
		if f.SELinux.Enforcing {
			if state.Label, err = o.host.FS.Label(name); err != nil {
				return fmt.Errorf("cannot read the label of a link in the former bin_dir: %w", err)
			}
		}
		f.Former.Links[app] = state
	}
	if f.SELinux.Enforcing {
		f.Former.ProgramDir, err = o.programDir(f.Former.Path)
	}
	return err
}

// leaveFormer removes the links of the former bin directory, and its rule of SELinux's, unless another service uses it.
func (p *Plan) leaveFormer() []txn.Step {
	former := p.seen.Former
	if former.Path == "" || p.seen.usedBy(former.Path+"/") != "" {
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

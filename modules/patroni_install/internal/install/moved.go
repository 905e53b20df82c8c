package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// formerBin is the bin directory that the service had before, if the run gives it another one. Its links lead into the
// user's home, which the user can fill again.
type formerBin struct {
	base

	rules *rules // of SELinux

	path  string     // "" for none
	dir   ProgramDir // of SELinux, if that is enforcing
	links map[string]*step.LinkState
}

// Look implements [Part]: the former directory is the one that our unit starts Patroni from.
func (p *formerBin) Look(context.Context) error {
	e, _ := p.seen.At(p.seen.Unit)
	if e.Type != fsys.File || !isOurs(e.Data) {
		return nil
	}
	for _, command := range systemd.Commands(e.Data) {
		if words := systemd.Paths(command); len(words) > 0 && path.Base(words[0]) == "patroni" {
			p.path = path.Dir(words[0])
		}
	}
	if p.path == p.seen.BinDir || p.path == p.seen.programs() {
		p.path = ""
	}
	if p.path == "" {
		return nil
	}
	if err := p.lookAtLinks(); err != nil {
		return fmt.Errorf("cannot look at the links of the former bin_dir: %w", err)
	}
	return p.seen.readServices()
}

// lookAtLinks finds the links to programs of this installation, and root's to those of another tree: it is the one that
// the service had, if pipx_home or the user is another by now. The user's own links to it stay.
func (p *formerBin) lookAtLinks() error {
	p.links = map[string]*step.LinkState{}
	names, err := p.seen.Names(p.path)
	if err == nil && len(names) > binLimit {
		err = fmt.Errorf("%s has %d entries, more than %d", p.path, len(names), binLimit)
	}
	if err == nil && p.seen.SELinux.Enforcing {
		p.dir, err = p.rules.programDir(p.path)
	}
	for _, app := range names {
		if err == nil {
			err = p.lookAtLink(app)
		}
	}
	return err
}

func (p *formerBin) lookAtLink(app string) error {
	name := path.Join(p.path, app)
	link, err := p.seen.files.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	another := link.UID == 0 && link.Type == fsys.Link && strings.HasSuffix(link.Target, "/venvs/patroni/bin/"+app)
	if !p.seen.leadsTo(p.path, link, app) && !another || !canBeMadeAgain(app) {
		return nil
	}
	state := &step.LinkState{Target: link.Target, UID: link.UID, GID: link.GID}
	if p.seen.SELinux.Enforcing {
		state.Label, err = p.seen.files.Label(name)
	}
	p.links[app] = state
	return err
}

// leaves is the former bin directory if it is left, since no other service starts anything from it; else "".
func (p *formerBin) leaves() string {
	if p.path == "" || p.seen.usedBy(p.path+"/") != "" {
		return ""
	}
	return p.path
}

// Steps implements [Part]: it removes the links, and the directory's rule of SELinux's, unless another service uses it.
func (p *formerBin) Steps(Decision, Outcome) ([]txn.Step, error) {
	if p.leaves() == "" {
		return nil, nil
	}
	var steps []txn.Step
	for _, app := range sortedKeys(p.links) {
		steps = append(steps, &step.Symlink{Path: path.Join(p.path, app), Before: p.links[app]})
	}
	if p.dir.Rule && p.seen.SELinux.Tools && !p.rules.isAbout(p.dir.Real) {
		steps = append(steps, p.rules.rule(p.dir, true))
	}
	return steps, nil
}

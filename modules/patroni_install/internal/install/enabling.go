package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// linkChain bounds the links that are followed from one, as the kernel does.
const linkChain = 40

// enablingDirs hold the links of people that start a unit at boot: the administrator's, and local software's.
// A package's links go with it, and those in /run end with the boot.
func enablingDirs() []string { return []string{systemd.Directory, "/usr/local/lib/systemd/system"} }

// unitLinks are links that make something of a unit.
type unitLinks struct {
	aliases []string // other names of units
	wants   []string // in the directories of what a target or a service wants, requires or upholds
}

// enabling are the links that go with a unit which is removed, or that would enable the one that is made.
type enabling struct {
	base

	packages ownPackages

	links []string
}

// Look implements [Part].
func (p *enabling) Look(context.Context) error {
	if p.removes() {
		return p.dangling()
	}
	return p.leftovers()
}

// dangling finds the links that would lead nowhere without the unit, whatever their name. If systemd runs, an
// enabled unit is refused.
func (p *enabling) dangling() error {
	if p.seen.Service.Running || !p.seen.exists(p.seen.Unit) {
		return nil
	}
	links, err := p.seen.unitLinks()
	for _, name := range slices.Concat(links.aliases, links.wants) {
		if end, _ := p.seen.endOf(name); end == p.seen.Unit {
			p.links = append(p.links, name)
		}
	}
	return err
}

// leftovers finds the links that lead nowhere and would start a unit which this run makes, such as Debian's package of
// Patroni leaves when it is removed and not purged. systemd starts what has the name of the link, and takes a link to
// another name for that unit, also where the file lies in another directory. So both names count, over all links on the
// way.
func (p *enabling) leftovers() error {
	names := p.newUnits()
	if len(names) == 0 {
		return nil
	}
	links, err := p.seen.unitLinks()
	for _, name := range links.aliases {
		if end, there := p.seen.endOf(name); !there && slices.Contains(names, path.Base(end)) {
			p.links = append(p.links, name)
		}
	}
	for _, alias := range p.links {
		names = append(names, path.Base(alias))
	}
	for _, name := range links.wants {
		end, there := p.seen.endOf(name)
		if !there && (slices.Contains(names, path.Base(name)) || slices.Contains(names, path.Base(end))) {
			p.links = append(p.links, name)
		}
	}
	return err
}

// newUnits are the names of the units that this run makes, or that come with a package. A unit that systemd still has
// in memory is somebody's, enabled or not.
func (p *enabling) newUnits() (names []string) {
	s := p.seen.Service
	inMemory := s.LoadState == "loaded" || s.MainPID != 0
	if !p.seen.exists(p.seen.Unit) && !p.packages.hasUnit() && !inMemory {
		names = append(names, p.seen.unitName())
	}
	if name := p.packages.newUnit(); name != "" && name != p.seen.unitName() {
		names = append(names, name)
	}
	return names
}

// unitLinks finds the links that give units other names, or enable them.
func (v *View) unitLinks() (links unitLinks, err error) {
	for _, dir := range enablingDirs() {
		names, failed := v.Names(dir)
		err = errors.Join(err, failed)
		for _, base := range names {
			name := path.Join(dir, base)
			switch path.Ext(base) {
			case ".wants", ".requires", ".upholds":
				wants, failed := v.linksIn(name)
				links.wants, err = append(links.wants, wants...), errors.Join(err, failed)
			case ".service":
				if info, failed := v.files.Lstat(name); failed == nil && info.Type == fsys.Link && name != v.Unit {
					links.aliases, err = append(links.aliases, name), errors.Join(err, v.Look(name))
				}
			}
		}
	}
	if err != nil {
		return links, fmt.Errorf("cannot tell what enables %s: %w", path.Base(v.Unit), err)
	}
	return links, nil
}

// linksIn are the links in a directory, which may be a link itself: systemd follows it.
func (v *View) linksIn(dir string) (links []string, err error) {
	names, err := v.Names(dir)
	if errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	for _, base := range names {
		name := path.Join(dir, base)
		err = errors.Join(err, v.Look(name))
		if e, _ := v.At(name); e.Type == fsys.Link {
			links = append(links, name)
		}
	}
	return links, err
}

// endOf follows a link, and those that it leads to, and tells whether something is at the end. What cannot be looked at
// counts as there; a circle has no end.
func (v *View) endOf(name string) (end string, there bool) {
	for range linkChain {
		info, err := v.files.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
			return name, false
		}
		if err != nil || info.Type != fsys.Link {
			return name, true
		}
		name = targetIn(path.Dir(name), info)
	}
	return name, false
}

// unlink removes the links that enable a unit which is going, or those of one that went before.
func (p *enabling) unlink() []txn.Step {
	var steps []txn.Step
	for _, name := range p.links {
		e, _ := p.seen.At(name)
		steps = append(steps, &step.Symlink{Path: name, Before: &step.LinkState{Target: e.Target, UID: e.UID, GID: e.GID}})
	}
	return steps
}

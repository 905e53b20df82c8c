package install

import (
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

// enablingDirs hold the links of people by which a unit is started at boot: the administrator's, and local software's. A
// package's links go with it, and those in /run end with the boot.
func enablingDirs() []string { return []string{systemd.Directory, "/usr/local/lib/systemd/system"} }

// unitLinks are links that make something of a unit.
type unitLinks struct {
	aliases []string // other names of units
	wants   []string // in the directories of what a target or a service wants, requires or upholds
}

// enabling finds the links that would lead nowhere without the unit, whatever their name. Where systemd runs, an enabled
// unit is refused.
func (o *observer) enabling() error {
	f := o.found
	if f.Service.Running || f.UnitStays {
		return nil
	}
	links, err := o.unitLinks()
	for _, name := range slices.Concat(links.aliases, links.wants) {
		if end, _ := o.endOf(name); end == f.Unit {
			f.Enabling = append(f.Enabling, name)
		}
	}
	return err
}

// leftovers finds the links that lead nowhere and would start a unit which this run makes, such as Debian's package of
// Patroni leaves when it is removed and not purged. systemd starts what has the name of the link, and takes a link to
// another name for that unit, also where the file lies in another directory. So both names count, over all links on the way.
func (o *observer) leftovers() error {
	f := o.found
	names := o.madeUnits()
	if len(names) == 0 {
		return nil
	}
	links, err := o.unitLinks()
	for _, name := range links.aliases {
		if end, there := o.endOf(name); !there && slices.Contains(names, path.Base(end)) {
			f.Enabling = append(f.Enabling, name)
		}
	}
	for _, alias := range f.Enabling {
		names = append(names, path.Base(alias))
	}
	for _, name := range links.wants {
		end, there := o.endOf(name)
		if !there && (slices.Contains(names, path.Base(name)) || slices.Contains(names, path.Base(end))) {
			f.Enabling = append(f.Enabling, name)
		}
	}
	return err
}

// madeUnits are the names of the units that this run makes, or that the package has which it installs. A unit that systemd
// still has in memory is somebody's, enabled or not.
func (o *observer) madeUnits() (names []string) {
	f := o.found
	if o.want.State == Absent {
		return nil
	}
	inMemory := f.Service.LoadState == "loaded" || f.Service.MainPID != 0
	if !f.exists(f.Unit) && !f.Package.Unit && !inMemory {
		names = append(names, path.Base(f.Unit))
	}
	if o.want.packaged() && f.Installed == nil && path.Base(f.Unit) != osUnit && !f.exists(path.Join(systemd.Directory, osUnit)) {
		names = append(names, osUnit)
	}
	return names
}

// unitLinks finds the links by which units have other names, or are enabled.
func (o *observer) unitLinks() (links unitLinks, err error) {
	for _, dir := range enablingDirs() {
		names, failed := o.names(dir)
		err = errors.Join(err, failed)
		for _, base := range names {
			name := path.Join(dir, base)
			switch path.Ext(base) {
			case ".wants", ".requires", ".upholds":
				wants, failed := o.linksIn(name)
				links.wants, err = append(links.wants, wants...), errors.Join(err, failed)
			case ".service":
				if info, failed := o.host.FS.Lstat(name); failed == nil && info.Type == fsys.Link && name != o.found.Unit {
					links.aliases, err = append(links.aliases, name), errors.Join(err, o.look(name, false))
				}
			}
		}
	}
	if err != nil {
		return links, fmt.Errorf("cannot tell what enables %s: %w", path.Base(o.found.Unit), err)
	}
	return links, nil
}

// linksIn are the links in a directory, which may be a link itself: systemd follows it.
func (o *observer) linksIn(dir string) (links []string, err error) {
	names, err := o.names(dir)
	if errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	for _, base := range names {
		name := path.Join(dir, base)
		if err = errors.Join(err, o.look(name, false)); o.found.Entries[name].Type == fsys.Link {
			links = append(links, name)
		}
	}
	return links, err
}

// endOf follows a link, and those that it leads to, and tells whether something is at the end. What cannot be looked at counts
// as there; a circle has no end.
func (o *observer) endOf(name string) (end string, there bool) {
	for range linkChain {
		info, err := o.host.FS.Lstat(name)
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
func (p *Plan) unlink() []txn.Step {
	var steps []txn.Step
	for _, name := range p.seen.Enabling {
		e := p.seen.Entries[name]
		steps = append(steps, &step.Symlink{Path: name, Before: &step.LinkState{Target: e.Target, UID: e.UID, GID: e.GID}})
	}
	return steps
}

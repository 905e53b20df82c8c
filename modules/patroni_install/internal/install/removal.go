package install

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// noHome is a home that no account has a directory at, as Debian calls it.
const noHome = "/nonexistent"

// goneUser stands for an account that is not there any more, and of which a removal has to do without. It is
// nobody, not root: what is found in the home is never handed to more rights.
func (d Desired) goneUser() *host.User {
	return &host.User{Name: d.User, Group: "nogroup", UID: 65534, GID: 65534, Home: cmp.Or(d.Home, noHome)}
}

// missingHome refuses an installation without a home. A removal goes on with what lies elsewhere.
func (o *observer) missingHome(home string) error {
	user := o.found.User
	if o.want.State != Absent {
		return fmt.Errorf("cannot install for user %s: its home %s does not exist; run the role init_server first, "+
			"which makes it", user.Name, home)
	}
	if home != noHome {
		o.warn("the home %s of user %s is not there, and what lay in it was not looked at", home, user.Name)
	}
	return nil
}

// warnOfGoneUser says what was taken for the home of an account that is not there.
func (o *observer) warnOfGoneUser() {
	name := o.found.User.Name
	if o.want.Home == "" {
		o.warn("there is no user %s on this host, so that its home is not known, and what lies in it was not looked at; "+
			"where it is still there, name it in home (in the role: pg_home) and run this again", name)
		return
	}
	o.warn("there is no user %s on this host; %s was taken for its home", name, o.want.Home)
}

func (o *observer) warn(format string, args ...any) {
	o.found.Warnings = append(o.found.Warnings, fmt.Sprintf(format, args...))
}

// masked tells whether the unit is masked by what is at its path.
func (o *Observed) masked() bool {
	e, found := o.Entries[o.Unit]
	return found && (e.Type == fsys.Link && e.Target == "/dev/null" || e.Type == fsys.File && len(e.Data) == 0)
}

// goingUnit looks whose unit a removal would take away. One without our header does belong to the installation
// where it starts its programs, as that of the earlier role does; any other is somebody else's.
func (o *observer) goingUnit() error {
	f := o.found
	e, found := f.Entries[f.Unit]
	if o.want.State != Absent || !found {
		return nil
	}
	switch commands := systemd.Commands(e.Data); {
	case f.masked():
		o.warn("%s stays: it is masked, so somebody decided that it must not run", f.Unit)
		f.UnitStays = true
	case e.Type != fsys.File || strings.HasPrefix(string(e.Data), oursHeader):
	case f.startedBy(commands) || o.linksHere(commands):
		o.warn("%s goes with the installation, whose programs it starts, though this module did not write it; "+
			"the difference (--diff) has its text", f.Unit)
	default:
		o.warn("%s stays: this module did not write it, and it starts no program of this installation; remove it yourself, "+
			"if nobody needs it", f.Unit)
		f.UnitStays = true
	}
	return o.enabling()
}

// enabling finds the links that would lead nowhere without the unit. Where systemd runs, an enabled unit is refused.
func (o *observer) enabling() error {
	f := o.found
	if f.Service.Running || f.UnitStays {
		return nil
	}
	links, err := o.enablingLinks()
	for _, name := range links {
		if targetIn(path.Dir(name), f.Entries[name].Info) == f.Unit {
			f.Enabling = append(f.Enabling, name)
		}
	}
	return err
}

// leftovers finds the links that lead nowhere and would enable the unit that this run makes, such as Debian's package of
// Patroni leaves when it is removed and not purged. A unit that systemd still has in memory is somebody's, enabled or not.
func (o *observer) leftovers() error {
	f := o.found
	made := o.want.State != Absent && !f.exists(f.Unit) && !f.Package.Unit
	if !made || f.Service.LoadState == "loaded" || f.Service.MainPID != 0 {
		return nil
	}
	links, err := o.enablingLinks()
	for _, name := range links {
		if _, missing := o.host.FS.Resolve(name); errors.Is(missing, fs.ErrNotExist) {
			f.Enabling = append(f.Enabling, name)
		}
	}
	return err
}

// enablingLinks are the links by which units of the service's name are enabled.
func (o *observer) enablingLinks() ([]string, error) {
	f := o.found
	dirs, err := o.names(systemd.Directory)
	var links []string
	for _, dir := range dirs {
		if !slices.Contains([]string{".wants", ".requires", ".upholds"}, path.Ext(dir)) {
			continue
		}
		dir = path.Join(systemd.Directory, dir)
		name := path.Join(dir, path.Base(f.Unit))
		if info, failed := o.host.FS.Lstat(dir); failed != nil || info.Type != fsys.Directory {
			continue
		}
		err = errors.Join(err, o.look(name, false))
		if f.Entries[name].Type == fsys.Link {
			links = append(links, name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot tell what enables %s: %w", path.Base(f.Unit), err)
	}
	return links, nil
}

// removeUnit takes the unit away, and with it what enables it.
func (p *Plan) removeUnit() []txn.Step {
	before := p.fileState(p.seen.Unit)
	if before == nil || p.seen.UnitStays {
		return nil
	}
	steps := append(p.removeAdopted(), &step.File{Name: unitStep, Path: p.seen.Unit, Before: before})
	return append(steps, p.unlink()...)
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

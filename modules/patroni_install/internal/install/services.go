package install

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// OtherUnit is another service of the same installation.
type OtherUnit struct {
	Name     string
	Commands []string // the values of its ExecStart
}

// otherUnits finds, where something depends on it, the other units of the administrator that start a program of
// this installation. A link among them is another name of a unit, or leads to a package's.
func (o *observer) otherUnits() error {
	if !o.asksForOthers() {
		return nil
	}
	f := o.found
	names, err := o.host.FS.ReadDir(systemd.Directory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, name := range names {
		file := path.Join(systemd.Directory, name)
		if f.Packaged && strings.HasSuffix(name, ".service.d") {
			name, file = strings.TrimSuffix(name, ".d"), path.Join(file, dropInName)
		}
		if err != nil || !strings.HasSuffix(name, ".service") || file == f.Unit || file == f.dropIn() {
			continue
		}
		err = o.look(file, true)
		if commands := systemd.Commands(f.Entries[file].Data); f.startedBy(commands) || o.linksHere(commands) {
			f.OtherUnits = append(f.OtherUnits, OtherUnit{Name: name, Commands: commands})
		}
	}
	if err != nil {
		return fmt.Errorf("cannot tell which services use this installation: %w", err)
	}
	return nil
}

// asksForOthers tells whether something may go that other services use.
func (o *observer) asksForOthers() bool {
	if o.want.State == Absent {
		return true
	}
	for _, c := range o.found.comforts(&o.want) {
		if c.shared && !c.wanted && o.found.exists(c.path) {
			return true
		}
	}
	for _, name := range profileNames() {
		if config := configIn(o.found, name); config != "" && (!o.want.PatronictlConfig || config != o.found.Config) {
			return true
		}
	}
	return false
}

// startedBy tells whether commands have a program of the installation in them.
func (o *Observed) startedBy(commands []string) bool {
	for _, app := range usualApps() {
		if systemd.Mention(commands, path.Join(o.BinDir, app)) || systemd.Mention(commands, path.Join(o.programs(), app)) {
			return true
		}
	}
	return systemd.Mention(commands, o.Layout.Venv()+"/") || o.RealVenv != "" && systemd.Mention(commands, o.RealVenv+"/")
}

// linksHere tells whether commands name a link to a program of the installation: a service may have a
// bin_dir of its own.
func (o *observer) linksHere(commands []string) bool {
	for _, command := range commands {
		for _, name := range systemd.Paths(command) {
			link, err := o.host.FS.Lstat(name)
			if err == nil && link.Type == fsys.Link && o.found.leadsTo(path.Dir(name), link, path.Base(link.Target)) {
				return true
			}
		}
	}
	return false
}

// usedBy names the other services that have a path in their commands: a file, or with a slash at its
// end what is below a directory; "" where none has. An empty path stands for the installation.
func (o *Observed) usedBy(name string) string {
	var units []string
	for _, u := range o.OtherUnits {
		if name == "" || systemd.Mention(u.Commands, name) {
			units = append(units, u.Name)
		}
	}
	return strings.Join(units, ", ")
}

// removesTree tells whether the installation goes, with all that the services share.
func (p *Plan) removesTree() bool { return p.want.State == Absent && len(p.seen.OtherUnits) == 0 }

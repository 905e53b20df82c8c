package install

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/profile"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// OtherUnit is another service of the same installation.
type OtherUnit struct {
	Name     string
	Commands []string // the values of its ExecStart
}

// otherUnits finds, where something depends on it, the other units of the administrator that start a program of
// this installation, by themselves or by a drop-in.
func (o *observer) otherUnits() error {
	if !o.asksForOthers() {
		return nil
	}
	names, err := o.names(systemd.Directory)
	for _, name := range names {
		unit, isDropIn := strings.CutSuffix(name, ".d")
		if err != nil || !strings.HasSuffix(unit, ".service") || unit == path.Base(o.found.Unit) {
			continue
		}
		read := o.unitFile
		if isDropIn {
			read = o.dropIns
		}
		var commands []string
		if commands, err = read(path.Join(systemd.Directory, name)); o.found.startedBy(commands) || o.linksHere(commands) {
			o.found.noteUnit(unit, commands)
		} else if len(commands) > 0 {
			o.found.noteStranger(name, commands)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot tell which services use this installation: %w", err)
	}
	return nil
}

// unitFile returns the commands in a unit's file. A link is another name of a unit that is looked at
// itself, masks one, or leads to where somebody keeps it.
func (o *observer) unitFile(name string) ([]string, error) {
	target, err := o.host.FS.Resolve(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && target != name && path.Dir(target) == systemd.Directory {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = o.look(target, true)
	return systemd.Commands(o.found.Entries[target].Data), err
}

// dropIns returns the commands in the drop-ins of a unit.
func (o *observer) dropIns(dir string) (commands []string, err error) {
	names, err := o.host.FS.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	for _, name := range names {
		if err == nil && strings.HasSuffix(name, ".conf") {
			var more []string
			more, err = o.unitFile(path.Join(dir, name))
			commands = append(commands, more...)
		}
	}
	return commands, err
}

// noteUnit notes that commands of a unit start this installation.
func (o *Observed) noteUnit(name string, commands []string) {
	for i := range o.OtherUnits {
		if o.OtherUnits[i].Name == name {
			o.OtherUnits[i].Commands = append(o.OtherUnits[i].Commands, commands...)
			return
		}
	}
	o.OtherUnits = append(o.OtherUnits, OtherUnit{Name: name, Commands: commands})
}

// asksForOthers tells whether something may go that other services use.
func (o *observer) asksForOthers() bool {
	if o.want.State == Absent || o.found.Former.Path != "" {
		return true
	}
	for _, c := range o.found.comforts(&o.want) {
		if c.shared && !c.wanted && o.found.exists(c.path) {
			return true
		}
	}
	for _, file := range profile.Files() {
		if config := configIn(o.found, file.Name); config != "" && (!o.want.PatronictlConfig || config != o.found.Config) {
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

// usedBy names the other services that have a path in their commands, those of other installations too: a file, or
// with a slash at its end what is below a directory; "" where none has. An empty path stands for the installation.
func (o *Observed) usedBy(name string) string {
	var units []string
	others := o.OtherUnits
	if name != "" {
		others = slices.Concat(others, o.Strangers)
	}
	for _, u := range others {
		if !slices.Contains(units, u.Name) && (name == "" || systemd.Mention(u.Commands, name)) {
			units = append(units, u.Name)
		}
	}
	return strings.Join(units, ", ")
}

// removesTree tells whether the installation goes, with all that the services share.
func (p *Plan) removesTree() bool { return p.want.State == Absent && len(p.seen.OtherUnits) == 0 }

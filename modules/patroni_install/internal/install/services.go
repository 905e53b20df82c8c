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
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// OtherService is another service of the host, by a unit of the administrator's.
type OtherService struct {
	Name     string
	Commands []string // the values of its ExecStart
	Uses     bool     // it starts a program of this installation
	SameUser bool     // this program wrote it, for another installation of the same user
}

// otherServices finds, where something depends on them, the other units of the administrator that start something, by
// themselves or by a drop-in.
func (o *observer) otherServices() error {
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
			o.found.noteUser(unit, commands)
		} else if len(commands) > 0 {
			o.found.noteOther(name, commands)
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

// noteUser notes that commands of a unit start this installation.
func (o *Observed) noteUser(name string, commands []string) {
	o.Services = append(o.Services, OtherService{Name: name, Commands: commands, Uses: true})
}

// noteOther notes a unit, or a directory of drop-ins, that starts nothing of this installation.
func (o *Observed) noteOther(name string, commands []string) {
	file := path.Join(systemd.Directory, name)
	unit, isDropIn := strings.CutSuffix(name, ".d")
	if isDropIn {
		file = path.Join(file, dropInName)
	}
	text := string(o.Entries[file].Data)
	ours := strings.HasPrefix(text, oursHeader) && strings.Contains(text, "\nUser="+strings.ReplaceAll(o.User.Name, "%", "%%")+"\n")
	o.Services = append(o.Services, OtherService{Name: unit, Commands: commands, SameUser: ours})
}

// isShared tells whether another service uses this installation.
func (o *Observed) isShared() bool {
	return slices.ContainsFunc(o.Services, func(s OtherService) bool { return s.Uses })
}

// othersOfUser tells whether another service uses this installation, or another one of the same user.
func (o *Observed) othersOfUser() bool {
	return slices.ContainsFunc(o.Services, func(s OtherService) bool { return s.Uses || s.SameUser })
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

// usedBy names the other services that have a path in their commands, those of other installations too: a file, or
// with a slash at its end what is below a directory; "" where none has. An empty path stands for the installation.
func (o *Observed) usedBy(name string) string {
	var units []string
	for _, s := range o.Services {
		names := name == "" && s.Uses || name != "" && systemd.Mention(s.Commands, name)
		if names && !slices.Contains(units, s.Name) {
			units = append(units, s.Name)
		}
	}
	return strings.Join(units, ", ")
}

// removesTree tells whether the installation goes, with all that the services share.
func (p *Plan) removesTree() bool { return p.want.State == Absent && !p.seen.isShared() }

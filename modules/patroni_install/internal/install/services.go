package install

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// OtherService is another service of the host, by a unit of the administrator's.
type OtherService struct {
	Name     string
	Commands []string // the values of its ExecStart
	Uses     bool     // it starts a program of this installation
	SameUser bool     // this program wrote it, for another installation of the same user
}

// readServices finds the other units of the administrator that start something, by themselves or by a drop-in. It is
// for Look, and only if something depends on them: a run that changes nothing reads no other unit.
func (v *View) readServices() error {
	if v.services != nil {
		return nil
	}
	var found []OtherService
	names, err := v.Names(systemd.Directory)
	for _, name := range names {
		unit, isDropIn := strings.CutSuffix(name, ".d")
		if err != nil || !strings.HasSuffix(unit, ".service") || unit == path.Base(v.Unit) {
			continue
		}
		read := v.readUnit
		if isDropIn {
			read = v.readDropIns
		}
		var commands []string
		if commands, err = read(path.Join(systemd.Directory, name)); len(commands) > 0 {
			s := OtherService{Name: unit, Commands: commands, Uses: v.startedBy(commands) || v.linksHere(commands)}
			s.SameUser = !s.Uses && v.isSameUsers(name)
			found = append(found, s)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot tell which services use this installation: %w", err)
	}
	v.services = &found
	return nil
}

// readUnit returns the commands in a unit's file. A link is another name of a unit that is looked at
// itself, masks one, or leads to a file that somebody keeps elsewhere.
func (v *View) readUnit(name string) ([]string, error) {
	target, err := v.files.Resolve(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && target != name && path.Dir(target) == systemd.Directory {
		return nil, nil
	}
	if err == nil {
		err = v.Read(target)
	}
	if err != nil {
		return nil, err
	}
	return systemd.Commands(v.dataAt(target)), nil
}

// readDropIns returns the commands in the drop-ins of a unit.
func (v *View) readDropIns(dir string) (commands []string, err error) {
	names, err := v.Names(dir)
	if errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	for _, name := range names {
		if err == nil && strings.HasSuffix(name, ".conf") {
			var more []string
			more, err = v.readUnit(path.Join(dir, name))
			commands = append(commands, more...)
		}
	}
	return commands, err
}

// isSameUsers tells whether this program wrote a unit, or the drop-in in a directory of them, for the same user.
func (v *View) isSameUsers(name string) bool {
	file := path.Join(systemd.Directory, name)
	if strings.HasSuffix(name, ".d") {
		file = path.Join(file, dropInName)
	}
	if err := v.Read(file); err != nil {
		return false
	}
	text := v.dataAt(file)
	return isOurs(text) && strings.Contains(string(text), "\nUser="+strings.ReplaceAll(v.User.Name, "%", "%%")+"\n")
}

// others are the other services, which somebody has read.
func (v *View) others() []OtherService {
	if v.services == nil {
		panic("internal error: nobody has read the other services")
	}
	return *v.services
}

// isShared tells whether another service uses this installation.
func (v *View) isShared() bool {
	return slices.ContainsFunc(v.others(), func(s OtherService) bool { return s.Uses })
}

// sharesUser tells whether another service uses this installation, or another one of the same user.
func (v *View) sharesUser() bool {
	return slices.ContainsFunc(v.others(), func(s OtherService) bool { return s.Uses || s.SameUser })
}

// usedBy names the other services that have a path in their commands, those of other installations too: a file, or
// with a slash at its end what is below a directory; "" if none has. An empty path stands for the installation.
func (v *View) usedBy(name string) string {
	var units []string
	for _, s := range v.others() {
		has := name == "" && s.Uses || name != "" && systemd.Mention(s.Commands, name)
		if has && !slices.Contains(units, s.Name) {
			units = append(units, s.Name)
		}
	}
	return strings.Join(units, ", ")
}

// othersConfigure tells whether another service has its configuration in the configuration directory.
func (v *View) othersConfigure() bool {
	return v.usedBy(v.ConfigDir) != "" || v.usedBy(v.ConfigDir+"/") != ""
}

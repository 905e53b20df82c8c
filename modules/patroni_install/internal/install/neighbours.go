package install

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/profile"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// One user may have several installations, each with a pipx_home and bin_dir of its own. Shell profiles and the
// completion are the user's: who comes first keeps its place in them, or each would take it back in every play.

// pathIn is the directory that our block in a shell profile puts on the PATH, "" where none does.
func pathIn(seen *Observed, name string) string {
	return profile.Dir(string(seen.Entries[path.Join(seen.User.Home, name)].Data))
}

// isNeighbours tells whether the place on the PATH in a shell profile is another installation's.
func (o *Observed) isNeighbours(name string) bool {
	return slices.Contains(o.Neighbours, pathIn(o, name))
}

// neighbours finds these places, and says if one is in the way. A bin directory that this run leaves is in nobody's.
func (o *observer) neighbours() {
	f := o.found
	for _, file := range profile.Files() {
		dir := pathIn(f, file.Name)
		if dir == f.BinDir || f.leavesFormer() && dir == f.Former.Path || slices.Contains(f.Neighbours, dir) {
			continue
		}
		if o.hasOthersPrograms(dir) {
			f.Neighbours = append(f.Neighbours, dir)
		}
	}
	warned := map[string]bool{}
	for _, file := range f.shellFiles() {
		dir := pathIn(f, file.Name)
		if !o.want.managesPath(f) || !f.isNeighbours(file.Name) || warned[dir] {
			continue
		}
		warned[dir] = true
		o.warn("the shell profiles have %s on the PATH, where another installation of user %s has its programs, and %s was "+
			"not added; set manage_path (in the role: patroni_manage_path) to false, and add %[3]s to the PATH yourself "+
			"where that is wanted", dir, f.User.Name, f.BinDir)
	}
}

// hasOthersPrograms tells whether a directory has a link to the patroni of another installation, which is there.
func (o *observer) hasOthersPrograms(dir string) bool {
	if !path.IsAbs(dir) {
		return false
	}
	link, err := o.host.FS.Lstat(path.Join(dir, "patroni"))
	if err != nil || link.Type != fsys.Link || o.found.leadsTo(dir, link, "patroni") {
		return false
	}
	_, err = o.host.FS.Lstat(targetIn(dir, link))
	return !errors.Is(err, fs.ErrNotExist)
}

// noteStranger notes a unit, or a directory of drop-ins, that starts nothing of this installation.
func (o *Observed) noteStranger(name string, commands []string) {
	file := path.Join(systemd.Directory, name)
	unit, isDropIn := strings.CutSuffix(name, ".d")
	if isDropIn {
		file = path.Join(file, dropInName)
	}
	o.Strangers = append(o.Strangers, OtherUnit{Name: unit, Commands: commands})
	text := string(o.Entries[file].Data)
	if strings.HasPrefix(text, oursHeader) && strings.Contains(text, "\nUser="+strings.ReplaceAll(o.User.Name, "%", "%%")+"\n") {
		o.Siblings = append(o.Siblings, unit)
	}
}

// othersConfigure tells whether another service has its configuration in the configuration directory.
func (o *Observed) othersConfigure() bool {
	return o.usedBy(o.ConfigDir) != "" || o.usedBy(o.ConfigDir+"/") != ""
}

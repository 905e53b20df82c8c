package install

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/profile"
)

// One user may have several installations, each with a pipx_home and bin_dir of its own. Shell profiles and the
// completion are the user's: who comes first keeps its place in them, or each would take it back in every play.

// pathIn is the directory that our block in a shell profile puts on the PATH, "" where none does.
func pathIn(seen *Observed, name string) string {
	return profile.Dir(string(seen.Entries[path.Join(seen.User.Home, name)].Data))
}

// isNeighbours tells whether the place on the PATH in a shell profile is another installation's.
func (o *Observed) isNeighbours(name string) bool {
	return slices.Contains(o.OtherBinDirs, pathIn(o, name))
}

// neighbours finds these places, and says where one is in the way. A bin directory that this run leaves is in nobody's.
func (o *observer) neighbours() {
	f := o.found
	for _, name := range profileNames() {
		dir := pathIn(f, name)
		if dir == f.BinDir || f.leavesFormer() && dir == f.Former.Path || slices.Contains(f.OtherBinDirs, dir) || !o.hasOthersPrograms(dir) {
			continue
		}
		f.OtherBinDirs = append(f.OtherBinDirs, dir)
		if o.want.managesPath(f) {
			f.Warnings = append(f.Warnings, fmt.Sprintf("the shell profiles have %s on the PATH, where another installation of user %s has "+
				"its programs, and %s was not added; set manage_path (in the role: patroni_manage_path) to false, and add %[3]s to the PATH "+
				"yourself where that is wanted", dir, f.User.Name, f.BinDir))
		}
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

// othersConfigure tells whether another service has its configuration in the configuration directory.
func (o *Observed) othersConfigure() bool {
	return o.usedBy(o.ConfigDir) != "" || o.usedBy(o.ConfigDir+"/") != ""
}

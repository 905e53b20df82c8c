package install

import (
	"errors"
	"io/fs"
	"path"
	"slices"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/profile"
)

// One user may have several installations, each with a pipx_home and bin_dir of its own. Shell profiles and the
// completion are the user's: who comes first keeps its place in them, or each would take it back in every play.

// pathIn is the directory that our block in a shell profile puts on the PATH, "" if none does.
func pathIn(seen *View, name string) string {
	return profile.Dir(string(seen.dataAt(path.Join(seen.User.Home, name))))
}

// isNeighbours tells whether the place on the PATH in a shell profile is another installation's.
func (p *profiles) isNeighbours(name string) bool {
	return slices.Contains(p.otherBinDirs, pathIn(p.seen, name))
}

// neighbours finds these places, and says if one is in the way. A bin directory that this run leaves is in nobody's.
func (p *profiles) neighbours() {
	v := p.seen
	for _, file := range profile.Files() {
		dir := pathIn(v, file.Name)
		if dir == v.BinDir || dir == p.former.leaves() || slices.Contains(p.otherBinDirs, dir) {
			continue
		}
		if v.hasOthersPrograms(dir) {
			p.otherBinDirs = append(p.otherBinDirs, dir)
		}
	}
	warned := map[string]bool{}
	for _, file := range v.shellFiles() {
		dir := pathIn(v, file.Name)
		if !p.want.managesPath(v) || !p.isNeighbours(file.Name) || warned[dir] {
			continue
		}
		warned[dir] = true
		v.warn("the shell profiles have %s on the PATH, where another installation of user %s has its programs, and %s was "+
			"not added; set manage_path (in the role: patroni_manage_path) to false, and add %[3]s to the PATH yourself "+
			"if that is wanted", dir, v.User.Name, v.BinDir)
	}
}

// hasOthersPrograms tells whether a directory has a link to the patroni of another installation, which is there.
func (v *View) hasOthersPrograms(dir string) bool {
	if !path.IsAbs(dir) {
		return false
	}
	link, err := v.files.Lstat(path.Join(dir, "patroni"))
	if err != nil || link.Type != fsys.Link || v.leadsTo(dir, link, "patroni") {
		return false
	}
	_, err = v.files.Lstat(targetIn(dir, link))
	return !errors.Is(err, fs.ErrNotExist)
}

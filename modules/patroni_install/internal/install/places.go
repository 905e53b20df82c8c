package install

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// The configuration directory becomes the user's, and the links in bin_dir lead to programs that the user can change. In
// a directory that root's programs read or execute from, either makes the user root. Nobody can list those directories:
// every package may bring another one. So these are the places that are taken; what an installation has elsewhere
// already stays there, with a warning.

// rootsBin is the one directory on root's own PATH that bin_dir may be.
const rootsBin = "/usr/local/bin"

// placesOfConfig says for people what allowsConfig takes.
const placesOfConfig = "/etc/patroni or a name that begins so, or a new directory in /etc, /opt, /srv or /var/lib"

// allowsConfig tells whether the configuration directory may be where it is wanted. A name with a dot in /etc is one
// of those whose whole content is read, such as profile.d or cron.daily, also where it is not there yet.
func (o *Observed) allowsConfig() bool {
	dir := o.ConfigDir
	return o.isUsers(dir) || isPatronis(dir) ||
		!o.exists(dir) && slices.Contains([]string{"/etc", "/opt", "/srv", "/var/lib"}, path.Dir(dir)) && !isReadWhole(dir)
}

// allowsBin tells whether the links may be where they are wanted.
func (o *Observed) allowsBin() bool {
	return o.isUsers(o.BinDir) || o.BinDir == rootsBin || isMatch("/opt/*/bin", o.BinDir) || isMatch("/srv/*/bin", o.BinDir)
}

// isUsers tells whether a path lies in the user's home, or is a directory of the user's, or would be made in one.
func (o *Observed) isUsers(name string) bool {
	if o.inHome(name) {
		return true
	}
	for !o.exists(name) {
		name = path.Dir(name)
	}
	e := o.Entries[name]
	return e.Type == fsys.Directory && e.UID == o.User.UID
}

// isPatronis tells whether a path is named as Patroni's own configuration is, or lies below such a directory.
func isPatronis(name string) bool { return strings.HasPrefix(name, "/etc/patroni") }

// isReadWhole tells whether a directory is named as those of which programs read the whole content.
func isReadWhole(name string) bool {
	return path.Dir(name) == "/etc" && strings.Contains(path.Base(name), ".")
}

func isMatch(pattern, name string) bool {
	matches, err := path.Match(pattern, name)
	return err == nil && matches
}

// configuredToday tells whether the service that is there has its configuration in the configuration directory.
func (o *Observed) configuredToday() bool {
	commands := slices.Concat(systemd.Commands(o.Entries[o.Unit].Data), systemd.Commands(o.Entries[o.dropIn()].Data))
	return systemd.Mention(commands, o.ConfigDir+"/")
}

// linkedToday tells whether the installation that is there has its links in bin_dir.
func (o *Observed) linkedToday() bool {
	for name, entry := range o.Bin {
		if o.leadsTo(o.BinDir, entry, name) {
			return true
		}
	}
	return false
}

// refusePlaces refuses directories by which the user could become root.
func (p *Plan) refusePlaces() error {
	o := p.seen
	if !o.allowsConfig() && !o.configuredToday() {
		return fmt.Errorf("cannot use config_dir %s: it would become user %s's, and root's programs may read what is there; set config_dir "+
			"(in the role: patroni_config_dir) to a directory in %[3]s, one that is %[2]s's already, %[4]s",
			o.ConfigDir, o.User.Name, o.User.Home, placesOfConfig)
	}
	if !o.allowsBin() && !o.linkedToday() {
		return fmt.Errorf("cannot use bin_dir %s: user %s can change the programs to which the links there lead, and root may execute "+
			"what is there; set bin_dir (in the role: patroni_bin_dir) to a directory in %[3]s, one that is %[2]s's already, "+
			"/opt/NAME/bin or /srv/NAME/bin", o.BinDir, o.User.Name, o.User.Home)
	}
	return nil
}

// refuseClosed refuses directories that the user surely cannot enter: the service could not start (status 203 and 1). A
// list of access rights or another group of the user's may open what the mode opens for anybody beside the owner.
func (p *Plan) refuseClosed() error {
	for _, place := range []struct{ option, from, path string }{
		{"bin_dir", p.seen.BinDir, p.seen.BinDir}, {"config_dir", path.Dir(p.seen.ConfigDir), p.seen.ConfigDir},
	} {
		for dir := place.from; dir != "/"; dir = path.Dir(dir) {
			e, found := p.seen.Entries[dir]
			if found && e.Type == fsys.Directory && e.UID != p.seen.User.UID && e.Mode&0o011 == 0 {
				return fmt.Errorf("cannot use %s %s: user %s cannot enter %s (%s), so that the service could not start; set %[1]s (in the role: "+
					"patroni_%[1]s) to another directory, or let the user in (chmod o+x %[4]s)",
					place.option, place.path, p.seen.User.Name, dir, e.Attr)
			}
		}
	}
	return nil
}

// places warns of places that no new installation gets, and of the one on root's PATH.
func (o *observer) places() {
	f := o.found
	if o.want.State == Absent {
		return
	}
	if f.BinDir == rootsBin || !f.allowsBin() && f.linkedToday() {
		o.warn("bin_dir is %s, from which root may execute programs that user %s can change; set bin_dir (in the role: patroni_bin_dir) "+
			"to /opt/patroni/bin or to a directory in %s", f.BinDir, f.User.Name, f.User.Home)
	}
	if !f.allowsConfig() && f.configuredToday() || f.isUsers(f.ConfigDir) && isSystems(f.ConfigDir) && !f.inHome(f.ConfigDir) {
		o.warn("config_dir is %s, from which root's programs may read what user %s writes; move it to %s, and set config_dir "+
			"(in the role: patroni_config_dir) to that", f.ConfigDir, f.User.Name, placesOfConfig)
	}
}

// isSystems tells whether a path lies where programs of the system look for what is theirs, by its name.
func isSystems(name string) bool {
	inEtc := below(name, "/etc") && !isPatronis(name) && (path.Dir(name) != "/etc" || isReadWhole(name))
	return inEtc || below(name, "/usr")
}

// removesConfig tells whether an empty configuration directory goes with the installation: one that is Patroni's.
func (o *Observed) removesConfig() bool {
	e, found := o.Entries[o.ConfigDir]
	// A mount point cannot be removed, and is somebody's intention.
	return found && e.Type == fsys.Directory && o.ConfigEmpty && !o.isMount(o.ConfigDir) && !o.othersConfigure() &&
		(e.UID == o.User.UID || isPatronis(o.ConfigDir) || o.configuredToday())
}

package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
const placesOfConfig = "/etc/patroni or a name that begins so, a new directory in /srv, or one in /etc, /opt or /var/lib whose name " +
	"begins with patroni, postgres or pg"

// Real are the directories of an installation without the links on the way, which are root's: what a directory is, its name
// alone does not tell. What the system's own directories lead to, as on a host with /opt on another disk, keeps their names.
type Real struct{ ConfigDir, BinDir, Home, UserHome string }

// systemsPlaces are the directories of the system in which ours may be, or may not: what is in the latter stays so, also where
// one of the others leads there.
func systemsPlaces() []string {
	return []string{rootsBin, "/usr/local", "/usr", "/etc", "/var/lib", "/opt", "/srv"}
}

// named are the directories where no link is on the way.
func (l Layout) named() Real {
	return Real{ConfigDir: l.ConfigDir, BinDir: l.BinDir, Home: l.Home, UserHome: path.Clean(l.User.Home)}
}

// real finds the directories behind links, and looks at them.
func (o *observer) real(context.Context) error {
	f := o.found
	f.Real = f.named()
	if behind, err := o.behind(f.Real.UserHome); err == nil { // else nothing of ours is in there
		f.Real.UserHome = behind
		_ = o.look(behind, false) // its links were looked at
	}
	for _, name := range []*string{&f.Real.ConfigDir, &f.Real.BinDir, &f.Real.Home} {
		behind, err := o.behind(*name)
		if err == nil {
			*name = behind
			err = o.lookAlong(behind)
		}
		if err != nil && o.want.State != Absent {
			return err
		}
	}
	return nil
}

// behind is a path without links.
func (o *observer) behind(name string) (string, error) {
	found, err := o.follow(name)
	if err != nil {
		return "", err
	}
	for _, place := range systemsPlaces() {
		if there, err := o.follow(place); err == nil && below(found, there) {
			return place + strings.TrimPrefix(found, there), nil
		}
	}
	return found, nil
}

// follow is realPath that refuses a link on the way which leads nowhere: nothing could be made behind it.
func (o *observer) follow(name string) (string, error) {
	found, err := o.host.FS.RealPath(name)
	if !errors.Is(err, fs.ErrNotExist) || name == "/" {
		return found, err
	}
	if info, failed := o.host.FS.Lstat(name); failed == nil && info.Type == fsys.Link {
		return "", fmt.Errorf("cannot use %s: it is a link to %s, where nothing is; make that directory, or remove the link", name, info.Target)
	}
	found, err = o.follow(path.Dir(name))
	return path.Join(found, path.Base(name)), err
}

// explainLink says what to do about a link that is not followed, by the options whose directories lie behind it.
func (o *observer) explainLink(err error) error {
	var link *fsys.LinkError
	if !errors.As(err, &link) {
		return err
	}
	var options, variables []string
	for _, place := range []struct{ option, path string }{
		{"config_dir", o.found.ConfigDir}, {"bin_dir", o.found.BinDir}, {"pipx_home", o.found.Home},
	} {
		var met *fsys.LinkError
		if _, failed := o.host.FS.RealPath(place.path); errors.As(failed, &met) && met.Path == link.Path {
			options, variables = append(options, place.option), append(variables, "patroni_"+place.option)
		}
	}
	if options == nil {
		options, variables = []string{"bin_dir", "pipx_home"}, []string{"patroni_bin_dir", "patroni_pipx_home"}
	}
	return fmt.Errorf("cannot work below %s: %w, and root does not follow it; set %s (in the role: %s) to real directories, such as below %s",
		link.Path, err, strings.Join(options, " and "), strings.Join(variables, ", "), link.Target)
}

// leading is a directory for people, with the one that it leads to, where that is another one.
func leading(name, behind string) string {
	if name == behind {
		return name
	}
	return name + ", which leads to " + behind
}

// allowsConfig tells whether the configuration directory may be where it is wanted.
func (o *Observed) allowsConfig() bool {
	dir := o.Real.ConfigDir
	return o.isUsers(dir) || isPatronis(dir) ||
		!o.exists(dir) && (path.Dir(dir) == "/srv" || isDatabases(dir) && !isReadWhole(dir))
}

// isDatabases tells whether a directory would be among those of the system's packages with a name that only what belongs to
// the database has. Any other name may be that of a program which root runs, and which comes later or is there without
// a directory of its own: who has /etc/ansible decides which facts a play collects as root.
func isDatabases(name string) bool {
	if !slices.Contains([]string{"/etc", "/opt", "/var/lib"}, path.Dir(name)) {
		return false
	}
	return slices.ContainsFunc([]string{"patroni", "postgres", "pg"}, func(begin string) bool {
		return strings.HasPrefix(path.Base(name), begin)
	})
}

// allowsBin tells whether the links may be where they are wanted.
func (o *Observed) allowsBin() bool {
	dir := o.Real.BinDir
	return o.isUsers(dir) || dir == rootsBin || isMatch("/opt/*/bin", dir) || isMatch("/srv/*/bin", dir)
}

// isUsers tells whether a path without links lies in the user's home, or is a directory of the user's, or would be made in
// one. An account may be given a directory of the system's as its home, such as /usr/local: in one of root's only what is in
// no other program's way is the user's.
func (o *Observed) isUsers(name string) bool {
	home := o.Real.UserHome
	if below(name, home) && (o.Entries[home].UID != 0 || name == path.Join(home, ".local/bin")) {
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

// isReadWhole tells whether a directory is named as those of which programs read the whole content, such as profile.d.
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
			leading(o.ConfigDir, o.Real.ConfigDir), o.User.Name, o.User.Home, placesOfConfig)
	}
	if !o.allowsBin() && !o.linkedToday() {
		return fmt.Errorf("cannot use bin_dir %s: user %s can change the programs to which the links there lead, and root may execute "+
			"what is there; set bin_dir (in the role: patroni_bin_dir) to a directory in %[3]s, one that is %[2]s's already, "+
			"/opt/NAME/bin or /srv/NAME/bin", leading(o.BinDir, o.Real.BinDir), o.User.Name, o.User.Home)
	}
	return p.refuseBehind()
}

// refuseBehind refuses directories that lie inside one another by links, but for those that are in use today.
func (p *Plan) refuseBehind() error {
	o, user := p.seen, *p.seen.User
	behind := o.Layout
	user.Home = o.Real.UserHome
	behind.Home, behind.User = o.Real.Home, &user
	if !o.configuredToday() {
		behind.ConfigDir = o.Real.ConfigDir
	}
	if !o.linkedToday() {
		behind.BinDir = o.Real.BinDir
	}
	if err := behind.check(); err != nil {
		return fmt.Errorf("cannot use the directories that links lead to: %w", err)
	}
	return nil
}

// refuseClosed refuses directories that the user surely cannot enter: the service could not start (status 203 and 1). A
// list of access rights or another group of the user's may open what the mode opens for anybody beside the owner.
func (p *Plan) refuseClosed() error {
	places := []struct{ option, from, path string }{
		{"bin_dir", p.seen.Real.BinDir, p.seen.BinDir}, {"config_dir", path.Dir(p.seen.Real.ConfigDir), p.seen.ConfigDir},
		{"pipx_home", p.seen.Real.Home, p.seen.Home},
	}
	if p.want.packaged() {
		places = places[:2]
	}
	for _, place := range places {
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
	if f.Real.BinDir == rootsBin || !f.allowsBin() && f.linkedToday() {
		o.warn("bin_dir is %s, from which root may execute programs that user %s can change; set bin_dir (in the role: patroni_bin_dir) "+
			"to /opt/patroni/bin or to a directory in %s", f.BinDir, f.User.Name, f.User.Home)
	}
	dir := f.Real.ConfigDir
	if !f.allowsConfig() && f.configuredToday() || f.isUsers(dir) && isSystems(dir) && !below(dir, f.Real.UserHome) {
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
		(e.UID == o.User.UID || isPatronis(o.Real.ConfigDir) || o.configuredToday())
}

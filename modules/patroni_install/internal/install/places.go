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
)

// The configuration directory becomes the user's, and the links in bin_dir lead to programs that the user can change.
// In a directory that root's programs read or execute from, either makes the user root. Nobody can list those
// directories: every package may bring another one. So these are the places that are taken; what an installation has
// elsewhere already stays there, with a warning.

// rootsBin is the one directory on root's own PATH that bin_dir may be.
const rootsBin = "/usr/local/bin"

// placesOfConfig says for people what allowsConfig takes.
const placesOfConfig = "/etc/patroni or a name that begins so, a new directory in /srv, or one in /etc, /opt or " +
	"/var/lib whose name begins with patroni, postgres or pg"

// places are the directories of an installation, and whether the user could become root by them.
type places struct {
	base

	links *links
	real  Real
}

// Real are the directories of an installation without the links on the way, which are root's: what a directory is, its
// name alone does not tell. What the system's own directories lead to, as on a host with /opt on another disk, keeps
// their names.
type Real struct{ ConfigDir, BinDir, Home, UserHome string }

// systemsPlaces are the directories of the system in which ours may be, or may not: what is in the latter stays so,
// also where one of the others leads there.
func systemsPlaces() []string {
	return []string{rootsBin, "/usr/local", "/usr", "/etc", "/var/lib", "/opt", "/srv"}
}

// named are the directories if no link is on the way.
func (l Layout) named() Real {
	return Real{ConfigDir: l.ConfigDir, BinDir: l.BinDir, Home: l.Home, UserHome: path.Clean(l.User.Home)}
}

// Look implements [Part]: it finds the directories behind links, and looks at them.
func (p *places) Look(context.Context) error {
	p.real = p.seen.named()
	if behind, err := p.behind(p.real.UserHome); err == nil { // else nothing of ours is in there
		p.real.UserHome = behind
		_ = p.seen.Look(behind) // its links were looked at
	}
	for _, name := range []*string{&p.real.ConfigDir, &p.real.BinDir, &p.real.Home} {
		behind, err := p.behind(*name)
		if err == nil {
			*name = behind
			err = p.seen.LookAlong(behind)
		}
		if err != nil && !p.removes() {
			return p.seen.explainLink(err)
		}
	}
	p.warn()
	return nil
}

// behind is a path without links.
func (p *places) behind(name string) (string, error) {
	found, err := p.follow(name)
	if err != nil {
		return "", err
	}
	for _, place := range systemsPlaces() {
		if there, err := p.follow(place); err == nil && below(found, there) {
			return place + strings.TrimPrefix(found, there), nil
		}
	}
	return found, nil
}

// follow is realPath that refuses a link on the way which leads nowhere: nothing could be made behind it.
func (p *places) follow(name string) (string, error) {
	found, err := p.seen.files.RealPath(name)
	if !errors.Is(err, fs.ErrNotExist) || name == "/" {
		return found, err
	}
	if info, failed := p.seen.files.Lstat(name); failed == nil && info.Type == fsys.Link {
		return "", fmt.Errorf("cannot use %s: it is a link to %s, and nothing is there; make that directory, or remove the "+
			"link",
			name, info.Target)
	}
	found, err = p.follow(path.Dir(name))
	return path.Join(found, path.Base(name)), err
}

// leading is a directory for people, with the one that it leads to, where that is another one.
func leading(name, behind string) string {
	if name == behind {
		return name
	}
	return name + ", which leads to " + behind
}

// allowsConfig tells whether the configuration directory may have the place that was asked for.
func (p *places) allowsConfig() bool {
	dir := p.real.ConfigDir
	return p.isUsers(dir) || isPatronis(dir) ||
		!p.seen.exists(dir) && (path.Dir(dir) == "/srv" || isDatabases(dir) && !isReadWhole(dir))
}

// isDatabases tells whether a directory would be among those of the system's packages with a name that only what
// belongs to the database has. Any other name may be that of a program which root runs, and which comes later or is
// there without a directory of its own: who has /etc/ansible decides which facts a play collects as root.
func isDatabases(name string) bool {
	if !slices.Contains([]string{"/etc", "/opt", "/var/lib"}, path.Dir(name)) {
		return false
	}
	return slices.ContainsFunc([]string{"patroni", "postgres", "pg"}, func(begin string) bool {
		return strings.HasPrefix(path.Base(name), begin)
	})
}

// allowsBin tells whether the links may have the place that was asked for.
func (p *places) allowsBin() bool {
	dir := p.real.BinDir
	return p.isUsers(dir) || dir == rootsBin || isMatch("/opt/*/bin", dir) || isMatch("/srv/*/bin", dir)
}

// isUsers tells whether a path without links lies in the user's home, or is a directory of the user's, or would be made
// in one. An account may be given a directory of the system's as its home, such as /usr/local: in one of root's only
// what is in no other program's way is the user's.
func (p *places) isUsers(name string) bool {
	home := p.real.UserHome
	top, _ := p.seen.At(home)
	if below(name, home) && (top.UID != 0 || name == path.Join(home, ".local/bin")) {
		return true
	}
	for name != "/" && !p.seen.exists(name) {
		name = path.Dir(name)
	}
	e, _ := p.seen.At(name)
	return e.Type == fsys.Directory && e.UID == p.seen.User.UID
}

// isPatronis tells whether a path is named as Patroni's own configuration is, or lies below such a directory.
func isPatronis(name string) bool { return strings.HasPrefix(name, "/etc/patroni") }

// isReadWhole tells whether a directory is named as those that programs read as a whole, such as profile.d.
func isReadWhole(name string) bool {
	return path.Dir(name) == "/etc" && strings.Contains(path.Base(name), ".")
}

func isMatch(pattern, name string) bool {
	matches, err := path.Match(pattern, name)
	return err == nil && matches
}

// Refuse implements [Part].
func (p *places) Refuse() error {
	v := p.seen
	switch {
	case p.removes():
		return nil
	case !p.allowsConfig() && !v.configuredToday():
		return fmt.Errorf("cannot use config_dir %s: it would become user %s's, and root's programs may read what is "+
			"there; set config_dir (in the role: patroni_config_dir) to a directory in %[3]s, one that is %[2]s's already, "+
			"%[4]s",
			leading(v.ConfigDir, p.real.ConfigDir), v.User.Name, v.User.Home, placesOfConfig)
	case !p.allowsBin() && !p.links.today():
		return fmt.Errorf("cannot use bin_dir %s: user %s can change the programs that the links there lead to, and root "+
			"may execute what is there; set bin_dir (in the role: patroni_bin_dir) to a directory in %[3]s, one that is "+
			"%[2]s's already, /opt/NAME/bin or /srv/NAME/bin", leading(v.BinDir, p.real.BinDir), v.User.Name, v.User.Home)
	}
	return first(p.refuseBehind, p.refuseClosed)
}

// refuseBehind refuses directories that lie inside one another by links, but for those that are in use today.
func (p *places) refuseBehind() error {
	behind, user := p.seen.Layout, *p.seen.User
	user.Home = p.real.UserHome
	behind.Home, behind.User = p.real.Home, &user
	if !p.seen.configuredToday() {
		behind.ConfigDir = p.real.ConfigDir
	}
	if !p.links.today() {
		behind.BinDir = p.real.BinDir
	}
	if err := behind.check(); err != nil {
		return fmt.Errorf("cannot use the directories that links lead to: %w", err)
	}
	return nil
}

// refuseClosed refuses directories that the user surely cannot enter: the service could not start (status 203 and 1). A
// list of access rights or another group of the user's may open what the mode opens for anybody beside the owner.
func (p *places) refuseClosed() error {
	places := []struct{ option, from, path string }{
		{"bin_dir", p.real.BinDir, p.seen.BinDir}, {"config_dir", path.Dir(p.real.ConfigDir), p.seen.ConfigDir},
		{"pipx_home", p.real.Home, p.seen.Home},
	}
	if p.seen.Packaged { // nothing of it is in pipx's home
		places = places[:2]
	}
	for _, place := range places {
		for dir := place.from; dir != "/"; dir = path.Dir(dir) {
			e, found := p.seen.At(dir)
			if found && e.Type == fsys.Directory && e.UID != p.seen.User.UID && e.Mode&0o011 == 0 {
				return fmt.Errorf("cannot use %s %s: user %s cannot enter %s (%s), so that the service could not start; set "+
					"%[1]s (in the role: patroni_%[1]s) to another directory, or let the user in (chmod o+x %[4]s)",
					place.option, place.path, p.seen.User.Name, dir, e.Attr)
			}
		}
	}
	return nil
}

// warn warns of places that no new installation gets, and of the one on root's PATH.
func (p *places) warn() {
	v := p.seen
	if p.removes() {
		return
	}
	if p.real.BinDir == rootsBin || !p.allowsBin() && p.links.today() {
		v.warn("bin_dir is %s, and from there root may execute programs that user %s can change; set bin_dir (in the role: "+
			"patroni_bin_dir) to /opt/patroni/bin or to a directory in %s", v.BinDir, v.User.Name, v.User.Home)
	}
	dir := p.real.ConfigDir
	if !p.allowsConfig() && v.configuredToday() || p.isUsers(dir) && isSystems(dir) && !below(dir, p.real.UserHome) {
		v.warn("config_dir is %s, and from there root's programs may read what user %s writes; move it to %s, and set "+
			"config_dir (in the role: patroni_config_dir) to that", v.ConfigDir, v.User.Name, placesOfConfig)
	}
}

// isSystems tells whether a path lies where programs of the system look for what is theirs, by its name.
func isSystems(name string) bool {
	inEtc := below(name, "/etc") && !isPatronis(name) && (path.Dir(name) != "/etc" || isReadWhole(name))
	return inEtc || below(name, "/usr")
}

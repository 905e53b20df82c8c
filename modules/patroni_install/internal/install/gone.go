package install

import (
	"cmp"
	"fmt"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// noHome is a home that no account has a directory at, as Debian calls it.
const noHome = "/nonexistent"

// goneUser stands for an account that is not there any more. A removal has to do without it. It is
// nobody, not root: what is found in the home is never handed to more rights.
func (d Desired) goneUser() *host.User {
	return &host.User{Name: d.User, Group: "nogroup", UID: 65534, GID: 65534, Home: cmp.Or(d.Home, noHome)}
}

// missingHome refuses an installation without a home, which may be on a file system that is not mounted. A removal goes
// on with what lies elsewhere.
func (o *observer) missingHome(home string) error {
	user := o.seen.User
	if o.want.State != Absent {
		o.findMount(home)
		lost, err := o.seen.findUnmounted(o.want)
		if err != nil {
			return err
		}
		if lost != nil {
			return lost.refuse()
		}
		return fmt.Errorf("cannot install for user %s: its home %s does not exist; run the role init_server first, "+
			"which makes it", user.Name, home)
	}
	if home != noHome {
		o.seen.warn("the home %s of user %s is not there, and what lay in it was not looked at", home, user.Name)
	}
	return nil
}

// warnOfGoneUser says what was taken for the home of an account that is not there.
func (o *observer) warnOfGoneUser() {
	name := o.seen.User.Name
	if o.want.Home == "" {
		o.seen.warn("there is no user %s on this host, so that its home is not known, and what lies in it was not "+
			"looked at; where it is still there, name it in home (in the role: pg_home) and run this again", name)
		return
	}
	o.seen.warn("there is no user %s on this host; %s was taken for its home", name, o.want.Home)
}

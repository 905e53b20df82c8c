package install

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// noHome is a home that no account has a directory at, as Debian calls it.
const noHome = "/nonexistent"

// goneUser stands for an account that is not there any more, and of which a removal has to do without. It is
// nobody, not root: what is found in the home is never handed to more rights.
func (d Desired) goneUser() *host.User {
	return &host.User{Name: d.User, Group: "nogroup", UID: 65534, GID: 65534, Home: cmp.Or(d.Home, noHome)}
}

// missingHome refuses an installation without a home. A removal goes on with what lies elsewhere.
func (o *observer) missingHome(home string) error {
	user := o.found.User
	if o.want.State != Absent {
		return fmt.Errorf("cannot install for user %s: its home %s does not exist; run the role init_server first, "+
			"which makes it", user.Name, home)
	}
	if home != noHome {
		o.warn("the home %s of user %s is not there, and what lay in it was not looked at", home, user.Name)
	}
	return nil
}

// warnOfGoneUser says what was taken for the home of an account that is not there.
func (o *observer) warnOfGoneUser() {
	name := o.found.User.Name
	if o.want.Home == "" {
		o.warn("there is no user %s on this host, so that its home is not known, and what lies in it was not looked at; "+
			"where it is still there, name it in home (in the role: pg_home) and run this again", name)
		return
	}
	o.warn("there is no user %s on this host; %s was taken for its home", name, o.want.Home)
}

func (o *observer) warn(format string, args ...any) {
	o.found.Warnings = append(o.found.Warnings, fmt.Sprintf(format, args...))
}

// masked tells whether the unit is masked by what is at its path.
func (o *Observed) masked() bool {
	e, found := o.Entries[o.Unit]
	return found && (e.Type == fsys.Link && e.Target == "/dev/null" || e.Type == fsys.File && len(e.Data) == 0)
}

// goingUnit looks whose unit a removal would take away. One without our header does belong to the installation
// where it starts its programs, as that of the earlier role does; any other is somebody else's.
func (o *observer) goingUnit() error {
	f := o.found
	e, found := f.Entries[f.Unit]
	if o.want.State != Absent || !found {
		return nil
	}
	switch {
	case f.masked():
		o.warn("%s stays: it is masked, so somebody decided that it must not run", f.Unit)
		f.UnitStays = true
	case e.Type == fsys.File && !strings.HasPrefix(string(e.Data), oursHeader) && !f.Foreign.Replaced:
		o.warn("%s stays: this module did not write it, and it starts no program of this installation; remove it yourself, "+
			"if nobody needs it", f.Unit)
		f.UnitStays = true
	}
	return o.enabling()
}

// removeUnit takes the unit away, and with it what enables it.
func (p *Plan) removeUnit() []txn.Step {
	before := p.fileState(p.seen.Unit)
	if before == nil || p.seen.UnitStays {
		return nil
	}
	steps := p.removeAdopted()
	if p.seen.Foreign.Replaced {
		steps = append(steps, p.keepFormer(before.Data)...)
	}
	return append(append(steps, removeUnitFile(p.seen.Unit, before, p.unitText())), p.unlink()...)
}

// removeUnitFile removes a unit or a drop-in. Its text is shown as it is where it is ours.
func removeUnitFile(name string, before *step.FileState, ours []byte) *step.File {
	s := unitStep(name, before, nil)
	if string(before.Data) != string(ours) {
		s.Masked = step.MaskBefore
	}
	return s
}

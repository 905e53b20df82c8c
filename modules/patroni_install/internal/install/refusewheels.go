package install

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
)

// ErrOnController reports that a build needs the packages of a wheelhouse which is on the controller.
var ErrOnController = errors.New("the packages of the wheelhouse are needed on this host")

// refuseSources refuses a wheelhouse that is not here yet, or that lacks what the build takes. A check does not need it
// here.
func (p *Plan) refuseSources(check bool) error {
	switch {
	case p.Wheels == nil:
		return nil
	case p.want.onController() && !check:
		return ErrOnController
	}
	return p.refuseWheelhouse(*p.Wheels)
}

// refuseWheelhouse refuses one that a build cannot do with.
func (p *Plan) refuseWheelhouse(c pipx.Contents) error {
	name := p.want.Wheelhouse
	if len(c.Damaged) > 0 {
		return fmt.Errorf("cannot use wheelhouse %s: these files in it are no wheels, or are damaged: %s", name,
			strings.Join(c.Damaged, ", "))
	}
	if len(c.Unlocked) > 0 {
		return fmt.Errorf("cannot build Patroni with lockfile %s: %s; lock what is asked for, extras included, with hashes "+
			"for all that it needs, or leave lockfile unset (in the role: patroni_lockfile)", p.want.Lockfile,
			strings.Join(c.Unlocked, "; "))
	}
	if kept := p.lacksKept(c); kept != "" {
		return fmt.Errorf("cannot rebuild Patroni %s from wheelhouse %s, which has other versions only, %s being the "+
			"newest, and a rebuild keeps the version unless another one is asked for; set version to one that it has, or "+
			"state to latest (in the role: patroni_version, patroni_state)", kept, name, p.want.Version.NewestIn(c.Files))
	}
	if len(c.Missing) > 0 {
		return fmt.Errorf("cannot build Patroni from wheelhouse %s: %s", name, strings.Join(c.Missing, "; "))
	}
	return nil
}

// lacksKept returns the version of the installation where a rebuild keeps it and the wheelhouse has others
// only, else "".
func (p *Plan) lacksKept(c pipx.Contents) string {
	kept := p.Kept
	spec, err := pipx.ParseSpec("==" + kept)
	_, exact := p.want.Version.Exact()
	if err != nil || exact || c.Unknown || spec.NewestIn(c.Files) != "" || p.want.Version.NewestIn(c.Files) == "" {
		return ""
	}
	return kept
}

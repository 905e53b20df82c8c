package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// observer looks at what no part can: accounts, systemd, venvs, and what the package manager knows.
type observer struct {
	host     *host.Host
	services Services
	want     *Desired
	// mayRefresh allows what a check must not do: refreshing the package lists.
	mayRefresh bool
	// pending tells that an interrupted run is still to be undone or finished.
	pending bool
	// beforePackages is what was found before this run added packages; nil until it has.
	beforePackages *View
	seen           *View
}

// observe begins a view of the host. On a healthy one it starts no process by default; for a package of the operating
// system it may ask the package manager.
func (o *observer) observe(ctx context.Context) error {
	user, gone, err := o.user(ctx)
	if err != nil {
		return err
	}
	layout, err := o.want.layout(user)
	if err != nil {
		return err
	}
	o.seen = newView(o.host.FS, layout)
	o.seen.BeforePackages = o.beforePackages
	if gone {
		o.warnOfGoneUser()
	}
	if o.seen.Release, err = o.host.Release(); err != nil {
		return err
	}
	o.findFamily()
	o.adoptOldHome()
	if err := o.lookAtHome(); err != nil {
		return err
	}
	return o.service(ctx)
}

// user finds the account. A removal does without one that is gone.
func (o *observer) user(ctx context.Context) (_ *host.User, gone bool, err error) {
	user, err := o.host.LookupUser(ctx, o.want.User)
	switch {
	case !errors.Is(err, host.ErrNoUser):
		return user, false, err
	case o.want.State == Absent:
		return o.want.goneUser(), true, nil
	}
	return nil, true, fmt.Errorf("cannot find the installation of user %s: there is no such user on this host; run the "+
		"role init_server first, which makes it, or set user (in the role: patroni_user) to an account that exists",
		o.want.User)
}

// adoptOldHome takes the old home of pipx if an installation lies there and none in the new one.
func (o *observer) adoptOldHome() {
	v := o.seen
	if o.want.PipxHome != "" || v.finds(v.Layout.Venv()) {
		return
	}
	old, err := v.files.Lstat(path.Join(v.OldHome, "venvs/patroni"))
	if err != nil || old.Type != fsys.Directory {
		return // absent or behind a link: not an installation to adopt
	}
	v.Home = v.OldHome
	v.Stage = path.Join(v.Home, path.Base(v.Stage))
}

// lookAtHome looks at the user's home, and at the service's unit, which tells much.
func (o *observer) lookAtHome() error {
	v, home := o.seen, path.Clean(o.seen.User.Home)
	for _, name := range []string{v.Unit, v.dropIn()} {
		if err := v.Read(name); err != nil {
			return v.explainLink(err)
		}
	}
	if err := v.LookAlong(home); err != nil {
		return err
	}
	if e, found := v.At(home); !found || e.Type != fsys.Directory && e.Type != fsys.Link {
		return o.missingHome(home)
	}
	return nil
}

// service asks systemd about the unit.
func (o *observer) service(ctx context.Context) (err error) {
	v := o.seen
	_, lost := v.files.Resolve(v.Config) // a link of root's may lead nowhere
	v.Service.Unconfigured = !v.finds(v.Config) || errors.Is(lost, fs.ErrNotExist)
	v.Service.Running = systemd.Running(o.host.FS.Real("/"))
	if !v.Service.Running {
		v.warn("systemd does not run on this host (as in an image build): the unit is installed, but was not loaded")
		return nil
	}
	v.Service.State, err = o.services.State(ctx, path.Base(v.Unit))
	return err
}

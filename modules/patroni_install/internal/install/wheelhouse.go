package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
)

// findArchive returns the archive of packages, "" where they are in a directory.
func (s Sources) findArchive(files *fsys.FS) (string, error) {
	name := cmp.Or(s.brought, s.Wheelhouse)
	target, err := files.Resolve(name)
	if err != nil {
		return "", fmt.Errorf("cannot use wheelhouse %s: %w", s.Wheelhouse, err)
	}
	info, err := files.Lstat(target)
	switch {
	case err != nil:
		return "", fmt.Errorf("cannot use wheelhouse %s: %w", s.Wheelhouse, err)
	case info.Type == fsys.File:
		return target, nil
	case info.Type == fsys.Directory:
		return "", nil
	}
	return "", fmt.Errorf("cannot use wheelhouse %s: it is a %s, neither a directory nor a tar archive", s.Wheelhouse, info.Type)
}

// ErrOnController reports that a build needs the packages of a wheelhouse which is on the controller.
var ErrOnController = errors.New("the packages of the wheelhouse are needed on this host")

// wheelhouse looks what is in a wheelhouse, where that decides something, and refuses one that
// lacks what the build takes.
func (o *observer) wheelhouse(ctx context.Context) error {
	f := o.found
	plan := &Plan{want: o.want, seen: f}
	if o.want.Wheelhouse == "" || o.want.State == Absent || !o.want.takesNewest() && plan.whyBuild() == "" {
		return nil
	}
	contents := pipx.Contents{Files: o.want.wheels}
	if !o.want.onController() {
		var err error
		if contents, err = o.lookInto(ctx, plan); err != nil {
			return err
		}
	}
	if newest := o.want.Version.NewestIn(contents.Files); f.Current != nil && o.want.takesNewest() && isAfter(newest, f.Current.PatroniVersion) {
		f.Index.Newest = newest
	}
	if plan.whyBuild() == "" {
		return nil
	}
	if o.want.onController() && o.mayRefresh {
		return ErrOnController
	}
	return o.refuseWheelhouse(contents)
}

// lookInto looks as the user, who is to install from it. It writes nothing.
func (o *observer) lookInto(ctx context.Context, plan *Plan) (pipx.Contents, error) {
	if o.want.Python == "" && o.found.Python == "" {
		return pipx.Contents{}, nil // Python comes with the prerequisites; pip will tell what it lacks
	}
	source := pipx.Wheelhouse{Dir: o.want.Wheelhouse}
	if o.want.archive != "" {
		archive, err := o.host.FS.Open(o.want.archive)
		if err != nil {
			return pipx.Contents{}, fmt.Errorf("cannot use wheelhouse %s: %w", o.want.Wheelhouse, err)
		}
		defer archive.Close() //nolint:errcheck // read only
		source = pipx.Wheelhouse{Archive: archive}
	}
	ns, err := o.open(o.host.FS, nil)
	if err != nil {
		return pipx.Contents{}, err
	}
	defer ns.Close()
	requirements := []string{plan.requirement()}
	if plan.bringsPipx() {
		requirements = append(requirements, "pipx")
	}
	if plan.bringsUV() {
		requirements = append(requirements, "uv")
	}
	build := o.want.pipxBuild(o.found.Layout, "/")
	out, err := ns.Run(ctx, build.Look(source, requirements...))
	var failed *host.CommandError
	if errors.As(err, &failed) && failed.Cause == nil {
		lines := strings.Split(strings.TrimSpace(failed.Stderr), "\n")
		return pipx.Contents{}, fmt.Errorf("cannot look into wheelhouse %s as user %s: %s; make it readable for this user, "+
			"or pack it into a tar archive, which root reads", o.want.Wheelhouse, o.found.User.Name, lines[len(lines)-1])
	}
	return pipx.ReadContents(out), err
}

// refuseWheelhouse refuses one that a build cannot do with.
func (o *observer) refuseWheelhouse(c pipx.Contents) error {
	name := o.want.Wheelhouse
	if len(c.Damaged) > 0 {
		return fmt.Errorf("cannot use wheelhouse %s: these files in it are no wheels, or are damaged: %s", name, strings.Join(c.Damaged, ", "))
	}
	if len(c.Missing) > 0 {
		return fmt.Errorf("cannot build Patroni from wheelhouse %s: for %s of this host it lacks %s; build it on a host of the same "+
			"platform (playbook pgedge.platform.wheelhouse)", name, cmp.Or(o.want.Python, "Python "+o.found.Python), strings.Join(c.Missing, ", "))
	}
	return nil
}

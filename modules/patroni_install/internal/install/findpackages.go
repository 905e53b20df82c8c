package install

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
)

// findPackages finds out what is missing of what the method needs.
func (o *observer) findPackages(ctx context.Context, n needs) error {
	v := o.seen
	if len(n.names)+len(n.build) == 0 {
		return nil
	}
	if v.Family.Manager == "" {
		return unknownFamily(v.Release)
	}
	installed, missing, err := o.packageManager().Installed(ctx, n.names)
	if v.Packaged && v.Installed != nil {
		v.Installed.note(installed)
	}
	if err == nil && len(n.build) > 0 {
		_, v.Packages.Borrow, err = o.packageManager().Installed(ctx, n.build)
	}
	if err != nil || len(missing)+len(v.Packages.Borrow) == 0 {
		return err
	}
	if len(missing) > 0 && !o.want.InstallPrerequisites {
		return fmt.Errorf("cannot %s Patroni: %s missing, and install_prerequisites is false; "+
			"install with: %s %s", o.want.verb(), isAre(missing), v.Family.Install, strings.Join(missing, " "))
	}
	v.Packages.Missing, v.Packages.Alternatives = missing, n.alternatives
	o.warnUntried()
	if o.pending {
		v.Packages.Unknown = true // the package manager itself may be in the middle of it
		return nil
	}
	return o.simulate(ctx)
}

// simulate finds the exact set to add, refreshing the package lists once where they know too little.
func (o *observer) simulate(ctx context.Context) error {
	v := o.seen
	err := o.packageManager().Ready(ctx)
	if _, locked := errors.AsType[*pkgmgr.LockError](err); locked {
		return fmt.Errorf("%w; wait for it to end, or raise lock_timeout", err)
	}
	if err == nil {
		err = o.sets(ctx)
	}
	var unknown *pkgmgr.UnknownPackageError
	switch {
	case errors.Is(err, pkgmgr.ErrWouldWrite):
		v.Packages.Unknown = true
		return nil
	case !errors.As(err, &unknown), unknown.Kept:
		return err
	case o.mayRefresh:
		return o.simulateAgain(ctx)
	}
	v.Packages.Unknown = true
	v.warn("the package lists of this host do not know %s; a real run refreshes them first, so what it adds cannot be "+
		"predicted",
		strings.Join(unknown.Names, ", "))
	return nil
}

// sets finds both sets: what stays, and what is there for the build only. One package is of both
// where both need it, and then stays.
func (o *observer) sets(ctx context.Context) (err error) {
	p := &o.seen.Packages
	if len(p.Missing) > 0 {
		p.Add, err = o.packageManager().Simulate(ctx, p.Missing)
		err = o.alternativeSets(ctx, err)
	}
	if err != nil || len(p.Borrow) == 0 {
		return err
	}
	all, err := o.packageManager().Simulate(ctx, slices.Concat(p.Missing, p.Borrow))
	for _, q := range all {
		if !slices.Contains(p.Add, q) {
			p.Lent = append(p.Lent, q)
		}
	}
	return err
}

// simulateAgain refreshes the package lists, which are no part of the transaction. One source of
// several may be down without harm, so that its error counts only where the packages stay unknown.
func (o *observer) simulateAgain(ctx context.Context) (err error) {
	o.host.Progress("refreshing the package lists")
	refreshed := o.packageManager().Refresh(ctx)
	if err = o.sets(ctx); err != nil {
		if refreshed != nil {
			return fmt.Errorf("%w: %w", err, refreshed)
		}
		return err
	}
	return nil
}

// alternativeSets asks for the alternatives if no list offers those that are missing. err is what came of asking for
// these.
func (o *observer) alternativeSets(ctx context.Context, err error) error {
	p := &o.seen.Packages
	var all []string
	for _, names := range p.Alternatives {
		var unknown *pkgmgr.UnknownPackageError
		if !errors.As(err, &unknown) {
			return err
		}
		all = append(all, unknown.Names...)
		_, missing, failed := o.packageManager().Installed(ctx, names)
		if failed != nil {
			return failed
		}
		var add []pkgmgr.Package
		if add, err = o.packageManager().Simulate(ctx, missing); err == nil {
			p.Missing, p.Add, p.Alternatives = missing, add, nil
		}
	}
	if unknown, ok := errors.AsType[*pkgmgr.UnknownPackageError](err); ok {
		all = append(all, unknown.Names...)
		return &pkgmgr.UnknownPackageError{Names: all, Hint: unknown.Hint, Kept: unknown.Kept}
	}
	return err
}

// warnUntried says that nobody has tried this release.
func (o *observer) warnUntried() {
	r, family := o.seen.Release, o.seen.Family
	major, _, _ := strings.Cut(r.Version, ".")
	if family.Name == "" || slices.Contains(family.Tried[r.ID], major) {
		return
	}
	o.seen.warn("%s is not among the releases this was tested on (%s); it is treated as of the family %s",
		r.Name, triedReleases(), family.Name)
}

// triedReleases names the releases that the tests install on.
func triedReleases() string {
	var names []string
	for _, family := range families() {
		for _, id := range sortedKeys(family.Tried) {
			names = append(names, strings.ToUpper(id[:1])+id[1:]+" "+strings.Join(family.Tried[id], ", "))
		}
	}
	return strings.Join(names, ", ")
}

func isAre(names []string) string {
	if len(names) == 1 {
		return "the package " + names[0] + " is"
	}
	return "the packages " + strings.Join(names, ", ") + " are"
}

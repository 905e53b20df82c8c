package install

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
)

// Packages is what the operating system has to add before Patroni can be built.
type Packages struct {
	Missing []string         // asked for and not installed
	Add     []pkgmgr.Package // the whole set that installing them adds
	Unknown bool             // the package lists do not know them, so Add is not known
}

// packages finds out what is missing. The no-op run starts no process: a pipx that is there is
// enough, unless packages were asked for by name.
func (o *observer) packages(ctx context.Context) error {
	f := o.found
	if o.want.State == Absent {
		return nil
	}
	names := o.want.Prerequisites
	builds := (&Plan{want: o.want, seen: f}).whyBuild() != ""
	if names == nil && f.Pipx == nil && builds {
		if names = f.Family.Prerequisites; names == nil {
			return unknownFamily(f.Release)
		}
	}
	if o.want.Prerequisites == nil && o.want.InstallPrerequisites && f.wantsRule() && !f.SELinux.Tools {
		names = append(slices.Clone(names), policyTools)
	}
	if len(names) == 0 {
		return nil
	}
	if f.Family.Manager == "" {
		return unknownFamily(f.Release)
	}
	_, missing, err := o.packageManager().Installed(ctx, names)
	if err != nil || len(missing) == 0 {
		return err
	}
	if !o.want.InstallPrerequisites {
		return fmt.Errorf("cannot build Patroni: %s missing, and install_prerequisites is false; "+
			"install with: %s %s", isAre(missing), f.Family.Install, strings.Join(missing, " "))
	}
	f.Packages.Missing = missing
	o.warnUntried()
	if o.pending {
		f.Packages.Unknown = true // the package manager itself may be in the middle of it
		return nil
	}
	return o.simulate(ctx)
}

// simulate finds the exact set to add, refreshing the package lists once where they know too little.
func (o *observer) simulate(ctx context.Context) error {
	f := o.found
	if err := o.packageManager().Wait(ctx); err != nil {
		return fmt.Errorf("%w; wait for it to end, or raise lock_timeout", err)
	}
	interrupted, err := o.packageManager().Interrupted(nil)
	if err != nil {
		return err
	}
	if len(interrupted) > 0 {
		return fmt.Errorf("cannot install packages: dpkg was interrupted earlier and left %s unfinished; finish that with: "+
			"dpkg --configure -a (it may restart services of these packages), then run this again",
			strings.Join(interrupted, ", "))
	}
	f.Packages.Add, err = o.packageManager().Simulate(ctx, f.Packages.Missing)
	var unknown *pkgmgr.UnknownPackageError
	switch {
	case errors.Is(err, pkgmgr.ErrWouldWrite):
		f.Packages.Unknown = true
		return nil
	case !errors.As(err, &unknown):
		return err
	case o.mayRefresh:
		return o.simulateAgain(ctx)
	}
	f.Packages.Unknown = true
	f.Warnings = append(f.Warnings, "the package lists of this host do not know "+strings.Join(unknown.Names, ", ")+
		"; a real run refreshes them first, so what it adds cannot be predicted")
	return nil
}

// simulateAgain refreshes the package lists, which are no part of the transaction. One source of
// several may be down without harm, so that its error counts only where the packages stay unknown.
func (o *observer) simulateAgain(ctx context.Context) (err error) {
	o.host.Progress("refreshing the package lists")
	refreshed := o.packageManager().Refresh(ctx)
	if o.found.Packages.Add, err = o.packageManager().Simulate(ctx, o.found.Packages.Missing); err != nil {
		if refreshed != nil {
			return fmt.Errorf("%w: %w", err, refreshed)
		}
		return err
	}
	return nil
}

// warnUntried says that nobody has tried this release.
func (o *observer) warnUntried() {
	r, family := o.found.Release, o.found.Family
	major, _, _ := strings.Cut(r.Version, ".")
	if family.Name == "" || slices.Contains(family.Tried[r.ID], major) {
		return
	}
	o.found.Warnings = append(o.found.Warnings, fmt.Sprintf("%s is not among the releases this was tested on "+
		"(Debian 12, 13); it is treated as of the family %s", r.Name, family.Name))
}

func isAre(names []string) string {
	if len(names) == 1 {
		return "the package " + names[0] + " is"
	}
	return "the packages " + strings.Join(names, ", ") + " are"
}

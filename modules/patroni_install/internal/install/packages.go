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

// triedReleases are the releases that the tests install on, by ID and VERSION_ID.
func triedReleases() map[string][]string {
	return map[string][]string{"debian": {"12", "13"}}
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
		names = []string{"pipx"}
	}
	if len(names) == 0 {
		return nil
	}
	if !f.Release.Is("debian", "ubuntu") {
		return o.unknownFamily()
	}
	_, missing, err := o.apt().Installed(names)
	if err != nil || len(missing) == 0 {
		return err
	}
	if !o.want.InstallPrerequisites {
		return fmt.Errorf("cannot build Patroni: %s missing, and install_prerequisites is false; "+
			"install with: apt-get install --no-install-recommends %s", isAre(missing), strings.Join(missing, " "))
	}
	f.Packages.Missing = missing
	o.warnUntried()
	if o.pending {
		f.Packages.Unknown = true // dpkg itself may be in the middle of it
		return nil
	}
	return o.simulate(ctx)
}

// simulate finds the exact set to add, refreshing the package lists once where they know too little.
func (o *observer) simulate(ctx context.Context) error {
	f := o.found
	if err := o.apt().Wait(ctx); err != nil {
		return fmt.Errorf("%w; wait for it to end, or raise lock_timeout", err)
	}
	interrupted, err := o.apt().Interrupted(nil)
	if err != nil {
		return err
	}
	if len(interrupted) > 0 {
		return fmt.Errorf("cannot install packages: dpkg was interrupted earlier and left %s unfinished; finish that with: "+
			"dpkg --configure -a (it may restart services of these packages), then run this again",
			strings.Join(interrupted, ", "))
	}
	f.Packages.Add, err = o.apt().Simulate(ctx, f.Packages.Missing)
	var unknown *pkgmgr.UnknownPackageError
	switch {
	case !errors.As(err, &unknown):
		return err
	case o.mayRefresh:
		return o.simulateAgain(ctx)
	}
	f.Packages.Unknown = true
	f.Warnings = append(f.Warnings, "the package lists of this host do not know "+strings.Join(unknown.Names, ", ")+
		"; a real run refreshes them first (apt-get update), so what it adds cannot be predicted")
	return nil
}

// simulateAgain refreshes the package lists, which are no part of the transaction. One source of
// several may be down without harm, so that its error counts only where the packages stay unknown.
func (o *observer) simulateAgain(ctx context.Context) (err error) {
	o.host.Progress("refreshing the package lists")
	refreshed := o.apt().Refresh(ctx)
	if o.found.Packages.Add, err = o.apt().Simulate(ctx, o.found.Packages.Missing); err != nil {
		if refreshed != nil {
			return fmt.Errorf("%w: %w", err, refreshed)
		}
		return err
	}
	return nil
}

func (o *observer) unknownFamily() error {
	r := o.found.Release
	return fmt.Errorf("cannot install the prerequisites on %s: its ID %q and ID_LIKE %q are of no family known here "+
		"(debian, ubuntu); install pipx 1.0 or newer yourself and set prerequisites to an empty list",
		r.Name, r.ID, strings.Join(r.Like, " "))
}

func (o *observer) warnUntried() {
	r := o.found.Release
	if slices.Contains(triedReleases()[r.ID], r.Version) {
		return
	}
	o.found.Warnings = append(o.found.Warnings, fmt.Sprintf("%s is not among the releases this was tested on "+
		"(Debian 12, 13); it is treated as their family", r.Name))
}

func isAre(names []string) string {
	if len(names) == 1 {
		return "the package " + names[0] + " is"
	}
	return "the packages " + strings.Join(names, ", ") + " are"
}

package install

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// Packages is what the operating system has to add before Patroni can be built.
type Packages struct {
	Missing []string         // asked for and not installed
	Add     []pkgmgr.Package // the whole set that installing them adds
	Others  [][]string       // what else to ask for, where the package lists do not know Missing
	Unknown bool             // the package lists do not know them, so Add is not known
	Borrow  []string         // asked for while Patroni is built, and not installed
	Lent    []pkgmgr.Package // what installing them adds beside Add
}

// packages finds out what is missing. The no-op run starts no process: a pipx that is there is
// enough, unless packages were asked for by name.
func (o *observer) packages(ctx context.Context, builds bool) error {
	f := o.found
	names, build, err := o.packagesFor(builds)
	if err != nil || len(names)+len(build) == 0 {
		return err
	}
	if f.Family.Manager == "" {
		return unknownFamily(f.Release)
	}
	installed, missing, err := o.packageManager().Installed(ctx, names)
	f.noteInstalled(installed)
	if err == nil && len(build) > 0 {
		_, f.Packages.Borrow, err = o.packageManager().Installed(ctx, build)
	}
	if err != nil || len(missing)+len(f.Packages.Borrow) == 0 {
		return err
	}
	if len(missing) > 0 && !o.want.InstallPrerequisites {
		return fmt.Errorf("cannot %s Patroni: %s missing, and install_prerequisites is false; "+
			"install with: %s %s", o.want.verb(), isAre(missing), f.Family.Install, strings.Join(missing, " "))
	}
	f.Packages.Missing = missing
	o.warnUntried()
	if o.pending {
		f.Packages.Unknown = true // the package manager itself may be in the middle of it
		return nil
	}
	return o.simulate(ctx)
}

// packagesFor names the packages that must be there, and those that must be while Patroni is built.
func (o *observer) packagesFor(builds bool) (names, build []string, err error) {
	f := o.found
	if o.want.State == Absent {
		return nil, nil, nil
	}
	if o.want.packaged() {
		names, f.Packages.Others, err = o.packageNames()
		return names, nil, err
	}
	names = o.want.Prerequisites
	if names == nil && f.Pipx == nil && builds {
		if names = f.Family.Prerequisites; names == nil {
			return nil, nil, unknownFamily(f.Release)
		}
	}
	if o.want.Prerequisites == nil && o.want.InstallPrerequisites && f.wantsRule() && !f.SELinux.Tools {
		names = append(slices.Clone(names), policyTools)
	}
	if builds && o.want.BuildDependencies {
		var run []string
		if build, run = f.Family.compiler(o.want); build == nil {
			return nil, nil, unknownCompiler(f.Release)
		}
		names = slices.Concat(names, run)
	}
	return names, build, nil
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
	err = o.sets(ctx)
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

// sets finds both sets: what stays, and what is there for the build only. One package is of both
// where both need it, and then stays.
func (o *observer) sets(ctx context.Context) (err error) {
	p := &o.found.Packages
	if len(p.Missing) > 0 {
		p.Add, err = o.packageManager().Simulate(ctx, p.Missing)
		err = o.otherSets(ctx, err)
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

// warnUntried says that nobody has tried this release.
func (o *observer) warnUntried() {
	r, family := o.found.Release, o.found.Family
	major, _, _ := strings.Cut(r.Version, ".")
	if family.Name == "" || slices.Contains(family.Tried[r.ID], major) {
		return
	}
	o.found.Warnings = append(o.found.Warnings, fmt.Sprintf("%s is not among the releases this was tested on "+
		"(%s); it is treated as of the family %s", r.Name, triedReleases(), family.Name))
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

// archives is where the packages that stay are kept until nothing has to be undone any more.
func archives() string { return path.Join(StateDir, "archives") }

// borrowedArchives is the same for those that are there for the build only.
func borrowedArchives() string { return path.Join(StateDir, "borrowed") }

// packages adds what stays, and then what is there for the build only.
func (p *Plan) packages() []txn.Step {
	set := func(names []string, add []pkgmgr.Package, archives string) *step.Packages {
		return &step.Packages{
			Manager: p.seen.Family.Manager, Names: names, Add: add, Archives: archives,
			LockTimeout: p.want.LockTimeout, Env: proxies(p.want.Environ),
		}
	}
	var steps []txn.Step
	if found := p.seen.Packages; len(found.Missing) > 0 {
		steps = append(steps, set(found.Missing, found.Add, archives()))
	}
	if found := p.seen.Packages; len(found.Borrow) > 0 {
		borrowed := set(found.Borrow, found.Lent, borrowedArchives())
		borrowed.Borrowed = true
		steps = append(steps, borrowed)
	}
	return steps
}

// borrowed is the set of packages that is there for the build only, nil where none is needed.
func (p *Plan) borrowed() *step.Packages {
	for _, s := range p.Packages {
		if set, ok := s.(*step.Packages); ok && set.Borrowed {
			return set
		}
	}
	return nil
}

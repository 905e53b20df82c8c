package pkgmgr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// Remove implements [Manager]: it purges. The archives in dir tell where a killed
// installation of the set may have left files that dpkg does not know, and what Remember wrote there which packages had
// been removed and not purged: they go back to that, with the configuration that they had.
func (a apt) Remove(ctx context.Context, set []Package, dir string) (kept []Package, err error) {
	if err := a.refuseInterrupted(ctx, set); err != nil {
		return nil, err
	}
	db, err := readDatabase(a.Host.FS)
	if err != nil {
		return nil, err
	}
	old, begun, err := readBefore(a.Host.FS, dir)
	if err != nil {
		return nil, err
	}
	there := present(slices.DeleteFunc(db.find(set), func(m match) bool {
		return m.residual() && (!begun || isResidual(old, m.want))
	}))
	gone, kept, err := a.removable(ctx, there)
	if err == nil {
		err = a.removeOrPurge(ctx, gone, old)
	}
	if err == nil && begun {
		err = putBack(a.Host.FS, old, kept)
	}
	if err != nil {
		return kept, fmt.Errorf("cannot remove %s: %w", count(there), err)
	}
	gone = slices.DeleteFunc(slices.Clone(set), func(p Package) bool { return slices.Contains(kept, p) })
	return kept, a.tidy(ctx, gone, dir)
}

// present returns the packages that are there, at least in part, sorted.
func present(found []match) []Package {
	var there []Package
	for _, m := range found {
		if !m.absent() {
			there = append(there, m.want)
		}
	}
	sortPackages(there)
	return there
}

// removable splits there into what can go alone and what others need. The whole set nearly
// always can; only when it cannot is each package tried on top of those that can.
func (a apt) removable(ctx context.Context, there []Package) (purge, kept []Package, err error) {
	if len(there) == 0 {
		return nil, nil, nil
	}
	alone, err := a.goesAlone(ctx, there, there)
	if err != nil || alone {
		return there, nil, err
	}
	for _, p := range there {
		may := slices.DeleteFunc(slices.Clone(there), func(q Package) bool { return slices.Contains(kept, q) })
		alone, err := a.goesAlone(ctx, append(slices.Clone(purge), p), may)
		if err != nil {
			return nil, nil, err
		}
		if alone {
			purge = append(purge, p)
		} else {
			kept = append(kept, p)
		}
	}
	return purge, kept, nil
}

// goesAlone tells whether purging set touches no package but those of may.
func (a apt) goesAlone(ctx context.Context, set, may []Package) (bool, error) {
	cmd := a.command("apt-get", "-s", "-q", "purge", "--no-auto-remove")
	cmd.Argv = append(cmd.Argv, idents(set)...)
	out, err := a.Host.Run.Run(ctx, cmd)
	if err != nil {
		return false, err
	}
	for _, act := range parseActions(string(out.Stdout)) {
		ours := slices.ContainsFunc(may, func(p Package) bool {
			return p.Name == act.pkg.Name && (act.pkg.Arch == "" || act.pkg.Arch == p.Arch)
		})
		if act.verb == "Inst" || !ours {
			return false, nil
		}
	}
	return true, nil
}

// removeOrPurge removes those packages whose configuration was there before, and then purges the others: purge would
// take along all that depends on them.
func (a apt) removeOrPurge(ctx context.Context, set []Package, old []before) error {
	var residual, others []Package
	for _, p := range set {
		if isResidual(old, p) {
			residual = append(residual, p)
		} else {
			others = append(others, p)
		}
	}
	for _, part := range []struct {
		verb string
		set  []Package
	}{{"remove", residual}, {"purge", others}} {
		if len(part.set) == 0 {
			continue
		}
		if err := a.takeAway(ctx, part.verb, part.set, old); err != nil {
			return err
		}
	}
	return nil
}

// takeAway removes or purges a set. dpkg has the last word: a hook that fails after all are gone makes apt-get fail,
// too.
func (a apt) takeAway(ctx context.Context, verb string, set []Package, old []before) error {
	cmd := a.command("apt-get", "-qy", verb, "--no-auto-remove")
	cmd.Argv = append(cmd.Argv, idents(set)...)
	cmd.Detached = true
	_, failed := a.exclusive(ctx, cmd)
	if _, ran := errors.AsType[*host.CommandError](failed); failed != nil && !ran {
		return failed
	}
	db, err := readDatabase(a.Host.FS)
	if err != nil {
		return err
	}
	left := present(slices.DeleteFunc(db.find(set), func(m match) bool { return m.residual() && isResidual(old, m.want) }))
	switch {
	case len(left) == 0:
		return nil
	case failed != nil:
		return explain(failed)
	}
	return fmt.Errorf("dpkg still has %s", strings.Join(idents(left), ", "))
}

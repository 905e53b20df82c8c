package pkgmgr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// Remove implements [Manager]. What a killed rpm left beside its files is swept by Recover.
func (r *rpm) Remove(ctx context.Context, set []Package, dir string) (kept []Package, err error) {
	old, begun, err := readBefore(r.Host.FS, dir)
	if err != nil {
		return nil, err
	}
	there, err := r.present(ctx, set)
	if err != nil {
		return nil, err
	}
	var erase []Package
	if len(there) > 0 {
		erase, kept, err = r.removable(ctx, there)
	}
	if err == nil && len(erase) > 0 {
		err = r.erase(ctx, erase)
	}
	if err == nil && begun {
		err = putBack(r.Host.FS, old, kept)
	}
	if err != nil {
		return kept, fmt.Errorf("cannot remove %s: %w", count(there), explainBy(rpmCauses(), err))
	}
	return kept, nil
}

// removable splits there into what can go and what others need. The whole set nearly always can;
// only when it cannot is each package tried on top of those that can, until no more can.
func (r *rpm) removable(ctx context.Context, there []Package) (erase, kept []Package, err error) {
	alone, err := r.goesAlone(ctx, there)
	if err != nil || alone {
		return there, nil, err
	}
	kept = slices.Clone(there)
	for again := true; again; {
		again = false
		for _, p := range slices.Clone(kept) {
			alone, err := r.goesAlone(ctx, append(slices.Clone(erase), p))
			if err != nil {
				return nil, nil, err
			}
			if alone {
				erase, again = append(erase, p), true
				kept = difference(kept, []Package{p})
			}
		}
	}
	return erase, kept, nil
}

// goesAlone tells whether nothing that is installed needs a package of set.
func (r *rpm) goesAlone(ctx context.Context, set []Package) (bool, error) {
	cmd := r.change(append([]string{"--erase", "--test", "--allmatches"}, rpmNames(set)...)...)
	cmd.Detached = false
	_, err := r.locks.exclusive(ctx, cmd)
	if failed, ok := errors.AsType[*host.CommandError](err); ok && strings.Contains(failed.Stderr, "Failed dependencies") {
		return false, nil
	}
	return err == nil, err
}

func (r *rpm) erase(ctx context.Context, set []Package) error {
	cmd := r.change(append([]string{"--erase", "--allmatches"}, rpmNames(set)...)...)
	if _, err := r.locks.exclusive(ctx, cmd); err != nil {
		return err
	}
	left, err := r.present(ctx, set)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("rpm still has %s", left[0])
	}
	return nil
}

func rpmNames(set []Package) []string {
	var names []string
	for _, p := range set {
		names = append(names, rpmName(p))
	}
	return slices.Compact(names)
}

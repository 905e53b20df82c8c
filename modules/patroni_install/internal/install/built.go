package install

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/manifest"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
)

// manifest writes down what was built, while nobody but us can change it.
func (b *builder) manifest(out *Outcome) error {
	seen := b.plan.seen
	staged := seen.staged(seen.Layout.Venv())
	entries, err := manifest.Scan(b.host.FS, staged)
	if err != nil {
		return fmt.Errorf("cannot use what was built: %w", err)
	}
	tree := *out.Tree
	tree.Path = staged
	if err := tree.Sums(b.host.FS, entries); err != nil {
		return fmt.Errorf("cannot use what was built: %w", err)
	}
	out.Manifest, err = manifest.Encode(seen.tree(), entries)
	return err
}

// label labels what was built, before anybody sees it.
func (b *builder) label() error {
	if !b.plan.seen.SELinux.Enforcing {
		return nil
	}
	wrong, err := wrongLabels(b.host.FS, path.Join(b.plan.seen.staged(b.plan.seen.Layout.Venv()), "bin"))
	if err != nil {
		return err
	}
	for _, f := range wrong {
		if err := b.host.FS.SetLabel(f.Path, f.After); err != nil {
			return fmt.Errorf("cannot label what was built: %w", err)
		}
	}
	return nil
}

// outcome reads what the switch has to know of what was built, at its final place.
func (b *builder) outcome(ctx context.Context, ns Namespace) (Outcome, error) {
	out := Outcome{PipxVersion: b.program.Version, UserPipx: b.userPipx}
	seen := b.plan.seen
	err := ns.Do(ctx, func() (err error) {
		out.Tree, err = pipx.Inspect(b.host.FS, seen.Layout.Venv(), seen.User.UID)
		return err
	})
	if err != nil {
		return Outcome{}, fmt.Errorf("cannot inspect what was built: %w", err)
	}
	// A tree that could not be read knows no extras.
	if len(out.Tree.Problems) > 0 {
		return Outcome{}, fmt.Errorf("cannot use what was built: %s", strings.Join(out.Tree.Problems, "; "))
	}
	if err := out.Tree.CheckExtras(b.plan.want.Extras); err != nil {
		return Outcome{}, err
	}
	if lacks := out.Tree.MissingFor(b.plan.want.Extras); len(lacks) > 0 {
		return Outcome{}, fmt.Errorf("cannot use what was built: it lacks %s", strings.Join(lacks, ", "))
	}
	out.ID = out.Tree.Info.ID
	// Whatever started before now has started from the old tree.
	if err := b.host.FS.Touch(path.Join(seen.staged(seen.Layout.Venv()), pipx.MetadataFile)); err != nil {
		return Outcome{}, fmt.Errorf("cannot use what was built: %w", err)
	}
	if err := b.shared(&out); err != nil {
		return Outcome{}, err
	}
	if err := b.manifest(&out); err != nil { // of the tree as it will be shown
		return Outcome{}, err
	}
	return out, nil
}

package pkgmgr

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// Download implements [Manager]. dnf checks the archives by its own sums and keys.
func (d dnf) Download(ctx context.Context, set []Package, dir string) error {
	if len(set) == 0 {
		return nil
	}
	out, err := d.fetch(ctx, set, dir)
	if err != nil && strings.Contains(string(out.Stdout)+string(out.Stderr), "404") {
		refreshed := d.Refresh(ctx)
		if out, err = d.fetch(ctx, set, dir); err != nil {
			err = errors.Join(err, refreshed)
		}
	}
	if err != nil && len(noMatch(out)) > 0 {
		err = errors.Join(ErrChanged, err)
	}
	if err == nil {
		err = d.checkArchives(ctx, set, dir)
	}
	if err != nil {
		return fmt.Errorf("cannot download %s: %w", count(set), explainBy(dnfCauses(), err))
	}
	return nil
}

func (d dnf) fetch(ctx context.Context, set []Package, dir string) (host.Output, error) {
	// assumeno in dnf.conf would win over --assumeyes.
	cmd := d.command("install", "--setopt=assumeno=False", "--downloadonly", "--destdir="+d.Host.FS.Real(dir))
	for _, p := range set {
		cmd.Argv = append(cmd.Argv, nevra(p))
	}
	return d.locks.exclusive(ctx, cmd)
}

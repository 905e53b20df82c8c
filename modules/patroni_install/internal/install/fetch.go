package install

import (
	"context"
	"fmt"
	"os"
	"path"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// fetch brings everything that the build takes, and checks it.
func (b *builder) fetch(ctx context.Context, ns Namespace) error {
	if err := b.takeStock(ctx, ns); err != nil {
		return err
	}
	want, seen := b.plan.want, b.plan.seen
	scratch := path.Join(seen.stagedHome(), "scratch")
	if err := writeSources(b.host.FS, want, scratch, seen.User); err != nil {
		return fmt.Errorf("cannot stage the sources: %w", err)
	}
	var archive *os.File
	if want.archive != "" {
		var err error
		if archive, err = b.host.FS.Open(want.archive); err != nil {
			return fmt.Errorf("cannot use wheelhouse %s: %w", want.Wheelhouse, err)
		}
		defer archive.Close() //nolint:errcheck // read only
		attr := fsys.Attr{Mode: 0o755, UID: seen.User.UID, GID: seen.User.GID}
		if err := b.host.FS.Mkdir(path.Join(scratch, wheelsDir), attr); err != nil {
			return fmt.Errorf("cannot stage the wheelhouse: %w", err)
		}
	}
	out, err := b.runAll(ctx, ns, b.pipxBuild(b.program).Fetch(archive))
	if err != nil {
		return b.failure(ctx, ns, want.fetchesFrom(), out, err)
	}
	return nil
}

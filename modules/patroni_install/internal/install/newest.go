package install

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/mountns"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
)

// askTimeout bounds what asking the package index may take: pip tries five times.
const askTimeout = 2 * time.Minute

// asker asks on this host, as the user.
type asker struct {
	host *host.Host
	open func(*fsys.FS, []mountns.Bind) (Namespace, error)
	want *Desired
	seen *View
	// check goes on without an answer of the index.
	check bool
	// pending tells that an interrupted run is still to be undone or finished.
	pending bool
}

var _ Asker = (*asker)(nil)

// Index implements [Asker]. A check goes on without an answer.
func (a *asker) Index(ctx context.Context) (Answer, error) {
	if a.pending {
		return Answer{Unknown: true}, nil // what an interrupted run left of pip need not work
	}
	if err := refusePipFiles(a.want, a.seen); err != nil {
		return Answer{}, err
	}
	installed := a.seen.Installed.Version
	a.host.Progress("asking the package index for a version after " + installed)
	newest, err := a.newest(ctx, installed)
	if _, forbidden := errors.AsType[*mountns.ForbiddenError](err); forbidden {
		return Answer{}, err // which no build would do without
	}
	if err != nil && a.check {
		return Answer{Unknown: true, Warning: fmt.Sprintf("cannot tell whether there is a newer Patroni than %s: %v",
			installed, err)}, nil
	}
	if err != nil {
		return Answer{}, fmt.Errorf("cannot tell the newest Patroni: %w", err)
	}
	return Answer{Newest: newest}, nil
}

// newest runs pip as the user. The venvs are covered by a directory in memory, the only place that
// pip writes to: neither the disk nor the installation sees anything of it.
func (a *asker) newest(ctx context.Context, installed string) (string, error) {
	limit := min(askTimeout, a.want.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the package index did not answer within %s", limit))
	defer cancel()
	scratch := a.seen.venvs()
	ns, err := a.open(a.host.FS, []mountns.Bind{{Target: scratch, Owner: a.seen.User}})
	if err != nil {
		return "", err
	}
	defer ns.Close()
	if err := ns.Do(ctx, func() error { return writeSources(a.host.FS, a.want, scratch, a.seen.User) }); err != nil {
		return "", err
	}
	version, err := a.askFor(ctx, ns, a.want.Version.Newer(installed, a.want.Extras))
	if errors.Is(err, pipx.ErrUnclear) {
		version, err = a.askFor(ctx, ns, a.want.Version.Requirement(a.want.Extras))
	}
	if err != nil || !isAfter(version, installed) {
		return "", err
	}
	return version, nil
}

func (a *asker) askFor(ctx context.Context, ns Namespace, requirement string) (string, error) {
	build := a.want.pipxBuild(a.seen.Layout, a.seen.venvs())
	build.Requirement, build.PipFiles = requirement, a.seen.PipFiles
	out, err := ns.Run(ctx, build.Newest())
	var failed *host.CommandError
	if errors.As(err, &failed) && failed.Cause != nil {
		return "", failed.Cause
	}
	if ask, worthwhile := build.Ask(err, out.Stdout, out.Stderr); worthwhile {
		said, _ := ns.Run(ctx, ask)
		out.Stderr = slices.Concat(out.Stderr, said.Stdout, said.Stderr)
	}
	return build.ReadNewest(out, err)
}

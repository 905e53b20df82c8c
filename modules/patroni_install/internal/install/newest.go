package install

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/mountns"
	"github.com/pgedge/platform/modules/patroni_install/internal/pep440"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
)

// askTimeout bounds what asking the package index may take: pip tries five times.
const askTimeout = 2 * time.Minute

// Index is what the package index was asked.
type Index struct {
	Newest  string // the version after the installed one that it offers, "" when it has none or was not asked
	Unknown bool   // it should have been asked, and gave no answer
}

// newest asks the package index whether there is a version after the installed one, where the
// answer decides something. A check goes on without one.
func (o *observer) newest(ctx context.Context) error {
	f := o.found
	if !o.want.takesNewest() || o.want.Wheelhouse != "" || (&Plan{want: o.want, seen: f}).whyBuild() != "" {
		return nil
	}
	if o.pending {
		f.Index.Unknown = true // what an interrupted run left of pip need not work
		return nil
	}
	o.host.Progress("asking the package index for a version after " + f.Current.PatroniVersion)
	err := o.ask(ctx)
	if err != nil && !o.mayRefresh {
		f.Index.Unknown = true
		f.Warnings = append(f.Warnings, fmt.Sprintf("cannot tell whether there is a newer Patroni than %s: %v",
			f.Current.PatroniVersion, err))
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot tell the newest Patroni: %w", err)
	}
	return nil
}

// ask runs pip as the user. The venvs are covered by a directory in memory, the only place that
// pip writes to: neither the disk nor the installation sees anything of it.
func (o *observer) ask(ctx context.Context) error {
	limit := min(askTimeout, o.want.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the package index did not answer within %s", limit))
	defer cancel()
	f := o.found
	ns, err := o.open(o.host.FS, []mountns.Bind{{Target: f.venvs(), Owner: f.User}})
	if err != nil {
		return err
	}
	defer ns.Close()
	if err := ns.Do(ctx, func() error { return o.want.write(o.host.FS, f.venvs(), f.User) }); err != nil {
		return err
	}
	installed := f.Current.PatroniVersion
	version, err := o.askFor(ctx, ns, o.want.Version.Newer(installed, o.want.Extras))
	if errors.Is(err, pipx.ErrUnclear) {
		version, err = o.askFor(ctx, ns, o.want.Version.Requirement(o.want.Extras))
	}
	if err == nil && isAfter(version, installed) {
		f.Index.Newest = version
	}
	return err
}

func (o *observer) askFor(ctx context.Context, ns Namespace, requirement string) (string, error) {
	f := o.found
	build := o.want.pipxBuild(f.Layout, f.venvs())
	build.Requirement = requirement
	out, err := ns.Run(ctx, build.Newest())
	var failed *host.CommandError
	if errors.As(err, &failed) && failed.Cause != nil {
		return "", failed.Cause
	}
	if ask, worthwhile := build.Ask(err, out.Stdout, out.Stderr); worthwhile {
		said, _ := ns.Run(ctx, ask)
		out.Stderr = slices.Concat(out.Stderr, said.Stdout, said.Stderr)
	}
	return pipx.ReadNewest(out, err)
}

// isAfter tells whether a version comes after the one that is installed.
func isAfter(version, installed string) bool {
	offered, err := pep440.Parse(version)
	if err != nil {
		return false // none
	}
	have, err := pep440.Parse(installed)
	return err != nil || offered.Compare(have) > 0
}

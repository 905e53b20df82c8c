package install

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
)

// Wheels implements [Asker]. Nothing is staged yet.
func (a *asker) Wheels(ctx context.Context, all []wanted) (pipx.Contents, error) {
	bySystem := slices.ContainsFunc(all, func(one wanted) bool { return one.python == systemPython })
	if bySystem && a.seen.Python == "" {
		return pipx.Contents{Unknown: true}, nil // Python comes with the prerequisites
	}
	ns, err := a.open(a.host.FS, nil)
	if err != nil {
		return pipx.Contents{}, err
	}
	defer ns.Close()
	s := stock{host: a.host, want: a.want, layout: a.seen.Layout}
	return s.take(ctx, ns, all)
}

// takeStock does so again when the prerequisites are there, if nothing knew before what fits.
func (b *builder) takeStock(ctx context.Context, ns Namespace) error {
	if !b.plan.Unlooked() {
		return nil
	}
	s := stock{host: b.host, want: b.plan.want, layout: b.plan.seen.Layout}
	contents, err := s.take(ctx, ns, wantedOf(b.plan.want, b.plan.seen, b.plan.Requirement))
	if err != nil {
		return err
	}
	return b.plan.refuseWheelhouse(contents)
}

// stock is taken of a wheelhouse, as the user, who is to install from it. That writes nothing.
type stock struct {
	host   *host.Host
	want   *Desired
	layout Layout
}

// take lets each interpreter look that takes anything out of the wheelhouse.
func (s stock) take(ctx context.Context, ns Namespace, wanted []wanted) (pipx.Contents, error) {
	var all pipx.Contents
	for i, one := range wanted {
		c, err := s.takeBy(ctx, ns, one)
		if err != nil {
			return pipx.Contents{}, err
		}
		if i == 0 {
			all.Files, all.Damaged, all.Newest, all.Unknown, all.Again = c.Files, c.Damaged, c.Newest, c.Unknown, c.Again
		}
		if len(c.Unlocked) > 0 {
			all.Unlocked = append(all.Unlocked, fmt.Sprintf("for %s of this host it does not hold %s",
				interpreter(s.host.FS, one.python), strings.Join(c.Unlocked, ", ")))
		}
		if len(c.Missing) > 0 {
			all.Missing = append(all.Missing, fmt.Sprintf("for %s of this host it lacks %s; %s",
				interpreter(s.host.FS, one.python), strings.Join(c.Missing, ", "), one.remedy))
		}
	}
	return all, nil
}

// interpreter names an interpreter for people.
func interpreter(files *fsys.FS, python string) string {
	if version := pipx.PythonVersion(files, python); python == systemPython && version != "" {
		return "Python " + version
	}
	return python
}

// stockTimeout bounds a look into a wheelhouse, which only reads names and metadata.
const stockTimeout = 2 * time.Minute

func (s stock) takeBy(ctx context.Context, ns Namespace, one wanted) (pipx.Contents, error) {
	source := pipx.Wheelhouse{Dir: s.want.Wheelhouse}
	if s.want.archive != "" {
		archive, err := s.host.FS.Open(s.want.archive)
		if err != nil {
			return pipx.Contents{}, fmt.Errorf("cannot use wheelhouse %s: %w", s.want.Wheelhouse, err)
		}
		defer archive.Close() //nolint:errcheck // read only
		source = pipx.Wheelhouse{Archive: archive}
	}
	build := s.want.pipxBuild(s.layout, "/")
	build.Python = one.python
	limit := min(stockTimeout, s.want.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("that did not end within %s", limit))
	defer cancel()
	out, err := ns.Run(ctx, build.Look(source, one.needs))
	if err != nil && ctx.Err() != nil {
		return pipx.Contents{}, fmt.Errorf("cannot look into wheelhouse %s as user %s: %w; see what that user runs (ps "+
			"-u %[2]s), which can stop it, and its pip in %[4]s, which it looks with",
			s.want.Wheelhouse, s.layout.User.Name, stopped(ctx, err), s.layout.Shared())
	}
	var failed *host.CommandError
	if errors.As(err, &failed) && failed.Cause == nil {
		lines := strings.Split(strings.TrimSpace(failed.Stderr), "\n")
		advice := "make it readable for this user, or pack it into a tar archive, which root reads"
		if source.Archive != nil {
			advice = "it is to be a whole tar archive of packages: pack it, or copy it, again"
		}
		return pipx.Contents{}, fmt.Errorf("cannot look into wheelhouse %s as user %s: %s; %s",
			s.want.Wheelhouse, s.layout.User.Name,
			lines[len(lines)-1], advice)
	}
	return pipx.ReadContents(out), err
}

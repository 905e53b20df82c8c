package install

import (
	"cmp"
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

// findArchive returns the archive of packages, "" if they are in a directory.
func findArchive(files *fsys.FS, s Sources) (string, error) {
	name := cmp.Or(s.brought, s.Wheelhouse)
	target, err := files.Resolve(name)
	if err != nil {
		return "", fmt.Errorf("cannot use wheelhouse %s: %w", s.Wheelhouse, err)
	}
	info, err := files.Lstat(target)
	switch {
	case err != nil:
		return "", fmt.Errorf("cannot use wheelhouse %s: %w", s.Wheelhouse, err)
	case info.Type == fsys.File:
		return target, nil
	case info.Type == fsys.Directory:
		return "", nil
	}
	return "", fmt.Errorf("cannot use wheelhouse %s: it is a %s, neither a directory nor a tar archive", s.Wheelhouse, info.Type)
}

// ErrOnController reports that a build needs the packages of a wheelhouse which is on the controller.
var ErrOnController = errors.New("the packages of the wheelhouse are needed on this host")

// refuseSources refuses a wheelhouse that is not here yet, or that lacks what the build takes. A check does not need it
// here.
func (p *Plan) refuseSources(check bool) error {
	switch {
	case p.Wheels == nil:
		return nil
	case p.want.onController() && !check:
		return ErrOnController
	}
	return p.refuseWheelhouse(*p.Wheels)
}

// newestIn is the newest version of Patroni that can be installed, as far as that is known: names
// alone do not tell which Python a wheel is for.
func newestIn(want *Desired, c pipx.Contents) string {
	if c.Unknown {
		return want.Version.Bound(want.constraints).NewestIn(c.Files)
	}
	return c.Newest
}

// wanted is what one interpreter is to find in a wheelhouse.
type wanted struct {
	python string
	needs  pipx.Needs
	remedy string // what to do if it finds too little
}

// What to do about a wheelhouse that lacks something.
const (
	buildWheelhouse = "build it on a host of the same platform (playbook pgedge.platform.wheelhouse)"
	// The playbook builds for one interpreter.
	addPipx = "pipx is installed by that interpreter, not by option python: add its wheels (" + systemPython +
		" -m pip wheel pipx), or install a pipx for all users"
)

// wantedOf is what a build of that takes. pipx is for the system's interpreter, whatever the venv's is.
func wantedOf(want *Desired, seen *View, requirement string) []wanted {
	python, lock := cmp.Or(want.Python, systemPython), want.Lock
	// All that is locked is fetched, whether it is needed or not.
	needs := pipx.Needs{
		Requirements: append([]string{requirement}, lock.Requirements()...), Lock: lock, Constraints: want.constraints,
		Tools: seen.Pipx == nil || !takesUV(want, seen, *seen.Pipx),
	}
	if lacksPipx(seen) && python == systemPython {
		needs.Requirements = append(needs.Requirements, "pipx")
	}
	all := []wanted{{python, needs, buildWheelhouse}}
	if lacksPipx(seen) && python != systemPython {
		needs := pipx.Needs{Lock: lock, Constraints: want.constraints}
		needs.Requirements = append([]string{"pipx"}, lock.Pipx().Requirements()...)
		all = append(all, wanted{systemPython, needs, addPipx})
	}
	return all
}

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

// stockTimeout bounds a look into a wheelhouse, of which only names and metadata are read.
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
			"-u %[2]s), which can stop it, and its pip in %[4]s, by which it looks",
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

// lacksKept returns the version of the installation where a rebuild keeps it and the wheelhouse has others
// only, else "".
func (p *Plan) lacksKept(c pipx.Contents) string {
	kept := p.Kept
	spec, err := pipx.ParseSpec("==" + kept)
	_, exact := p.want.Version.Exact()
	if err != nil || exact || c.Unknown || spec.NewestIn(c.Files) != "" || p.want.Version.NewestIn(c.Files) == "" {
		return ""
	}
	return kept
}

// refuseWheelhouse refuses one that a build cannot do with.
func (p *Plan) refuseWheelhouse(c pipx.Contents) error {
	name := p.want.Wheelhouse
	if len(c.Damaged) > 0 {
		return fmt.Errorf("cannot use wheelhouse %s: these files in it are no wheels, or are damaged: %s", name, strings.Join(c.Damaged, ", "))
	}
	if len(c.Unlocked) > 0 {
		return fmt.Errorf("cannot build Patroni with lockfile %s: %s; lock what is asked for, extras included, with hashes for all that it "+
			"needs, or leave lockfile unset (in the role: patroni_lockfile)", p.want.Lockfile, strings.Join(c.Unlocked, "; "))
	}
	if kept := p.lacksKept(c); kept != "" {
		return fmt.Errorf("cannot rebuild Patroni %s from wheelhouse %s, which has other versions only, %s being the newest, and a rebuild "+
			"keeps the version unless another one is asked for; set version to one that it has, or state to latest "+
			"(in the role: patroni_version, patroni_state)", kept, name, p.want.Version.NewestIn(c.Files))
	}
	if len(c.Missing) > 0 {
		return fmt.Errorf("cannot build Patroni from wheelhouse %s: %s", name, strings.Join(c.Missing, "; "))
	}
	return nil
}

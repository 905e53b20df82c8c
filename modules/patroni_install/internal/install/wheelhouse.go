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

// findArchive returns the archive of packages, "" where they are in a directory.
func (s Sources) findArchive(files *fsys.FS) (string, error) {
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

// wheelhouse looks what is in a wheelhouse, where that decides something, and refuses one that
// lacks what the build takes.
func (o *observer) wheelhouse(ctx context.Context) error {
	f := o.found
	plan := &Plan{want: o.want, seen: f}
	if o.want.Wheelhouse == "" || o.want.State == Absent || !o.want.takesNewest() && plan.whyBuild() == "" {
		return nil
	}
	contents := pipx.Contents{Files: o.want.wheels, Unknown: true}
	if !o.want.onController() {
		var err error
		if contents, err = o.lookInto(ctx, plan); err != nil {
			return err
		}
		f.Unlooked = contents.Unknown || contents.Again
	}
	if newest := o.newestIn(contents); f.Current != nil && o.want.takesNewest() && isAfter(newest, f.Current.PatroniVersion) {
		f.Index.Newest = newest
	}
	if plan.whyBuild() == "" {
		return nil
	}
	if o.want.onController() && o.mayRefresh {
		return ErrOnController
	}
	if o.want.onController() {
		f.Warnings = append(f.Warnings, fmt.Sprintf("wheelhouse %s is on the controller, and check mode does not bring it here: whether it has "+
			"all that the build takes on this host is not known before a real run, which changes nothing where it has not", o.want.Wheelhouse))
	}
	return plan.refuseWheelhouse(contents)
}

// lookInto looks where nothing is staged yet.
func (o *observer) lookInto(ctx context.Context, plan *Plan) (pipx.Contents, error) {
	bySystem := slices.ContainsFunc(plan.looks(), func(one look) bool { return one.python == systemPython })
	if bySystem && o.found.Python == "" {
		return pipx.Contents{Unknown: true}, nil // Python comes with the prerequisites
	}
	ns, err := o.open(o.host.FS, nil)
	if err != nil {
		return pipx.Contents{}, err
	}
	defer ns.Close()
	return plan.lookInto(ctx, o.host, ns)
}

// lookAgain looks when the prerequisites are there, where nothing knew before what fits.
func (b *builder) lookAgain(ctx context.Context, ns Namespace) error {
	if !b.plan.seen.Unlooked {
		return nil
	}
	contents, err := b.plan.lookInto(ctx, b.host, ns)
	if err != nil {
		return err
	}
	return b.plan.refuseWheelhouse(contents)
}

// newestIn is the newest version of Patroni that can be installed, as far as that is known: names
// alone do not tell which Python a wheel is for.
func (o *observer) newestIn(c pipx.Contents) string {
	if c.Unknown {
		return o.want.Version.Bound(o.want.constraints).NewestIn(c.Files)
	}
	return c.Newest
}

// look is what one interpreter is to find in a wheelhouse.
type look struct {
	python string
	needs  pipx.Needs
	remedy string // what to do where it finds too little
}

// What to do about a wheelhouse that lacks something.
const (
	buildWheelhouse = "build it on a host of the same platform (playbook pgedge.platform.wheelhouse)"
	// The playbook builds for one interpreter.
	addPipx = "pipx is installed by that interpreter, not by option python: add its wheels (" + systemPython +
		" -m pip wheel pipx), or install a pipx for all users"
)

// looks are those of a build. pipx is for the system's interpreter, whatever the venv's is.
func (p *Plan) looks() []look {
	python, lock := cmp.Or(p.want.Python, systemPython), p.want.Lock
	// All that is locked is fetched, whether it is needed or not.
	needs := pipx.Needs{
		Requirements: append([]string{p.requirement()}, lock.Requirements()...),
		Lock:         lock, Constraints: p.want.constraints, Tools: p.seen.Pipx == nil || !p.takesUV(*p.seen.Pipx),
	}
	if p.bringsPipx() && python == systemPython {
		needs.Requirements = append(needs.Requirements, "pipx")
	}
	looks := []look{{python, needs, buildWheelhouse}}
	if p.bringsPipx() && python != systemPython {
		needs := pipx.Needs{Requirements: append([]string{"pipx"}, lock.Pipx().Requirements()...), Lock: lock, Constraints: p.want.constraints}
		looks = append(looks, look{systemPython, needs, addPipx})
	}
	return looks
}

// lookInto lets each interpreter look that takes anything out of the wheelhouse.
func (p *Plan) lookInto(ctx context.Context, h *host.Host, ns Namespace) (pipx.Contents, error) {
	var all pipx.Contents
	for i, one := range p.looks() {
		c, err := p.lookOnce(ctx, h, ns, one)
		if err != nil {
			return pipx.Contents{}, err
		}
		if i == 0 {
			all.Files, all.Damaged, all.Newest, all.Unknown, all.Again = c.Files, c.Damaged, c.Newest, c.Unknown, c.Again
		}
		if len(c.Unlocked) > 0 {
			all.Unlocked = append(all.Unlocked, fmt.Sprintf("for %s of this host it does not hold %s",
				interpreter(h.FS, one.python), strings.Join(c.Unlocked, ", ")))
		}
		if len(c.Missing) > 0 {
			all.Missing = append(all.Missing, fmt.Sprintf("for %s of this host it lacks %s; %s",
				interpreter(h.FS, one.python), strings.Join(c.Missing, ", "), one.remedy))
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

// lookTimeout bounds a look into a wheelhouse, of which only names and metadata are read.
const lookTimeout = 2 * time.Minute

// lookOnce looks as the user, who is to install from the wheelhouse. It writes nothing.
func (p *Plan) lookOnce(ctx context.Context, h *host.Host, ns Namespace, one look) (pipx.Contents, error) {
	source := pipx.Wheelhouse{Dir: p.want.Wheelhouse}
	if p.want.archive != "" {
		archive, err := h.FS.Open(p.want.archive)
		if err != nil {
			return pipx.Contents{}, fmt.Errorf("cannot use wheelhouse %s: %w", p.want.Wheelhouse, err)
		}
		defer archive.Close() //nolint:errcheck // read only
		source = pipx.Wheelhouse{Archive: archive}
	}
	build := p.want.pipxBuild(p.seen.Layout, "/")
	build.Python = one.python
	limit := min(lookTimeout, p.want.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("that did not end within %s", limit))
	defer cancel()
	out, err := ns.Run(ctx, build.Look(source, one.needs))
	if err != nil && ctx.Err() != nil {
		return pipx.Contents{}, fmt.Errorf("cannot look into wheelhouse %s as user %s: %w; see what that user runs (ps -u %[2]s), which can stop it, "+
			"and its pip in %[4]s, by which it looks", p.want.Wheelhouse, p.seen.User.Name, stopped(ctx, err), p.seen.Shared())
	}
	var failed *host.CommandError
	if errors.As(err, &failed) && failed.Cause == nil {
		lines := strings.Split(strings.TrimSpace(failed.Stderr), "\n")
		advice := "make it readable for this user, or pack it into a tar archive, which root reads"
		if source.Archive != nil {
			advice = "it is to be a whole tar archive of packages: pack it, or copy it, again"
		}
		return pipx.Contents{}, fmt.Errorf("cannot look into wheelhouse %s as user %s: %s; %s", p.want.Wheelhouse, p.seen.User.Name,
			lines[len(lines)-1], advice)
	}
	return pipx.ReadContents(out), err
}

// lacksKept returns the version of the installation where a rebuild keeps it and the wheelhouse has others
// only, else "".
func (p *Plan) lacksKept(c pipx.Contents) string {
	kept := p.kept()
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

package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
)

// realSite is a file in the staged directory of packages that leads Python on to the real one:
// pip then uses what the user has already, and so does pipx.
const realSite = "patroni_install.pth"

// stagedUserBase is where those in the namespace see the staged user base.
func (l Layout) stagedUserBase() string { return path.Join(l.Home, "scratch/user") }

// bringPipx lets pip install pipx, as the user, in a place that nobody sees yet.
func (b *builder) bringPipx(ctx context.Context, ns Namespace) (pipx.Program, error) {
	seen := b.plan.seen
	python := pipx.PythonVersion(b.host.FS, systemPython)
	if err := checkPython(python); err != nil {
		return pipx.Program{}, err
	}
	if err := b.makeUserSite(python); err != nil {
		return pipx.Program{}, fmt.Errorf("cannot stage pipx: %w", err)
	}
	build := b.pipxBuild(pipx.Program{Argv: []string{systemPython, "-m", "pipx"}})
	commands := build.BringPipx()
	last, from := len(commands)-1, b.plan.want.fetchesFrom()
	out, err := b.runAll(ctx, ns, commands[:last])
	if err == nil {
		from = b.plan.want.installsFrom()
		out, err = b.runAll(ctx, ns, commands[last:])
	}
	if err != nil {
		return pipx.Program{}, b.pipxFailure(ctx, from, out, err)
	}
	if b.userPipx, err = b.readUserPipx(python); err != nil {
		return pipx.Program{}, err
	}
	names, err := b.host.FS.ReadDir(pipx.UserSite(seen.stagedBase(), python))
	if err != nil {
		return pipx.Program{}, fmt.Errorf("cannot read the staged pipx: %w", err)
	}
	build.Version = pipx.Distributions(names)["pipx"]
	return build.Program, build.Check()
}

// pipxFailure explains why pip did not install pipx.
func (b *builder) pipxFailure(ctx context.Context, from pipx.Source, out host.Output, err error) error {
	failed := &BuildError{What: "install pipx for user " + b.plan.seen.User.Name, Err: err}
	if context.Cause(ctx) != nil {
		failed.Cause = fmt.Sprintf("it was stopped: %v", stopped(ctx, err))
		return failed
	}
	failed.Cause = from.Explain(err, out.Stdout, out.Stderr, b.pipxBuild(b.program).Told()).Text
	if from == pipx.Index {
		failed.Index = b.plan.want.IndexURL
	}
	return failed
}

func checkPython(version string) error {
	if version == "" {
		return fmt.Errorf("cannot install pipx: %s, whose real name should tell its version, is not there or is named "+
			"otherwise; install python3, or a pipx for all users", systemPython)
	}
	return pipx.CheckPython(version)
}

// makeUserSite makes the directory of packages that pip installs into.
func (b *builder) makeUserSite(python string) error {
	seen := b.plan.seen
	attr := fsys.Attr{Mode: 0o755, UID: seen.User.UID, GID: seen.User.GID}
	dir := seen.stagedBase()
	for name := range strings.SplitSeq(pipx.UserSite("", python), "/") {
		dir = path.Join(dir, name)
		if err := b.host.FS.Mkdir(dir, attr); err != nil {
			return err
		}
	}
	attr.Mode = 0o644
	return b.host.FS.WriteFile(path.Join(dir, realSite), []byte(pipx.UserSite(seen.userBase(), python)+"\n"), attr)
}

// readUserPipx finds out what there is to move into the user's environment, and refuses what would
// replace anything there.
func (b *builder) readUserPipx(python string) (*UserPipx, error) {
	seen := b.plan.seen
	site := pipx.UserSite(seen.stagedBase(), python)
	if err := b.host.FS.Remove(path.Join(site, realSite)); err != nil {
		return nil, fmt.Errorf("cannot read the staged pipx: %w", err)
	}
	added, err := b.distributions(site)
	if err != nil {
		return nil, err
	}
	there, err := b.distributions(pipx.UserSite(seen.userBase(), python))
	if err != nil {
		return nil, err
	}
	found := &UserPipx{}
	for _, name := range sortedKeys(added) {
		found.Text += name + " " + added[name] + "\n"
		if old, clash := there[name]; clash {
			return nil, b.refuseDistribution(name, added[name], old)
		}
	}
	found.Entries, err = b.graft("", pipx.UserSite("", python))
	return found, err
}

func (b *builder) refuseDistribution(name, wanted, old string) error {
	user := b.plan.seen.User.Name
	return fmt.Errorf("cannot install pipx for user %s: it needs %s %s, and %s %s is in the user's environment, which "+
		"may belong to other programs, so that it is not replaced; upgrade it (as %s: python3 -m pip install --user "+
		"--upgrade %s), or install a pipx for all users", user, name, wanted, name, old, user, name)
}

// distributions returns what is installed in a directory of packages, nothing if there is none.
func (b *builder) distributions(site string) (map[string]string, error) {
	names, err := b.host.FS.ReadDir(site)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read the user's packages: %w", err)
	}
	return pipx.Distributions(names), nil
}

// graft returns what is in the staged user base below rel and nowhere in the real one: whole
// directories if it can, single entries of directories that are in both. A package is never
// mixed with one that is there.
func (b *builder) graft(rel, site string) ([]step.Addition, error) {
	seen := b.plan.seen
	names, err := b.host.FS.ReadDir(path.Join(seen.stagedBase(), rel))
	if err != nil {
		return nil, fmt.Errorf("cannot read the staged pipx: %w", err)
	}
	var found []step.Addition
	for _, name := range names {
		rel := path.Join(rel, name)
		staged, err := b.host.FS.Lstat(path.Join(seen.stagedBase(), rel))
		if err != nil {
			return nil, fmt.Errorf("cannot read the staged pipx: %w", err)
		}
		there, err := b.host.FS.Lstat(path.Join(seen.userBase(), rel))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			found = append(found, step.Addition{Path: rel, ID: staged.ID})
			continue
		case err != nil:
			return nil, fmt.Errorf("cannot look at the user's environment: %w", err)
		case staged.Type != fsys.Directory || there.Type != fsys.Directory || path.Dir(rel) == site:
			return nil, fmt.Errorf("cannot install pipx for user %s: %s is there already and is not replaced; move it away, "+
				"or install a pipx for all users", seen.User.Name, path.Join(seen.userBase(), rel))
		}
		below, err := b.graft(rel, site)
		if err != nil {
			return nil, err
		}
		found = append(found, below...)
	}
	return found, nil
}

// tidyUserPipx drops the bytecode that Python left beside single modules while it built: it would
// be in the way of the user's own.
func (b *builder) tidyUserPipx() error {
	if b.userPipx == nil {
		return nil
	}
	site := pipx.UserSite(b.plan.seen.stagedBase(), pipx.PythonVersion(b.host.FS, systemPython))
	// The user can put one of root's there, since he can reach the stage while it is built.
	ours := func(found fsys.Info, _ func(fsys.Visit) error) error {
		if found.UID != b.plan.seen.User.UID {
			return fmt.Errorf("%s/__pycache__ belongs to user %d", site, found.UID)
		}
		return nil
	}
	if err := b.host.FS.RemoveTree(path.Join(site, "__pycache__"), ours); err != nil {
		return fmt.Errorf("cannot stage pipx: %w", err)
	}
	if err := b.host.FS.SyncTree(b.plan.seen.stagedBase()); err != nil {
		return fmt.Errorf("cannot make pipx durable: %w", err)
	}
	return nil
}

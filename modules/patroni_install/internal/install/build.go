package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/mountns"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// spaceNeeded is what a build takes on the file system of pipx's home, in bytes: the tree, the
// shared libraries and the downloads, 105 MB on Debian 12, and a reserve.
const spaceNeeded = 160 << 20

// systemdAnalyze is called by its path: it is started as root, and a search could find a program of the
// user's where bin_dir is a directory that every PATH has.
const systemdAnalyze = "/usr/bin/systemd-analyze"

// builder builds the tree in the stage, where it sees itself at its final place.
type builder struct {
	host *host.Host
	plan *Plan
	open func(*fsys.FS, []mountns.Bind) (Namespace, error)
	// undoEarly undoes a step of the running transaction.
	undoEarly func(context.Context, txn.Step) error
	took      []Took
	// program is the pipx that builds.
	program pipx.Program
	// userPipx is what pip made of pipx for the user, nil if there was one.
	userPipx *UserPipx
	warnings []string
}

// Took is how long a part of the work took.
type Took struct {
	Name, Path string
	Time       time.Duration
}

// build builds the tree, verifies it and makes it durable, and says what came out.
func (b *builder) build(ctx context.Context) (Outcome, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, b.plan.want.Timeout,
		fmt.Errorf("it took more than %s (option timeout)", b.plan.want.Timeout))
	defer cancel()
	var err error
	if b.program, err = b.findPipx(); err != nil {
		return Outcome{}, err
	}
	if err := b.tryRenames(); err != nil {
		return Outcome{}, err
	}
	ns, err := b.openStage()
	if err != nil {
		return Outcome{}, err
	}
	defer ns.Close()
	type job struct {
		name string
		do   func(context.Context, Namespace) error
	}
	jobs := []job{{"build", b.pipx}}
	if b.plan.borrowed() != nil {
		jobs = append(jobs, job{"removal of the packages for the build", b.giveBack})
	}
	for _, job := range append(jobs, job{"verify", b.verify}) {
		b.host.Progress(job.name + " of Patroni begins")
		start := time.Now()
		if err := job.do(ctx, ns); err != nil {
			return Outcome{}, err
		}
		b.took = append(b.took, Took{Name: job.name, Path: b.plan.seen.Layout.Venv(), Time: time.Since(start)})
	}
	out, err := b.outcome(ctx, ns)
	if err != nil {
		return Outcome{}, err
	}
	return b.copies(out)
}

// fill fills the stage with what the switch takes from there: what is built, or copies of what goes.
func (b *builder) fill(ctx context.Context) (Outcome, error) {
	switch {
	case b.plan.Builds():
		return b.build(ctx)
	case len(b.plan.Stage) > 0:
		return b.copies(Outcome{})
	}
	return Outcome{}, nil
}

// findPipx finds pipx, which may have come with the packages just installed. It is the zero one
// where pip is to bring it.
func (b *builder) findPipx() (pipx.Program, error) {
	user := b.plan.seen.User
	program, err := findPipx(b.host, user, pipx.PythonVersion(b.host.FS, systemPython))
	if errors.Is(err, fs.ErrNotExist) && b.plan.BringsPipx {
		return pipx.Program{}, nil
	}
	if err := refuseClosed(err, "install pipx for all users"); err != nil {
		return pipx.Program{}, err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return pipx.Program{}, fmt.Errorf("cannot build Patroni: there is no pipx on this host, also not after installing %s",
			strings.Join(b.plan.seen.Packages.Missing, ", "))
	}
	if err != nil {
		return pipx.Program{}, err
	}
	return program, program.Check()
}

// pipx fetches what the build takes and runs it, as the user.
func (b *builder) pipx(ctx context.Context, ns Namespace) error {
	if err := b.fetch(ctx, ns); err != nil {
		return err
	}
	if b.program.Argv == nil {
		var err error
		if b.program, err = b.bringPipx(ctx, ns); err == nil && b.plan.want.Installer != Auto {
			err = b.plan.seen.Installer.Check(b.program)
		}
		if err != nil {
			return err
		}
	}
	build := b.pipxBuild(b.program)
	out, err := b.runAll(ctx, ns, build.Install())
	if again, worthwhile := build.Retry(err, out.Stdout, out.Stderr); err != nil && worthwhile {
		b.host.Progress("the build failed; trying again with isolated build tools")
		out, err = b.runAll(ctx, ns, again.Install())
	}
	if err != nil {
		return b.failure(ctx, ns, b.plan.want.installsFrom(), out, err)
	}
	return ns.Check()
}

// failure explains a command of the build that failed, which had its packages from there.
func (b *builder) failure(ctx context.Context, ns Namespace, from pipx.Source, out host.Output, err error) error {
	if context.Cause(ctx) != nil {
		return &BuildError{Cause: fmt.Sprintf("it was stopped: %v", stopped(ctx, err)), Err: err}
	}
	texts := [][]byte{out.Stdout, out.Stderr, pipx.PipLog(b.host.FS, b.plan.seen.stagedHome()),
		b.pipxBuild(b.program).Told()}
	if ask, worthwhile := b.pipxBuild(b.program).Ask(err, texts...); worthwhile && from == pipx.Index {
		said, _ := ns.Run(ctx, ask)
		texts = append(texts, said.Stdout, said.Stderr)
	}
	failed := b.failed(ctx, from.Explain(err, texts...), err)
	if build, ok := errors.AsType[*BuildError](failed); ok && from != pipx.Index {
		build.Index = ""
	}
	return failed
}

// pipxBuild describes the build with a pipx.
func (b *builder) pipxBuild(program pipx.Program) pipx.Build {
	seen := b.plan.seen
	build := b.plan.want.pipxBuild(seen.Layout, path.Join(seen.Home, "scratch"))
	// pipx writes down nowhere where its links are, and ours are made after the build, by root. Another directory
	// over bin_dir would hide the pipx or the interpreter that may be in it.
	build.BinDir = path.Join(build.Scratch, "bin")
	build.Program, build.Requirement = program, b.plan.Requirement
	build.PipFiles, build.Installer = seen.PipFiles, installerOf(b.plan.want, seen, &program)
	if b.plan.BringsPipx {
		build.UserBase = seen.stagedUserBase()
	}
	return build
}

// runAll runs commands up to the first that fails, and returns what that printed.
func (b *builder) runAll(ctx context.Context, ns Namespace, commands []host.Command) (out host.Output, err error) {
	for _, cmd := range commands {
		b.host.Progress("running " + cmd.String())
		if out, err = ns.Run(ctx, cmd); err != nil {
			break
		}
	}
	return out, err
}

// verifyUnit lets systemd read the unit under its real name. It starts what the link in bin_dir will
// lead to, since systemd wants a program that is there. What it says of other units, which it loads on
// the way, is not our business.
func (b *builder) verifyUnit(ctx context.Context, ns Namespace) error {
	seen := b.plan.seen
	if !systemd.Running(b.host.FS.Real("/")) {
		return nil
	}
	name := path.Join(seen.Scratch, path.Base(seen.Unit))
	unit := seen.unit(*b.plan.want)
	unit.Exec = path.Join(seen.programs(), "patroni")
	if err := b.host.FS.WriteFile(name, unit.Render(), fsys.Attr{Mode: 0o644}); err != nil {
		return err
	}
	out, err := ns.Run(ctx, host.Command{Argv: []string{systemdAnalyze, "verify", "--man=no", b.host.FS.Real(name)},
		Env: host.SystemEnv()})
	var failed *host.CommandError
	if errors.As(err, &failed) && !strings.Contains(string(out.Stderr), path.Base(seen.Unit)) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot use the unit: %w", err)
	}
	return nil
}

// sync makes what is about to be switched survive a power cut.
func (b *builder) sync() error {
	for _, tree := range []string{b.plan.seen.Layout.Venv(), b.plan.seen.Shared()} {
		err := b.host.FS.SyncTree(b.plan.seen.staged(tree))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot make what was built durable: %w", err)
		}
	}
	return b.tidyUserPipx()
}

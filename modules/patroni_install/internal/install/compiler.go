package install

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// giveBack removes the packages that were there for the build. It comes before the trial of what was
// built, which shows that it works without them, and thus before anything becomes visible.
func (b *builder) giveBack(ctx context.Context, _ Namespace) error {
	err := b.undoEarly(ctx, b.plan.borrowed())
	if _, kept := errors.AsType[*txn.ConflictError](err); kept {
		b.warnings = append(b.warnings, fmt.Sprintf("packages that were installed for the build stay: %v", err))
		return nil
	}
	return err
}

// trialAdvice says what to do where a program that was built does not run.
func (b *builder) trialAdvice(err error) string {
	switch {
	case !pipx.LacksLibrary(err):
		return "what was built does not run: ask for another version, other extras or other constraints"
	case b.plan.borrowed() != nil:
		return "the library was removed with the packages for the build: install the package that has it, so that it stays"
	}
	return "install the OS package that has the library"
}

// failed is the error of a build that failed for that cause. If a compiler or headers are
// missing, it names the packages to install on this host.
func (b *builder) failed(ctx context.Context, cause pipx.Explanation, err error) error {
	want, seen := b.plan.want, b.plan.seen
	failed := &BuildError{Cause: cause.Text, Index: want.IndexURL, Err: err}
	build, _ := seen.Family.compiler(*want)
	if build == nil || !cause.NeedsCompiler {
		return failed
	}
	o := observer{host: b.host, want: want, seen: seen}
	_, missing, unknown := o.packageManager().Installed(ctx, build)
	if unknown != nil {
		return failed
	}
	advice := "install what it takes with: " + seen.Family.Install + " " + strings.Join(missing, " ") +
		"; or set build_dependencies (in the role: patroni_build_dependencies) to true, which removes it after the build"
	if len(missing) == 0 {
		advice = "the packages " + strings.Join(build, ", ") + " are there, so the output tells what else it takes"
	}
	failed.Cause = cause.WithCompiler(advice)
	return failed
}

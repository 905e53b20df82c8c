// Package install knows what an installation of Patroni is: what can be asked for (Desired), how
// to look at a host (View), and what has to be done (Plan).
//
// The data goes one way: options → Desired; host → View; both → Decision, which may ask; all three → Plan, a pure
// function; Plan → transaction → Report. Each visible thing of an installation is a Part, which looks, refuses and
// gives steps. Check mode stops after the plan. Whether something changes, the diff and
// the report are all read off the same plan.
package install

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/mountns"
	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// settleTimeout bounds what systemd may take to read its units, which comes after the commit or in
// an undo, where a signal does not stop us.
const settleTimeout = 90 * time.Second

// Installer brings one host to a desired state.
type Installer struct {
	Host     *host.Host
	Services Services
	Want     Desired
	// Namespace opens the namespace of the build: mountns.Open.
	Namespace func(*fsys.FS, []mountns.Bind) (Namespace, error)
	// TryNamespace tells whether that is allowed: mountns.Try.
	TryNamespace func(*fsys.FS) error
}

// Run makes the host as desired and reports what that took. After an error the host is as it
// was, unless the error says otherwise.
func (i *Installer) Run(ctx context.Context) (*Report, error) {
	report, err := i.run(ctx)
	return report, i.advise(err)
}

func (i *Installer) run(ctx context.Context) (_ *Report, err error) {
	lock, err := txn.Acquire(ctx, i.Host, StateDir, i.Want.LockTimeout)
	if err != nil {
		return nil, err
	}
	defer lock.Release() //nolint:errcheck // a directory that could not be removed is no failure
	t := i.transaction()
	recovery, err := t.Recover(ctx)
	if err != nil {
		return nil, err
	}
	report, err := i.attempt(ctx, t, recovery)
	if errors.Is(err, pkgmgr.ErrChanged) {
		// That was undone, and with the lists that are there by now the plan is another one.
		report, err = i.attempt(ctx, t, recovery)
	}
	if err != nil {
		return nil, afterRecovery(recovery, err)
	}
	if err := i.catchUp(ctx, report); err != nil {
		return nil, err
	}
	if i.Want.State == Absent {
		lock.Disown()
	}
	i.refresh(ctx, report)
	return report, nil
}

// attempt plans and applies.
func (i *Installer) attempt(ctx context.Context, t *txn.Transaction, recovery txn.Recovery) (*Report, error) {
	plan, err := i.plan(ctx, &observer{mayRefresh: true})
	if err != nil {
		return nil, err
	}
	done, err := i.apply(ctx, t, plan)
	if err != nil {
		return nil, err
	}
	return newReport(done, recovery), nil
}

// afterRecovery adds to an error what was done about an earlier run.
func afterRecovery(recovery txn.Recovery, err error) error {
	if recovery == txn.NothingPending {
		return err
	}
	return fmt.Errorf("%w (an earlier run was interrupted; its changes were %s first)", err, recovery)
}

// Recover undoes or finishes what an interrupted run left, and does nothing else.
func (i *Installer) Recover(ctx context.Context) (txn.Recovery, error) {
	lock, err := txn.Acquire(ctx, i.Host, StateDir, i.Want.LockTimeout)
	if err != nil {
		return txn.NothingPending, err
	}
	recovery, err := i.transaction().Recover(ctx)
	return recovery, i.advise(errors.Join(err, lock.Release()))
}

// Check reports what Run would do. It writes nothing at all.
func (i *Installer) Check(ctx context.Context) (*Report, error) {
	report, err := i.check(ctx)
	return report, i.advise(err)
}

func (i *Installer) check(ctx context.Context) (*Report, error) {
	if err := txn.CheckDir(i.Host, StateDir); err != nil {
		return nil, err
	}
	pending, err := i.transaction().Pending()
	if err != nil {
		return nil, err
	}
	plan, err := i.plan(ctx, &observer{pending: pending != txn.NothingPending})
	if err != nil {
		return nil, err
	}
	report := newReport(result{plan: plan}, txn.NothingPending)
	return report, report.predict(pending, txn.Busy(i.Host, StateDir))
}

func (i *Installer) transaction() *txn.Transaction {
	return &txn.Transaction{Host: i.Host, Dir: StateDir, Kinds: step.Kinds(), Settle: i.settle}
}

// plan reads what the options name, and says what has to be done.
func (i *Installer) plan(ctx context.Context, o *observer) (*Plan, error) {
	want, err := readSources(i.Host.FS, i.Want)
	if err == nil {
		o.want = &want
		var plan *Plan
		if plan, err = i.planFor(ctx, o, nil); err == nil {
			return plan, nil
		}
	}
	return nil, fmt.Errorf("%w; nothing was changed", err)
}

// planFor looks at the host, decides, and says what has to be done. What can be refused is refused as early as it is
// known. beforePackages is the method of the look before this run added packages.
func (i *Installer) planFor(ctx context.Context, o *observer, beforePackages method) (*Plan, error) {
	o.host, o.services = i.Host, i.Services
	if err := o.observe(ctx); err != nil {
		return nil, err
	}
	b := base{want: o.want, seen: o.seen}
	l := newLook(b, newMethod(b, o.pending, beforePackages))
	if err := l.method.find(ctx, o); err != nil {
		return nil, err
	}
	if err := l.all(ctx); err != nil {
		return nil, err
	}
	if err := l.parts.Refuse(); err != nil { // what stands in the way, whatever is decided
		return nil, err
	}
	ask := &asker{host: i.Host, open: i.Namespace, want: o.want, seen: o.seen, check: !o.mayRefresh, pending: o.pending}
	decision, err := Decide(ctx, o.want, o.seen, ask)
	if err != nil {
		return nil, err
	}
	if err := (&Plan{look: l, Decision: decision}).refuseDecided(!o.mayRefresh); err != nil {
		return nil, err
	}
	if decision.Builds() { // not for a run that is as it should be
		if err := i.TryNamespace(i.Host.FS); err != nil {
			return nil, err
		}
	}
	// Last, since it may refresh the package lists: not for a run that is refused anyway.
	if err := o.addPackages(ctx, l.method, decision); err != nil {
		return nil, err
	}
	return newPlan(l, decision)
}

// addPackages finds out which packages the host lacks.
func (o *observer) addPackages(ctx context.Context, m method, d Decision) error {
	if o.want.State == Absent {
		return nil
	}
	needs, err := m.needs(d)
	if err != nil {
		return err
	}
	return o.findPackages(ctx, needs)
}

// apply runs the plan as one transaction.
func (i *Installer) apply(ctx context.Context, t *txn.Transaction, plan *Plan) (result, error) {
	b := &builder{host: i.Host, plan: plan, open: i.Namespace, undoEarly: t.UndoEarly}
	r := result{plan: plan}
	packages := func(context.Context) ([]txn.Step, error) { return plan.Packages, nil }
	stage := func(context.Context) ([]txn.Step, error) { return plan.Stage, nil }
	change := func(ctx context.Context) (_ []txn.Step, err error) {
		if r.plan, err = i.afterPackages(ctx, plan); err != nil {
			return nil, err
		}
		if r.outcome, err = b.fill(ctx); err != nil {
			return nil, err
		}
		return r.plan.Switch(r.outcome)
	}
	done, warnings, err := t.Run(ctx, packages, stage, change)
	r.done, r.took, r.warnings = done, b.took, slices.Concat(b.warnings, warnings)
	return r, err
}

// Details returns what a failed command printed last, for people who want to know more than the
// error's sentence, and tells the action plugin what it is to bring; else it is nil.
func Details(err error) map[string]any {
	if errors.Is(err, ErrOnController) {
		return map[string]any{"wheelhouse_needed": true}
	}
	var failed *host.CommandError
	if !errors.As(err, &failed) {
		return nil
	}
	return map[string]any{"command": failed.Command(), "output": strings.Split(failed.Stderr, "\n")}
}

// settle makes systemd read the units again when one of them changed.
func (i *Installer) settle(ctx context.Context, steps []txn.Step) error {
	if !slices.ContainsFunc(steps, reloads) || !systemd.Running(i.Host.FS.Real("/")) {
		return nil
	}
	return i.reload(ctx)
}

// catchUp makes systemd read a unit that somebody changed before. The rest is committed by then, and
// a failure only fails the run if there was no rest.
func (i *Installer) catchUp(ctx context.Context, report *Report) error {
	if !report.plan.Reload {
		return nil
	}
	err := i.reload(ctx)
	if err != nil && len(report.done) > 0 {
		report.Warnings = append(report.Warnings, "the installation is complete, but "+err.Error())
		return nil
	}
	return err
}

// reload makes systemd read its units. The service goes on with the old one until it is restarted.
func (i *Installer) reload(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, settleTimeout, errors.New("it did not answer"))
	defer cancel()
	if err := i.Services.Reload(ctx); err != nil {
		return fmt.Errorf("systemd has not read the changed unit: %w; run systemctl daemon-reload", err)
	}
	return nil
}

// refresh asks systemd for the state of the service as it is now.
func (i *Installer) refresh(ctx context.Context, report *Report) {
	if !report.Changed() || !report.service.Running {
		return
	}
	state, err := i.Services.State(ctx, path.Base(report.plan.seen.Unit))
	if err != nil {
		report.Warnings = append(report.Warnings, err.Error())
		return
	}
	report.service.State = state
}

// afterPackages sees that the programs of the packages work, and plans what is left to do now that what they brought
// is there. It returns the plan itself if the method builds in another way, or no packages were added.
func (i *Installer) afterPackages(ctx context.Context, first *Plan) (*Plan, error) {
	if !first.seen.Packaged || len(first.Packages) == 0 {
		return first, nil
	}
	plan, err := i.planFor(ctx, &observer{want: first.want, mayRefresh: true, beforePackages: first.seen}, first.method)
	if err == nil && len(plan.Packages) > 0 {
		err = fmt.Errorf("cannot use the installed packages: %s still missing", isAre(plan.seen.Packages.Missing))
	}
	return plan, err
}

// Package txn applies reversible steps as one transaction: the host ends in the state before or
// in the state after, whatever happens in between.
//
// # Journal
//
// One file, journal.json in the state directory (root's, 0700), replaced atomically and synced:
//
//	{"format": 1, "phase": "apply", "steps": [{"kind": "file", "step": {…}}, …]}
//
// A step is in the journal before its effect. What it learnt from its effect, such as an inode, is there when its
// batch is applied. While phase is "apply", the transaction is undone: every step, last first. Writing phase "commit"
// is the commit point; from then on it is finished. A missing journal means that nothing is pending. The same rules
// serve the run itself, after an error, and [Transaction.Recover], after a crash.
//
// # Steps
//
// Steps come in batches, since a later one can depend on what an earlier one found (the entry points of a program are
// known once it is built). A batch is journaled as a whole before its first effect, so a step must accept Undo
// without Apply.
package txn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// Step is one reversible change. Apply ensures the state after it, Undo the state before it; each may be called
// again, and must accept a partial run of the other. Finish drops what only Undo needed, in any
// order. A live state that is neither before nor after is left alone and reported by a [ConflictError].
type Step interface {
	Kind() string // the step's name in the journal
	Describe() Description
	Apply(ctx context.Context, h *host.Host) error
	Undo(ctx context.Context, h *host.Host) error
	Finish(ctx context.Context, h *host.Host) error
}

// Keeper is a step that keeps something that another step needs for its undo.
type Keeper interface {
	Keeps(path string) bool // whether path is removed with this step's own state
}

// Borrower is a step that can be undone only while these paths are kept.
type Borrower interface {
	Borrows() []string
}

// Upgrader is a step that was told by less in the journals of older programs.
type Upgrader interface {
	Upgrade() // fills in what such a journal lacks
}

// Description tells people what a step does.
type Description struct {
	Name   string // the changed thing: "unit", "link", "package set"
	Action string // "create", "change", "remove"; "" for the installation's own scaffolding
	Path   string // "" if there is none
	Before string // for the diff
	After  string
}

// Visible tells whether the step changes something that a user can see.
func (d Description) Visible() bool { return d.Action != "" }

// Batch returns the next steps to apply.
type Batch func(ctx context.Context) ([]Step, error)

// Done is one applied step and how long it took.
type Done struct {
	Step
	Took time.Duration
}

// Transaction applies steps to one host.
type Transaction struct {
	Host *host.Host
	Dir  string // the state directory; it exists and is locked
	// Kinds makes an empty step of each kind, for reading the journal.
	Kinds map[string]func() Step
	// Settle tells running programs of the new state, after it is decided; it cannot be undone.
	Settle func(ctx context.Context, steps []Step) error

	running *journal // while Run applies its batches
}

// Run applies the batches one after the other and commits. After an error everything is undone, and the error says
// so. The warnings are about failures after the commit: the state is the one after, and the next run finishes the
// rest.
func (t *Transaction) Run(ctx context.Context, batches ...Batch) (done []Done, warnings []string, err error) {
	j := &journal{Format: format, Phase: phaseApply}
	t.running = j
	defer func() { t.running = nil }()
	for _, batch := range batches {
		if done, err = t.applyBatch(ctx, j, batch, done); err != nil {
			return nil, nil, t.rollback(ctx, j, err)
		}
	}
	if len(j.Steps) == 0 {
		return nil, nil, nil
	}
	j.Phase = phaseCommit
	if err := t.save(j); err != nil {
		return nil, nil, t.takeBack(ctx, j, err)
	}
	if err := t.finish(context.WithoutCancel(ctx), j); err != nil {
		warnings = append(warnings, fmt.Sprintf("the installation is complete, but %v", err))
	}
	return done, warnings, nil
}

// applyBatch journals a batch and applies its steps.
func (t *Transaction) applyBatch(ctx context.Context, j *journal, batch Batch, done []Done) ([]Done, error) {
	steps, err := batch(ctx)
	if err != nil || len(steps) == 0 {
		return done, err
	}
	j.Steps = append(j.Steps, steps...)
	if err := t.save(j); err != nil {
		return done, err
	}
	for _, step := range steps {
		if ctx.Err() != nil {
			return done, fmt.Errorf("cannot go on: %w", context.Cause(ctx))
		}
		start := time.Now()
		if err := step.Apply(ctx, t.Host); err != nil {
			return done, err
		}
		done = append(done, Done{Step: step, Took: time.Since(start)})
	}
	return done, t.saveChanged(j)
}

// UndoEarly undoes a step of the running transaction before its end: one that only a part of it needed. The step
// stays in the journal, where its undo finds nothing left to do, or completes what a crash cut short.
func (t *Transaction) UndoEarly(ctx context.Context, step Step) error {
	if t.running == nil || !slices.Contains(t.running.Steps, step) {
		return fmt.Errorf("internal error: %s %s is no step of the running transaction",
			step.Kind(), step.Describe().Path)
	}
	return step.Undo(ctx, t.Host)
}

// rollback undoes the journal's steps because of cause and returns cause with the outcome.
func (t *Transaction) rollback(ctx context.Context, j *journal, cause error) error {
	if len(j.Steps) == 0 {
		return cause
	}
	if _, held := errors.AsType[*host.HeldError](cause); held {
		// A process that does not end may write once more. It cannot keep us from ending, and our end frees the lock.
		return fmt.Errorf("%w; nothing was undone beside that: %s keeps what is left to do, and the next run undoes it first",
			cause, t.path())
	}
	if err := t.undo(context.WithoutCancel(ctx), j); err != nil {
		return &RollbackError{Cause: cause, Undo: err}
	}
	return fmt.Errorf("%w; everything was undone, this host is as it was before", cause)
}

// takeBack undoes everything after the commit could not be written. The failed write may have reached the disk. If
// the journal says "commit" and cannot be changed any more, an undo would make the host differ from it, and after a
// crash on the way the next run would finish the transaction.
func (t *Transaction) takeBack(ctx context.Context, j *journal, cause error) error {
	j.Phase = phaseApply
	again := t.save(j)
	if again == nil {
		return t.rollback(ctx, j, cause)
	}
	if onDisk, err := t.load(); err != nil || onDisk == nil || onDisk.Phase == phaseCommit {
		return fmt.Errorf("%w; the new state is in place and was not undone, since the journal cannot be changed any more "+
			"(%w): when the cause is gone, run this again, which finishes or undoes it", cause, again)
	}
	return t.rollback(ctx, j, cause)
}

// undo takes every step back, last first, and drops the journal. If a step cannot be undone, the others are, except
// those that keep what it needs. The journal stays for the next run, unless only conflicts are left: no run may
// resolve these.
func (t *Transaction) undo(ctx context.Context, j *journal) error {
	var conflicts, failures []error
	var needed []string
	for _, step := range slices.Backward(j.Steps) {
		if keeper, ok := step.(Keeper); ok && slices.ContainsFunc(needed, keeper.Keeps) {
			conflicts = append(conflicts, fmt.Errorf("%s was kept, since it holds what could not be put back",
				step.Describe().Path))
			continue
		}
		err := step.Undo(ctx, t.Host)
		if borrower, ok := step.(Borrower); ok && err != nil {
			needed = append(needed, borrower.Borrows()...)
		}
		var conflict *ConflictError
		switch {
		case errors.As(err, &conflict):
			conflicts = append(conflicts, err)
		case err != nil:
			failures = append(failures, err)
		}
	}
	if len(failures) > 0 {
		return &unfinishedError{errs: append(failures, conflicts...), journal: t.path()}
	}
	err := t.Settle(ctx, j.Steps)
	if dropped := t.drop(); dropped != nil {
		return &unfinishedError{errs: append(conflicts, err, dropped), journal: t.path()}
	}
	if len(conflicts) > 0 {
		return fmt.Errorf("%w; that was left alone, the rest was undone", sentence(append(conflicts, err)))
	}
	return err
}

// finish completes a committed transaction and drops the journal. Like undo it does so even if conflicts are left:
// otherwise whoever makes one could stop every later run.
func (t *Transaction) finish(ctx context.Context, j *journal) error {
	err := t.Settle(ctx, j.Steps)
	var conflicts []error
	for _, step := range j.Steps {
		failed := step.Finish(ctx, t.Host)
		if _, conflict := errors.AsType[*ConflictError](failed); conflict {
			conflicts = append(conflicts, failed)
			continue
		}
		err = errors.Join(err, failed)
	}
	if err == nil {
		err = t.drop()
	}
	if err != nil {
		return fmt.Errorf("%w; the next run goes on with this", sentence(append(conflicts, err)))
	}
	if len(conflicts) > 0 {
		return fmt.Errorf("%w; that was left alone", sentence(conflicts))
	}
	return nil
}

// Recovery is the outcome of [Transaction.Recover].
type Recovery string

// The outcomes of a recovery.
const (
	NothingPending Recovery = ""
	Undone         Recovery = "undone"
	Finished       Recovery = "finished"
)

// Recover brings an interrupted transaction to its end: undone before its commit, finished after.
func (t *Transaction) Recover(ctx context.Context) (Recovery, error) {
	j, err := t.load()
	switch {
	case err != nil:
		return NothingPending, err
	case j == nil:
		return NothingPending, t.Host.FS.Sweep(t.path())
	case j.Phase == phaseCommit:
		return Finished, wrap("finish the interrupted run", t.finish(context.WithoutCancel(ctx), j))
	}
	return Undone, wrap("undo the interrupted run", t.undo(context.WithoutCancel(ctx), j))
}

// Pending tells what Recover would do, without doing it.
func (t *Transaction) Pending() (Recovery, error) {
	j, err := t.load()
	switch {
	case err != nil || j == nil:
		return NothingPending, err
	case j.Phase == phaseCommit:
		return Finished, nil
	}
	return Undone, nil
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot %s: %w", what, err)
}

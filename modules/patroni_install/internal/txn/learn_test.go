package txn_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// learner is a step that learns its result only when it is applied.
type learner struct {
	mark

	Made string `json:"made"`
}

func (l *learner) Apply(ctx context.Context, h *host.Host) error {
	l.Made = "this one"
	return l.mark.Apply(ctx, h)
}

var _ txn.Step = (*learner)(nil)

// TestJournalHoldsWhatWasLearnt reads the journal when the next batch is asked for, which may take long. What the
// steps before have learnt is in it. If they learnt nothing, nothing is written.
func TestJournalHoldsWhatWasLearnt(t *testing.T) {
	w := newWorld(t)
	writes := 0
	w.host.FS.Fault = func(kind, object string) error {
		if kind == "write" && object == journalPath {
			writes++
		}
		return nil
	}
	learning := func(context.Context) ([]txn.Step, error) { return []txn.Step{&learner{mark: mark{Path: "/a"}}}, nil }
	look := func(context.Context) ([]txn.Step, error) {
		text, err := os.ReadFile(filepath.Join(w.root, journalPath))
		if err != nil || !strings.Contains(string(text), `"made":"this one"`) {
			t.Errorf("the journal holds %s, %v", text, err)
		}
		return nil, nil
	}
	if _, _, err := w.transaction().Run(t.Context(), learning, look, batch("/b")); err != nil {
		t.Fatal(err)
	}
	if want := 4; writes != want { // two for the first batch, one for the last, and the commit
		t.Errorf("the journal was written %d times, want %d", writes, want)
	}
}

// stuck is a step whose Finish finds what somebody else made.
type stuck struct{ mark }

func (s *stuck) Finish(context.Context, *host.Host) error {
	return &txn.ConflictError{Path: s.Path, Found: "edited"}
}

var _ txn.Step = (*stuck)(nil)

// TestConflictInFinish: somebody else's change is reported once, and stops no later run.
func TestConflictInFinish(t *testing.T) {
	for _, crashing := range []bool{false, true} {
		w := newWorld(t)
		transaction := w.transaction()
		transaction.Kinds["mark"] = func() txn.Step { return &stuck{} }
		if crashing {
			w.putJournal(t, strings.Replace(goodJournal, "apply", "commit", 1))
			_, err := transaction.Recover(t.Context())
			if _, conflict := errors.AsType[*txn.ConflictError](err); !conflict {
				t.Errorf("error %v, want a conflict", err)
			}
		} else {
			steps := func(context.Context) ([]txn.Step, error) { return []txn.Step{&stuck{mark{Path: "/a"}}}, nil }
			_, warnings, err := transaction.Run(t.Context(), batch("/b"), steps)
			want := []string{"the installation is complete, but /a was changed by somebody else: edited; that was left alone"}
			if diff := cmp.Diff(want, warnings); err != nil || diff != "" {
				t.Errorf("error %v, warnings (-want +got):\n%s", err, diff)
			}
			if got := w.files(t)["/b"]; got != "finished" {
				t.Errorf("the other step's file holds %q", got)
			}
		}
		if got, err := transaction.Recover(t.Context()); got != txn.NothingPending || err != nil {
			t.Errorf("once more: %q, %v", got, err)
		}
	}
}

// TestUndoEarly: a step of the running transaction can be undone before its end, and stays in the journal. Any other
// step is not undone.
func TestUndoEarly(t *testing.T) {
	w := newWorld(t)
	run, early := w.transaction(), &mark{Path: "/a"}
	first := func(context.Context) ([]txn.Step, error) { return []txn.Step{early}, nil }
	second := func(ctx context.Context) ([]txn.Step, error) {
		err := run.UndoEarly(ctx, &mark{Path: "/a"})
		if err == nil || !strings.Contains(err.Error(), "internal error: mark /a ") {
			t.Errorf("a step of somebody else's: %v", err)
		}
		if err := run.UndoEarly(ctx, early); err != nil {
			t.Error(err)
		}
		text, err := os.ReadFile(filepath.Join(w.root, journalPath))
		if err != nil || !strings.Contains(string(text), `"path":"/a"`) {
			t.Errorf("the journal holds %s, %v", text, err)
		}
		return []txn.Step{&mark{Path: "/b"}}, nil
	}
	if _, _, err := run.Run(t.Context(), first, second); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"/b": "finished"}, w.files(t)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if err := run.UndoEarly(t.Context(), early); err == nil {
		t.Error("a step of a transaction that has ended is undone")
	}
}

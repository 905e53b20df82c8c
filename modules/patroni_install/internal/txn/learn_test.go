package txn_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// learner is a step that knows what it made only once it is applied.
type learner struct {
	mark

	Made string `json:"made"`
}

func (l *learner) Apply(ctx context.Context, h *host.Host) error {
	l.Made = "this one"
	return l.mark.Apply(ctx, h)
}

var _ txn.Step = (*learner)(nil)

// TestJournalHoldsWhatWasLearnt reads the journal when the next batch is asked for, which may take long:
// what the steps before came to know is in it. Nothing is written where they learnt nothing.
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

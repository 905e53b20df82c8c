package txn_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

const stateDir = "/state"

// mark is a step that makes a file, whose content says whether the step was finished.
type mark struct {
	Path string `json:"path"`
}

func (m *mark) Kind() string { return "mark" }
func (m *mark) Describe() txn.Description {
	return txn.Description{Name: "mark", Action: "create", Path: m.Path}
}
func (m *mark) Apply(_ context.Context, h *host.Host) error { return m.write(h, "applied") }

// Finish does not make anew what is gone.
func (m *mark) Finish(_ context.Context, h *host.Host) error {
	if _, err := h.FS.Lstat(m.Path); err != nil {
		return nil
	}
	return m.write(h, "finished")
}
func (m *mark) Undo(_ context.Context, h *host.Host) error {
	data, err := h.FS.ReadFile(m.Path, 100)
	if err == nil && string(data) == "edited" {
		return &txn.ConflictError{Path: m.Path, Found: "edited"}
	}
	return h.FS.Remove(m.Path)
}

func (m *mark) write(h *host.Host, text string) error {
	return h.FS.WriteFile(m.Path, []byte(text), fsys.Attr{Mode: 0o600, UID: os.Getuid(), GID: os.Getgid()})
}

var _ txn.Step = (*mark)(nil)

// world is a host below a temporary directory.
type world struct {
	root    string
	host    *host.Host
	settled int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{root: t.TempDir()}
	w.host = &host.Host{FS: fsys.New(w.root), Progress: func(string) {}}
	if err := os.Mkdir(filepath.Join(w.root, stateDir), 0o700); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) transaction() *txn.Transaction {
	return &txn.Transaction{
		Host: w.host, Dir: stateDir, Kinds: map[string]func() txn.Step{"mark": func() txn.Step { return &mark{} }},
		Settle: func(context.Context, []txn.Step) error { w.settled++; return nil },
	}
}

// files returns the content of every file below the root.
func (w *world) files(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(w.root, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		files[strings.TrimPrefix(name, w.root)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func batch(paths ...string) txn.Batch {
	return func(context.Context) ([]txn.Step, error) {
		var steps []txn.Step
		for _, p := range paths {
			steps = append(steps, &mark{Path: p})
		}
		return steps, nil
	}
}

var errInjected = errors.New("injected")

// crash is what a process that is gone looks like to a test: no deferred work is done by the
// code under test, since it has none.
type crash struct{}

// faultAt makes the n-th announced operation fail, or crash.
func faultAt(n int, crashing bool) (fault fsys.Fault, fired func() bool) {
	count := 0
	return func(kind, object string) error {
		count++
		if count != n {
			return nil
		}
		if crashing {
			panic(crash{})
		}
		return fmt.Errorf("%w at %s %s", errInjected, kind, object)
	}, func() bool { return count >= n }
}

func runCatching(run func() error) (err error, crashed bool) { //nolint:revive // the error is the main thing here
	defer func() {
		if r := recover(); r != nil {
			if _, ours := r.(crash); !ours {
				panic(r)
			}
			crashed = true
		}
	}()
	return run(), false
}

var (
	before = map[string]string{}
	after  = map[string]string{"/a": "finished", "/b": "finished", "/c": "finished"}
)

func TestRunCommits(t *testing.T) {
	w := newWorld(t)
	done, warnings, err := w.transaction().Run(t.Context(), batch("/a", "/b"), batch(), batch("/c"))
	if err != nil || len(warnings) != 0 || len(done) != 3 || w.settled != 1 {
		t.Fatalf("Run: %d done, warnings %q, settled %d, error %v", len(done), warnings, w.settled, err)
	}
	if diff := cmp.Diff(after, w.files(t)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestRunWithoutStepsWritesNothing(t *testing.T) {
	w := newWorld(t)
	w.host.FS.Fault = func(kind, object string) error { return fmt.Errorf("unexpected %s %s", kind, object) }
	if _, _, err := w.transaction().Run(t.Context(), batch(), batch()); err != nil || w.settled != 0 {
		t.Errorf("Run: settled %d, error %v", w.settled, err)
	}
}

// TestErrorAtEveryOperation makes each operation fail in turn: the state is the one before or the
// one after, and the result says which.
func TestErrorAtEveryOperation(t *testing.T) {
	for n := 1; ; n++ {
		w := newWorld(t)
		fault, fired := faultAt(n, false)
		w.host.FS.Fault = fault
		_, warnings, err := w.transaction().Run(t.Context(), batch("/a", "/b"), batch("/c"))
		w.host.FS.Fault = nil
		want := after
		if err != nil {
			want = before
			if !errors.Is(err, errInjected) {
				t.Errorf("operation %d: error %v does not tell the cause", n, err)
			}
		}
		if len(warnings) > 0 {
			// Committed, but not finished, or the journal's end is not durable: the next run does that.
			if got, err := w.transaction().Recover(t.Context()); err != nil || got == txn.Undone {
				t.Errorf("operation %d: Recover: %v, %v", n, got, err)
			}
		}
		if diff := cmp.Diff(want, w.files(t)); diff != "" {
			t.Errorf("operation %d: error %v, files (-want +got):\n%s", n, err, diff)
		}
		if !fired() {
			return
		}
	}
}

// TestCrashAtEveryOperation kills the run at each operation in turn, and its recovery again at
// each of its own.
func TestCrashAtEveryOperation(t *testing.T) {
	for n := 1; ; n++ {
		for m := 1; ; m++ {
			w := newWorld(t)
			runFired := crashingRun(t, w, n)
			recoverFired := crashingRecover(t, w, m)
			if _, err := w.transaction().Recover(t.Context()); err != nil {
				t.Fatalf("crash at %d, in recovery at %d: Recover: %v", n, m, err)
			}
			got := w.files(t)
			if !cmp.Equal(got, before) && !cmp.Equal(got, after) {
				t.Errorf("crash at %d, in recovery at %d: files are neither before nor after: %v", n, m, got)
			}
			if !runFired {
				return
			}
			if !recoverFired {
				break
			}
		}
	}
}

func crashingRun(t *testing.T, w *world, n int) bool {
	t.Helper()
	fault, fired := faultAt(n, true)
	w.host.FS.Fault = fault
	defer func() { w.host.FS.Fault = nil }()
	_, _ = runCatching(func() error {
		_, _, err := w.transaction().Run(t.Context(), batch("/a", "/b"), batch("/c"))
		return err
	})
	return fired()
}

func crashingRecover(t *testing.T, w *world, m int) bool {
	t.Helper()
	fault, fired := faultAt(m, true)
	w.host.FS.Fault = fault
	defer func() { w.host.FS.Fault = nil }()
	_, _ = runCatching(func() error {
		_, err := w.transaction().Recover(t.Context())
		return err
	})
	return fired()
}

func TestPendingTellsWithoutTouching(t *testing.T) {
	w := newWorld(t)
	w.host.FS.Fault, _ = faultAt(8, true)
	_, crashed := runCatching(func() error {
		_, _, err := w.transaction().Run(t.Context(), batch("/a", "/b"))
		return err
	})
	w.host.FS.Fault = func(kind, object string) error { return fmt.Errorf("unexpected %s %s", kind, object) }
	pending, err := w.transaction().Pending()
	if !crashed || err != nil || pending != txn.Undone {
		t.Errorf("Pending after a crash (%v): %q, %v; want %q", crashed, pending, err, txn.Undone)
	}
}

// TestConflictIsReportedAndTheRestRestored edits a file between apply and undo.
func TestConflictIsReportedAndTheRestRestored(t *testing.T) {
	w := newWorld(t)
	edit := func(context.Context) ([]txn.Step, error) {
		if err := os.WriteFile(filepath.Join(w.root, "b"), []byte("edited"), 0o600); err != nil {
			t.Fatal(err)
		}
		return nil, errInjected
	}
	_, _, err := w.transaction().Run(t.Context(), batch("/a", "/b", "/c"), edit)
	var conflict *txn.ConflictError
	if !errors.Is(err, errInjected) || !errors.As(err, &conflict) || conflict.Path != "/b" {
		t.Errorf("error %v, want the injected one and a conflict at /b", err)
	}
	if diff := cmp.Diff(map[string]string{"/b": "edited"}, w.files(t)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestFailedUndoStaysPending fails the removal of one file: the rest is undone, and the next run
// undoes what was left.
func TestFailedUndoStaysPending(t *testing.T) {
	w := newWorld(t)
	w.host.FS.Fault = func(kind, object string) error {
		if kind == "unlink" && object == "/b" {
			return errInjected
		}
		return nil
	}
	failing := func(context.Context) ([]txn.Step, error) { return nil, errors.New("no way") }
	_, _, err := w.transaction().Run(t.Context(), batch("/a", "/b", "/c"), failing)
	var failed *txn.RollbackError
	if !errors.As(err, &failed) || !errors.Is(failed.Undo, errInjected) {
		t.Fatalf("error %v, want a failed undo", err)
	}
	left := w.files(t)
	if left["/b"] != "applied" || left["/state/journal.json"] == "" || len(left) != 2 {
		t.Errorf("left %q, want /b and the journal", left)
	}
	w.host.FS.Fault = nil
	if did, err := w.transaction().Recover(t.Context()); did != txn.Undone || err != nil {
		t.Errorf("recovery: %q, %v", did, err)
	}
	if diff := cmp.Diff(before, w.files(t)); diff != "" {
		t.Errorf("after the recovery (-want +got):\n%s", diff)
	}
}

func TestCancelledContextRollsBack(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := func(context.Context) ([]txn.Step, error) { cancel(errInjected); return batch("/c")(ctx) }
	_, _, err := w.transaction().Run(ctx, batch("/a"), stop)
	if !errors.Is(err, errInjected) {
		t.Errorf("error %v, want the cause of the cancellation", err)
	}
	if diff := cmp.Diff(before, w.files(t)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestJournalPrecedesEffect reads the journal at every operation on a mark's file.
func TestJournalPrecedesEffect(t *testing.T) {
	w := newWorld(t)
	var effects []string
	w.host.FS.Fault = func(kind, object string) error {
		if kind != "rename" || strings.HasPrefix(object, stateDir) {
			return nil
		}
		effects = append(effects, object)
		journal, err := os.ReadFile(filepath.Join(w.root, stateDir, "journal.json"))
		if err != nil || !strings.Contains(string(journal), `"path":"`+object+`"`) {
			t.Errorf("%s of %s: the journal does not hold it: %s, %v", kind, object, journal, err)
		}
		return nil
	}
	if _, _, err := w.transaction().Run(t.Context(), batch("/a"), batch("/b")); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(effects, "/a") || !slices.Contains(effects, "/b") {
		t.Errorf("effects seen: %q", effects)
	}
}

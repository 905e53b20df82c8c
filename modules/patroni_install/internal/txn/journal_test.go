package txn_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

const (
	journalPath = stateDir + "/journal.json"
	goodJournal = `{"format":1,"phase":"apply","steps":[{"kind":"mark","step":{"path":"/a"}}]}`
)

// putJournal writes a journal as somebody else left it.
func (w *world) putJournal(t *testing.T, text string) (file string) {
	t.Helper()
	file = filepath.Join(w.root, journalPath)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// expectRefusal expects that nobody acts on the journal, that it stays, and that the error has all parts.
func (w *world) expectRefusal(t *testing.T, parts ...string) {
	t.Helper()
	before := w.files(t)
	_, err := w.transaction().Recover(t.Context())
	_, pending := w.transaction().Pending()
	for _, part := range append(parts, journalPath, "nothing was changed, and the journal stays") {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v lacks %q", err, part)
		}
	}
	if pending == nil || err == nil || pending.Error() != err.Error() {
		t.Errorf("check mode says %v, a real run %v", pending, err)
	}
	if diff := cmp.Diff(before, w.files(t)); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
}

// TestUnusableJournal refuses to go on and leaves the journal as it is.
func TestUnusableJournal(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"newer format":  {strings.Replace(goodJournal, "1", "2", 1), "format 2"},
		"unknown kind":  {strings.Replace(goodJournal, "mark", "mask", 1), `unknown kind "mask"`},
		"unknown phase": {strings.Replace(goodJournal, "apply", "apple", 1), `unknown phase "apple"`},
		"wrong type":    {strings.Replace(goodJournal, `"/a"`, "7", 1), "step mark"},
	}
	for i := range goodJournal {
		cases[fmt.Sprintf("truncated at byte %d", i)] = struct{ text, want string }{goodJournal[:i], "journal"}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.putJournal(t, c.text)
			w.expectRefusal(t, c.want, "mv "+journalPath)
		})
	}
}

// TestUnusableJournalNamesItsPaths: people have to look at the paths that a damaged journal still names.
func TestUnusableJournalNamesItsPaths(t *testing.T) {
	w := newWorld(t)
	text := strings.Replace(goodJournal, "]}",
		`,{"kind":"mark","step":{"path":"/b"}},{"kind":"mark","step":{"path":"/a"}},{"path":"/lo`, 1)
	w.putJournal(t, text)
	w.expectRefusal(t, "as they should be: /a, /b; then")
}

// TestJournalThatOthersMayHaveWritten: who writes a journal has root do what it says.
func TestJournalThatOthersMayHaveWritten(t *testing.T) {
	w := newWorld(t)
	file := w.putJournal(t, goodJournal)
	for _, mode := range []os.FileMode{0o620, 0o602, 0o666} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		w.expectRefusal(t, fmt.Sprintf("%04o", mode), "others than root")
	}
	if os.Geteuid() != 0 {
		t.Skip("giving a file away needs root")
	}
	if err := errors.Join(os.Chmod(file, 0o600), os.Chown(file, 65534, 65534)); err != nil {
		t.Fatal(err)
	}
	w.expectRefusal(t, "65534", "others than root")
}

// TestJournalMovedAside: people who do what the error says can go on.
func TestJournalMovedAside(t *testing.T) {
	w := newWorld(t)
	file := w.putJournal(t, goodJournal[:40])
	w.expectRefusal(t, "mv "+journalPath+" "+journalPath+".unusable")
	if err := os.Rename(file, file+".unusable"); err != nil {
		t.Fatal(err)
	}
	if got, err := w.transaction().Recover(t.Context()); err != nil || got != txn.NothingPending {
		t.Errorf("Recover: %v, %v", got, err)
	}
	if _, _, err := w.transaction().Run(t.Context(), batch("/a")); err != nil {
		t.Errorf("Run: %v", err)
	}
	want := map[string]string{"/a": "finished", journalPath + ".unusable": goodJournal[:40]}
	if diff := cmp.Diff(want, w.files(t)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// brokenFrom lets every operation on the state directory from the n-th on fail: of the given kinds,
// or all of them.
func brokenFrom(n int, errno unix.Errno, kinds ...string) (fault fsys.Fault, fired func() bool) {
	count, hit := 0, false
	return func(kind, object string) error {
		if !strings.HasPrefix(object, stateDir) {
			return nil
		}
		if count++; count < n || len(kinds) > 0 && !strings.Contains(strings.Join(kinds, " "), kind) {
			return nil
		}
		hit = true
		return errno
	}, func() bool { return hit }
}

// TestJournalOnABrokenDisk: from some operation on, the disk of the journal is full, or does not work
// at all, and stays so; every other disk is fine. The host is as before or as after, as the result
// says, and with the disk back the next run leaves nothing behind. The same when the run is killed
// in the middle of what it does about the error.
func TestJournalOnABrokenDisk(t *testing.T) {
	for name, kinds := range map[string][]string{
		"full":    {"write", "fsync", "mkdir"}, // what needs space
		"failing": nil,
	} {
		errno := map[string]unix.Errno{"full": unix.ENOSPC, "failing": unix.EIO}[name]
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				for killed := 0; ; killed++ { // 0 is never
					w := newWorld(t)
					broken, fired := brokenFrom(n, errno, kinds...)
					effects := 0
					w.host.FS.Fault = func(kind, object string) error {
						err := broken(kind, object)
						if fired() {
							if effects++; effects == killed {
								panic(crash{})
							}
						}
						return err
					}
					var warnings []string
					err, crashed := runCatching(func() (err error) {
						_, warnings, err = w.transaction().Run(t.Context(), batch("/a", "/b"), batch("/c"))
						return err
					})
					w.host.FS.Fault = nil
					what := fmt.Sprintf("%s from operation %d on, killed at %d: error %v, warnings %q", name, n, killed, err, warnings)
					if !fired() && err == nil {
						return
					}
					if !crashed && err != nil && !errors.Is(err, errno) {
						t.Errorf("%s: the cause is not told", what)
					}
					w.expectWhole(t, what)
					if killed > 0 && !crashed {
						break
					}
				}
			}
		})
	}
}

// expectWhole recovers, and expects one state or the other and nothing besides.
func (w *world) expectWhole(t *testing.T, what string) {
	t.Helper()
	if _, err := w.transaction().Recover(t.Context()); err != nil {
		t.Errorf("%s: Recover: %v", what, err)
	}
	if got := w.files(t); !cmp.Equal(got, before) && !cmp.Equal(got, after) {
		t.Errorf("%s: files are neither before nor after: %v", what, got)
	}
}

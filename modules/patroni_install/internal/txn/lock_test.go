package txn_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

const lockDir = "/lib/pgedge/patroni_install"

func lockHost(t *testing.T) (*host.Host, string) {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &host.Host{FS: fsys.New(root), Progress: func(string) {}}, root
}

func TestLockIsExclusiveAndNamesTheDirectory(t *testing.T) {
	h, _ := lockHost(t)
	first, err := txn.Acquire(t.Context(), h, lockDir, time.Minute)
	if err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	if !txn.Busy(h, lockDir) {
		t.Error("Busy does not see the lock")
	}
	_, err = txn.Acquire(t.Context(), h, lockDir, time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), lockDir) || !strings.Contains(err.Error(), "lock_timeout") {
		t.Errorf("second Acquire: %v, want an error that names the directory and the option", err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	if txn.Busy(h, lockDir) {
		t.Error("Busy sees a lock that was released")
	}
	if _, err := txn.Acquire(t.Context(), h, lockDir, time.Minute); err != nil {
		t.Errorf("Acquire after Release: %v", err)
	}
}

func TestAcquireWithoutWaiting(t *testing.T) {
	h, _ := lockHost(t)
	lock, err := txn.Acquire(t.Context(), h, lockDir, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := txn.Acquire(t.Context(), h, lockDir, 0); err == nil {
		t.Error("a lock that is held was given again")
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
}

func TestReleaseLeavesNothing(t *testing.T) {
	h, root := lockHost(t)
	lock, err := txn.Acquire(t.Context(), h, lockDir, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(root, "lib")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestReleaseRemovesWhatAKilledRunLeft: empty directories, of which nobody knows who made them.
func TestReleaseRemovesWhatAKilledRunLeft(t *testing.T) {
	h, root := lockHost(t)
	if err := os.MkdirAll(filepath.Join(root, lockDir), 0o700); err != nil {
		t.Fatal(err)
	}
	lock, err := txn.Acquire(t.Context(), h, lockDir, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(root, "lib")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestReleaseKeepsAJournal(t *testing.T) {
	h, root := lockHost(t)
	lock, err := txn.Acquire(t.Context(), h, lockDir, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	journal := filepath.Join(root, lockDir, "journal.json")
	if err := os.WriteFile(journal, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(journal); err != nil {
		t.Errorf("journal: %v", err)
	}
}

// TestLockSurvivesRemovalByItsHolder lets many runs take the lock in turn while each removes the
// directory: no two hold it at once.
func TestLockSurvivesRemovalByItsHolder(t *testing.T) {
	h, _ := lockHost(t)
	var holders, most int
	var mu sync.Mutex
	count := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		holders += n
		most = max(most, holders)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				lock, err := txn.Acquire(t.Context(), h, lockDir, time.Minute)
				if err != nil {
					t.Error(err)
					return
				}
				count(1)
				count(-1)
				if err := lock.Release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if most != 1 {
		t.Errorf("%d held the lock at once", most)
	}
}

func TestAcquireRefusesAnOpenDirectory(t *testing.T) {
	h, root := lockHost(t)
	if err := os.MkdirAll(filepath.Join(root, lockDir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(root, lockDir), 0o777); err != nil { //nolint:gosec // the point of the test
		t.Fatal(err)
	}
	if _, err := txn.Acquire(t.Context(), h, lockDir, time.Minute); err == nil || !strings.Contains(err.Error(), "0777") {
		t.Errorf("error %v, want one that names the mode", err)
	}
}

func TestAcquireReportsOtherErrors(t *testing.T) {
	h, _ := lockHost(t)
	h.FS.Fault = func(string, string) error { return errInjected }
	if _, err := txn.Acquire(t.Context(), h, lockDir, time.Minute); !errors.Is(err, errInjected) {
		t.Errorf("error %v, want the injected one", err)
	}
}

// TestAFailedRunKeepsTheDirectoryAboveItFound: an empty directory of an administrator's is not ours to remove.
func TestAFailedRunKeepsTheDirectoryAboveItFound(t *testing.T) {
	h, root := lockHost(t)
	parent := filepath.Join(root, filepath.Dir(lockDir))
	if err := os.Mkdir(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := txn.Acquire(t.Context(), h, lockDir, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v; want the empty directory above", left, err)
	}
}

// TestAcquireThatFailsLeavesNothing makes each operation of the locking fail in turn.
func TestAcquireThatFailsLeavesNothing(t *testing.T) {
	for n := 1; ; n++ {
		h, root := lockHost(t)
		fault, fired := faultAt(n, false)
		h.FS.Fault = fault
		_, err := txn.Acquire(t.Context(), h, lockDir, time.Minute)
		if !fired() {
			return
		}
		left, listed := os.ReadDir(filepath.Join(root, "lib"))
		if err == nil || !strings.Contains(err.Error(), "nothing was changed") || listed != nil || len(left) != 0 {
			t.Errorf("operation %d: error %v, left behind %v, %v", n, err, left, listed)
		}
	}
}

// TestARemovalLeavesNeitherDirectory: one run may have made the one and another run the other.
func TestARemovalLeavesNeitherDirectory(t *testing.T) {
	h, root := lockHost(t)
	if err := os.Mkdir(filepath.Join(root, filepath.Dir(lockDir)), 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := txn.Acquire(t.Context(), h, lockDir, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	lock.Disown()
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(root, "lib")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestAcquireOnAFailingDiskSaysWhatIsLeft: from some operation on, the disk takes no change at all.
func TestAcquireOnAFailingDiskSaysWhatIsLeft(t *testing.T) {
	for n := 1; ; n++ {
		h, root := lockHost(t)
		count := 0
		h.FS.Fault = func(string, string) error {
			if count++; count >= n {
				return errInjected
			}
			return nil
		}
		_, err := txn.Acquire(t.Context(), h, lockDir, time.Minute)
		if count < n {
			return
		}
		left := "nothing was changed"
		for _, name := range []string{filepath.Dir(lockDir), lockDir} {
			if _, err := os.Stat(filepath.Join(root, name)); err == nil {
				left = "nothing was changed, except that the empty directory " + name + " could not be removed again"
			}
		}
		if err == nil || !strings.HasSuffix(err.Error(), left) {
			t.Errorf("operation %d: error %v, want one that ends %q", n, err, left)
		}
	}
}

// TestAcquireAfterACrash: whatever a run that was killed left of the two directories, the next one has them as they
// should be.
func TestAcquireAfterACrash(t *testing.T) {
	for n := 1; ; n++ {
		h, _ := lockHost(t)
		count := 0
		h.FS.Fault = func(string, string) error {
			if count++; count == n {
				panic(crash{})
			}
			return nil
		}
		_, crashed := runCatching(func() error {
			_, err := txn.Acquire(t.Context(), h, lockDir, time.Minute)
			return err
		})
		h.FS.Fault = nil
		if !crashed {
			return
		}
		if _, err := txn.Acquire(t.Context(), h, lockDir, time.Minute); err != nil {
			t.Fatalf("operation %d: %v", n, err)
		}
		for name, want := range map[string]uint32{filepath.Dir(lockDir): 0o755, lockDir: 0o700} {
			if info, err := h.FS.Lstat(name); err != nil || info.Mode != want {
				t.Errorf("operation %d: %s has %s, %v; want mode %04o", n, name, info.Attr, err, want)
			}
		}
	}
}

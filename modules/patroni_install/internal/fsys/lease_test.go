package fsys

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// leased makes a file below root with a write lease of this process, and returns the holder.
func leased(t *testing.T, root, name string) *os.File {
	t.Helper()
	full := filepath.Join(root, name)
	if err := os.WriteFile(full, []byte(name), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(full)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	if _, err := unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Skip("no leases here:", err)
	}
	return file
}

// TestLeaseIsAwaited: who holds a lease is asked to give it up, and has the time to do so.
func TestLeaseIsAwaited(t *testing.T) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, unix.SIGIO)
	defer signal.Stop(asked)
	for name, open := range map[string]func(f *FS) error{
		"read": func(f *FS) error {
			data, err := f.ReadFile("/file", 100)
			if string(data) != "file" {
				err = errors.Join(err, errors.New("read "+string(data)))
			}
			return err
		},
		"sync": func(f *FS) error { return f.SyncTree("/") },
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			file := leased(t, root, "file")
			go func() {
				<-asked
				_, _ = unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
			}()
			if err := open(New(root)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestLeasesAreBoundedTogether: who keeps them all is not waited for at each file.
func TestLeasesAreBoundedTogether(t *testing.T) {
	root := t.TempDir()
	leased(t, root, "a")
	leased(t, root, "b")
	f := New(root)
	f.Patience = 3 * leasePoll
	for _, c := range []struct {
		name string
		left int64 // polls that were taken before and after
		want int64
	}{{"/a", 0, 4}, {"/b", 4, 5}} {
		if waited := f.waited.Load(); waited != c.left*int64(leasePoll) {
			t.Errorf("%s: %s were waited before", c.name, time.Duration(waited))
		}
		_, err := f.ReadFile(c.name, 100)
		held, ok := errors.AsType[*LeaseError](err)
		if !ok || held.Path != c.name {
			t.Errorf("%s: error %v", c.name, err)
		}
		if waited := f.waited.Load(); waited != c.want*int64(leasePoll) {
			t.Errorf("%s: %s were waited after", c.name, time.Duration(waited))
		}
	}
	// What cannot be read is not replaced by a file that lacks its attributes.
	if err := f.WriteFile("/a", []byte("new"), own(0o600)); err == nil {
		t.Error("a file with a lease lost its attributes")
	}
}

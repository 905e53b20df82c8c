package pkgmgr

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// lock makes the host's /proc say that a process holds the lock.
func (f *fakeHost) lock(name, command string) {
	f.t.Helper()
	f.write(name, "")
	info, err := os.Stat(filepath.Join(f.root, name))
	if err != nil {
		f.t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	f.write("/proc/locks", fmt.Sprintf("1: POSIX  ADVISORY  WRITE 123 %02x:%02x:%d 0 EOF\n", unix.Major(st.Dev),
		unix.Minor(st.Dev), st.Ino))
	f.write("/proc/123/cmdline", command)
}

func TestWait(t *testing.T) {
	all := []string{
		"/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock", "/var/cache/apt/archives/lock",
	}
	diff(t, "locks", len(all), len(lockFiles()))
	for _, name := range all {
		t.Run(filepath.Base(filepath.Dir(name))+"/"+filepath.Base(name), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newHost(t, "")
				f.lock(name, "apt-get\x00upgrade\x00")
				start := time.Now()
				err := f.apt.wait(t.Context())
				if _, ok := errors.AsType[*LockError](err); !ok {
					t.Fatalf("got error %v", err)
				}
				diff(t, "error", "cannot lock the package database: process 123 (apt-get upgrade) still holds it after 1m0s",
					err.Error())
				diff(t, "waited", time.Minute, time.Since(start))
				diff(t, "told", []string{"waiting for the package database, which is held by process 123 (apt-get upgrade)"},
					f.told)
			})
		})
	}
}

// TestWaitsFirst: whatever looks at dpkg's database, or changes it, waits for whoever holds it.
func TestWaitsFirst(t *testing.T) {
	pipx, _, _ := pipxSet()
	set := []Package{pipx}
	for name, do := range map[string]func(ctx context.Context, f *fakeHost) error{
		"Ready":   func(ctx context.Context, f *fakeHost) error { return f.apt.Ready(ctx) },
		"Refresh": func(ctx context.Context, f *fakeHost) error { return f.apt.Refresh(ctx) },
		"Install": func(ctx context.Context, f *fakeHost) error {
			return f.apt.Install(ctx, set, []string{"pipx"}, "/priv")
		},
		"Recover": func(ctx context.Context, f *fakeHost) error { return f.apt.Recover(ctx, set, "/priv") },
		"Remove": func(ctx context.Context, f *fakeHost) error {
			_, err := f.apt.Remove(ctx, set, "/priv")
			return err
		},
		"dnf's Ready":   func(ctx context.Context, f *fakeHost) error { return f.dnf().Ready(ctx) },
		"dnf's Refresh": func(ctx context.Context, f *fakeHost) error { return f.dnf().Refresh(ctx) },
		"dnf's Recover": func(ctx context.Context, f *fakeHost) error { return f.dnf().Recover(ctx, set, "/priv") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newHost(t, entry(pipx, "install ok half-configured"))
				f.lock("/var/lib/dpkg/lock", "apt-get\x00upgrade\x00")
				if strings.HasPrefix(name, "dnf") {
					f.lock("/var/lib/rpm/.rpm.lock", "dnf\x00update\x00")
				}
				err := do(t.Context(), f)
				if _, ok := errors.AsType[*LockError](err); !ok {
					t.Errorf("got error %v", err)
				}
				f.expect()
			})
		})
	}
}

func TestWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newHost(t, "")
		f.lock(lockFiles()[0], "dpkg\x00")
		time.AfterFunc(20*time.Second+time.Millisecond, func() { f.write("/proc/locks", "") })
		start := time.Now()
		if err := f.apt.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		diff(t, "waited", 20*time.Second+lockPoll, time.Since(start))
	})
}

func TestWaitIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newHost(t, "")
		f.lock(lockFiles()[0], "dpkg\x00")
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		if err := f.apt.wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v", err)
		}
		diff(t, "waited", 3*time.Second, time.Since(start))
	})
}

// A lock that /proc does not show is known from what the command says.
func TestCommandFindsLock(t *testing.T) {
	for _, tc := range []struct{ stderr, holder string }{
		{"E: Could not get lock /var/lib/apt/lists/lock. It is held by process 356 (python3)\nE: Unable to lock directory /var/lib/apt/lists/", "process 356 (python3)"},
		{"dpkg: error: dpkg frontend lock was locked by another process with pid 356\nNote: removing the lock file is always wrong", "process 356"},
		{"E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?", "another process"},
	} {
		t.Run(tc.holder, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newHost(t, "")
				f.on["apt-get -q update"] = fails(tc.stderr)
				err := f.apt.Refresh(t.Context())
				locked, ok := errors.AsType[*LockError](err)
				if !ok {
					t.Fatalf("got error %v", err)
				}
				diff(t, "error", LockError{Holder: tc.holder, Waited: "1m0s"}, *locked)
				diff(t, "tries", 121, len(f.commands))

				tries := 0
				f.on["apt-get -q update"] = func(cmd host.Command) (string, error) {
					if tries++; tries < 3 {
						return fails(tc.stderr)(cmd)
					}
					return "", nil
				}
				if err := f.apt.Refresh(t.Context()); err != nil || tries != 3 {
					t.Errorf("after %d tries: %v", tries, err)
				}
			})
		})
	}
}

package mountns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

func TestOpenRefusesAForeignLink(t *testing.T) {
	p := newPlace(t)
	elsewhere := t.TempDir()
	if err := os.Remove(p.target); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, p.target); err != nil {
		t.Fatal(err)
	}
	_, err := Open(p.files, []Bind{p.bind(t)})
	var link *fsys.LinkError
	if !errors.As(err, &link) {
		t.Fatalf("got %v, want a LinkError", err)
	}
	want := &fsys.LinkError{Path: p.target, Target: elsewhere}
	if diff := cmp.Diff(want, link); diff != "" {
		t.Errorf("link (-want +got):\n%s", diff)
	}
}

func TestOpenNamesAMissingTarget(t *testing.T) {
	p := newPlace(t)
	p.target = filepath.Join(p.target, "missing")
	_, err := Open(p.files, []Bind{p.bind(t)})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), p.target) {
		t.Errorf("got %v", err)
	}
}

func TestOpenBindsInOrder(t *testing.T) {
	p := newPlace(t)
	inner := place{files: p.files, source: t.TempDir(), target: filepath.Join(p.target, "inner")}
	if err := os.Mkdir(filepath.Join(p.source, "inner"), 0o755); err != nil {
		t.Fatal(err)
	}
	n, err := Open(p.files, []Bind{p.bind(t), inner.bind(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	stdout(t, n, sh("touch "+inner.target+"/made"))
	if diff := cmp.Diff([]string{"made"}, names(t, inner.source)); diff != "" {
		t.Errorf("inner source (-want +got):\n%s", diff)
	}
	if err := n.Check(); err != nil {
		t.Error(err)
	}
}

func TestCheckFindsWhatHappenedOutside(t *testing.T) {
	tests := map[string]func(p place) error{
		"target renamed":     func(p place) error { return os.Rename(p.target, p.target+".old") },
		"target removed":     func(p place) error { return os.Remove(p.target) },
		"parent renamed":     func(p place) error { return os.Rename(filepath.Dir(p.target), filepath.Dir(p.target)+".old") },
		"removed and remade": func(p place) error { return errors.Join(os.Remove(p.target), os.Mkdir(p.target, 0o755)) },
		"exchanged":          exchange,
		"replaced by a link": func(p place) error { return errors.Join(os.Remove(p.target), os.Symlink(p.source, p.target)) },
		"replaced by a file": func(p place) error { return errors.Join(os.Remove(p.target), os.WriteFile(p.target, nil, 0o600)) },
		"renamed over": func(p place) error {
			return errors.Join(os.Mkdir(p.target+".new", 0o755), unix.Rename(p.target+".new", p.target))
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			n := p.open(t)
			if err := n.Check(); err != nil {
				t.Fatalf("before the change: %v", err)
			}
			if err := change(p); err != nil {
				t.Fatal(err)
			}
			if err := n.Check(); err == nil || !strings.Contains(err.Error(), p.target) {
				t.Errorf("got %v, want an error that names %s", err, p.target)
			}
		})
	}
}

func exchange(p place) error {
	other := p.target + ".other"
	if err := os.Mkdir(other, 0o755); err != nil {
		return err
	}
	return unix.Renameat2(unix.AT_FDCWD, other, unix.AT_FDCWD, p.target, unix.RENAME_EXCHANGE)
}

// TestExplain: an error of the kernel's has one cause, and an error about a file is none of these.
func TestExplain(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: who has no rights lacks these")
	}
	tests := map[string]struct {
		err  error
		want string // "": it is not the kernel that forbids namespaces
	}{
		"mount namespaces": {os.NewSyscallError(newMounts, unix.ENOSPC), "the limit user.max_mnt_namespaces is reached"},
		"PID namespaces":   {os.NewSyscallError(newProcesses, unix.ENOSPC), "the limit user.max_pid_namespaces is reached"},
		"mounts":           {os.NewSyscallError("mount", unix.ENOSPC), "the limit fs.mount-max is reached, it is 1"},
		"unknown call":     {os.NewSyscallError("mount", unix.ENOSYS), "a filter of system calls (seccomp), has no mount"},
		"no namespaces":    {os.NewSyscallError(newProcesses, unix.EINVAL), "this kernel, or a filter"},
		"security module":  {os.NewSyscallError("mount", unix.EACCES), "a security module of the kernel"},
		"wrong call":       {os.NewSyscallError("move_mount", unix.EINVAL), ""},
		"missing":          {fs.ErrNotExist, ""},
		"file":             {&fs.PathError{Op: "open", Path: "/home", Err: unix.EACCES}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := explain(fmt.Errorf("cannot bind: %w", test.err))
			_, forbidden := errors.AsType[*ForbiddenError](got)
			cause := test.err
			if call, ok := errors.AsType[*os.SyscallError](cause); ok {
				cause = call.Err
			}
			if forbidden != (test.want != "") || !strings.Contains(got.Error(), test.want) || !errors.Is(got, cause) {
				t.Errorf("got %v", got)
			}
		})
	}
	if err := explain(nil); err != nil {
		t.Errorf("no error gave %v", err)
	}
}

// TestExplainStart: ENOSPC from a command's start is the limit, from anything else it is the disk.
func TestExplainStart(t *testing.T) {
	for op, want := range map[string]bool{"fork/exec": true, "write": false} {
		got := explainStart(fmt.Errorf("cannot run: %w", &fs.PathError{Op: op, Path: "/bin/true", Err: unix.ENOSPC}))
		if _, forbidden := errors.AsType[*ForbiddenError](got); forbidden != want || !errors.Is(got, unix.ENOSPC) {
			t.Errorf("%s gave %v", op, got)
		}
	}
}

// Without privileges the kernel refuses; root gives them up on a thread that ends with the test.
func TestOpenWithoutPrivilege(t *testing.T) {
	p := newPlace(t)
	bind := p.bind(t)
	refused := make(chan error)
	go host.OnFreshThread(func() {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		none := [2]unix.CapUserData{}
		if err := unix.Capset(&header, &none[0]); err != nil {
			refused <- err
			return
		}
		_, err := enter(p.files, []Bind{bind})
		refused <- explain(err)
	})
	err := <-refused
	if _, ok := errors.AsType[*ForbiddenError](err); !ok || !strings.Contains(err.Error(), "root has no CAP_SYS_ADMIN") {
		t.Errorf("got %v", err)
	}
}

func TestOnFreshThreadAvoidsTheMainThread(t *testing.T) {
	// Many at once, so that the main thread is among those that are idle.
	threads := make(chan int)
	hold := make(chan struct{})
	const count = 32
	for range count {
		go host.OnFreshThread(func() {
			threads <- unix.Gettid()
			<-hold
		})
	}
	seen := map[int]bool{}
	for range count {
		seen[<-threads] = true
	}
	close(hold)
	if seen[os.Getpid()] || len(seen) != count {
		t.Errorf("%d goroutines had %d threads, main thread among them: %v", count, len(seen), seen[os.Getpid()])
	}
}

func BenchmarkOpen(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("needs root: only root may make mount namespaces")
	}
	files := fsys.New("/")
	dir := b.TempDir()
	source, err := files.OpenDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = source.Close() }()
	for b.Loop() {
		bind := Bind{Source: source, Target: dir}
		n, err := Open(files, []Bind{bind, bind, bind})
		if err != nil {
			b.Fatal(err)
		}
		n.Close()
	}
}

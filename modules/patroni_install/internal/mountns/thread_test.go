package mountns

import (
	"errors"
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

func TestForbidden(t *testing.T) {
	tests := []struct {
		err  error
		want bool
	}{
		{os.NewSyscallError("unshare", unix.EPERM), true},
		{os.NewSyscallError("unshare", unix.ENOSPC), true},
		{os.NewSyscallError("open_tree", unix.ENOSYS), true},
		{os.NewSyscallError("move_mount", unix.EINVAL), false},
		{fs.ErrNotExist, false},
	}
	for _, test := range tests {
		got := forbidden(test.err)
		if errors.Is(got, ErrForbidden) != test.want || !errors.Is(got, test.err) {
			t.Errorf("forbidden(%v) = %v", test.err, got)
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
		refused <- forbidden(err)
	})
	if err := <-refused; !errors.Is(err, ErrForbidden) {
		t.Errorf("got %v, want ErrForbidden", err)
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

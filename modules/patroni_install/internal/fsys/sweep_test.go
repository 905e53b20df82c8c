package fsys

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestSweep(t *testing.T) {
	for name, tt := range map[string]struct {
		there entry
		trace []string
		left  []string
	}{
		"file":      {entry{Type: File}, []string{"fsyncdir /d"}, []string{"d", "d/name"}},
		"link":      {entry{Type: Link, Text: "name"}, []string{"fsyncdir /d"}, []string{"d", "d/name"}},
		"FIFO":      {entry{Type: Other}, []string{"fsyncdir /d"}, []string{"d", "d/name"}},
		"directory": {entry{Type: Directory}, nil, []string{"d", "d/name", "d/name" + TempSuffix}},
		"nothing":   {entry{}, nil, []string{"d", "d/name"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, dir := newFS(t)
			build(t, dir, map[string]entry{
				"d": {Type: Directory}, "d/name": {Type: File}, "d/name" + TempSuffix: tt.there,
			})
			fault, seen := trace(-1)
			f.Fault = fault
			must(t, f.Sweep("/d/name"))
			if diff := cmp.Diff(tt.trace, *seen, equateEmpty); diff != "" {
				t.Errorf("announced (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.left, names(t, dir)); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSweepWithoutDirectory(t *testing.T) {
	f, dir := newFS(t)
	must(t, f.Sweep("/missing/name"))
	build(t, dir, map[string]entry{"file": {Type: File}})
	var refused *LinkError
	if err := f.Sweep("/file/name"); err == nil || errors.As(err, &refused) {
		t.Errorf("Sweep below a file: %v", err)
	}
}

// TestSweepOfNothingOnAReadOnlyFileSystem: if nothing was left there is nothing to do, although the kernel refuses to
// remove even a missing entry.
func TestSweepOfNothingOnAReadOnlyFileSystem(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a file system needs root")
	}
	root := t.TempDir()
	swept := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its mounts
		err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS)
		if err == nil {
			err = unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		}
		if err == nil {
			err = unix.Mount("none", root, "tmpfs", unix.MS_RDONLY, "")
		}
		if err == nil {
			err = New(root).Sweep("/file")
		}
		swept <- err
	}()
	if err := <-swept; err != nil {
		t.Error(err)
	}
}

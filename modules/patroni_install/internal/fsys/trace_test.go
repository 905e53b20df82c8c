package fsys

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// operation is one call that changes a file system of a few entries.
type operation struct {
	name  string
	do    func(f *FS) error
	trace []string
	// synced are the files and directories that a synctree in the trace hands to fsync, sorted.
	synced []string
	// partial says that a failure in the middle may leave more states than the old and the new.
	partial bool
}

func operations() []operation {
	return append(labelling(), []operation{
		{
			name:  "WriteFile new",
			do:    func(f *FS) error { return f.WriteFile("/d/new", []byte("new"), own(0o640)) },
			trace: []string{"write /d/new", "fsync /d/new", "rename /d/new", "fsyncdir /d"},
		},
		{
			name:  "WriteFile replaces",
			do:    func(f *FS) error { return f.WriteFile("/d/file", []byte("new"), own(0o640)) },
			trace: []string{"write /d/file", "fsync /d/file", "rename /d/file", "fsyncdir /d"},
		},
		{
			name:  "Symlink new",
			do:    func(f *FS) error { return f.Symlink("/d/new", "elsewhere", os.Geteuid(), os.Getegid()) },
			trace: []string{"symlink /d/new", "rename /d/new", "fsyncdir /d"},
		},
		{
			name:  "Symlink replaces",
			do:    func(f *FS) error { return f.Symlink("/d/link", "elsewhere", os.Geteuid(), os.Getegid()) },
			trace: []string{"symlink /d/link", "rename /d/link", "fsyncdir /d"},
		},
		{
			name:  "Mkdir",
			do:    func(f *FS) error { return f.Mkdir("/d/new", own(0o750)) },
			trace: []string{"mkdir /d/new", "chmod /d/new", "fsync /d/new", "fsyncdir /d"},
		},
		{
			name: "SetAttr",
			do: func(f *FS) error {
				seen, err := f.Lstat("/d/full")
				return errors.Join(err, f.SetAttr("/d/full", seen, own(0o711)))
			},
			trace: []string{"chmod /d/full", "fsync /d/full"},
		},
		{
			name:  "Remove file",
			do:    func(f *FS) error { return f.Remove("/d/file") },
			trace: []string{"unlink /d/file", "fsyncdir /d"},
		},
		{
			name:  "Remove directory",
			do:    func(f *FS) error { return f.Remove("/d/empty") },
			trace: []string{"unlink /d/empty", "fsyncdir /d"},
		},
		{
			name:  "Rename",
			do:    func(f *FS) error { return rename(f, "/d/file", "/e/file") },
			trace: []string{"rename /e/file", "fsyncdir /e", "fsyncdir /d"},
		},
		{
			name:  "Rename in one directory",
			do:    func(f *FS) error { return rename(f, "/d/full", "/d/new") },
			trace: []string{"rename /d/new", "fsyncdir /d"},
		},
		{
			name:  "Exchange",
			do:    func(f *FS) error { return exchange(f, "/d/full", "/e/other") },
			trace: []string{"rename /e/other", "fsyncdir /e", "fsyncdir /d"},
		},
		{
			name:  "RemoveAll directory",
			do:    func(f *FS) error { return f.RemoveAll("/d/full") },
			trace: []string{"removeall /d/full", "fsyncdir /d"},
		},
		{
			name:  "RemoveTree",
			do:    func(f *FS) error { return f.RemoveTree("/d/full", anything) },
			trace: []string{"removeall /d/full", "fsyncdir /d"},
		},
		{
			name:  "RemoveAll link",
			do:    func(f *FS) error { return f.RemoveAll("/d/link") },
			trace: []string{"unlink /d/link", "fsyncdir /d"},
		},
		{
			name:   "SyncTree",
			do:     func(f *FS) error { return f.SyncTree("/d") },
			trace:  []string{"synctree /d"},
			synced: []string{"/d", "/d/empty", "/d/file", "/d/full", "/d/full/file", "/d/full/sub", "/d/full/sub/end"},
		},
		{
			name:    "CopyTree",
			do:      func(f *FS) error { return f.CopyTree("/d/full", "/e/copy") },
			trace:   []string{"mkdir /e/copy", "chmod /e/copy", "fsync /e/copy", "synctree /e/copy", "fsyncdir /e"},
			synced:  []string{"/e/copy", "/e/copy/file", "/e/copy/sub", "/e/copy/sub/end"},
			partial: true,
		},
	}...)
}

// labelling is nothing where labels cannot be given.
func labelling() []operation {
	file, err := os.CreateTemp("", "")
	if err != nil {
		return nil
	}
	defer os.Remove(file.Name()) //nolint:errcheck // a probe
	defer file.Close()           //nolint:errcheck // a probe
	if unix.Fsetxattr(int(file.Fd()), labelAttr, []byte(programLabel), 0) != nil {
		return nil
	}
	return []operation{{
		name:  "SetLabel",
		do:    func(f *FS) error { return f.SetLabel("/d/file", programLabel) },
		trace: []string{"label /d/file", "fsync /d/file"},
	}, {
		name: "SetAttributes",
		do: func(f *FS) error {
			return f.SetAttributes("/d/full", map[string][]byte{labelAttr: []byte(programLabel)})
		},
		trace: []string{"chmod /d/full", "fsync /d/full"},
	}, {
		name: "WriteFileWith",
		do: func(f *FS) error {
			return f.WriteFileWith("/d/new", []byte("new"), own(0o640), map[string][]byte{labelAttr: []byte(programLabel)})
		},
		trace: []string{"write /d/new", "fsync /d/new", "rename /d/new", "fsyncdir /d"},
	}}
}

// sample is the content that operations act on.
func sample(t *testing.T) (*FS, string) {
	t.Helper()
	f, dir := newFS(t)
	build(t, dir, map[string]entry{
		"d":              {Type: Directory, Mode: 0o755},
		"d/empty":        {Type: Directory},
		"d/file":         {Type: File, Text: "old", Mode: 0o600},
		"d/full":         {Type: Directory, Mode: 0o755},
		"d/full/file":    {Type: File, Text: "inside"},
		"d/full/link":    {Type: Link, Text: "../file"},
		"d/full/sub":     {Type: Directory},
		"d/full/sub/end": {Type: File},
		"d/link":         {Type: Link, Text: "file"},
		"e":              {Type: Directory, Mode: 0o755},
		"e/other":        {Type: Directory},
		"e/other/mark":   {Type: File, Text: "other"},
	})
	return f, dir
}

var (
	ignoreTimes = cmpopts.IgnoreFields(entry{}, "MTime")
	equateEmpty = cmpopts.EquateEmpty()
)

func TestAnnouncedOperations(t *testing.T) {
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			f, _ := sample(t)
			fault, seen := trace(-1)
			f.Fault = fault
			must(t, op.do(f))
			if diff := cmp.Diff(op.trace, *seen); diff != "" {
				t.Errorf("announced (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSyncs compares what is handed to fsync with what is announced.
func TestSyncs(t *testing.T) {
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			want := slices.Clone(op.synced)
			for _, announced := range op.trace {
				if kind, name, _ := strings.Cut(announced, " "); kind == "fsync" || kind == "fsyncdir" {
					want = append(want, name)
				}
			}
			f, _ := sample(t)
			var mutex sync.Mutex
			var got []string
			f.Sync = func(file *os.File) error {
				mutex.Lock()
				defer mutex.Unlock()
				got = append(got, file.Name())
				return nil
			}
			must(t, op.do(f))
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("synced (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSyncReachesTheKernel syncs what the kernel knows not to be syncable.
func TestSyncReachesTheKernel(t *testing.T) {
	reader, writer, err := os.Pipe()
	must(t, err)
	defer reader.Close() //nolint:errcheck // a pipe
	defer writer.Close() //nolint:errcheck // a pipe
	if err := New("/").Sync(writer); !errors.Is(err, unix.EINVAL) {
		t.Errorf("sync of a pipe: %v, want EINVAL", err)
	}
}

// TestFailedSync fails each sync in turn: none is taken for a success.
func TestFailedSync(t *testing.T) {
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			for n := int64(1); ; n++ {
				f, _ := sample(t)
				var count atomic.Int64
				f.Sync = func(*os.File) error {
					if count.Add(1) == n {
						return unix.EIO
					}
					return nil
				}
				err := op.do(f)
				if count.Load() < n {
					must(t, err)
					return
				}
				if !errors.Is(err, unix.EIO) {
					t.Errorf("sync %d failed: error %v, want EIO", n, err)
				}
			}
		})
	}
}

// TestFaults fails each announced operation in turn: what is there afterwards is the old or the
// new state, and the same call made again completes or finds its work done.
func TestFaults(t *testing.T) {
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			f, dir := sample(t)
			before := snapshot(t, dir)
			must(t, op.do(f))
			after := snapshot(t, dir)
			n := 0
			for ; faultAt(t, op, n, before, after); n++ {
			}
			if n != len(op.trace) {
				t.Errorf("%d faults fired, want %d", n, len(op.trace))
			}
		})
	}
}

// faultAt runs op on a fresh sample with a fault at its n-th operation and tells whether it fired.
func faultAt(t *testing.T, op operation, n int, before, after map[string]entry) bool {
	t.Helper()
	f, dir := sample(t)
	fault, seen := trace(n)
	f.Fault = fault
	open := openDescriptors(t)
	err := op.do(f)
	if len(*seen) <= n {
		must(t, err)
		return false
	}
	if !errors.Is(err, errInjected) {
		t.Errorf("fault at %d: error %v, want the injected one", n, err)
	}
	if now := openDescriptors(t); now != open {
		t.Errorf("fault at %d: %d descriptors open, %d before", n, now, open)
	}
	found := snapshot(t, dir)
	if old, fresh := cmp.Diff(before, found, ignoreTimes), cmp.Diff(after, found, ignoreTimes); !op.partial && old != "" && fresh != "" {
		t.Errorf("fault at %d: neither the old state (-want +got):\n%s\nnor the new one:\n%s", n, old, fresh)
	}
	for _, name := range sortedKeys(found) {
		if filepath.Ext(name) == ".tmp" {
			t.Errorf("fault at %d left %s", n, name)
		}
	}
	return true
}

func TestAnnounceWithoutHook(t *testing.T) {
	if err := New("/").Announce("run", "true"); err != nil {
		t.Errorf("Announce without a hook: %v", err)
	}
}

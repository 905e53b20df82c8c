package fsys

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// The shape of a venv: 1,500 files of 40 KiB in 150 directories, 60 MB in all.
const (
	benchFiles = 1500
	benchSize  = 40 << 10
	benchDirs  = 150
)

// makeVenv makes directory venv below dir with files of the given size.
func makeVenv(tb testing.TB, dir string, size int) {
	tb.Helper()
	top := filepath.Join(dir, "venv")
	data := make([]byte, size)
	for i := range benchFiles {
		sub := filepath.Join(top, "lib", fmt.Sprintf("package%d", i%benchDirs/10), fmt.Sprintf("module%d", i%10))
		if err := os.MkdirAll(sub, 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(sub, fmt.Sprintf("file%d.py", i)), data, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
}

func BenchmarkWalk(b *testing.B) {
	dir := b.TempDir()
	makeVenv(b, dir, 10)
	files := New(dir)
	b.ReportAllocs()
	for b.Loop() {
		err := files.Walk("/venv", func(string, Info, *os.File) (bool, error) { return true, nil })
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSync compares the ways to make a new tree durable, each alone and beside a writer
// that keeps the same file system busy.
func BenchmarkSync(b *testing.B) {
	ways := []struct {
		name string
		sync func(files *FS, name string) error
	}{
		{"SyncTree", (*FS).SyncTree},
		{"naive", syncEach},
		{"syncfs", syncFS},
	}
	for _, way := range ways {
		for _, busy := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/busy=%v", way.name, busy), func(b *testing.B) { benchSync(b, busy, way.sync) })
		}
	}
}

func syncEach(files *FS, name string) error {
	top, err := files.OpenDir(name)
	if err != nil {
		return err
	}
	defer top.Close() //nolint:errcheck // read only
	return files.eachEntry(top, files.closeSynced)
}

func syncFS(files *FS, name string) error {
	file, err := files.OpenDir(name)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // read only
	return unix.Syncfs(int(file.Fd()))
}

func benchSync(b *testing.B, busy bool, sync func(*FS, string) error) {
	dir := b.TempDir()
	files := New(dir)
	for b.Loop() {
		b.StopTimer()
		unix.Sync()
		makeVenv(b, dir, benchSize)
		stop := func() {}
		if busy {
			stop = keepBusy(b, filepath.Join(dir, "other"))
		}
		b.StartTimer()
		err := sync(files, "/venv")
		b.StopTimer()
		stop()
		if err == nil {
			err = files.RemoveAll("/venv")
		}
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// keepBusy dirties 128 MB of the file system and goes on rewriting them until stopped.
func keepBusy(b *testing.B, name string) (stop func()) {
	b.Helper()
	const chunk, chunks = 1 << 20, 128
	file, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, chunk)
	write := func(i int) { _, _ = file.WriteAt(data, int64(i%chunks)*chunk) }
	for i := range chunks {
		write(i)
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-quit:
				return
			default:
				write(i)
			}
		}
	}()
	return func() { close(quit); <-done; _ = file.Close() }
}

package install

import "github.com/pgedge/platform/modules/patroni_install/internal/fsys"

// closed is what a view is read through when all have looked. Who reads then has not said in time what it needs.
type closed struct{}

var _ reader = closed{}

func (closed) late(name string) string {
	return "internal error: " + name + " is read after all have looked"
}

// Lstat implements [reader].
func (c closed) Lstat(name string) (fsys.Info, error) { panic(c.late(name)) }

// ReadFileInfo implements [reader].
func (c closed) ReadFileInfo(name string, _ int64) ([]byte, fsys.Info, error) { panic(c.late(name)) }

// ReadDir implements [reader].
func (c closed) ReadDir(name string) ([]string, error) { panic(c.late(name)) }

// RealPath implements [reader].
func (c closed) RealPath(name string) (string, error) { panic(c.late(name)) }

// Resolve implements [reader].
func (c closed) Resolve(name string) (string, error) { panic(c.late(name)) }

// Label implements [reader].
func (c closed) Label(name string) (string, error) { panic(c.late(name)) }

// NoExec implements [reader].
func (c closed) NoExec(name string) (bool, error) { panic(c.late(name)) }

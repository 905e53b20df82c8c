// Package manifest writes down the entries of a directory tree, so that a later look finds the differences without
// reading any file.
//
// Bytecode (__pycache__ and *.pyc) is left out, since running a program writes it; so are the
// times of directories and of links. The text begins with a line that names the format and the
// tree, has a sum of all entries, and tells where the tree's file system is mounted, if that is not the root directory;
// a line of tab-separated fields follows for each of them:
//
//	shared  rest  type  mode  uid:gid  size  time  target  sum
//
// shared is the number of bytes that the path has in common with the one before it, and rest is the rest of the path.
// mode is octal, time in nanoseconds; size, time and sum (hexadecimal SHA-256) are those of a file, target is a
// link's. Rest and target are quoted as in Go.
package manifest

import (
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// maxEntries limits a tree. A venv with all of Patroni's extras has a fifth of it.
const maxEntries = 30_000

// Limit limits the text of a manifest, in bytes.
const Limit = 4 << 20

// Entry is an entry of a tree.
type Entry struct {
	fsys.Attr

	Path   string // relative to the tree
	Type   fsys.Type
	Size   int64  // of a file
	Time   int64  // of a file's last change, in nanoseconds
	Target string // of a link
	Sum    string // hexadecimal, if the file's content was read; see Sums
}

// Scan lists the entries below a directory, without reading any file.
func Scan(files *fsys.FS, dir string) ([]Entry, error) {
	var all []Entry
	err := files.Walk(dir, func(rel string, info fsys.Info, _ *os.File) (bool, error) {
		if name := path.Base(rel); name == "__pycache__" || strings.HasSuffix(name, ".pyc") {
			return false, nil
		}
		if len(all) == maxEntries {
			return false, &os.PathError{Op: "list", Path: dir, Err: fmt.Errorf("it holds more than %d entries", maxEntries)}
		}
		e := Entry{Attr: info.Attr, Path: rel, Type: info.Type, Target: info.Target}
		if info.Type == fsys.File {
			e.Size, e.Time = info.Size, info.MTime.UnixNano()
		}
		all = append(all, e)
		return true, nil
	})
	return all, err
}

// Difference is an entry that has changed; nil stands for absence.
type Difference struct {
	Path     string
	Was, Now *Entry
}

// Compare returns the differences: first those of the entries that exist, in their order, then the missing entries.
func Compare(was, now []Entry) []Difference {
	before := make(map[string]*Entry, len(was))
	for i := range was {
		before[was[i].Path] = &was[i]
	}
	var found []Difference
	for i := range now {
		e := &now[i]
		old, known := before[e.Path]
		if known {
			delete(before, e.Path)
			if e.same(old) {
				continue
			}
		}
		found = append(found, Difference{Path: e.Path, Was: old, Now: e})
	}
	for i := range was {
		if _, gone := before[was[i].Path]; gone {
			found = append(found, Difference{Path: was[i].Path, Was: &was[i]})
		}
	}
	return found
}

// same compares all but the sum.
func (e *Entry) same(old *Entry) bool {
	other := *old
	other.Sum = e.Sum
	return *e == other
}

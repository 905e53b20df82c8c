package fsys

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"golang.org/x/sys/unix"
)

// maxDepth limits the descent into a directory: no venv is as deep, and each level holds a descriptor.
const maxDepth = 128

// maxRemoved is the same for removals: a copy that was given up since its original is too deep has to go again, with
// the directories of the stage above it.
const maxRemoved = 2 * maxDepth

// maxEntries limits the names that are read from one directory: no venv has as many, and the owner of the directory
// could make any number of them.
const maxEntries = 100_000

// Visit is called for an entry of a walked directory: its path relative to the directory, the
// entry, and the open directory that holds it. For a directory, descend says whether to go in.
type Visit func(rel string, info Info, in *os.File) (descend bool, err error)

// Walk visits everything below directory name, each directory before its entries and the entries in the order of
// their names. It follows no link and enters no other file system; a mount point is visited. Entries that go away
// meanwhile are left out: programs that run from a venv make and rename files in it.
func (f *FS) Walk(name string, visit Visit) error {
	file, err := f.OpenDir(name)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // read only
	return walk(file, visit)
}

// walkAgain walks a directory whose names may have been read already.
func walkAgain(file *os.File, visit Visit) error {
	again, err := openSub(int(file.Fd()), ".", file.Name())
	if err != nil {
		return err
	}
	defer again.Close() //nolint:errcheck // read only
	return walk(again, visit)
}

func walk(file *os.File, visit Visit) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		return pathError("stat", file.Name(), err)
	}
	return walkDir(file, "", st.Dev, 0, visit)
}

func walkDir(in *os.File, rel string, dev uint64, depth int, visit Visit) error {
	if depth > maxDepth {
		return tooDeep("walk", in, maxDepth)
	}
	names, err := entryNames(in)
	if err != nil {
		return err
	}
	prefix := rel
	if rel != "" {
		prefix += "/"
	}
	for _, name := range names {
		if err := walkEntry(in, name, prefix+name, dev, depth, visit); err != nil {
			return err
		}
	}
	return nil
}

func walkEntry(in *os.File, name, rel string, dev uint64, depth int, visit Visit) error {
	info, err := statAt(int(in.Fd()), name)
	if err != nil {
		return unlessGone(pathError("stat", path.Join(in.Name(), name), err))
	}
	descend, err := visit(rel, info, in)
	if err != nil || !descend || info.Type != Directory || info.Dev != dev {
		return err
	}
	sub, err := openSub(int(in.Fd()), name, path.Join(in.Name(), name))
	if err != nil {
		return unlessGone(err)
	}
	defer sub.Close() //nolint:errcheck // read only
	return walkDir(sub, rel, dev, depth+1, visit)
}

// openSub opens directory base in directory fd; name is its full path.
func openSub(fd int, base, name string) (*os.File, error) {
	sub, err := openat(fd, base, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return os.NewFile(uintptr(sub), name), nil
}

// entryNames returns the sorted names in a directory that was not read from yet.
func entryNames(in *os.File) ([]string, error) {
	names, err := in.Readdirnames(maxEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(names) > maxEntries {
		return nil, pathError("read", in.Name(), fmt.Errorf("more than %d entries", maxEntries))
	}
	slices.Sort(names)
	return names, nil
}

func tooDeep(op string, in *os.File, limit int) error {
	return pathError(op, in.Name(), fmt.Errorf("more than %d directories deep", limit))
}

// unlessGone drops the error of an entry that is no longer there.
func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

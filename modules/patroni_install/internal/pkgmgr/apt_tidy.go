package pkgmgr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/charset"
	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// bytecodeCache is the directory in which Python keeps the bytecode of the sources beside it.
const bytecodeCache = "__pycache__"

// tidy removes what the interpreter of a killed installation left beside the files of set, which
// is gone by now: bytecode that was being written. dpkg does not know such a file and leaves the
// directory that holds it. The archives in dir name the directories.
func (a apt) tidy(ctx context.Context, set []Package, dir string) error {
	for _, p := range set {
		file := path.Join(dir, archive(p))
		if !a.exists(file) {
			continue // it was not downloaded, so nothing was installed
		}
		directories, err := a.directories(ctx, file)
		if _, damaged := errors.AsType[*host.CommandError](err); damaged {
			continue // as a full disk leaves it in the middle of the download
		}
		if err != nil {
			return err
		}
		for _, d := range directories {
			if err := a.tidyDirectory(ctx, d); err != nil {
				return fmt.Errorf("cannot remove what %s left: %w", p, err)
			}
		}
	}
	return nil
}

// directories returns the directories that an archive contains, the deepest first.
func (a apt) directories(ctx context.Context, file string) ([]string, error) {
	cmd := a.command("dpkg-deb", "--contents", a.Host.FS.Real(file))
	out, err := a.Host.Run.Run(ctx, cmd)
	if err != nil {
		return nil, err
	}
	var found []string
	for line := range strings.Lines(string(out.Stdout)) {
		// drwxr-xr-x root/root         0 2022-12-10 21:46 ./usr/lib/python3/dist-packages/pipx/
		_, name, named := strings.Cut(strings.TrimSpace(line), " ./")
		if named && strings.HasPrefix(line, "d") && name != "" {
			found = append(found, "/"+path.Clean(name))
		}
	}
	slices.Sort(found)
	slices.Reverse(found)
	return found, nil
}

// tidyDirectory removes unfinished bytecode of the sources in directory d, and then d itself where
// dpkg left it for that alone. An interrupted tidy may have come half-way, so whatever is empty
// and no package's goes, as it does with dpkg.
func (a apt) tidyDirectory(ctx context.Context, d string) error {
	cache := path.Join(d, bytecodeCache)
	names, err := a.entries(cache)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !isUnfinishedBytecode(name) {
			continue
		}
		if err := a.Host.FS.Remove(path.Join(cache, name)); err != nil {
			return err
		}
	}
	if err := a.removeEmpty(ctx, cache); err != nil {
		return err
	}
	return a.removeEmpty(ctx, d)
}

// entries returns the names in a directory; none if it is not there.
func (a apt) entries(d string) ([]string, error) {
	names, err := a.Host.FS.ReadDir(d)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	return names, err
}

// removeEmpty removes a directory that holds nothing and that no package has. What lies in its place is somebody's.
func (a apt) removeEmpty(ctx context.Context, d string) error {
	info, err := a.Host.FS.Lstat(d)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR), err == nil && info.Type != fsys.Directory:
		return nil
	case err != nil:
		return err
	}
	if names, err := a.entries(d); err != nil || len(names) > 0 {
		return err
	}
	_, err = a.Host.Run.Run(ctx, a.command("dpkg-query", "--search", d))
	failed, ran := errors.AsType[*host.CommandError](err)
	switch {
	case err == nil:
		return nil // another package has it
	case ran && failed.Code == 1:
		return a.Host.FS.Remove(d)
	}
	return err
}

// isUnfinishedBytecode recognises the name under which Python writes bytecode before it renames
// it: "x.cpython-311.pyc.140223", the address of an object.
func isUnfinishedBytecode(name string) bool {
	_, number, found := strings.Cut(name, ".pyc.")
	return found && charset.MadeOf(number, charset.Digits)
}

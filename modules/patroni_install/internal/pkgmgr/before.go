package pkgmgr

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
)

// beforeFile in the directory of the archives says what was there of a set before it was installed. It is written
// before the package manager begins, so that a removal finds it after a crash too.
const beforeFile = "before.json"

// configurationLimit bounds a configuration file that is kept, in bytes, and beforeLimit all of them.
const (
	configurationLimit = 4 << 20
	beforeLimit        = 64 << 20
)

// before is what was there of one package.
type before struct {
	Package Package `json:"package"`
	// Residual tells that it was removed and not purged: state config-files of dpkg.
	Residual bool `json:"residual,omitempty"`
	// Files are those that the package takes for its configuration, and what the package manager puts beside them.
	Files []configuration `json:"files"`
	// Dirs are the directories of those that were there, the upper first.
	Dirs []directory `json:"dirs"`
}

// configuration is a file as it was before, nil where nothing was.
type configuration struct {
	Path  string `json:"path"`
	State *state `json:"state"`
}

type state struct {
	fsys.Attr

	Data []byte `json:"data"`
}

type directory struct {
	fsys.Attr

	Path string `json:"path"`
}

// keep looks at the configuration files of a package, and at those beside them that have one of the suffixes. What is
// not there is noted where the package manager may make it.
func (b *before) keep(files *fsys.FS, names, suffixes []string) error {
	for _, name := range names {
		there := false
		for _, suffix := range append([]string{""}, suffixes...) {
			c := configuration{Path: name + suffix}
			info, err := files.Lstat(c.Path)
			if err == nil && info.Type != fsys.File {
				continue // dpkg and rpm leave it, or what it leads to
			}
			if err == nil {
				c.State = &state{}
				c.State.Data, info, err = files.ReadFileInfo(c.Path, configurationLimit)
				c.State.Attr, there = info.Attr, true
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("cannot keep the configuration file %s, which an undo would have to put back: %w", c.Path, err)
			}
			if c.State != nil || suffix == "" || strings.HasPrefix(suffix, ".dpkg-") || strings.HasPrefix(suffix, ".rpm") {
				b.Files = append(b.Files, c)
			}
		}
		if !there {
			continue
		}
		if err := b.keepDirs(files, path.Dir(name)); err != nil {
			return err
		}
	}
	return nil
}

func (b *before) keepDirs(files *fsys.FS, name string) error {
	if name == "/" || slices.ContainsFunc(b.Dirs, func(d directory) bool { return d.Path == name }) {
		return nil
	}
	if err := b.keepDirs(files, path.Dir(name)); err != nil {
		return err
	}
	info, err := files.Lstat(name)
	if err == nil && info.Type == fsys.Directory {
		b.Dirs = append(b.Dirs, directory{Attr: info.Attr, Path: name})
	}
	return err
}

// putBack makes the configuration files what they were before, once the package is gone.
func (b *before) putBack(files *fsys.FS) error {
	for _, d := range b.Dirs {
		if _, err := files.Lstat(d.Path); errors.Is(err, fs.ErrNotExist) {
			err = files.Mkdir(d.Path, d.Attr)
			if err != nil {
				return fmt.Errorf("cannot put back %s: %w", d.Path, err)
			}
		}
	}
	for _, c := range b.Files {
		if err := c.putBack(files); err != nil {
			return fmt.Errorf("cannot put back %s: %w", c.Path, err)
		}
	}
	return nil
}

func (c configuration) putBack(files *fsys.FS) error {
	data, info, err := files.ReadFileInfo(c.Path, configurationLimit)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case c.State == nil && missing:
		return nil
	case c.State == nil && err == nil:
		return files.Remove(c.Path)
	case err != nil && !missing:
		return err
	case !missing && info.Attr == c.State.Attr && string(data) == string(c.State.Data):
		return nil
	}
	return files.WriteFile(c.Path, c.State.Data, c.State.Attr)
}

// writeBefore keeps what was there of a set, in the directory of its archives.
func writeBefore(files *fsys.FS, dir string, all []before) error {
	text, err := jsonvalue.EncodeExactly(all)
	if err != nil {
		return fmt.Errorf("cannot write down what was there of the packages: %w", err)
	}
	return files.WriteFile(path.Join(dir, beforeFile), text, fsys.Attr{Mode: 0o600})
}

// readBefore returns what writeBefore kept; begun is false where it came to nothing, though the directory is there:
// then the package manager has not begun either.
func readBefore(files *fsys.FS, dir string) (all []before, begun bool, err error) {
	text, err := files.ReadFile(path.Join(dir, beforeFile), beforeLimit)
	if errors.Is(err, fs.ErrNotExist) {
		_, err := files.Lstat(dir)
		return nil, err != nil, nil
	}
	if err == nil {
		err = jsonvalue.Decode(text, &all)
	}
	if err != nil {
		return nil, false, fmt.Errorf("cannot read what was there of the packages before: %w", err)
	}
	return all, true, nil
}

// isResidual tells whether a package was removed and not purged before.
func isResidual(all []before, p Package) bool {
	return slices.ContainsFunc(all, func(b before) bool { return b.Package == p && b.Residual })
}

// putBack does that for all packages of a set but those that are kept.
func putBack(files *fsys.FS, all []before, kept []Package) error {
	for _, b := range all {
		// Of a package that is kept there may be another version by now.
		if slices.ContainsFunc(kept, func(p Package) bool { return p.Name == b.Package.Name && p.Arch == b.Package.Arch }) {
			continue
		}
		if err := b.putBack(files); err != nil {
			return err
		}
	}
	return nil
}

// absolute returns the lines of a text that are absolute paths.
func absolute(text string) (names []string) {
	for line := range strings.Lines(text) {
		if name := strings.TrimSpace(line); path.IsAbs(name) {
			names = append(names, path.Clean(name))
		}
	}
	return names
}

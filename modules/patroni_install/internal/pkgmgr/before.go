package pkgmgr

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
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

// configuration is a file as it was before, or a link, both nil if nothing was.
type configuration struct {
	Path  string `json:"path"`
	State *state `json:"state"`
	Link  *link  `json:"link,omitempty"`
}

type state struct {
	fsys.Attr

	Data       []byte            `json:"data"`
	Attributes map[string][]byte `json:"attributes,omitempty"`
}

type link struct {
	Target string `json:"target"`
	UID    int    `json:"uid"`
	GID    int    `json:"gid"`
	Label  string `json:"label,omitempty"`
}

type directory struct {
	fsys.Attr

	Path       string            `json:"path"`
	Attributes map[string][]byte `json:"attributes,omitempty"`
}

// beside are the ends of the names beside a configuration file that a package manager gives to files of its own, and
// of those which it removes, whoever made them.
type beside struct{ made, removed []string }

// keep looks at the configuration files of a package, and at those beside them. What is not there is noted if the
// package manager may make it. Of a link what it leads to is kept, too: dpkg's purge
// removes that, and rpm puts the link aside.
func (b *before) keep(files *fsys.FS, names []string, ends beside) error {
	for _, name := range names {
		if err := b.keepOne(files, name, ends); err != nil {
			return err
		}
		target, err := files.Resolve(name)
		if err == nil && target != name {
			err = b.keepOne(files, target, ends)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot keep the configuration file %s, which an undo would have to put back: %w; move it away, "+
				"and run this again", name, err)
		}
	}
	return nil
}

func (b *before) keepOne(files *fsys.FS, name string, ends beside) error {
	there := false
	for _, suffix := range slices.Concat([]string{""}, ends.made, ends.removed) {
		c, found, err := lookAt(files, name+suffix)
		if err != nil {
			return fmt.Errorf("cannot keep the configuration file %s, which an undo would have to put back: %w; move it away, "+
				"and run this again", c.Path, err)
		}
		kept := c.State != nil || c.Link != nil
		if kept || !found && !slices.Contains(ends.removed, suffix) {
			b.Files = append(b.Files, c)
		}
		there = there || kept
	}
	if !there {
		return nil
	}
	return b.keepDirs(files, path.Dir(name))
}

// lookAt describes a file or a link. What else is found there the package managers leave.
func lookAt(files *fsys.FS, name string) (c configuration, found bool, err error) {
	c.Path = name
	info, err := files.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c, false, nil
	case err == nil && info.Type == fsys.Link:
		c.Link = &link{Target: info.Target, UID: info.UID, GID: info.GID}
		c.Link.Label, err = files.Label(name)
	case err == nil && info.Type == fsys.File:
		c.State = &state{}
		c.State.Data, info, err = files.ReadFileInfo(name, configurationLimit)
		c.State.Attr = info.Attr
		if err == nil {
			c.State.Attributes, err = files.Attributes(name)
		}
	}
	return c, true, err
}

func (b *before) keepDirs(files *fsys.FS, name string) error {
	if name == "/" || slices.ContainsFunc(b.Dirs, func(d directory) bool { return d.Path == name }) {
		return nil
	}
	if err := b.keepDirs(files, path.Dir(name)); err != nil {
		return err
	}
	info, err := files.Lstat(name)
	if err != nil || info.Type != fsys.Directory {
		return err
	}
	attributes, err := files.Attributes(name)
	b.Dirs = append(b.Dirs, directory{Attr: info.Attr, Path: name, Attributes: attributes})
	return err
}

// putBack makes the configuration files what they were before, once the package is gone, and the directories that hold
// them: rpm gives one that a package owns the mode and owner that the package has for it.
func (b *before) putBack(files *fsys.FS) error {
	for _, d := range b.Dirs {
		if err := d.putBack(files); err != nil {
			return fmt.Errorf("cannot put back %s: %w", d.Path, err)
		}
	}
	for _, c := range b.Files {
		if err := c.putBack(files); err != nil {
			return fmt.Errorf("cannot put back %s: %w", c.Path, err)
		}
	}
	return nil
}

func (d directory) putBack(files *fsys.FS) error {
	info, err := files.Lstat(d.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = files.Mkdir(d.Path, d.Attr)
	case err == nil && info.Type != fsys.Directory:
		return nil // somebody else's by now
	case err == nil && info.Attr != d.Attr:
		err = files.SetAttr(d.Path, info, d.Attr)
	}
	if err != nil {
		return err
	}
	found, err := files.Attributes(d.Path)
	if err != nil || sameAttributes(found, d.Attributes) {
		return err
	}
	return files.SetAttributes(d.Path, d.Attributes)
}

func sameAttributes(a, b map[string][]byte) bool { return maps.EqualFunc(a, b, bytes.Equal) }

func (c configuration) putBack(files *fsys.FS) error {
	found, _, err := lookAt(files, c.Path)
	switch {
	case err != nil:
		return err
	case c.State == nil && c.Link == nil && found.State == nil:
		return nil
	case c.State == nil && c.Link == nil:
		return files.Remove(c.Path)
	case c.Link != nil && found.Link != nil && *found.Link == *c.Link:
		return nil
	case c.Link != nil:
		return files.LabelledSymlink(c.Path, c.Link.Target, c.Link.UID, c.Link.GID, c.Link.Label)
	case found.State.equal(c.State):
		return nil
	}
	return files.WriteFileWith(c.Path, c.State.Data, c.State.Attr, c.State.Attributes)
}

func (s *state) equal(other *state) bool {
	return s != nil && s.Attr == other.Attr && bytes.Equal(s.Data, other.Data) &&
		sameAttributes(s.Attributes, other.Attributes)
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

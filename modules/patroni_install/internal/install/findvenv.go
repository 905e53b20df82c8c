package install

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/manifest"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
)

// compareWithManifest does so with the tree, and says what is to be written down. Without a manifest, as for an
// installation that somebody else made, the packages alone say what their files should be.
func (o *observer) compareWithManifest(tree *pipx.Venv) (record []byte, err error) {
	if len(tree.Problems) > 0 || o.want.State == Absent {
		return nil, nil
	}
	now, err := manifest.Scan(o.host.FS, tree.Path)
	if err != nil {
		return nil, tree.Broken(err)
	}
	full, old := o.want.Verify == Full, o.seen.fileState(o.seen.manifestPath())
	if !full && old != nil && manifest.Matches(o.seen.tree(), old.Data, now) {
		return nil, nil
	}
	return o.compare(tree, now, full)
}

// compare looks at what differs from the manifest, and with full at everything.
func (o *observer) compare(tree *pipx.Venv, now []manifest.Entry, full bool) (record []byte, err error) {
	was := o.written()
	differs := was == nil || len(manifest.Compare(was, now)) > 0
	if differs || full {
		if err := tree.Verify(o.host.FS, was, now, full); err != nil {
			return nil, fmt.Errorf("cannot verify the installation: %w", err)
		}
	}
	old := o.seen.fileState(o.seen.manifestPath())
	moved := old != nil && manifest.MountOf(tree.Path, old.Data) != o.seen.Mount
	if !differs && !moved || len(tree.Problems) > 0 {
		return nil, nil
	}
	if err := tree.Sums(o.host.FS, now); err != nil {
		return nil, tree.Broken(err)
	}
	return manifest.Encode(o.seen.tree(), now)
}

// written returns what was written down. What cannot be used is as good as nothing.
func (o *observer) written() []manifest.Entry {
	old := o.seen.fileState(o.seen.manifestPath())
	if old == nil {
		return nil
	}
	was, err := manifest.Decode(o.seen.Layout.Venv(), old.Data)
	if err != nil {
		o.host.Progress("the manifest of the installation cannot be used: " + err.Error())
	}
	return was
}

// versionIn is the version of Patroni in a manifest, "" when it is in none.
func versionIn(entries []manifest.Entry) string {
	for _, e := range entries {
		dir, isRecord := strings.CutSuffix(e.Path, ".dist-info/RECORD")
		if version, found := strings.CutPrefix(path.Base(dir), pipx.Package+"-"); isRecord && found {
			return version
		}
	}
	return ""
}

// findMount notes where the file system of a directory is mounted.
func (o *observer) findMount(name string) { o.seen.Mount = o.host.MountPoint(name) }

// findVenv inspects the venv that is there and names the others.
func (o *observer) findVenv() error {
	v := o.seen
	if err := v.LookAlong(v.venvs()); err != nil {
		return err
	}
	o.findMount(v.venvs())
	tree, err := pipx.Inspect(o.host.FS, v.Layout.Venv(), v.User.UID)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot inspect the installation: %w", err)
	}
	if err == nil {
		if err := o.describe(tree); err != nil {
			return err
		}
	}
	names, err := v.Names(v.venvs())
	if err != nil {
		return fmt.Errorf("cannot inspect pipx's home: %w", err)
	}
	for _, name := range names {
		if name != path.Base(v.Layout.Venv()) {
			v.OtherVenvs = append(v.OtherVenvs, name)
		}
	}
	return nil
}

// describe describes a venv, compared with what was written down of it.
func (o *observer) describe(tree *pipx.Venv) error {
	v := o.seen
	if err := v.readManifest(); err != nil {
		return err
	}
	record, err := o.compareWithManifest(tree)
	if err != nil {
		return err
	}
	v.Installed = installedVenv(tree)
	v.Installed.Record = record
	if len(tree.Problems) > 0 {
		v.Installed.Recorded = versionIn(o.written())
	}
	if v.Installed.RealPath, err = v.files.RealPath(tree.Path); err != nil {
		return fmt.Errorf("cannot inspect the installation: %w", err)
	}
	return nil
}

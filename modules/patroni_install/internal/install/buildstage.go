package install

import (
	"errors"
	"fmt"
	"path"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/mountns"
)

// tryRenames refuses a file system on which the switch would fail, after the whole build: ZFS before 2.2,
// NFS and others know the plain rename only.
func (b *builder) tryRenames() error {
	seen := b.plan.seen
	var dirs []fsys.Entry
	for _, name := range trialDirs() {
		name = path.Join(seen.Stage, name)
		info, err := b.host.FS.Lstat(name)
		if err != nil {
			return fmt.Errorf("cannot use the stage: %w", err)
		}
		dirs = append(dirs, fsys.Entry{Path: name, ID: info.ID})
	}
	one, other := dirs[0], dirs[1]
	err := b.host.FS.Exchange(one, other)
	if err == nil {
		err = b.host.FS.Rename(fsys.Entry{Path: one.Path, ID: other.ID}, path.Join(seen.Stage, "third"))
	}
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("cannot build Patroni in %s: its file system cannot exchange two directories, or rename one "+
			"without replacing another, as NFS and ZFS before 2.2 cannot (%w); set pipx_home (in the role: patroni_pipx_home) "+
			"to a directory on another file system, such as ext4 or XFS", seen.Home, err)
	}
	if err != nil {
		return fmt.Errorf("cannot use the stage: %w", err)
	}
	return nil
}

// openStage shows the stage at the final place to those who run in the namespace.
func (b *builder) openStage() (Namespace, error) {
	seen := b.plan.seen
	free, err := b.host.FS.FreeBytes(seen.Stage)
	if err != nil {
		return nil, fmt.Errorf("cannot tell the free space: %w", err)
	}
	if free < spaceNeeded {
		return nil, fmt.Errorf("cannot build Patroni: %d MB are free on the file system of %s, the build takes %d MB; make "+
			"room there",
			free>>20, seen.Home, spaceNeeded>>20)
	}
	shown := []struct{ source, target string }{{seen.stagedHome(), seen.Home}}
	if b.plan.BringsPipx {
		shown = append(shown, struct{ source, target string }{seen.stagedBase(), seen.stagedUserBase()})
	}
	var binds []mountns.Bind
	for _, b2 := range shown {
		source, err := b.host.FS.OpenDir(b2.source)
		if err != nil {
			return nil, fmt.Errorf("cannot open the stage: %w", err)
		}
		defer source.Close() //nolint:errcheck // the mount holds what it needs
		binds = append(binds, mountns.Bind{Source: source, Target: b2.target})
	}
	return b.open(b.host.FS, binds)
}

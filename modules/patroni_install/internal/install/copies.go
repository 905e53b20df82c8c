package install

import (
	"fmt"
	"path"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
)

// copies copies trees that may come from a lower layer of an overlay, so that a switch which
// cannot rename them can still be undone.
func (b *builder) copies(out Outcome) (Outcome, error) {
	seen := b.plan.seen
	var err error
	if seen.Installed != nil {
		out.Copy, err = copyForUndo(b.host, seen.Layout, seen.Layout.Venv())
	}
	if err == nil && seen.sharedGoes(out, b.plan.removes()) {
		out.SharedCopy, err = copyForUndo(b.host, seen.Layout, seen.Shared())
	}
	return out, err
}

// copyForUndo copies a tree on an overlay into the stage; nil on any other file system.
func copyForUndo(h *host.Host, l Layout, name string) (*step.TreeCopy, error) {
	overlay, err := h.FS.OnOverlay(name)
	if err != nil || !overlay {
		return nil, err
	}
	to := path.Join(l.Stage, path.Base(name)+".copy")
	if err := h.FS.CopyTree(name, to); err != nil {
		return nil, fmt.Errorf("cannot keep a copy of %s: %w", name, err)
	}
	info, err := h.FS.Lstat(to)
	return &step.TreeCopy{Path: to, ID: info.ID}, err
}

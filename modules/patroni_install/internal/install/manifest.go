package install

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/manifest"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// Record is what was written down of the tree when it was installed, and what should be by now.
type Record struct {
	Old *step.FileState // nil: nothing
	New []byte          // nil: as it is
	// Version is Patroni's as it was written down, where the tree itself does not tell it any more.
	Version string
}

// manifestPath is where the manifest of a venv lies: a host may have several.
func (l Layout) manifestPath() string {
	sum := sha256.Sum256([]byte(l.Layout.Venv()))
	return path.Join(StateDir, "manifest."+hex.EncodeToString(sum[:8]))
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

// verify compares the tree, if there is one, with its manifest. Without one, as for an installation that somebody
// else made, the packages alone say what their files should be.
func (o *observer) verify(tree *pipx.Venv) error {
	f := o.found
	err := o.readManifest()
	if err != nil || tree == nil || o.want.State == Absent {
		return err
	}
	if len(tree.Problems) > 0 {
		f.Record.Version = versionIn(o.written())
		return nil
	}
	now, err := manifest.Scan(o.host.FS, f.Layout.Venv())
	if err != nil {
		return tree.Broken(err)
	}
	full := o.want.Verify == Full
	if !full && f.Record.Old != nil && manifest.Matches(f.Layout.Venv(), f.Record.Old.Data, now) {
		return nil
	}
	return o.compare(tree, now, full)
}

// compare looks at what differs from the manifest, and with full at everything.
func (o *observer) compare(tree *pipx.Venv, now []manifest.Entry, full bool) error {
	f, was := o.found, o.written()
	differs := was == nil || len(manifest.Compare(was, now)) > 0
	if differs || full {
		if err := tree.Verify(o.host.FS, was, now, full); err != nil {
			return fmt.Errorf("cannot verify the installation: %w", err)
		}
	}
	if !differs || len(tree.Problems) > 0 {
		return nil
	}
	if err := tree.Sums(o.host.FS, now); err != nil {
		return tree.Broken(err)
	}
	var err error
	f.Record.New, err = manifest.Encode(f.Layout.Venv(), now)
	return err
}

func (o *observer) readManifest() error {
	data, info, err := o.host.FS.ReadFileInfo(o.found.manifestPath(), manifest.Limit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read the manifest of the installation: %w", err)
	}
	o.found.Record.Old = &step.FileState{Attr: info.Attr, Data: data}
	return nil
}

// written returns what was written down. What cannot be used is as good as nothing.
func (o *observer) written() []manifest.Entry {
	if o.found.Record.Old == nil {
		return nil
	}
	was, err := manifest.Decode(o.found.Layout.Venv(), o.found.Record.Old.Data)
	if err != nil {
		o.host.Progress("the manifest of the installation is of no use: " + err.Error())
	}
	return was
}

// manifest keeps the record of the tree that is there after the switch. It is no change that a
// user sees.
func (p *Plan) manifest(out Outcome) []txn.Step {
	s := &step.File{Name: "manifest", Path: p.seen.manifestPath(), Before: p.seen.Record.Old, Ours: true}
	text := p.seen.Record.New
	if p.Builds() {
		text = out.Manifest
	}
	switch {
	case p.want.State == Absent && s.Before == nil, p.want.State != Absent && text == nil:
		return nil
	case p.want.State != Absent:
		s.After = &step.FileState{Data: text, Attr: fsys.Attr{Mode: 0o600}}
	}
	return []txn.Step{s}
}

// manifest writes down what was built, while nobody but us can change it.
func (b *builder) manifest(out *Outcome) error {
	seen := b.plan.seen
	staged := seen.staged(seen.Layout.Venv())
	entries, err := manifest.Scan(b.host.FS, staged)
	if err != nil {
		return fmt.Errorf("cannot use what was built: %w", err)
	}
	tree := *out.Tree
	tree.Path = staged
	if err := tree.Sums(b.host.FS, entries); err != nil {
		return fmt.Errorf("cannot use what was built: %w", err)
	}
	out.Manifest, err = manifest.Encode(seen.Layout.Venv(), entries)
	return err
}

package install

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/manifest"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

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

// verify compares the tree with its manifest, and says what is to be written down. Without a manifest, as for an
// installation that somebody else made, the packages alone say what their files should be.
func (o *observer) verify(tree *pipx.Venv) (record []byte, err error) {
	if len(tree.Problems) > 0 || o.want.State == Absent {
		return nil, nil
	}
	now, err := manifest.Scan(o.host.FS, tree.Path)
	if err != nil {
		return nil, tree.Broken(err)
	}
	full, old := o.want.Verify == Full, o.seen.fileState(o.seen.manifestPath())
	if !full && old != nil && manifest.Matches(tree.Path, old.Data, now) {
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
	if !differs || len(tree.Problems) > 0 {
		return nil, nil
	}
	if err := tree.Sums(o.host.FS, now); err != nil {
		return nil, tree.Broken(err)
	}
	return manifest.Encode(tree.Path, now)
}

// written returns what was written down. What cannot be used is as good as nothing.
func (o *observer) written() []manifest.Entry {
	old := o.seen.fileState(o.seen.manifestPath())
	if old == nil {
		return nil
	}
	was, err := manifest.Decode(o.seen.Layout.Venv(), old.Data)
	if err != nil {
		o.host.Progress("the manifest of the installation is of no use: " + err.Error())
	}
	return was
}

// readManifest reads the manifest, if there is one.
func (v *View) readManifest() error {
	if err := v.readUpTo(v.manifestPath(), manifest.Limit); err != nil {
		return fmt.Errorf("cannot read the manifest of the installation: %w", err)
	}
	return nil
}

// record is the manifest of the installation. It is no change that a user sees.
type record struct{ base }

// Look implements [Part].
func (p *record) Look(context.Context) error { return p.seen.readManifest() }

// Steps implements [Part].
func (p *record) Steps(d Decision, out Outcome) ([]txn.Step, error) {
	name := p.seen.manifestPath()
	s := &step.File{Name: "manifest", Path: name, Before: p.seen.fileState(name), Ours: true}
	text := p.text(d, out)
	switch {
	case p.removes() && (s.Before == nil || p.seen.isShared()), !p.removes() && text == nil:
		return nil, nil
	case !p.removes():
		s.After = &step.FileState{Data: text, Attr: fsys.Attr{Mode: 0o600}}
	}
	return []txn.Step{s}, nil
}

// text is what is to be written down of what is there after the switch; nil for nothing new.
func (p *record) text(d Decision, out Outcome) []byte {
	switch {
	case d.Builds():
		return out.Manifest
	case p.seen.Installed == nil:
		return nil
	}
	return p.seen.Installed.Record
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

package install

import (
	"context"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

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

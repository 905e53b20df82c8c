package install

import (
	"context"
	"fmt"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/manifest"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// record is the manifest of the installation. It is no change that a user sees.
type record struct {
	base

	// unmounted is what is written down of an installation on a file system that is not mounted; nil for none.
	unmounted *unmounted
}

// unmounted is a venv that is not there now.
type unmounted struct {
	manifest.Tree

	record string // the path of its manifest
}

// findUnmounted finds the record of an installation on a file system that is not mounted; nil if there is none.
func (v *View) findUnmounted(want *Desired) (found *unmounted, err error) {
	// With the home not mounted, nobody can see that pipx's home is the old one.
	places, old := []Layout{v.Layout}, v.Layout
	if want.PipxHome == "" {
		old.Home = old.OldHome
		places = append(places, old)
	}
	for _, l := range places {
		name, venv := l.manifestPath(), l.Layout.Venv()
		if err := v.readUpTo(name, manifest.Limit); err != nil {
			return nil, err
		}
		mount := manifest.MountOf(venv, v.dataAt(name))
		if mount != "" && mount != v.Mount {
			found = &unmounted{manifest.Tree{Path: venv, Mount: mount}, name}
		}
	}
	return found, nil
}

// refuse says that it is there, and what to do.
func (u *unmounted) refuse() error {
	return fmt.Errorf("cannot install Patroni: its record %s says that it is installed in %s, on the file system of %s, "+
		"and nothing is mounted there; mount that, or, if that installation is gone for good, remove the record and run "+
		"this again", u.record, u.Path, u.Mount)
}

// Look implements [Part].
func (p *record) Look(context.Context) error {
	if err := p.seen.readManifest(); err != nil || p.seen.Installed != nil || p.seen.Packaged {
		return err
	}
	var err error
	if p.unmounted, err = p.seen.findUnmounted(p.want); err != nil {
		return err
	}
	if p.unmounted != nil && p.removes() {
		p.seen.warn("nothing is mounted at %s, where the installation %s is by its record, and what is there stays",
			p.unmounted.Mount, p.unmounted.Path)
	}
	return nil
}

// Refuse implements [Part].
func (p *record) Refuse() error {
	if p.unmounted == nil || p.removes() {
		return nil
	}
	return p.unmounted.refuse()
}

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

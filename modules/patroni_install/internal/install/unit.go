package install

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// unitName is what people read of a unit and of its drop-ins.
const unitName = "unit"

// unitStep is a step that writes or removes a file which systemd reads.
func unitStep(name string, before, after *step.FileState) *step.File {
	return &step.File{Name: unitName, Path: name, Before: before, After: after, Unit: true}
}

// unit is the service's unit, which is root's: a unit that the user can write is a way to root.
type unit struct {
	base

	packages ownPackages
	enabling *enabling

	foreign ForeignUnit
	stays   bool // a removal leaves the unit, which is somebody else's
}

// Look implements [Part].
func (p *unit) Look(ctx context.Context) error {
	if err := p.lookForOwner(); err != nil {
		return err
	}
	if err := p.formerTexts(); err != nil {
		return err
	}
	p.stays = p.removes() && p.isSomebodys()
	if p.stays {
		return nil
	}
	return p.enabling.Look(ctx)
}

// isSomebodys tells, and warns people, whether a removal would take away a unit of somebody else's. One without our
// header does belong to the installation if it starts its programs, as that of the earlier role does.
func (p *unit) isSomebodys() bool {
	e, _ := p.seen.At(p.seen.Unit)
	switch {
	case p.seen.masked():
		p.seen.warn("%s stays: it is masked, so somebody decided that it must not run", p.seen.Unit)
		return true
	case e.Type == fsys.File && !isOurs(e.Data) && !p.foreign.Replaced:
		p.seen.warn("%s stays: this module did not write it, and it starts no program of this installation; remove it "+
			"yourself, if nobody needs it", p.seen.Unit)
		return true
	}
	return false
}

// Refuse implements [Part].
func (p *unit) Refuse() error {
	if p.removes() {
		return first(p.refuseService, p.refuseUnit)
	}
	return first(p.refuseMasked, p.refuseUnit, p.refuseForeign, p.refuseAdopted, p.seen.unit(*p.want).Check)
}

// refuseService keeps the program of a running service from being taken away.
func (p *unit) refuseService() error {
	if p.foreign.File != "" || p.foreign.Elsewhere != "" {
		return nil // what runs is somebody else's service
	}
	s, unit := p.seen.Service, path.Base(p.seen.Unit)
	active := s.ActiveState != "" && s.ActiveState != "inactive" && s.ActiveState != "failed"
	enabled := strings.HasPrefix(s.UnitFileState, "enabled")
	if !active && !enabled {
		return nil
	}
	return fmt.Errorf("cannot remove Patroni: %s is %s and %s; stopping it stops PostgreSQL's failover, which this "+
		"module never does: run systemctl stop %s and systemctl disable %s first",
		unit, s.ActiveState, s.UnitFileState, unit, unit)
}

// refuseMasked respects somebody's decision that the service must not exist.
func (p *unit) refuseMasked() error {
	if !p.seen.masked() && p.seen.Service.LoadState != "masked" {
		return nil
	}
	unit := path.Base(p.seen.Unit)
	return fmt.Errorf("cannot install the unit %s: it is masked, so somebody decided that it must not run; "+
		"run systemctl unmask %s first, or set service_name (in the role: patroni_service_name)", unit, unit)
}

// refuseUnit keeps a unit that is not a plain file as it is.
func (p *unit) refuseUnit() error {
	e, found := p.seen.At(p.seen.Unit)
	if !found || e.Type == fsys.File || p.removes() && p.seen.masked() {
		return nil
	}
	what := "a " + string(e.Type)
	if e.Type == fsys.Link {
		what = "a link to " + e.Target
	}
	return fmt.Errorf("cannot manage the unit %s: it is %s, not a file; remove it, or set service_name "+
		"(in the role: patroni_service_name) to another name", p.seen.Unit, what)
}

// Parents implements [Part].
func (p *unit) Parents() []string { return []string{path.Dir(p.seen.Unit)} }

// Steps implements [Part].
func (p *unit) Steps(Decision, Outcome) ([]txn.Step, error) {
	if p.removes() {
		return p.remove(), nil
	}
	text := p.text()
	s := p.seen.changeUnit(p.seen.Unit, text)
	if p.packages.usesUnit() || s == nil {
		return nil, nil
	}
	steps := append(p.former(), s)
	if !p.packages.holds() { // else they are gone before
		steps = append(p.enabling.unlink(), steps...)
	}
	return steps, nil
}

func (p *unit) text() []byte { return p.seen.unit(*p.want).Render() }

// changeUnit gives a unit or drop-in its text; nil if it has it. People do not see whole what is there.
func (v *View) changeUnit(name string, text []byte) txn.Step {
	s := unitStep(name, v.fileState(name), &step.FileState{Data: text, Attr: fsys.Attr{Mode: 0o644}})
	if s.Before != nil && s.Before.Attr == s.After.Attr && string(s.Before.Data) == string(text) {
		return nil
	}
	if s.Before != nil {
		s.Masked = step.MaskBefore
	}
	return s
}

// remove takes the unit away, and with it what enables it.
func (p *unit) remove() []txn.Step {
	before := p.seen.fileState(p.seen.Unit)
	if before == nil || p.stays {
		return nil
	}
	steps := p.removeAdopted()
	if p.foreign.Replaced {
		steps = append(steps, p.keepFormer(before.Data)...)
	}
	return append(append(steps, removeUnit(p.seen.Unit, before, p.text())), p.enabling.unlink()...)
}

// removeUnit removes a unit or a drop-in. Its text is shown as it is if it is ours.
func removeUnit(name string, before *step.FileState, ours []byte) *step.File {
	s := unitStep(name, before, nil)
	if string(before.Data) != string(ours) {
		s.Masked = step.MaskBefore
	}
	return s
}

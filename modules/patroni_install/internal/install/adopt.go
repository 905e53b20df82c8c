package install

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// adoptedName is our file among the drop-ins of a unit that was somebody else's.
const adoptedName = "00-patroni_install-adopted.conf"

// ForeignUnit is a unit of somebody else's that has the service's name.
type ForeignUnit struct {
	File string // the administrator's own, in whose place ours would be written; "" for none
	// Elsewhere is a unit of this name, or the template of it, that systemd finds in another directory, and that ours
	// would stand in for; "" for none.
	Elsewhere string
	// Hinders says why the file cannot be adopted, "" where it can, or where nobody asked for it.
	Hinders string
	// Replaced tells that a unit which this module did not write will be replaced.
	Replaced bool
	// Alone tells that nothing but the settings of an adopted unit is in the directory of the drop-ins.
	Alone bool
}

func (l Layout) adopted() string { return path.Join(l.Unit+".d", adoptedName) }

// foreignUnit looks whose unit has the name of the service.
func (o *observer) foreignUnit(context.Context) error {
	f := o.found
	dropIns := path.Dir(f.adopted())
	names, err := o.names(dropIns)
	if err == nil {
		err = cmp.Or(o.look(f.adopted(), true), o.look(dropIns, false))
	}
	if err != nil && !errors.Is(err, unix.ENOTDIR) {
		return fmt.Errorf("cannot look at the drop-ins of the unit: %w", err)
	}
	f.Foreign.Alone = slices.Equal(names, []string{adoptedName})
	e, found := f.Entries[f.Unit]
	switch {
	case !found:
		f.Foreign.Elsewhere = o.elsewhere()
	case e.Type != fsys.File || f.masked() || strings.HasPrefix(string(e.Data), oursHeader) || systemd.IsEarlier(e.Data):
	case f.startedBy(systemd.Commands(e.Data)) || o.linksHere(systemd.Commands(e.Data)):
		f.Foreign.Replaced = o.want.State != Absent
	default:
		f.Foreign.File = f.Unit
	}
	if f.Foreign.File == "" || !o.want.AdoptService || o.want.State == Absent {
		return nil
	}
	f.Foreign.Replaced = true
	f.Foreign.Hinders, err = o.hinders(e.Data)
	return err
}

// elsewhere finds a unit of the service's name that is not in the administrator's directory. The package's own is not
// somebody else's, where the package is used.
func (o *observer) elsewhere() string {
	f := o.found
	if f.Package.Unit {
		return ""
	}
	if found := f.Service.FragmentPath; found != "" && found != f.Unit {
		return found
	}
	base := path.Base(f.Unit)
	names := []string{base}
	if prefix, _, instance := strings.Cut(base, "@"); instance {
		names = append(names, prefix+"@.service")
	}
	for _, dir := range append(osUnitDirs(), "/usr/local/lib/systemd/system", "/run/systemd/system", systemd.Directory) {
		for _, name := range names {
			if o.exists(path.Join(dir, name)) {
				return path.Join(dir, name)
			}
		}
	}
	return ""
}

// hinders says why a unit cannot be adopted: what the service does afterwards must be what it did before.
func (o *observer) hinders(text []byte) (string, error) {
	f := o.found
	config, user, err := systemd.Starts(text)
	if err != nil {
		return fmt.Sprintf("%v; set service_name (in the role: patroni_service_name) to another name", err), nil
	}
	commands, err := o.dropIns(path.Dir(f.adopted()))
	switch {
	case err != nil:
		return "", err
	case config != f.Config:
		return fmt.Sprintf("it names the configuration %q, and config_dir with config_file is %s; set these two (in the role: "+
			"patroni_config_dir, patroni_config_file) to what it names, or move the configuration there", config, f.Config), nil
	case user != f.User.Name && user != fmt.Sprint(f.User.UID):
		return fmt.Sprintf("it runs as user %q, and user is %s; set user (in the role: patroni_user) to the owner of the data",
			user, f.User.Name), nil
	case f.exists(f.adopted()):
		return fmt.Sprintf("%s is there, from an earlier adoption; move it away", f.adopted()), nil
	case len(commands) > 0:
		return fmt.Sprintf("a drop-in in %s sets another ExecStart, which would go on to be started; take it out there",
			path.Dir(f.adopted())), nil
	}
	return "", nil
}

// refuseForeignUnit keeps a unit of somebody else's from being overwritten, or from being stood in for.
func (p *Plan) refuseForeignUnit() error {
	f, name := p.seen.Foreign, path.Base(p.seen.Unit)
	switch {
	case f.Elsewhere != "":
		return fmt.Errorf("cannot install the unit %s: there is one of this name, %s, and ours would stand in for it; set service_name "+
			"(in the role: patroni_service_name) to a name of its own, or, if that one is not needed, remove what it came with",
			name, f.Elsewhere)
	case f.File != "" && !p.want.AdoptService:
		return fmt.Errorf("cannot install the unit %s: somebody else wrote %s, and it starts no program of this installation; set "+
			"service_name (in the role: patroni_service_name) to a name of its own, or take it over with adopt_service "+
			"(in the role: patroni_adopt_service), which keeps its settings, or move it away", name, f.File)
	case f.Hinders != "":
		return fmt.Errorf("cannot adopt the unit %s: %s", f.File, f.Hinders)
	}
	return nil
}

// former keeps the text of a unit that is replaced, beside the journal, and what of its settings goes on to count.
func (p *Plan) former() []txn.Step {
	e := p.seen.Entries[p.seen.Unit]
	if !p.seen.Foreign.Replaced {
		return nil
	}
	kept := p.seen.formerUnit(e.Data)
	var steps []txn.Step
	if !p.seen.exists(kept) {
		steps = append(steps, &step.File{Name: "former unit", Path: kept, Ours: true,
			After: &step.FileState{Data: e.Data, Attr: fsys.Attr{Mode: 0o600}}})
	}
	if p.seen.Foreign.File == "" {
		return steps
	}
	settings := p.seen.unit(p.want).Adopt(e.Data)
	if settings == nil {
		return steps
	}
	steps = append(steps, p.missingDirs(map[string]bool{}, path.Dir(p.seen.adopted()))...)
	// Who could not read the unit does not read its settings either.
	after := &step.FileState{Data: settings, Attr: fsys.Attr{Mode: e.Mode & 0o644}}
	return append(steps, &step.File{Name: unitStep, Path: p.seen.adopted(), Before: p.fileState(p.seen.adopted()), After: after})
}

// formerPrefix begins the names of the texts of units that were replaced.
func (l Layout) formerPrefix() string { return "former." + path.Base(l.Unit) + "." }

// formerUnit is where the text of a unit is kept. Two texts never have the same place.
func (l Layout) formerUnit(text []byte) string {
	sum := sha256.Sum256(text)
	return path.Join(StateDir, l.formerPrefix()+hex.EncodeToString(sum[:4]))
}

// lookFormer tells where the former texts of the unit are: the one that this run keeps, or, for a removal, all.
func (o *observer) lookFormer() error {
	f := o.found
	if f.Foreign.Replaced && f.Foreign.Hinders == "" {
		kept := f.formerUnit(f.Entries[f.Unit].Data)
		o.warn("this module did not write %s, and replaces it; its text is kept in %s", f.Unit, kept)
		return o.look(kept, false)
	}
	names, err := o.names(StateDir)
	if err != nil || o.want.State != Absent {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, f.formerPrefix()) })
	for _, name := range names {
		o.warn("the text of a unit that was in the place of %s before is kept in %s", f.Unit, path.Join(StateDir, name))
	}
	return nil
}

// removeAdopted removes the settings that were taken over, and their directory where nothing else is in there.
func (p *Plan) removeAdopted() []txn.Step {
	name := p.seen.adopted()
	before := p.fileState(name)
	if before == nil || p.seen.UnitStays || !systemd.IsAdopted(before.Data) {
		return nil
	}
	steps := []txn.Step{&step.File{Name: unitStep, Path: name, Before: before}}
	if dir := path.Dir(name); p.seen.Foreign.Alone {
		attr := p.seen.Entries[dir].Attr
		steps = append(steps, &step.Directory{Name: "directory", Path: dir, Before: &attr})
	}
	return steps
}

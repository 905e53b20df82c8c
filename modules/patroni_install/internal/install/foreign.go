package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// ForeignUnit is a unit of somebody else's that has the service's name.
type ForeignUnit struct {
	File string // the administrator's own, in whose place ours would be written; "" for none
	// Elsewhere is a unit of this name, or the template of it, that systemd finds in another directory, and that ours
	// would stand in for; "" for none.
	Elsewhere string
	// Hinders says why the file cannot be adopted, "" where it can, or where nobody asked for it.
	Hinders string
	// Replaced tells that a unit which this module did not write will be replaced, or goes.
	Replaced bool
	// Alone tells that nothing but the settings of an adopted unit is in the directory of the drop-ins.
	Alone bool
	// DropIns are those of a unit that is adopted, but for ours, and Manager has systemd's own settings.
	DropIns, Manager []systemd.Source
	// Adopted are configuration and user of a service that was adopted before.
	Adopted Adopted
}

// Adopted is what adoption demanded of a service, as our unit has it; "" for a service that was not adopted.
type Adopted struct {
	Config, User string
	There        bool // whether the configuration is there
}

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
	ours := strings.HasPrefix(string(e.Data), oursHeader)
	switch commands := systemd.Commands(e.Data); {
	case !found:
		f.Foreign.Elsewhere = o.elsewhere()
	case e.Type != fsys.File || f.masked() || systemd.IsEarlier(e.Data) && o.want.State != Absent:
	case ours && systemd.IsAdopted(f.Entries[f.adopted()].Data):
		o.adoptedBefore(e.Data)
	case ours:
	case f.startedBy(commands) || o.linksHere(commands):
		return o.taken(e.Data)
	default:
		f.Foreign.File = f.Unit
		return o.adoption(e.Data)
	}
	return nil
}

// adoptedBefore looks what adoption demanded. A unit of ours that somebody edited until it does not start Patroni tells
// nothing, and its text is put right.
func (o *observer) adoptedBefore(text []byte) {
	var a Adopted
	a.Config, a.User, _ = systemd.Starts(text, nil)
	a.There = a.Config != "" && o.exists(a.Config)
	o.found.Foreign.Adopted = a
}

// taken looks at a unit that somebody else wrote and that starts this installation: it is replaced, or adopted where that
// is wanted, and goes with the installation.
func (o *observer) taken(text []byte) error {
	f := o.found
	f.Foreign.Replaced = true
	if o.want.State == Absent {
		return nil
	}
	if o.want.AdoptService {
		f.Foreign.File = f.Unit
		return o.adoption(text)
	}
	config, _, err := systemd.Starts(text, nil)
	if err == nil && config != f.Config && path.IsAbs(config) && f.ConfigMissing && o.exists(config) {
		f.Foreign.Hinders = fmt.Sprintf("it names the configuration %q, which is there, and config_dir with config_file is %s, which is not, so "+
			"that the service would not start again; %s", config, f.Config, remedyOfConfig)
	}
	return nil
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
	case f.Hinders != "" && f.File == "":
		return fmt.Errorf("cannot replace the unit %s: %s", p.seen.Unit, f.Hinders)
	case f.Hinders != "":
		return fmt.Errorf("cannot adopt the unit %s: %s", f.File, f.Hinders)
	}
	return nil
}

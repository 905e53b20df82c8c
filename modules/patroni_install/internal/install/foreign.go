package install

import (
	"cmp"
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
	// Hinders says why the file cannot be adopted, "" if it can, or if nobody asked for it.
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

// lookForOwner looks whose unit has the name of the service.
func (p *unit) lookForOwner() error {
	v, dropIns := p.seen, path.Dir(p.seen.adopted())
	names, err := v.Names(dropIns)
	err = cmp.Or(v.LookAlong(path.Dir(v.Unit)), v.Read(v.adopted()), v.Look(dropIns), err)
	if err != nil && !errors.Is(err, unix.ENOTDIR) {
		return fmt.Errorf("cannot look at the drop-ins of the unit: %w", err)
	}
	p.foreign.Alone = slices.Equal(names, []string{adoptedName})
	e, found := v.At(v.Unit)
	ours := isOurs(e.Data)
	switch commands := systemd.Commands(e.Data); {
	case !found:
		p.foreign.Elsewhere = p.elsewhere()
	case e.Type != fsys.File || v.masked() || systemd.IsEarlier(e.Data) && !p.removes():
	case ours && systemd.IsAdopted(v.dataAt(v.adopted())):
		p.adoptedBefore(e.Data)
	case ours:
	case v.startedBy(commands) || v.linksHere(commands):
		return p.taken(e.Data)
	default:
		p.foreign.File = v.Unit
		return p.adoption(e.Data)
	}
	return nil
}

// adoptedBefore looks what adoption demanded. A unit of ours that somebody edited until it does not start Patroni tells
// nothing, and its text is put right.
func (p *unit) adoptedBefore(text []byte) {
	a := &p.foreign.Adopted
	a.Config, a.User, _ = systemd.Starts(text, nil)
	a.There = a.Config != "" && p.seen.finds(a.Config)
}

// taken looks at a unit that somebody else wrote and that starts this installation: it is replaced, or adopted if
// that is wanted, and goes with the installation.
func (p *unit) taken(text []byte) error {
	v := p.seen
	p.foreign.Replaced = true
	if p.removes() {
		return nil
	}
	if p.want.AdoptService {
		p.foreign.File = v.Unit
		return p.adoption(text)
	}
	config, _, err := systemd.Starts(text, nil)
	if err == nil && config != v.Config && path.IsAbs(config) && v.Service.Unconfigured && v.finds(config) {
		p.foreign.Hinders = fmt.Sprintf("it names the configuration %q, which is there, and config_dir with "+
			"config_file is %s, which is not, so that the service would not start again; %s",
			config, v.Config, remedyOfConfig)
	}
	return nil
}

// elsewhere finds a unit of the service's name that is not in the administrator's directory. The package's own is not
// somebody else's, where the package is used.
func (p *unit) elsewhere() string {
	if p.packages.hasUnit() {
		return ""
	}
	if found := p.seen.Service.FragmentPath; found != "" && found != p.seen.Unit {
		return found
	}
	base := path.Base(p.seen.Unit)
	names := []string{base}
	if prefix, _, instance := strings.Cut(base, "@"); instance {
		names = append(names, prefix+"@.service")
	}
	for _, dir := range append(osUnitDirs(), "/usr/local/lib/systemd/system", "/run/systemd/system", systemd.Directory) {
		for _, name := range names {
			if p.seen.finds(path.Join(dir, name)) {
				return path.Join(dir, name)
			}
		}
	}
	return ""
}

// refuseForeign keeps a unit of somebody else's from being overwritten, or from being stood in for.
func (p *unit) refuseForeign() error {
	f, name := p.foreign, path.Base(p.seen.Unit)
	switch {
	case f.Elsewhere != "":
		return fmt.Errorf("cannot install the unit %s: there is one of this name, %s, and ours would stand in for it; set "+
			"service_name (in the role: patroni_service_name) to a name of its own, or, if that one is not needed, remove "+
			"what it came with",
			name, f.Elsewhere)
	case f.File != "" && !p.want.AdoptService:
		return fmt.Errorf("cannot install the unit %s: somebody else wrote %s, and it starts no program of this "+
			"installation; set service_name (in the role: patroni_service_name) to a name of its own, or take it over with "+
			"adopt_service (in the role: patroni_adopt_service), which keeps its settings, or move it away", name, f.File)
	case f.Hinders != "" && f.File == "":
		return fmt.Errorf("cannot replace the unit %s: %s", p.seen.Unit, f.Hinders)
	case f.Hinders != "":
		return fmt.Errorf("cannot adopt the unit %s: %s", f.File, f.Hinders)
	}
	return nil
}

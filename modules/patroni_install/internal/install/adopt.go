package install

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
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

func (l Layout) adopted() string { return path.Join(l.Unit+".d", adoptedName) }

// remedyOfConfig leads to one configuration.
const remedyOfConfig = "set these two (in the role: patroni_config_dir, patroni_config_file) to what it names, or move the configuration there"

// adoption looks at what has to be known of a unit that is adopted.
func (o *observer) adoption(text []byte) (err error) {
	f := o.found
	if !o.want.AdoptService || o.want.State == Absent {
		return nil
	}
	f.Foreign.Replaced = true
	links, err := o.unitLinks()
	if err != nil {
		return err
	}
	names := []string{path.Base(f.Unit)}
	for _, alias := range links.aliases {
		if end, _ := o.endOf(alias); end == f.Unit {
			names = append(names, path.Base(alias))
		}
	}
	if f.Foreign.DropIns, err = o.sources(systemd.DropInDirs(names...)); err != nil {
		return fmt.Errorf("cannot look at the drop-ins of the unit: %w", err)
	}
	if f.Foreign.Manager, err = o.managerSettings(); err != nil {
		return fmt.Errorf("cannot look at the settings of systemd: %w", err)
	}
	f.Foreign.Hinders = o.hinders(text)
	return nil
}

// managerSettings are those of systemd itself.
func (o *observer) managerSettings() ([]systemd.Source, error) {
	dirs, name := systemd.ManagerFiles()
	var found []systemd.Source
	var more []string
	for _, dir := range dirs {
		more = append(more, path.Join(dir, name+".d"))
		file := path.Join(dir, name)
		if len(found) > 0 || !o.exists(file) {
			continue // the first one counts
		}
		text, err := o.source(file)
		if err != nil {
			return nil, err
		}
		found = append(found, systemd.Source{Path: file, Text: text})
	}
	dropIns, err := o.sources(more)
	return append(found, dropIns...), err
}

// sources reads the drop-ins that count in directories, in the order of their names. Of one name the first counts, also
// where it leads to /dev/null. Ours is left out.
func (o *observer) sources(dirs []string) ([]systemd.Source, error) {
	found := map[string]systemd.Source{}
	for _, dir := range dirs {
		names, err := o.names(dir)
		if err != nil && !errors.Is(err, unix.ENOTDIR) {
			return nil, err
		}
		for _, base := range names {
			if _, known := found[base]; known || !strings.HasSuffix(base, ".conf") || base == adoptedName {
				continue
			}
			file := path.Join(dir, base)
			text, err := o.source(file)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			found[base] = systemd.Source{Path: file, Text: text}
		}
	}
	var all []systemd.Source
	for _, base := range sortedKeys(found) {
		all = append(all, found[base])
	}
	return all, nil
}

// source reads a file of settings, or what a link leads to; what is no file, such as /dev/null, holds none.
func (o *observer) source(name string) ([]byte, error) {
	if info, err := o.host.FS.Lstat(name); err == nil && info.Target == "/dev/null" {
		return nil, nil
	}
	target, err := o.host.FS.Resolve(name)
	if err != nil {
		return nil, err
	}
	if info, err := o.host.FS.Lstat(target); err != nil || info.Type != fsys.File {
		return nil, err
	}
	return o.host.FS.ReadFile(target, entryLimit)
}

// hinders says why a unit cannot be adopted: what the service does afterwards must be what it did before. A drop-in counts
// as systemd has it count, before and after.
func (o *observer) hinders(text []byte) string {
	f := o.found
	unit := f.unit(o.want)
	config, user, err := systemd.Starts(text, f.Foreign.DropIns)
	file, setting := unit.Overridden(f.Foreign.DropIns)
	settings := unit.Adopt(text, f.Foreign.DropIns, f.Foreign.Manager)
	early, unfit := systemd.Before(adoptedName, settings, f.Foreign.DropIns), unit.Unfit(text, f.Foreign.DropIns)
	switch {
	case err != nil:
		return fmt.Sprintf("%v; set service_name (in the role: patroni_service_name) to another name", err)
	case config != f.Config:
		return fmt.Sprintf("it names the configuration %q, and config_dir with config_file is %s; %s", config, f.Config, remedyOfConfig)
	case user != f.User.Name && user != fmt.Sprint(f.User.UID):
		return fmt.Sprintf("it runs as user %q, and user is %s; set user (in the role: patroni_user) to the owner of the data",
			user, f.User.Name)
	case f.exists(f.adopted()):
		return fmt.Sprintf("%s is there, from an earlier adoption; move it away", f.adopted())
	case file != "":
		return fmt.Sprintf("the drop-in %s sets another %s, which would go on to count for a program that is started in another way; "+
			"take it out there", file, setting)
	case early != "":
		return fmt.Sprintf("the drop-in %s comes before ours, %s, by its name, and would no longer count in what both set; give it a later "+
			"name", early, adoptedName)
	case unfit != "":
		return fmt.Sprintf("it sets %s, with which the program of this installation would not start as it is; take it out there", unfit)
	}
	return ""
}

// refuseAdopted keeps a service that was adopted at what adoption demanded: it must not lose its configuration, or its user, by
// a run that has forgotten them. Who moved the configuration means the new place.
func (p *Plan) refuseAdopted() error {
	adopted, unit := p.seen.Foreign.Adopted, path.Base(p.seen.Unit)
	if adopted.Config == "" {
		return nil
	}
	if adopted.Config != p.seen.Config && (adopted.There || p.seen.ConfigMissing) {
		return fmt.Errorf("cannot change the unit %s: the service was adopted with the configuration %s, and config_dir with config_file is %s; set "+
			"these two (in the role: patroni_config_dir, patroni_config_file) to what it has, or move the configuration there",
			unit, adopted.Config, p.seen.Config)
	}
	if adopted.User != p.seen.User.Name {
		return fmt.Errorf("cannot change the unit %s: the service was adopted with user %q, and user is %s; set user (in the role: patroni_user) "+
			"to the owner of the data", unit, adopted.User, p.seen.User.Name)
	}
	return nil
}

// former keeps the text of a unit that is replaced, beside the journal, and what of its settings goes on to count.
func (p *Plan) former() []txn.Step {
	e := p.seen.Entries[p.seen.Unit]
	if !p.seen.Foreign.Replaced {
		return nil
	}
	steps := p.keepFormer(e.Data)
	if p.seen.Foreign.File == "" {
		return steps
	}
	settings := p.seen.unit(p.want).Adopt(e.Data, p.seen.Foreign.DropIns, p.seen.Foreign.Manager)
	if settings == nil {
		return steps
	}
	steps = append(steps, p.missingDirs(map[string]bool{}, path.Dir(p.seen.adopted()))...)
	// Who could not read the unit does not read its settings either.
	after := &step.FileState{Data: settings, Attr: fsys.Attr{Mode: e.Mode & 0o644}}
	adopted := unitStep(p.seen.adopted(), p.fileState(p.seen.adopted()), after)
	adopted.Masked = step.MaskBoth
	return append(steps, adopted)
}

// keepFormer keeps the text of a unit that somebody else wrote, where it is not kept already.
func (p *Plan) keepFormer(text []byte) []txn.Step {
	kept := p.seen.formerUnit(text)
	if p.seen.exists(kept) {
		return nil
	}
	return []txn.Step{&step.File{Name: "former unit", Path: kept, Ours: true,
		After: &step.FileState{Data: text, Attr: fsys.Attr{Mode: 0o600}}}}
}

// formerPrefix begins the names of the texts of units that were replaced.
func (l Layout) formerPrefix() string { return "former." + path.Base(l.Unit) + "." }

// formerUnit is where the text of a unit is kept. Two texts never have the same place.
func (l Layout) formerUnit(text []byte) string {
	sum := sha256.Sum256(text)
	return path.Join(StateDir, l.formerPrefix()+hex.EncodeToString(sum[:4]))
}

// formerTexts tells where the former texts of the unit are: the one that this run keeps, or, for a removal, all.
func (o *observer) formerTexts() error {
	f := o.found
	if f.Foreign.Replaced && f.Foreign.Hinders == "" {
		kept := f.formerUnit(f.Entries[f.Unit].Data)
		if o.want.State == Absent {
			o.warn("%s goes with the installation, whose programs it starts, though this module did not write it; its text is kept in %s",
				f.Unit, kept)
		} else {
			o.warn("this module did not write %s, and replaces it; its text is kept in %s", f.Unit, kept)
		}
		if err := o.look(kept, false); err != nil || o.want.State != Absent {
			return err
		}
	}
	names, err := o.names(StateDir)
	if err != nil || o.want.State != Absent {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, f.formerPrefix()) })
	for _, name := range names {
		if f.exists(path.Join(StateDir, name)) {
			continue // named above
		}
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
	steps := []txn.Step{removeUnitFile(name, before, nil)}
	if dir := path.Dir(name); p.seen.Foreign.Alone {
		attr := p.seen.Entries[dir].Attr
		steps = append(steps, &step.Directory{Name: "directory", Path: dir, Before: &attr})
	}
	return steps
}

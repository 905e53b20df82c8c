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
const remedyOfConfig = "set these two (in the role: patroni_config_dir, patroni_config_file) to what it names, or " +
	"move the configuration there"

// adoption looks at what has to be known of a unit that is adopted.
func (p *unit) adoption(text []byte) (err error) {
	if !p.want.AdoptService || p.removes() {
		return nil
	}
	v, f := p.seen, &p.foreign
	f.Replaced = true
	links, err := v.unitLinks()
	if err != nil {
		return err
	}
	names := []string{path.Base(v.Unit)}
	for _, alias := range links.aliases {
		if end, _ := v.endOf(alias); end == v.Unit {
			names = append(names, path.Base(alias))
		}
	}
	if f.DropIns, err = v.sources(systemd.DropInDirs(names...)); err != nil {
		return fmt.Errorf("cannot look at the drop-ins of the unit: %w", err)
	}
	if f.Manager, err = v.managerSettings(); err != nil {
		return fmt.Errorf("cannot look at the settings of systemd: %w", err)
	}
	f.Hinders = p.hinders(text)
	return nil
}

// managerSettings are those of systemd itself.
func (v *View) managerSettings() ([]systemd.Source, error) {
	dirs, name := systemd.ManagerFiles()
	var found []systemd.Source
	var more []string
	for _, dir := range dirs {
		more = append(more, path.Join(dir, name+".d"))
		file := path.Join(dir, name)
		if len(found) > 0 || !v.finds(file) {
			continue // the first one counts
		}
		text, err := v.source(file)
		if err != nil {
			return nil, err
		}
		found = append(found, systemd.Source{Path: file, Text: text})
	}
	dropIns, err := v.sources(more)
	return append(found, dropIns...), err
}

// sources reads the drop-ins that count in directories, in the order of their names. Of one name the first counts, also
// where it leads to /dev/null. Ours is left out.
func (v *View) sources(dirs []string) ([]systemd.Source, error) {
	found := map[string]systemd.Source{}
	for _, dir := range dirs {
		names, err := v.Names(dir)
		if err != nil && !errors.Is(err, unix.ENOTDIR) {
			return nil, err
		}
		for _, base := range names {
			if _, known := found[base]; known || !strings.HasSuffix(base, ".conf") || base == adoptedName {
				continue
			}
			file := path.Join(dir, base)
			text, err := v.source(file)
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
func (v *View) source(name string) ([]byte, error) {
	if info, err := v.files.Lstat(name); err == nil && info.Target == "/dev/null" {
		return nil, nil
	}
	target, err := v.files.Resolve(name)
	if err != nil {
		return nil, err
	}
	if info, err := v.files.Lstat(target); err != nil || info.Type != fsys.File {
		return nil, err
	}
	text, _, err := v.files.ReadFileInfo(target, entryLimit)
	return text, err
}

// hinders says why a unit cannot be adopted: what the service does afterwards must be what it did before. A drop-in
// counts as systemd has it count, before and after.
func (p *unit) hinders(text []byte) string {
	v, f := p.seen, p.foreign
	unit := v.unit(*p.want)
	config, user, err := systemd.Starts(text, f.DropIns)
	file, setting := unit.Overridden(f.DropIns)
	settings := unit.Adopt(text, f.DropIns, f.Manager)
	early, unfit := systemd.Before(adoptedName, settings, f.DropIns), unit.Unfit(text, f.DropIns)
	switch {
	case err != nil:
		return fmt.Sprintf("%v; set service_name (in the role: patroni_service_name) to another name", err)
	case config != v.Config:
		return fmt.Sprintf("it names the configuration %q, and config_dir with config_file is %s; %s",
			config, v.Config, remedyOfConfig)
	case user != v.User.Name && user != fmt.Sprint(v.User.UID):
		return fmt.Sprintf("it runs as user %q, and user is %s; set user (in the role: patroni_user) to the owner of the "+
			"data",
			user, v.User.Name)
	case v.exists(v.adopted()):
		return fmt.Sprintf("%s is there, from an earlier adoption; move it away", v.adopted())
	case file != "":
		return fmt.Sprintf("the drop-in %s sets another %s, which would go on to count for a program that is started in "+
			"another way; take it out there", file, setting)
	case early != "":
		return fmt.Sprintf("the drop-in %s comes before ours, %s, by its name, and would no longer count in what both set; "+
			"give it a later name", early, adoptedName)
	case unfit != "":
		return fmt.Sprintf("it sets %s, with which the program of this installation would not start as it is; take it out "+
			"there", unfit)
	}
	return ""
}

// refuseAdopted keeps a service that was adopted at what adoption demanded: it must not lose its configuration, or its
// user, by a run that has forgotten them. Who moved the configuration means the new place.
func (p *unit) refuseAdopted() error {
	adopted, unit := p.foreign.Adopted, path.Base(p.seen.Unit)
	if adopted.Config == "" {
		return nil
	}
	if adopted.Config != p.seen.Config && (adopted.There || p.seen.Service.Unconfigured) {
		return fmt.Errorf("cannot change the unit %s: the service was adopted with the configuration %s, and config_dir "+
			"with config_file is %s; set these two (in the role: patroni_config_dir, patroni_config_file) to what it has, or "+
			"move the configuration there",
			unit, adopted.Config, p.seen.Config)
	}
	if adopted.User != p.seen.User.Name {
		return fmt.Errorf("cannot change the unit %s: the service was adopted with user %q, and user is %s; set user (in "+
			"the role: patroni_user) to the owner of the data", unit, adopted.User, p.seen.User.Name)
	}
	return nil
}

// former keeps the text of a unit that is replaced, beside the journal, and what of its settings goes on to count.
func (p *unit) former() []txn.Step {
	e, _ := p.seen.At(p.seen.Unit)
	if !p.foreign.Replaced {
		return nil
	}
	steps := p.keepFormer(e.Data)
	if p.foreign.File == "" {
		return steps
	}
	settings := p.seen.unit(*p.want).Adopt(e.Data, p.foreign.DropIns, p.foreign.Manager)
	if settings == nil {
		return steps
	}
	steps = append(steps, p.seen.missingDirs(map[string]bool{}, path.Dir(p.seen.adopted()))...)
	// Who could not read the unit does not read its settings either.
	after := &step.FileState{Data: settings, Attr: fsys.Attr{Mode: e.Mode & 0o644}}
	adopted := unitStep(p.seen.adopted(), p.seen.fileState(p.seen.adopted()), after)
	adopted.Masked = step.MaskBoth
	return append(steps, adopted)
}

// keepFormer keeps the text of a unit that somebody else wrote, if it is not kept already.
func (p *unit) keepFormer(text []byte) []txn.Step {
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
func (p *unit) formerTexts() error {
	v := p.seen
	if p.foreign.Replaced && p.foreign.Hinders == "" {
		kept := v.formerUnit(v.dataAt(v.Unit))
		if p.removes() {
			v.warn("%s goes with the installation, whose programs it starts, though this module did not write it; its "+
				"text is kept in %s",
				v.Unit, kept)
		} else {
			v.warn("this module did not write %s, and replaces it; its text is kept in %s", v.Unit, kept)
		}
		if err := v.Look(kept); err != nil || !p.removes() {
			return err
		}
	}
	names, err := v.Names(StateDir)
	if err != nil || !p.removes() {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, v.formerPrefix()) })
	for _, name := range names {
		if _, named := v.entries[path.Join(StateDir, name)]; named {
			continue // above
		}
		v.warn("the text of a unit that was in the place of %s before is kept in %s", v.Unit, path.Join(StateDir, name))
	}
	return nil
}

// removeAdopted removes the settings that were taken over, and their directory if nothing else is in there.
func (p *unit) removeAdopted() []txn.Step {
	name := p.seen.adopted()
	before := p.seen.fileState(name)
	if before == nil || p.stays || !systemd.IsAdopted(before.Data) {
		return nil
	}
	steps := []txn.Step{removeUnit(name, before, nil)}
	if dir := path.Dir(name); p.foreign.Alone {
		e, _ := p.seen.At(dir)
		steps = append(steps, &step.Directory{Name: "directory", Path: dir, Before: &e.Attr})
	}
	return steps
}

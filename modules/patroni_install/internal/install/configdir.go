package install

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// configDir is the configuration directory, the user's and nobody else's.
type configDir struct {
	base

	places   *places
	packages ownPackages

	empty bool // it is there and holds nothing
	// evidence is a file in it which shows that it is something else's: it is neither the user's nor Patroni's
	// package's, and has no configuration.
	evidence string
}

// Look implements [Part].
func (p *configDir) Look(context.Context) error {
	dir := p.seen.ConfigDir
	if err := p.seen.LookAlong(dir); err != nil {
		return err
	}
	e, found := p.seen.At(dir)
	if !found || e.Type != fsys.Directory {
		return nil
	}
	names, err := p.seen.Names(dir)
	if err != nil {
		return fmt.Errorf("cannot read config_dir: %w", err)
	}
	p.empty = len(names) == 0
	i := slices.IndexFunc(names, func(name string) bool {
		return !strings.Contains(name, ".yml") && !strings.Contains(name, ".yaml")
	})
	packages := p.seen.Packaged && dir == osConfigDir
	if e.UID != p.seen.User.UID && i >= 0 && !slices.Contains(names, p.want.ConfigFile) && !packages {
		p.evidence = names[i]
	}
	return nil
}

// Refuse implements [Part].
func (p *configDir) Refuse() error {
	e, found := p.seen.At(p.seen.ConfigDir)
	switch {
	case p.removes():
		return nil
	case p.evidence != "":
		return fmt.Errorf("cannot use config_dir %s: it holds %s, and belongs to user %d, not to %s, whose alone it "+
			"would become; set config_dir (in the role: patroni_config_dir) to a directory of its own, or, if it is "+
			"Patroni's, give it to the user (chown %[4]s %[1]s)", p.seen.ConfigDir, p.evidence, e.UID, p.seen.User.Name)
	case !found || e.Type == fsys.Directory:
		return nil
	}
	return fmt.Errorf("cannot use config_dir %s: it is a %s, not a directory; move it away, or set config_dir "+
		"(in the role: patroni_config_dir) to another directory", p.seen.ConfigDir, e.Type)
}

// Parents implements [Part].
func (p *configDir) Parents() []string { return []string{path.Dir(p.seen.ConfigDir)} }

// Steps implements [Part].
func (p *configDir) Steps(Decision, Outcome) ([]txn.Step, error) {
	after := fsys.Attr{Mode: 0o700, UID: p.seen.User.UID, GID: p.seen.User.GID}
	dir := &step.Directory{Name: "configuration directory", Path: p.seen.ConfigDir, After: &after}
	e, found := p.seen.At(p.seen.ConfigDir)
	switch {
	case p.removes() && !p.goes():
		return nil, nil
	case p.removes():
		dir.Before, dir.After = &e.Attr, nil
	case found && e.Attr == after:
		return nil, nil
	case found:
		dir.Before, dir.Brought = &e.Attr, p.packages.brought(p.seen.ConfigDir)
	}
	return []txn.Step{dir}, nil
}

// goes tells whether an empty configuration directory goes with the installation: one that is Patroni's.
func (p *configDir) goes() bool {
	e, found := p.seen.At(p.seen.ConfigDir)
	// A mount point cannot be removed, and is somebody's intention.
	goes := found && e.Type == fsys.Directory && p.empty && !p.seen.isMount(p.seen.ConfigDir)
	return goes && !p.seen.othersConfigure() &&
		(e.UID == p.seen.User.UID || isPatronis(p.places.real.ConfigDir) || p.seen.configuredToday())
}

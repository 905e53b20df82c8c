package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// binLimit bounds the entries of the bin directory that are looked at.
const binLimit = 20000

// links are those to the programs, in the bin directory.
type links struct {
	base

	rules *rules // of SELinux

	bin      map[string]fsys.Info // the entries of the bin directory
	dangling map[string]bool      // those that lead into a Patroni venv which is no longer there
	labels   map[string]string    // those of our links, if a policy is enforced
}

// Look implements [Part].
func (p *links) Look(context.Context) error {
	dir := p.seen.BinDir
	p.bin, p.dangling, p.labels = map[string]fsys.Info{}, map[string]bool{}, map[string]string{}
	if err := p.seen.LookAlong(dir); err != nil {
		return err
	}
	names, err := p.seen.Names(dir)
	if err != nil {
		return fmt.Errorf("cannot read bin_dir: %w", err)
	}
	if len(names) > binLimit {
		return fmt.Errorf("cannot use bin_dir %s: it has %d entries, more than %d", dir, len(names), binLimit)
	}
	for _, name := range names {
		info, err := p.seen.files.Lstat(path.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot look at bin_dir: %w", err)
		}
		if err == nil {
			p.bin[name], p.dangling[name] = info, p.dangles(name, info)
		}
	}
	return p.readLabels()
}

// dangles tells whether an entry of the bin directory is a link that some pipx made for Patroni's
// program of that name, and that leads nowhere: nobody misses it.
func (p *links) dangles(app string, entry fsys.Info) bool {
	pipxs := strings.HasSuffix(entry.Target, "/venvs/patroni/bin/"+app)
	if entry.Type != fsys.Link || !path.IsAbs(entry.Target) || !pipxs || below(entry.Target, p.seen.Layout.Venv()) {
		return false
	}
	_, err := p.seen.files.Lstat(entry.Target)
	return errors.Is(err, fs.ErrNotExist)
}

// readLabels reads the labels of the links that are ours.
func (p *links) readLabels() (err error) {
	if !p.seen.SELinux.Enforcing {
		return nil
	}
	for _, name := range sortedKeys(p.bin) {
		if !p.isOurs(name) && !p.dangling[name] {
			continue
		}
		if p.labels[name], err = p.seen.files.Label(path.Join(p.seen.BinDir, name)); err != nil {
			return fmt.Errorf("cannot read the label of a link in bin_dir: %w", err)
		}
	}
	return nil
}

// isOurs tells whether an entry of the bin directory is a link to the installation's program of that name.
func (p *links) isOurs(name string) bool {
	entry, found := p.bin[name]
	return found && p.seen.leadsTo(p.seen.BinDir, entry, name)
}

// today tells whether the installation that is there has its links in bin_dir.
func (p *links) today() bool { return slices.ContainsFunc(sortedKeys(p.bin), p.isOurs) }

// Refuse implements [Part]: every version has these programs.
func (p *links) Refuse() error {
	if p.removes() {
		return nil
	}
	_, err := p.put([]string{"patroni", "patronictl"})
	return err
}

// Parents implements [Part].
func (p *links) Parents() []string { return []string{p.seen.BinDir} }

// Steps implements [Part].
func (p *links) Steps(d Decision, out Outcome) ([]txn.Step, error) {
	if p.removes() {
		return p.remove(), nil
	}
	return p.put(p.apps(d, out))
}

// apps are the programs to link.
func (p *links) apps(d Decision, out Outcome) []string {
	switch {
	case out.Tree != nil:
		return out.Tree.Apps
	case !d.Builds() && p.seen.Installed != nil:
		return p.seen.Installed.Apps
	case d.Kept != "":
		return p.linked()
	}
	return usualApps()
}

// linked are the programs of a version that is there, or was: what is linked, and what must be.
func (p *links) linked() []string {
	apps := slices.Concat([]string{"patroni", "patronictl"}, p.seen.Installed.Apps)
	for name := range p.bin {
		if p.isOurs(name) {
			apps = append(apps, name)
		}
	}
	slices.Sort(apps)
	return slices.Compact(apps)
}

// put makes a link for each program and removes those that lead to programs the tree no
// longer has. What is there and leads elsewhere is somebody else's.
func (p *links) put(apps []string) ([]txn.Step, error) {
	var steps []txn.Step
	for _, app := range apps {
		name, target := path.Join(p.seen.BinDir, app), path.Join(p.seen.programs(), app)
		entry, found := p.bin[app]
		switch {
		case !found:
			steps = append(steps, &step.Symlink{Path: name, After: p.linkTo(target)})
		case p.dangling[app]:
			steps = append(steps, &step.Symlink{Path: name, Before: p.state(app), After: p.linkTo(target)})
		case !p.isOurs(app):
			return nil, linkInTheWay(name, entry, target)
		default:
			steps = append(steps, p.relabel(app)...)
		}
	}
	return append(steps, p.stale(apps)...), nil
}

// linkTo is a link in the bin directory.
func (p *links) linkTo(target string) *step.LinkState {
	link := &step.LinkState{Target: target, Label: p.seen.newLabel()}
	if p.seen.inHome(p.seen.BinDir) {
		link.UID, link.GID = p.seen.User.UID, p.seen.User.GID
	}
	return link
}

// state is a link of the bin directory as it was found.
func (p *links) state(name string) *step.LinkState {
	e := p.bin[name]
	return &step.LinkState{Target: e.Target, UID: e.UID, GID: e.GID, Label: p.labels[name]}
}

// relabel gives a link that is as it should be the type that lets systemd read it.
func (p *links) relabel(app string) []txn.Step {
	before := p.state(app)
	change := programLabel(before.Label)
	if !p.seen.SELinux.Enforcing || change == nil {
		return nil
	}
	after := *before
	after.Label = change.After
	return []txn.Step{&step.Symlink{Path: path.Join(p.seen.BinDir, app), Before: before, After: &after}}
}

// stale removes links into the tree for programs that are not in apps.
func (p *links) stale(apps []string) []txn.Step {
	var steps []txn.Step
	for _, name := range sortedKeys(p.bin) {
		if slices.Contains(apps, name) || !p.isOurs(name) || !canBeMadeAgain(name) {
			continue
		}
		steps = append(steps, &step.Symlink{Path: path.Join(p.seen.BinDir, name), Before: p.state(name)})
	}
	return steps
}

// remove removes the links to the programs. While others use the installation, those of a bin directory outside of the
// home go, if no other service starts anything from it: they are root's, and lead to what the user can change. Those in
// the home serve people, too, and are the user's.
func (p *links) remove() []txn.Step {
	if !p.seen.isShared() {
		return p.stale(nil)
	}
	if p.seen.inHome(p.seen.BinDir) || p.seen.usedBy(p.seen.BinDir+"/") != "" {
		return nil
	}
	return append(p.stale(nil), p.rules.drop(p.seen.BinDir)...)
}

// canBeMadeAgain tells whether an undo could make a link of this name again: the journal is UTF-8, and a
// link gets a longer name first.
func canBeMadeAgain(name string) bool {
	return utf8.ValidString(name) && len(name)+len(fsys.TempSuffix) <= unix.NAME_MAX
}

func linkInTheWay(name string, entry fsys.Info, target string) error {
	what := fmt.Sprintf("a %s that this installation did not make", entry.Type)
	if entry.Type == fsys.Link {
		what = "a link to " + entry.Target
	}
	return fmt.Errorf("cannot make the link %s to %s: %s is there already; move it away, or set bin_dir "+
		"(in the role: patroni_bin_dir) to another directory", name, target, what)
}

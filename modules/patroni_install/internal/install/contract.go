package install

import (
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

// dirs makes the directories that no build made: the bin directory, the one of the units, which an image
// without systemd lacks, and what is above the configuration directory, the profiles and the files of comfort.
func (p *Plan) dirs() []txn.Step {
	made := map[string]bool{}
	for _, s := range slices.Concat(p.Packages, p.Stage) {
		if d, ok := s.(*step.Directory); ok {
			made[d.Path] = true
		}
	}
	dirs := []string{p.seen.BinDir, path.Dir(p.seen.ConfigDir), path.Dir(p.seen.Unit)}
	if p.usesPackageUnit() {
		dirs = append(dirs, path.Dir(p.seen.dropIn()))
	}
	for _, c := range p.seen.comforts(&p.want) {
		if c.wanted {
			dirs = append(dirs, path.Dir(c.path))
		}
	}
	dirs = append(dirs, p.profileDirs()...)
	return append(p.missingDirs(made, dirs...), p.labelBinDir()...)
}

// links makes a link for each program and removes those that lead to programs the tree no
// longer has. What is there and leads elsewhere is somebody else's.
func (p *Plan) links(apps []string) ([]txn.Step, error) {
	var steps []txn.Step
	for _, app := range apps {
		name := path.Join(p.seen.BinDir, app)
		target := path.Join(p.seen.programs(), app)
		entry, found := p.seen.Bin[app]
		switch {
		case !found:
			steps = append(steps, &step.Symlink{Path: name, After: p.linkTo(target)})
		case p.seen.Dangling[app]:
			steps = append(steps, &step.Symlink{Path: name, Before: p.linkState(app), After: p.linkTo(target)})
		case !p.seen.leadsTo(p.seen.BinDir, entry, app):
			return nil, foreign(name, entry, target)
		default:
			steps = append(steps, p.relabel(app)...)
		}
	}
	return append(steps, p.staleLinks(apps)...), nil
}

// linkTo is a link in the bin directory.
func (p *Plan) linkTo(target string) *step.LinkState {
	link := &step.LinkState{Target: target, Label: p.newLabel()}
	if p.seen.inHome(p.seen.BinDir) {
		link.UID, link.GID = p.seen.User.UID, p.seen.User.GID
	}
	return link
}

// linkState is a link of the bin directory as it was found.
func (p *Plan) linkState(name string) *step.LinkState {
	e := p.seen.Bin[name]
	return &step.LinkState{Target: e.Target, UID: e.UID, GID: e.GID, Label: p.seen.SELinux.Links[name]}
}

// relabel gives a link that is as it should be the type by which systemd may read it.
func (p *Plan) relabel(app string) []txn.Step {
	before := p.linkState(app)
	change := programLabel(before.Label)
	if !p.seen.SELinux.Enforcing || change == nil {
		return nil
	}
	after := *before
	after.Label = change.After
	return []txn.Step{&step.Symlink{Path: path.Join(p.seen.BinDir, app), Before: before, After: &after}}
}

// dangles tells whether an entry of the bin directory is a link that some pipx made for Patroni's
// program of that name, and that leads nowhere: nobody misses it.
func (o *observer) dangles(app string, entry fsys.Info) bool {
	if entry.Type != fsys.Link || !path.IsAbs(entry.Target) || !strings.HasSuffix(entry.Target, "/venvs/patroni/bin/"+app) ||
		below(entry.Target, o.found.Layout.Venv()) {
		return false
	}
	_, err := o.host.FS.Lstat(entry.Target)
	return errors.Is(err, fs.ErrNotExist)
}

// staleLinks removes links into the tree for programs that are not in apps.
func (p *Plan) staleLinks(apps []string) []txn.Step {
	var steps []txn.Step
	for _, name := range sortedKeys(p.seen.Bin) {
		entry := p.seen.Bin[name]
		if slices.Contains(apps, name) || !p.seen.leadsTo(p.seen.BinDir, entry, name) || !canBeMadeAgain(name) {
			continue
		}
		steps = append(steps, &step.Symlink{Path: path.Join(p.seen.BinDir, name), Before: p.linkState(name)})
	}
	return steps
}

// canBeMadeAgain tells whether an undo could make a link of this name again: the journal is UTF-8, and a
// link gets a longer name first.
func canBeMadeAgain(name string) bool {
	return utf8.ValidString(name) && len(name)+len(fsys.TempSuffix) <= unix.NAME_MAX
}

// leadsTo tells whether an entry of a directory is a link to the tree's program app, spelt in any way.
func (o *Observed) leadsTo(dir string, entry fsys.Info, app string) bool {
	if entry.Type != fsys.Link || !utf8.ValidString(entry.Target) {
		return false
	}
	found := targetIn(dir, entry)
	return found == path.Join(o.programs(), app) || found == path.Join(o.RealVenv, "bin", app)
}

// targetIn is the path that a link in a directory leads to.
func targetIn(dir string, link fsys.Info) string {
	if path.IsAbs(link.Target) {
		return path.Clean(link.Target)
	}
	return path.Join(dir, link.Target)
}

func foreign(name string, entry fsys.Info, target string) error {
	what := fmt.Sprintf("a %s that this installation did not make", entry.Type)
	if entry.Type == fsys.Link {
		what = "a link to " + entry.Target
	}
	return fmt.Errorf("cannot make the link %s to %s: %s is there already; move it away, or set bin_dir "+
		"(in the role: patroni_bin_dir) to another directory", name, target, what)
}

// oldHome makes a link at the place where pipx before 1.3 looks for its home, so that the user's
// own pipx finds the installation.
func (p *Plan) oldHome(out Outcome) []txn.Step {
	link := p.oldHomeLink()
	version := out.PipxVersion
	if p.Build == "" {
		version = p.pipxVersion()
	}
	if link == nil || !isOldPipx(version) || p.seen.exists(p.seen.OldHome) {
		return nil
	}
	return []txn.Step{&step.Symlink{Path: p.seen.OldHome, After: link}}
}

// oldHomeLink is that link; nil where pipx's home is not the usual one.
func (p *Plan) oldHomeLink() *step.LinkState {
	if p.seen.Home != path.Join(path.Dir(p.seen.OldHome), "share/pipx") {
		return nil
	}
	return &step.LinkState{Target: "share/pipx", UID: p.seen.User.UID, GID: p.seen.User.GID}
}

// isOldPipx tells whether a pipx has its home in ~/.local/pipx: those before 1.3.
func isOldPipx(version string) bool {
	for _, old := range []string{"1.0", "1.1", "1.2"} {
		if version == old || strings.HasPrefix(version, old+".") {
			return true
		}
	}
	return false
}

// configDir makes the configuration directory the user's and nobody else's.
func (p *Plan) configDir() []txn.Step {
	after := fsys.Attr{Mode: 0o700, UID: p.seen.User.UID, GID: p.seen.User.GID}
	dir := &step.Directory{Name: "configuration directory", Path: p.seen.ConfigDir, After: &after}
	if e, found := p.seen.Entries[p.seen.ConfigDir]; found {
		if e.Attr == after {
			return nil
		}
		dir.Before, dir.Brought = &e.Attr, p.brought(p.seen.ConfigDir)
	}
	return []txn.Step{dir}
}

// unitStep is the name of the steps after which systemd has to read the units again.
const unitStep = "unit"

// unit writes the service's unit, which is root's: a unit that the user can write is a way to root.
func (p *Plan) unit() []txn.Step {
	if p.usesPackageUnit() {
		return p.dropInStep()
	}
	s := &step.File{Name: unitStep, Path: p.seen.Unit, Before: p.fileState(p.seen.Unit), Masked: p.masks(p.seen.Unit)}
	s.After = &step.FileState{Data: p.unitText(), Attr: fsys.Attr{Mode: 0o644}}
	if s.Before != nil && s.Before.Attr == s.After.Attr && string(s.Before.Data) == string(s.After.Data) {
		return nil
	}
	return append(append(p.unlink(), p.former()...), s)
}

// masks tells what people do not see whole of a unit that is written: what is there.
func (p *Plan) masks(name string) step.Masking {
	if !p.seen.exists(name) {
		return ""
	}
	return step.MaskBefore
}

func (p *Plan) unitText() []byte { return p.seen.unit(p.want).Render() }

// fileState is the regular file at a path, nil where nothing is.
func (p *Plan) fileState(name string) *step.FileState {
	e, found := p.seen.Entries[name]
	if !found {
		return nil
	}
	return &step.FileState{Data: e.Data, Attr: e.Attr}
}

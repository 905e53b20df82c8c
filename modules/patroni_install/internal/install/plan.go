package install

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// Plan is what has to be done, as a pure function of what is wanted and what was found. Its
// parts are applied in this order; what Switch needs to know of the build is its Outcome.
type Plan struct {
	want Desired
	seen *Observed

	// Packages adds packages of the operating system.
	Packages []txn.Step
	// Stage makes the directories that must exist for the build, and the stage.
	Stage []txn.Step
	// Reload says that systemd has not read the unit, or its drop-ins, as they are by now.
	Reload bool
	// first is the plan that installed the packages which this one goes on from; nil: none.
	first *Plan
	// Build says why a tree has to be built, "" when none has to.
	Build string
}

// NewPlan decides what has to be done. It refuses what must not be touched.
func NewPlan(want Desired, seen *Observed) (*Plan, error) {
	p := &Plan{want: want, seen: seen}
	if err := refuse(want, seen); err != nil {
		return nil, err
	}
	if want.State == Absent {
		if seen.Current != nil && p.removesTree() && !want.packaged() {
			p.Stage = p.stage()
		}
		return p, nil
	}
	if err := p.refuseBuild(); err != nil {
		return nil, err
	}
	p.Packages = slices.Concat(p.hold(), p.packages())
	p.Reload = (seen.Service.LoadState == "not-found" || seen.Service.NeedDaemonReload) && len(p.unit()) == 0
	if p.Build = p.whyBuild(); p.Build != "" {
		p.Stage = append(p.mountpoints(), p.stage()...)
	}
	return p, nil
}

// whyBuild says why the tree that is there, if any, does not do.
func (p *Plan) whyBuild() string {
	tree := p.seen.Current
	switch {
	case p.want.packaged():
		return ""
	case tree == nil:
		return "Patroni is not installed"
	case len(tree.Problems) > 0:
		return "it was broken: " + strings.Join(tree.Problems, "; ")
	case !p.want.Version.Matches(tree.PatroniVersion):
		if exact, known := p.want.Version.Exact(); known {
			return fmt.Sprintf("version %s was asked for", exact)
		}
		return fmt.Sprintf("version %s was asked for", p.want.Version)
	case p.seen.Asked.Version != "" && p.seen.Asked.Version != tree.Python:
		return fmt.Sprintf("it was made for Python %s, and %s was asked for", tree.Python, p.want.Python)
	case p.seen.Index.Newest != "" && p.want.Wheelhouse != "":
		return "the wheelhouse has " + p.seen.Index.Newest
	case p.seen.Index.Newest != "":
		return "the package index has " + p.seen.Index.Newest
	case p.seen.Index.Unknown:
		return "the package index may have a newer one"
	}
	if differs := p.want.Lock.Differs(tree.Packages); differs != "" {
		return differs
	}
	if missing := tree.MissingFor(p.want.Extras); len(missing) > 0 {
		return "it lacked " + strings.Join(missing, ", ")
	}
	return ""
}

// stage makes the directory for the new tree, or for the old one on its way out, and the one
// for root's own files.
func (p *Plan) stage() []txn.Step {
	subs := append([]string{"home", "home/venvs", "home/scratch"}, trialDirs()...)
	tree := p.stageAt(p.seen.Stage, subs...)
	steps := []txn.Step{tree, &step.Stage{Path: p.seen.Scratch}}
	if p.bringsPipx() {
		tree.Subs = append(tree.Subs, "home/scratch/user") // shows the stage of pipx
		steps = append(steps, p.stageAt(p.seen.UserStage, "user"))
	}
	return steps
}

// stageAt is a stage of the user's.
func (p *Plan) stageAt(name string, subs ...string) *step.Stage {
	above := path.Dir(name)
	for above != "/" && !p.seen.exists(above) {
		above = path.Dir(above)
	}
	return &step.Stage{Path: name, Subs: subs, UID: p.seen.User.UID, GID: p.seen.User.GID, Above: step.Place{Path: above}}
}

// mountpoints makes what the stages are bound over and switched into, and the bin directory: where it
// cannot be made, the build is not worth beginning.
func (p *Plan) mountpoints() []txn.Step {
	dirs := []string{p.seen.venvs(), p.seen.BinDir}
	if p.bringsPipx() {
		dirs = append(dirs, p.seen.userBase())
	}
	return p.missingDirs(map[string]bool{}, dirs...)
}

// missingDirs makes those directories, and those above them, that are not there and not made
// already: in the home the user's, elsewhere root's.
func (p *Plan) missingDirs(done map[string]bool, dirs ...string) []txn.Step {
	var steps []txn.Step
	for _, dir := range dirs {
		var chain []txn.Step
		for ; !done[dir] && !p.seen.exists(dir); dir = path.Dir(dir) {
			attr := fsys.Attr{Mode: 0o755}
			if p.seen.inHome(dir) {
				attr.UID, attr.GID = p.seen.User.UID, p.seen.User.GID
			}
			made := &step.Directory{Name: "directory", Path: dir, After: &attr}
			if dir == p.seen.BinDir && p.newLabel() != "" {
				made.Label = &step.LabelChange{After: p.newLabel()}
			}
			chain = append(chain, made)
			done[dir] = true
		}
		slices.Reverse(chain)
		steps = append(steps, chain...)
	}
	return steps
}

// Outcome is what only the build knows.
type Outcome struct {
	Tree        *pipx.Venv     // what was built; nil predicts
	ID          string         // of the built tree
	Shared      string         // ID of the built shared libraries, "" to leave those that are there
	Copy        *step.TreeCopy // of the old tree, where it may not be renameable
	SharedCopy  *step.TreeCopy
	Manifest    []byte // of the built tree
	PipxVersion string
	UserPipx    *UserPipx // what pip made of pipx for the user, where it had to
}

// usualApps are Patroni's entry points as of 4.1, to predict the links.
func usualApps() []string {
	return []string{"patroni", "patroni_aws", "patroni_barman", "patroni_raft_controller", "patroni_wale_restore", "patronictl"}
}

// apps are the programs to link.
func (p *Plan) apps(out Outcome) []string {
	switch {
	case out.Tree != nil:
		return out.Tree.Apps
	case p.Build == "" && p.seen.Current != nil:
		return p.seen.Current.Apps
	case p.kept() != "":
		return p.linked()
	}
	return usualApps()
}

// linked are the programs of a version that is there, or was: what is linked, and what must be.
func (p *Plan) linked() []string {
	apps := slices.Concat([]string{"patroni", "patronictl"}, p.seen.Current.Apps)
	for name, entry := range p.seen.Bin {
		if p.seen.leadsTo(p.seen.BinDir, entry, name) {
			apps = append(apps, name)
		}
	}
	slices.Sort(apps)
	return slices.Compact(apps)
}

// Switch is what becomes visible: everything slow is done by now. The unit comes last, since it
// starts what lies behind it.
func (p *Plan) Switch(out Outcome) ([]txn.Step, error) {
	if p.want.State == Absent {
		return p.removal(out)
	}
	links, err := p.links(p.apps(out))
	if err != nil {
		return nil, err
	}
	profiles, err := p.profiles()
	if err != nil {
		return nil, err
	}
	comforts, err := p.comforts()
	if err != nil {
		return nil, err
	}
	return slices.Concat(
		p.userPipx(out), // pipx in the user's environment, where it came by pip
		p.trees(out),    // the venv, and pipx's shared libraries where they are new
		p.manifest(out), // what the venv holds
		p.contexts(),    // so that systemd may execute them
		p.dirs(),        // missing where no build made them
		links,           // the programs in bin_dir
		p.leaveFormer(), // which is another one than before
		p.oldHome(out),  // so that an old pipx finds its home
		p.configDir(),   // for setup_patroni to fill
		profiles,        // bin_dir on the PATH, and the configuration for patronictl
		comforts,        // what other programs are told about Patroni
		p.disable(),     // what a package enabled
		p.unit(),        // the service, neither enabled nor started
		p.release(),     // it may be started by now
	), nil
}

// What people read of the trees.
const (
	treeName   = "venv"
	sharedName = "shared libraries of pipx"
	sharedText = "pip for the virtual environments of pipx\n"
)

// trees switches what was built.
func (p *Plan) trees(out Outcome) []txn.Step {
	if p.Build == "" {
		return nil
	}
	var steps []txn.Step
	if out.Shared != "" {
		shared := &step.Tree{Name: sharedName, Path: p.seen.Shared(), Spare: p.seen.staged(p.seen.Shared()),
			After: &step.TreeState{ID: out.Shared, Text: sharedText}, Copy: out.SharedCopy}
		if e, found := p.seen.Entries[p.seen.Shared()]; found {
			shared.Before = &step.TreeState{ID: e.ID, Text: sharedText}
		}
		steps = append(steps, shared)
	}
	name := p.seen.Layout.Venv()
	tree := &step.Tree{Name: treeName, Path: name, Spare: p.seen.staged(name), Copy: out.Copy,
		Before: p.currentState(), After: &step.TreeState{ID: out.ID, Text: p.treeText(out)}}
	return append(steps, tree)
}

// currentState is the tree that is there.
func (p *Plan) currentState() *step.TreeState {
	if p.seen.Current == nil {
		return nil
	}
	var text strings.Builder
	text.WriteString(contents(p.seen.Current))
	for _, problem := range p.seen.Current.Problems {
		text.WriteString("# broken: " + problem + "\n")
	}
	return &step.TreeState{ID: p.seen.Current.Info.ID, Text: text.String()}
}

// treeText is what the built tree holds, or will hold.
func (p *Plan) treeText(out Outcome) string {
	if out.Tree != nil {
		return contents(out.Tree)
	}
	if _, known := p.versionOf(); known {
		return fmt.Sprintf("%s (predicted, with what it needs)\n", p.requirement())
	}
	return fmt.Sprintf("%s (predicted: the newest that satisfies this)\n", p.requirement())
}

// requirement is what pip is asked for. A rebuild keeps the version that is there, while nobody
// asked for another one.
func (p *Plan) requirement() string {
	version := p.want.Version
	if exact := cmp.Or(p.kept(), p.seen.Index.Newest); exact != "" {
		if pinned, err := pipx.ParseSpec("==" + exact); err == nil {
			version = pinned
		}
	}
	return version.Requirement(p.want.Extras)
}

// kept is the version that a rebuild keeps, "" where it takes another one. Where the tree does not
// tell it any more, its manifest does.
func (p *Plan) kept() string {
	if p.want.State != Present || p.seen.Current == nil || !p.want.Lock.IsZero() {
		return ""
	}
	version := cmp.Or(p.seen.Current.PatroniVersion, p.seen.Record.Version)
	if !p.want.Version.Matches(version) {
		return ""
	}
	return version
}

// versionOf is the version that a build will have, where that is known before it.
func (p *Plan) versionOf() (version string, known bool) {
	if p.want.State == Absent {
		return "", false
	}
	if p.want.packaged() {
		version = p.candidate()
		return version, version != ""
	}
	if exact, known := p.want.Version.Exact(); known {
		return exact, true
	}
	version = cmp.Or(p.kept(), p.seen.Index.Newest)
	return version, version != ""
}

// contents lists the distributions of a venv.
func contents(venv *pipx.Venv) string {
	lines := []string{"python " + venv.Python + "\n"}
	for name, version := range venv.Packages {
		lines = append(lines, name+" "+version+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

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

// Plan is what has to be done, as a pure function of what is wanted, what was found and what was decided. Its
// parts are applied in this order; what Switch needs to know of the build is its Outcome.
type Plan struct {
	Decision

	want Desired
	seen *Observed

	// Packages adds packages of the operating system.
	Packages []txn.Step
	// Stage makes the directories that must exist for the build, and the stage.
	Stage []txn.Step
	// Reload says that systemd has not read the unit, or its drop-ins, as they are by now.
	Reload bool
}

// NewPlan says what has to be done, now that the packages which the host lacks are known.
func NewPlan(want Desired, seen *Observed, decision Decision) (*Plan, error) {
	p := &Plan{Decision: decision, want: want, seen: seen}
	if err := p.refuseOffered(); err != nil {
		return nil, err
	}
	if want.State == Absent {
		if seen.Installed != nil && p.removesTree() && !want.packaged() {
			p.Stage = p.stage()
		}
		return p, nil
	}
	p.Packages = slices.Concat(p.hold(), p.packages())
	p.Reload = (seen.Service.LoadState == "not-found" || seen.Service.NeedDaemonReload) && len(p.unit()) == 0
	if p.Builds() {
		p.Stage = append(p.mountpoints(), p.stage()...)
	}
	return p, nil
}

// stage makes the directory for the new tree, or for the old one on its way out, and the one
// for root's own files.
func (p *Plan) stage() []txn.Step {
	subs := append([]string{"home", "home/venvs", "home/scratch"}, trialDirs()...)
	tree := p.stageAt(p.seen.Stage, subs...)
	steps := []txn.Step{tree, &step.Stage{Path: p.seen.Scratch}}
	if p.BringsPipx {
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
	if p.BringsPipx {
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
	case !p.Builds() && p.seen.Installed != nil:
		return p.seen.Installed.Apps
	case p.Kept != "":
		return p.linked()
	}
	return usualApps()
}

// linked are the programs of a version that is there, or was: what is linked, and what must be.
func (p *Plan) linked() []string {
	apps := slices.Concat([]string{"patroni", "patronictl"}, p.seen.Installed.Apps)
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
	if !p.Builds() {
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
	if p.seen.Installed == nil {
		return nil
	}
	var text strings.Builder
	text.WriteString(p.seen.Installed.contents())
	for _, problem := range p.Problems {
		text.WriteString("# broken: " + problem + "\n")
	}
	return &step.TreeState{ID: p.seen.Installed.ID, Text: text.String()}
}

// treeText is what the built tree holds, or will hold.
func (p *Plan) treeText(out Outcome) string {
	if out.Tree != nil {
		return installedVenv(out.Tree).contents()
	}
	if _, known := p.versionOf(); known {
		return fmt.Sprintf("%s (predicted, with what it needs)\n", p.Requirement)
	}
	return fmt.Sprintf("%s (predicted: the newest that satisfies this)\n", p.Requirement)
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
	version = cmp.Or(p.Kept, p.Newest)
	return version, version != ""
}

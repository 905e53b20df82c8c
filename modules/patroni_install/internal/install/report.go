package install

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/ansible"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// Report is what a run did, or what it would do.
type Report struct {
	Warnings []string

	result

	recovery  txn.Recovery
	predicted bool
	service   Service // as it is afterwards
}

func newReport(done result, recovery txn.Recovery) *Report {
	seen := done.plan.seen
	r := &Report{result: done, recovery: recovery, service: seen.Service}
	// What was found before packages came is to be said, too.
	r.Warnings = slices.Concat(seen.atFirst().Warnings, done.plan.Warnings, done.warnings)
	if recovery != txn.NothingPending {
		r.Warnings = append(r.Warnings, fmt.Sprintf("an earlier run was interrupted; its changes were %s first", recovery))
	}
	return r
}

// predict fills in what a real run would do, recovery of an interrupted one included.
func (r *Report) predict(pending txn.Recovery, busy bool) error {
	r.predicted, r.recovery = true, pending
	switch {
	case busy:
		r.Warnings = append(r.Warnings, "another run is changing this host right now, so that this prediction may not hold")
	case pending != txn.NothingPending:
		r.Warnings = append(r.Warnings, fmt.Sprintf("an earlier run was interrupted; a real run has its changes %s first, "+
			"so that this prediction may not hold", pending))
	}
	change, err := r.plan.Switch(Outcome{PipxVersion: pipxVersion(r.plan.seen, r.plan.Decision)})
	if err != nil {
		return err
	}
	for _, s := range slices.Concat(r.plan.Packages, r.plan.Stage, change) {
		r.done = append(r.done, txn.Done{Step: s})
	}
	return nil
}

// visible are the steps that change what a user can see.
func (r *Report) visible() []txn.Done {
	return slices.DeleteFunc(slices.Clone(r.done), func(d txn.Done) bool { return !d.Describe().Visible() })
}

// Changed tells whether a user can see a difference.
func (r *Report) Changed() bool {
	return len(r.visible()) > 0 || r.plan.Reload || r.recovery != txn.NothingPending
}

// tree is the installation after the run; nil when there is none.
func (r *Report) tree() *Installed {
	switch {
	case r.plan.removesAll():
		return nil
	case r.outcome.Tree != nil:
		return installedVenv(r.outcome.Tree)
	case r.plan.Builds():
		return nil
	}
	return r.plan.seen.Installed
}

// Result renders the report for Ansible. The diff shows lines of the user's files, so it is
// there only when it was asked for.
func (r *Report) Result(diff bool) ansible.Result {
	facts := r.facts()
	restart, warning := r.restart()
	result := ansible.Result{
		Changed: r.Changed(), Msg: r.message(), Warnings: slices.Concat(r.Warnings, r.injected(), warning),
		AnsibleFacts: map[string]any{"pgedge_patroni": facts},
		Extra:        map[string]any{"steps": r.steps(), "patroni": facts, "restart_required": restart},
	}
	if diff {
		result.Diff = r.diff()
	}
	return result
}

func (r *Report) diff() []ansible.Diff {
	var diffs []ansible.Diff
	for _, d := range r.visible() {
		about := d.Describe()
		header := strings.TrimSpace(about.Name + " " + about.Path)
		diffs = append(diffs, ansible.Diff{Before: about.Before, After: about.After, BeforeHeader: header,
			AfterHeader: header})
	}
	return diffs
}

// steps lists the work in the order it was done, the installation's scaffolding left out.
func (r *Report) steps() []map[string]any {
	steps := []map[string]any{}
	add := func(name, action, where string, took time.Duration) {
		s := map[string]any{"name": name, "action": action, "path": where}
		if !r.predicted {
			s["milliseconds"] = took.Milliseconds()
		}
		steps = append(steps, s)
	}
	built := false
	for _, d := range r.done {
		about := d.Describe()
		if set, ok := d.Step.(*step.Packages); ok && set.Borrowed {
			about.Action = "borrow"
		}
		if !about.Visible() {
			continue
		}
		if _, isTree := d.Step.(*step.Tree); isTree && !built {
			built = true
			for _, t := range r.took {
				add(t.Name, "run", t.Path, t.Time)
			}
		}
		add(about.Name, about.Action, about.Path, d.Took)
	}
	return steps
}

// facts describe the installation as it is now, or would be.
func (r *Report) facts() map[string]any {
	seen, before := r.plan.seen, r.plan.seen.atFirst().Installed
	facts := map[string]any{
		"version": nil, "previous_version": nil, "python": nil, "pipx": nil,
		"venv": seen.Layout.Venv(), "bin_dir": seen.BinDir, "config_dir": seen.ConfigDir,
		"apps": []string{}, "packages": map[string]string{},
		"service": map[string]any{
			"name": r.plan.want.ServiceName, "unit": seen.Unit, "load_state": r.service.LoadState,
			"active_state": r.service.ActiveState, "enabled_state": r.service.UnitFileState,
		},
	}
	if before != nil && before.Version != "" {
		facts["previous_version"] = before.Version
	}
	if seen.Packaged {
		facts["venv"] = nil
	}
	if v := pipxVersion(r.plan.seen, r.plan.Decision); v != "" {
		facts["pipx"] = v
	}
	if r.outcome.PipxVersion != "" {
		facts["pipx"] = r.outcome.PipxVersion
	}
	if tree := r.tree(); tree != nil {
		facts["version"], facts["python"] = tree.Version, tree.Python
		facts["apps"], facts["packages"] = tree.Apps, tree.Packages
	} else if version := r.plan.version(); version != "" {
		facts["version"] = version
	}
	return facts
}

// restart tells whether the running service uses an older tree than the one that is there now.
// Patroni starts PostgreSQL through an interpreter that it spawns, so an old process imports the
// new tree when it does so the next time.
func (r *Report) restart() (required bool, warnings []string) {
	service, tree := r.service, r.tree()
	if service.MainPID == 0 || r.plan.want.State == Absent {
		return false, nil
	}
	now := "the new installation"
	switch {
	case r.plan.Builds():
		if tree != nil {
			now = "Patroni " + tree.Version
		}
	case tree != nil && service.MainStarted.Before(tree.Since):
		now = "Patroni " + tree.Version
	default:
		return false, nil
	}
	before := "an older one"
	if old := r.plan.seen.Installed; old != nil && r.plan.Builds() && old.Version != "" {
		before = "Patroni " + old.Version
	}
	unit := path.Base(r.plan.seen.Unit)
	if r.plan.seen.Service.Unconfigured {
		return true, []string{fmt.Sprintf("%s still runs %s, installed is %s, and the configuration %s is not there: a "+
			"restart would end the service; write the configuration first (role setup_patroni does)", unit, before, now,
			r.plan.seen.Config)}
	}
	return true, []string{fmt.Sprintf("%s still runs %s, installed is %s: restart it, one host at a time "+
		"(systemctl restart %s); until then it may start PostgreSQL with a mixture of both", unit, before, now, unit)}
}

// injected names the packages that people added by pipx inject to a tree in whose place another one comes. Those
// that Patroni needs come along anyway.
func (r *Report) injected() []string {
	old, tree := r.plan.seen.Installed, r.tree()
	if !r.plan.Builds() || old == nil {
		return nil
	}
	lost := slices.DeleteFunc(slices.Clone(old.Venv.Injected), func(name string) bool {
		if tree != nil {
			return tree.Packages[name] != ""
		}
		return slices.Contains(old.Venv.Needs(r.plan.want.Extras), name)
	})
	if len(lost) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("the new virtual environment %s %s, which pipx inject had added to the old one; to have "+
		"them again: sudo -i -u %s pipx inject patroni %s", r.verb("does not have", "would not have"),
		strings.Join(lost, ", "),
		r.plan.seen.User.Name, strings.Join(lost, " "))}
}

// result is what came of a plan.
type result struct {
	plan     *Plan // what packages brought is in it, if the run has added some
	outcome  Outcome
	done     []txn.Done
	took     []Took
	warnings []string
}

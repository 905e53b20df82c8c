package install

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
	"github.com/pgedge/platform/modules/patroni_install/internal/profile"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

func TestPlanFresh(t *testing.T) {
	arguments := `{"lock_timeout": 1}`
	o := bare(t, arguments)
	o.Pipx = nil
	o.Packages = Packages{Missing: []string{"pipx"},
		Add: []pkgmgr.Package{{Name: "pipx", Version: "1.1.0-1", Arch: "all"}}}
	out := built()
	out.Shared = "9"
	comparePlans(t, parts{
		Build: "Patroni is not installed",
		Packages: []txn.Step{&step.Packages{
			Manager: "apt", Names: []string{"pipx"}, Add: o.Packages.Add, Archives: StateDir + "/archives", LockTimeout: 1e9,
		}},
		Stage: append([]txn.Step{
			makeDir(home+"/.local", users), makeDir(home+"/.local/share", users), makeDir(pipxHome, users),
			makeDir(pipxHome+"/venvs", users), makeDir(binDir, users),
		}, stageSteps(home)...),
		Switch: []txn.Step{
			&step.Tree{
				Name: sharedName, Path: pipxHome + "/shared", Spare: stage + "/home/shared",
				After: &step.TreeState{ID: "9", Text: "pip for the virtual environments of pipx\n"},
			},
			&step.Tree{Name: treeName, Path: venv, Spare: staged, After: &step.TreeState{ID: "8", Text: newText}},
			makeLink(binDir+"/patroni", venv+"/bin/patroni"),
			makeLink(binDir+"/patroni_aws", venv+"/bin/patroni_aws"),
			makeLink(binDir+"/patronictl", venv+"/bin/patronictl"),
			makeLink(oldPipx, "share/pipx"),
			configDirStep("/etc/patroni", nil),
			newProfile(profile.Login, ".bash_profile", binDir),
			newProfile(profile.Interactive, ".bashrc", binDir),
			newUnit(o, desired(t, arguments)),
		},
	}, mustPlan(t, arguments, o, out))
}

func TestPlanHealthyIsEmpty(t *testing.T) {
	for name, c := range map[string]struct {
		arguments string
		edit      func(o *sketch)
	}{
		"defaults":             {`{}`, func(*sketch) {}},
		"fitting version":      {`{"version": "~=4.0"}`, func(*sketch) {}},
		"its very version":     {`{"version": "4.0.7"}`, func(*sketch) {}},
		"no pipx needed":       {`{"prerequisites": []}`, func(o *sketch) { o.Pipx = nil }},
		"pipx too old":         {`{}`, func(o *sketch) { o.Pipx.Version = "0.12.0" }},
		"links relative":       {`{}`, func(o *sketch) { o.bin("patroni", linkTo("../share/pipx/venvs/patroni/bin/patroni")) }},
		"links untidy":         {`{}`, func(o *sketch) { o.bin("patroni", linkTo(pipxHome+"//venvs/./patroni/bin/patroni")) }},
		"links of root":        {`{}`, func(o *sketch) { o.bin("patroni", fsys.Info{Type: fsys.Link, Target: venv + "/bin/patroni"}) }},
		"foreign neighbours":   {`{}`, func(o *sketch) { o.bin("psql", fsys.Info{Type: fsys.File}); o.bin("x", linkTo("/usr/bin/x")) }},
		"old pipx home absent": {`{}`, func(o *sketch) { delete(o.Entries, oldPipx) }},
		"profiles unmanaged": {`{"manage_path": false}`, func(o *sketch) {
			delete(o.Entries, home+"/.bash_profile")
			delete(o.Entries, home+"/.bashrc")
		}},
		"more than asked":     {`{"extras": ["etcd"]}`, func(*sketch) {}},
		"etcd3 is etcd":       {`{"extras": ["etcd3"]}`, func(*sketch) {}},
		"systemd not running": {`{}`, func(o *sketch) { o.Service = Service{} }},
		"running service":     {`{}`, func(o *sketch) { o.Service.ActiveState, o.Service.UnitFileState = "active", "enabled" }},
	} {
		t.Run(name, func(t *testing.T) {
			o := healthy(t, c.arguments)
			c.edit(o)
			comparePlans(t, parts{}, mustPlan(t, c.arguments, o, Outcome{}))
		})
	}
}

// TestPlanBuilds are the reasons for a build, and what it then switches.
func TestPlanBuilds(t *testing.T) {
	upgrade := func(before string) []txn.Step {
		tree := switchTree()
		tree.Before.Text = before
		return []txn.Step{tree, makeLink(binDir+"/patroni_aws", venv+"/bin/patroni_aws")}
	}
	for name, c := range map[string]struct {
		arguments string
		edit      func(o *sketch)
		build     string
		change    []txn.Step
	}{
		"upgrade":   {`{"version": "4.1.5"}`, func(*sketch) {}, "version 4.1.5 was asked for", upgrade(oldText)},
		"specifier": {`{"version": ">4.0.7"}`, func(*sketch) {}, "version >4.0.7 was asked for", upgrade(oldText)},
		"broken": {`{}`, func(o *sketch) { o.Installed.Problems = []string{"it is half-written", "its interpreter is gone"} },
			"it was broken: it is half-written; its interpreter is gone",
			upgrade(oldText + "# broken: it is half-written\n# broken: its interpreter is gone\n")},
		"missing extra": {`{}`, func(o *sketch) { o.Installed = inspected(t, "psycopg2-binary") }, "it lacked python-etcd",
			upgrade(strings.Replace(oldText, "python-etcd 0.4.5\n", "", 1))},
		"stale links": {`{"version": "4.1.5"}`, func(o *sketch) {
			o.bin("patroni_gone", linkTo(venv+"/bin/patroni_gone"))
			o.bin("patroni_other", linkTo("/usr/bin/patroni_other"))
		}, "version 4.1.5 was asked for",
			append(upgrade(oldText), removeLink(binDir+"/patroni_gone", venv+"/bin/patroni_gone"))},
	} {
		t.Run(name, func(t *testing.T) {
			o := healthy(t, c.arguments)
			c.edit(o)
			comparePlans(t, parts{Build: c.build, Stage: stageSteps(pipxHome), Switch: c.change},
				mustPlan(t, c.arguments, o, withoutOldHome(built())))
		})
	}
}

// withoutOldHome is built by a pipx that looks for its home where it is.
func withoutOldHome(out Outcome) Outcome {
	out.PipxVersion = "1.7.1"
	return out
}

func TestPlanSharedLibraries(t *testing.T) {
	arguments := `{"version": "4.1.5"}`
	o := healthy(t, arguments)
	o.dir(pipxHome+"/shared", users)
	out := withoutOldHome(built())
	out.Copy = &step.TreeCopy{Path: stage + "/patroni.copy", ID: "70"}
	out.Shared, out.SharedCopy = "9", &step.TreeCopy{Path: stage + "/shared.copy", ID: "90"}
	tree := switchTree()
	tree.Copy = out.Copy
	text := "pip for the virtual environments of pipx\n"
	want := []txn.Step{
		&step.Tree{
			Name: sharedName, Path: pipxHome + "/shared", Spare: stage + "/home/shared", Copy: out.SharedCopy,
			Before: &step.TreeState{ID: o.Entries[pipxHome+"/shared"].ID, Text: text},
			After:  &step.TreeState{ID: "9", Text: text},
		},
		tree,
	}
	got := mustPlan(t, arguments, o, out)
	if diff := cmp.Diff(want, got.Switch[:2]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

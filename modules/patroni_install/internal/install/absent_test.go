package install

import (
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

func TestPlanAbsent(t *testing.T) {
	const absent = `{"state": "absent"}`
	unit := func(o *sketch) txn.Step {
		return &step.File{Name: "unit", Unit: true, Path: unitFile,
			Before: &step.FileState{Data: o.Entries[unitFile].Data, Attr: fsys.Attr{Mode: 0o644}}}
	}
	links := []txn.Step{removeLink(binDir+"/patroni", venv+"/bin/patroni"),
		removeLink(binDir+"/patronictl", venv+"/bin/patronictl")}
	profiles := func(o *sketch) []txn.Step {
		var steps []txn.Step
		for _, name := range []string{".bash_profile", ".bashrc"} {
			e := o.Entries[home+"/"+name]
			steps = append(steps, &step.File{Name: "shell profile", Path: home + "/" + name,
				Before: &step.FileState{Data: e.Data, Attr: e.Attr}})
		}
		return steps
	}
	tree := &step.Tree{Name: treeName, Path: venv, Spare: staged, Before: &step.TreeState{ID: "7", Text: oldText}}
	shared := func(o *sketch) txn.Step {
		return &step.Tree{Name: sharedName, Path: pipxHome + "/shared", Spare: stage + "/home/shared",
			Before: &step.TreeState{
				ID: o.Entries[pipxHome+"/shared"].ID, Text: "pip for the virtual environments of pipx\n",
			}}
	}
	config := func() txn.Step {
		before := private
		return &step.Directory{Name: "configuration directory", Path: "/etc/patroni", Before: &before}
	}
	for name, c := range map[string]struct {
		edit func(o *sketch)
		want func(o *sketch) []txn.Step
	}{
		"all of it": {
			func(o *sketch) {
				delete(o.Entries, "/etc/patroni/patroni.yaml")
				o.dir(pipxHome+"/shared", users)
				o.link(oldPipx, "share/pipx")
			},
			func(o *sketch) []txn.Step {
				steps := append([]txn.Step{unit(o)}, append(links, profiles(o)...)...)
				return append(steps, tree, shared(o), removeLink(oldPipx, "share/pipx"), config())
			},
		},
		"others use pipx": {
			func(o *sketch) {
				o.OtherVenvs = []string{"ansible"}
				o.dir(pipxHome+"/shared", users)
				o.link(oldPipx, "share/pipx")
			},
			func(o *sketch) []txn.Step {
				return append(append([]txn.Step{unit(o)}, append(links, profiles(o)...)...), tree)
			},
		},
		"configured": {
			func(o *sketch) {},
			func(o *sketch) []txn.Step {
				return append(append([]txn.Step{unit(o)}, append(links, profiles(o)...)...), tree)
			},
		},
		"a link of the user's own": {
			func(o *sketch) { o.link(oldPipx, "/srv/pipx") },
			func(o *sketch) []txn.Step {
				return append(append([]txn.Step{unit(o)}, append(links, profiles(o)...)...), tree)
			},
		},
		"foreign things in bin_dir stay": {
			func(o *sketch) {
				o.bin("patroni", linkTo("/usr/bin/patroni"))
				o.bin("psql", fsys.Info{Type: fsys.File})
			},
			func(o *sketch) []txn.Step {
				return append(append([]txn.Step{unit(o)}, append(links[1:2:2], profiles(o)...)...), tree)
			},
		},
		"service failed": {
			func(o *sketch) { o.Service.ActiveState, o.Service.UnitFileState = "failed", "disabled" },
			func(o *sketch) []txn.Step {
				return append(append([]txn.Step{unit(o)}, append(links, profiles(o)...)...), tree)
			},
		},
		"tree gone already": {
			func(o *sketch) { o.Installed = nil },
			func(o *sketch) []txn.Step { return append([]txn.Step{unit(o)}, append(links, profiles(o)...)...) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := healthy(t, absent)
			c.edit(o)
			want := parts{Switch: c.want(o)}
			if o.Installed != nil {
				want.Stage = stageSteps(pipxHome)
			}
			comparePlans(t, want, mustPlan(t, absent, o, Outcome{}))
		})
	}
	t.Run("nothing there", func(t *testing.T) {
		comparePlans(t, parts{}, mustPlan(t, absent, bare(t, absent), Outcome{}))
	})
	t.Run("profile with the user's own lines", func(t *testing.T) {
		o := healthy(t, absent)
		e := o.Entries[home+"/.bashrc"]
		o.file(home+"/.bashrc", "alias l=ls\n"+string(e.Data), e.Attr)
		for _, s := range mustPlan(t, absent, o, Outcome{}).Switch {
			if f, ok := s.(*step.File); ok && f.Path == home+"/.bashrc" &&
				(f.After == nil || string(f.After.Data) != "alias l=ls\n") {
				t.Errorf("after: %+v", f.After)
			}
		}
	})
}

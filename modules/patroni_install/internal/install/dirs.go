package install

import (
	"path"
	"slices"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// dirs are the directories that other parts need: the bin directory, the one of the units, which an image without
// systemd lacks, and what is above the rest. A directory above two of them is made once.
type dirs struct {
	base

	rules *rules // of SELinux
	parts func() group
	// earlier are the steps of the batches before, which make some of them.
	earlier func(Decision) []txn.Step
}

// Steps implements [Part]. Directories stay in a removal: others may have come to use them.
func (p *dirs) Steps(d Decision, _ Outcome) ([]txn.Step, error) {
	if p.removes() {
		return nil, nil
	}
	made := map[string]bool{}
	for _, s := range p.earlier(d) {
		if dir, ok := s.(*step.Directory); ok {
			made[dir.Path] = true
		}
	}
	return append(p.seen.missingDirs(made, p.parts().Parents()...), p.rules.label()...), nil
}

// missingDirs makes those directories, and those above them, that are not there and not made
// already: in the home the user's, elsewhere root's.
func (v *View) missingDirs(done map[string]bool, dirs ...string) []txn.Step {
	var steps []txn.Step
	for _, dir := range dirs {
		var chain []txn.Step
		for ; !done[dir] && !v.exists(dir); dir = path.Dir(dir) {
			attr := fsys.Attr{Mode: 0o755}
			if v.inHome(dir) {
				attr.UID, attr.GID = v.User.UID, v.User.GID
			}
			made := &step.Directory{Name: "directory", Path: dir, After: &attr}
			if dir == v.BinDir && v.newLabel() != "" {
				made.Label = &step.LabelChange{After: v.newLabel()}
			}
			chain = append(chain, made)
			done[dir] = true
		}
		slices.Reverse(chain)
		steps = append(steps, chain...)
	}
	return steps
}

package install

import (
	"path"
	"slices"

	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// userPipx is pipx in the user's environment, if pip has to bring one. A removal leaves it: it is the user's.
type userPipx struct {
	base

	links *links
}

// Steps implements [Part]. If bin_dir is another directory than pip's, a link there puts pipx on the PATH, too.
func (p *userPipx) Steps(d Decision, out Outcome) ([]txn.Step, error) {
	if !d.BringsPipx || out.Tree != nil && out.UserPipx == nil {
		return nil, nil
	}
	s := &step.Additions{Name: "pipx for " + p.seen.User.Name, From: p.seen.stagedBase(), To: p.seen.userBase()}
	s.Text = "pipx (predicted: the newest that fits the interpreter, and what it needs)\n"
	if out.UserPipx != nil {
		s.Entries, s.Text = slices.Clone(out.UserPipx.Entries), out.UserPipx.Text
	}
	steps := []txn.Step{s}
	program := path.Join(s.To, "bin/pipx")
	if _, taken := p.links.bin["pipx"]; !taken && p.seen.BinDir != path.Dir(program) {
		steps = append(steps, &step.Symlink{Path: path.Join(p.seen.BinDir, "pipx"), After: p.links.linkTo(program)})
	}
	return steps, nil
}

package install

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// runnable is whether what is built in pipx's home can be run there. That shows only after the whole build.
type runnable struct {
	base

	noExec string // the directory that is mounted without programs
}

// Look implements [Part]: it looks at the mount that pipx's home is on, or will be.
func (p *runnable) Look(context.Context) error {
	for dir := p.seen.Home; dir != "/"; dir = path.Dir(dir) {
		target, err := p.seen.files.Resolve(dir)
		if err != nil {
			continue // it is not there yet; what is in the way others refuse
		}
		if noExec, err := p.seen.files.NoExec(target); err == nil && noExec {
			p.noExec = dir
		}
		return nil
	}
	return nil
}

// Steps implements [Part]: what is there and runs stays.
func (p *runnable) Steps(d Decision, _ Outcome) ([]txn.Step, error) {
	switch {
	case !d.Builds():
		return nil, nil
	case p.noExec != "":
		return nil, fmt.Errorf("cannot build Patroni in %s: %s is mounted with noexec, so that no program there can be "+
			"started; remount it with exec, or set pipx_home (in the role: patroni_pipx_home) to a directory elsewhere",
			p.seen.Home, p.noExec)
	case strings.Contains(p.seen.Home, ":"):
		return nil, fmt.Errorf("cannot build Patroni in %s: Python makes no virtual environment in a path with a colon, "+
			"which divides the PATH; set pipx_home (in the role: patroni_pipx_home) to a directory whose path has none",
			p.seen.Home)
	case strings.ContainsAny(p.seen.Home, "${}"):
		return nil, fmt.Errorf("cannot build Patroni in %s: setuptools takes $ and braces in the path for variables; set "+
			"pipx_home (in the role: patroni_pipx_home) to a directory whose path has none of $, { and }", p.seen.Home)
	}
	return nil, nil
}

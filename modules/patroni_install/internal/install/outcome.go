package install

import (
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
)

// Outcome is what only the build knows.
type Outcome struct {
	Tree        *pipx.Venv     // what was built; nil predicts
	ID          string         // of the built tree
	Shared      string         // ID of the built shared libraries, "" to leave those that are there
	Copy        *step.TreeCopy // of the old tree, if it may not be renameable
	SharedCopy  *step.TreeCopy
	Manifest    []byte // of the built tree
	PipxVersion string
	UserPipx    *UserPipx // what pip made of pipx for the user, if it had to
}

// UserPipx is a pipx that pip put into the staged user base.
type UserPipx struct {
	Entries []step.Addition
	Text    string // the distributions, a line each
}

package install

import (
	"context"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// Namespace is where a build sees the stage at its final place; see [mountns.Namespace].
type Namespace interface {
	host.Runner
	Start(ctx context.Context, cmd host.Command) (wait func() (host.Output, error), err error)
	Do(ctx context.Context, work func() error) error
	Check() error
	Close()
}

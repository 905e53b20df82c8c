package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// BuildError reports that pipx or pip failed.
type BuildError struct {
	What  string // what could not be done, "" for the build of Patroni
	Cause string // what happened and what to do, "" when that is not known
	Index string // option index_url
	Err   error
}

// Error says what to do, if that is known, and otherwise what the failed command said.
func (e *BuildError) Error() string {
	what := cmp.Or(e.What, "build Patroni")
	switch {
	case e.Cause != "" && e.Index != "":
		return fmt.Sprintf("cannot %s from index_url %s: %s", what, e.Index, e.Cause)
	case e.Cause != "":
		return "cannot " + what + ": " + e.Cause
	}
	return fmt.Sprintf("cannot %s: %v", what, e.Err)
}

// Unwrap returns the failure of the command.
func (e *BuildError) Unwrap() error { return e.Err }

// stopped is why a command was stopped, and who keeps it from ending, if somebody does.
func stopped(ctx context.Context, err error) error {
	if held, ok := errors.AsType[*host.HeldError](err); ok {
		return fmt.Errorf("%w; %w", context.Cause(ctx), held)
	}
	return context.Cause(ctx)
}

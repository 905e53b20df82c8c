package pkgmgr

import (
	"errors"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// cause says what a line of a package manager means and what to do.
type cause struct{ fragment, advice string }

// explainedError puts a sentence in the place of a command's error, which it keeps for whoever
// wants to know more.
type explainedError struct {
	text string
	err  error
}

func (e *explainedError) Error() string { return e.text }
func (e *explainedError) Unwrap() error { return e.err }

// explainBy turns an error of a command into one that says what to do, where causes have it.
func explainBy(causes []cause, err error) error {
	failed, ran := errors.AsType[*host.CommandError](err)
	if !ran {
		return err
	}
	for _, c := range causes {
		if strings.Contains(failed.Stderr, c.fragment) {
			return &explainedError{text: c.advice, err: err}
		}
	}
	return err
}

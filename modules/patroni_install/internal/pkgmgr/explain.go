package pkgmgr

import (
	"errors"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// cause says what a line of a package manager means and what to do. $1 in the advice is the rest of the line.
type cause struct{ fragment, advice string }

// explainedError puts a sentence in the place of a command's error, which it keeps for whoever
// wants to know more.
type explainedError struct {
	text string
	err  error
}

func (e *explainedError) Error() string { return e.text }
func (e *explainedError) Unwrap() error { return e.err }

// explainBy turns an error of a command into one that says what to do, where causes have it. The last error decides:
// what the command got over counts only if nothing is known of what ended it.
func explainBy(causes []cause, err error) error {
	failed, ran := errors.AsType[*host.CommandError](err)
	if _, explained := errors.AsType[*explainedError](err); explained || !ran {
		return err
	}
	for _, text := range []string{ending(failed.Stderr), failed.Stderr} {
		for _, c := range causes {
			if _, after, found := strings.Cut(text, c.fragment); found {
				rest, _, _ := strings.Cut(after, "\n")
				return &explainedError{text: strings.ReplaceAll(c.advice, "$1", strings.TrimSpace(rest)), err: err}
			}
		}
	}
	return err
}

// ending returns what ended a command: what follows the repositories that dnf did without, and apt's errors without its
// warnings.
func ending(stderr string) string {
	if i := strings.LastIndex(stderr, "Ignoring repositories: "); i >= 0 {
		_, stderr, _ = strings.Cut(stderr[i:], "\n")
	}
	var errors strings.Builder
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "W: ") {
			errors.WriteString(line)
		}
	}
	return errors.String()
}

package txn

import "fmt"

// ConflictError reports a live state that a step did not make and does not overwrite.
type ConflictError struct {
	Path  string
	Found string // the live state
}

// Error names the path and the live state.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s was changed by somebody else: %s", e.Path, e.Found)
}

// RollbackError reports a failed run whose changes could not all be undone.
type RollbackError struct {
	Cause error // why the run failed
	Undo  error // what could not be undone
}

// Error gives both reasons, the cause first.
func (e *RollbackError) Error() string {
	return fmt.Sprintf("%v; undoing the changes failed too: %v", e.Cause, e.Undo)
}

// Unwrap returns both reasons.
func (e *RollbackError) Unwrap() []error { return []error{e.Cause, e.Undo} }

// unfinishedError reports changes that could not be undone and are still in the journal.
type unfinishedError struct {
	errs    []error
	journal string
}

// Error names everything, and what happens to it.
func (e *unfinishedError) Error() string {
	return fmt.Sprintf("%v; %s keeps what is left to do: when the cause is gone, run this again, which goes on with it",
		sentence(e.errs), e.journal)
}

// Unwrap returns what went wrong.
func (e *unfinishedError) Unwrap() []error { return e.errs }

// sentence joins errors as errors.Join does, but in one line.
func sentence(errs []error) error {
	var joined error
	for _, err := range errs {
		switch {
		case joined == nil:
			joined = err
		case err != nil:
			joined = fmt.Errorf("%w; %w", joined, err)
		}
	}
	return joined
}

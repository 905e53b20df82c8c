// Package step holds the kinds of change that an installation is made of, as values: a plan
// builds them, the journal stores them, a transaction applies or undoes them.
//
// Each kind names the state before and the state after. Apply and Undo are one function, ensure,
// with the two exchanged. ensure compares the live state first: where it is the wanted one,
// nothing is done; where it is neither, somebody else changed it, and it is left alone and
// reported by a txn.ConflictError.
package step

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// Kinds makes an empty step of each kind, by its name in the journal.
func Kinds() map[string]func() txn.Step {
	return map[string]func() txn.Step{
		"additions":    func() txn.Step { return &Additions{} },
		"directory":    func() txn.Step { return &Directory{} },
		"file":         func() txn.Step { return &File{} },
		"file context": func() txn.Step { return &FileContext{} },
		"labels":       func() txn.Step { return &Labels{} },
		"packages":     func() txn.Step { return &Packages{} },
		"stage":        func() txn.Step { return &Stage{} },
		"symlink":      func() txn.Step { return &Symlink{} },
		"tree":         func() txn.Step { return &Tree{} },
	}
}

// lookup describes what is at a path; nil means that nothing is there.
func lookup(h *host.Host, path string) (*fsys.Info, error) {
	info, err := h.FS.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // absence is a state like any other
	}
	if err != nil {
		return nil, err
	}
	return &info, nil
}

// entry is what was found at a path, for the operations that take nothing else.
func entry(path string, found *fsys.Info) fsys.Entry { return fsys.Entry{Path: path, ID: found.ID} }

// only allows the removal of what has this ID.
func only(path, id string) fsys.Check {
	return func(found fsys.Info, _ func(fsys.Visit) error) error {
		if found.ID != id {
			return conflict(path, &found)
		}
		return nil
	}
}

// conflict reports what is at a path instead of what the step knows.
func conflict(path string, found *fsys.Info) error {
	text := "nothing is there"
	if found != nil {
		text = fmt.Sprintf("a %s with %s is there", found.Type, found.Attr)
	}
	if found != nil && found.Type == fsys.Link {
		text = fmt.Sprintf("a link to %s is there", found.Target)
	}
	return &txn.ConflictError{Path: path, Found: text}
}

// action names the change between two states; nil is absence.
func action[T any](before, after *T) string {
	switch {
	case before == nil:
		return "create"
	case after == nil:
		return "remove"
	}
	return "change"
}

// cannot wraps an error of a step's operation.
func cannot(verb, what, path string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*txn.ConflictError](err); ok {
		return err
	}
	if errors.Is(err, fsys.ErrSwapped) {
		return &txn.ConflictError{Path: path, Found: err.Error()}
	}
	return fmt.Errorf("cannot %s %s %s: %w", verb, what, path, err)
}

package txn

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
)

// format is the version of the journal that this program writes and reads.
const format = 1

// journalLimit limits a journal, in bytes. It holds shell profiles and a unit, nothing large.
const journalLimit = 64 << 20

// The phases of a transaction.
const (
	phaseApply  = "apply"
	phaseCommit = "commit"
)

// journal is the transaction on disk.
type journal struct {
	Format int    `json:"format"`
	Phase  string `json:"phase"`
	Steps  []Step `json:"-"`

	saved []byte // the text that was saved last
}

// record is a step in the journal.
type record struct {
	Kind string        `json:"kind"`
	Step jsonvalue.Raw `json:"step"`
}

// document is the journal's text.
type document struct {
	journal

	Records []record `json:"steps"`
}

func (t *Transaction) path() string { return path.Join(t.Dir, "journal.json") }

// save makes the journal durable.
func (t *Transaction) save(j *journal) error {
	text, err := j.encode()
	if err != nil {
		return err
	}
	return t.write(j, text)
}

// saveChanged saves the journal if a step has learnt something since, such as the inode of a directory that it made.
func (t *Transaction) saveChanged(j *journal) error {
	text, err := j.encode()
	if err != nil || bytes.Equal(text, j.saved) {
		return err
	}
	return t.write(j, text)
}

func (j *journal) encode() ([]byte, error) {
	doc := document{journal: *j}
	for _, step := range j.Steps {
		// Exactly: a path with bytes that are no UTF-8 would be another path after a crash.
		text, err := jsonvalue.EncodeExactly(step)
		if err != nil {
			return nil, fmt.Errorf("cannot write %s into the journal: %w", step.Describe().Path, err)
		}
		doc.Records = append(doc.Records, record{Kind: step.Kind(), Step: text})
	}
	text, err := jsonvalue.EncodeExactly(doc)
	if err != nil {
		return nil, fmt.Errorf("internal error: cannot encode the journal: %w", err)
	}
	return text, nil
}

func (t *Transaction) write(j *journal, text []byte) error {
	if err := t.Host.FS.WriteFile(t.path(), text, fsys.Attr{Mode: 0o600}); err != nil {
		return fmt.Errorf("cannot write the journal: %w", err)
	}
	j.saved = text
	return nil
}

// load returns the pending journal, nil if there is none.
func (t *Transaction) load() (*journal, error) {
	text, info, err := t.Host.FS.ReadFileInfo(t.path(), journalLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no journal is the usual case, not an error
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the journal of an interrupted run: %w", err)
	}
	if info.UID != os.Geteuid() || info.Mode&0o022 != 0 {
		err = fmt.Errorf("it has %s, so that others than root may have written it", info.Attr)
	}
	var j *journal
	if err == nil {
		j, err = t.decode(text)
	}
	if err != nil {
		return nil, t.unusable(text, err)
	}
	return j, nil
}

// unusable reports a journal that nobody may act on. It stays where it is: it may be the only record of a half-done
// change, and a program that understands it can still go on with it.
func (t *Transaction) unusable(text []byte, cause error) error {
	compare := "what an interrupted installation leaves"
	if names := paths(text); len(names) > 0 {
		compare = strings.Join(names, ", ")
	}
	return fmt.Errorf("cannot use the journal of an interrupted run, %s: %w; nothing was changed, and the journal stays; "+
		"if another version of patroni_install wrote it, run that one; otherwise look whether these are as they should "+
		"be: %s; then move the journal aside: mv %s %s.unusable", t.path(), cause, compare, t.path(), t.path())
}

// shownPaths limits how many paths of an unusable journal are named.
const shownPaths = 20

// paths finds the paths that a journal names, however damaged it is, each once and in order.
func paths(text []byte) []string {
	var names []string
	rest := string(text)
	for found := true; found && len(names) < shownPaths; {
		if _, rest, found = strings.Cut(rest, `"path":"`); !found {
			break
		}
		name, _, whole := strings.Cut(rest, `"`)
		if whole && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (t *Transaction) decode(text []byte) (*journal, error) {
	var doc document
	if err := jsonvalue.Decode(text, &doc); err != nil {
		return nil, err
	}
	if doc.Format != format {
		return nil, fmt.Errorf("it has format %d, this program knows format %d", doc.Format, format)
	}
	if doc.Phase != phaseApply && doc.Phase != phaseCommit {
		return nil, fmt.Errorf("it has the unknown phase %q", doc.Phase)
	}
	j := doc.journal
	for _, r := range doc.Records {
		empty, known := t.Kinds[r.Kind]
		if !known {
			return nil, fmt.Errorf("it has a step of the unknown kind %q", r.Kind)
		}
		step := empty()
		if err := jsonvalue.Decode(r.Step, step); err != nil {
			return nil, fmt.Errorf("step %s: %w", r.Kind, err)
		}
		if older, ok := step.(Upgrader); ok {
			older.Upgrade()
		}
		j.Steps = append(j.Steps, step)
	}
	return &j, nil
}

// drop forgets the transaction.
func (t *Transaction) drop() error {
	if err := t.Host.FS.Remove(t.path()); err != nil {
		return fmt.Errorf("cannot remove the journal: %w", err)
	}
	return nil
}

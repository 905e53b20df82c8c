package step_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// fullSteps are a step of each kind with something in every field.
func fullSteps() []txn.Step {
	before, after := fsys.Attr{Mode: 0o755, UID: 1, GID: 2}, fsys.Attr{Mode: 0o700, UID: 12, GID: 34}
	change := step.LabelChange{Before: oldLabel, After: newLabel}
	return []txn.Step{
		&step.Additions{
			Name: "pipx", From: "/from", To: "/to", Text: "pipx 1.7.1\n",
			Entries: []step.Addition{{Path: "bin/pipx", ID: "12.34"}, {Path: "lib/pipx", ID: "56"}},
		},
		&step.Directory{
			Name: "configuration directory", Path: "/etc/patroni", Before: &before, After: &after, Ours: true, Label: &change,
			Brought: true,
		},
		&step.File{
			Name: "unit", Path: "/etc/systemd/system/patroni.service", Ours: true, Unit: true, Masked: step.MaskBoth,
			While:  "/archives",
			Before: &step.FileState{Attr: before, Data: []byte("\xff\xfe")},
			After:  &step.FileState{Attr: after, Data: []byte("[Unit]\n")},
		},
		&step.FileContext{Pattern: "/srv/bin(/.*)?", Type: "bin_t", File: "/etc/selinux/file_contexts.local", Remove: true},
		&step.Labels{Path: "/srv", Files: []step.FileLabel{{Path: "/srv/bin", LabelChange: change}}},
		&step.Packages{
			Manager: pkgmgr.DNF, Names: []string{"python3-pip"}, Archives: "/archives", Borrowed: true, LockTimeout: time.Minute,
			Add: []pkgmgr.Package{{Name: "python3-pip", Version: "1:2.0-1", Arch: "noarch"}},
		},
		&step.Stage{
			Path: "/home/.stage", Subs: []string{"home", "home/scratch"}, UID: 12, GID: 34, ID: "12.34",
			Above: step.Place{Path: "/home", ID: "56"},
		},
		&step.Symlink{
			Path: "/usr/bin/patroni", Brought: true,
			Before: &step.LinkState{Target: "a", UID: 1, GID: 2, Label: oldLabel},
			After:  &step.LinkState{Target: "b \u2028<&>", UID: 12, GID: 34, Label: newLabel},
		},
		&step.Tree{
			Name: "Patroni", Path: "/venvs/patroni", Spare: "/stage/patroni",
			Before: &step.TreeState{ID: "12.34", Text: "Patroni 4.0.7\n"},
			After:  &step.TreeState{ID: "56", Text: "Patroni 4.1.5\n"},
			Copy:   &step.TreeCopy{Path: "/stage/copy", ID: "78"},
		},
	}
}

// bareSteps are a step of each kind with nothing in it.
func bareSteps() []txn.Step {
	var steps []txn.Step
	kinds := step.Kinds()
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		steps = append(steps, kinds[kind]())
	}
	return steps
}

// record is a step in the text of a journal.
type record struct {
	Kind string        `json:"kind"`
	Step jsonvalue.Raw `json:"step"`
}

// journaled are the records of the journal that a transaction with these steps has written before its first effect.
func journaled(tb testing.TB, steps []txn.Step) []record {
	tb.Helper()
	root := tb.TempDir()
	journal := filepath.Join(root, "state", "journal.json")
	h := &host.Host{FS: fsys.New(root), Progress: func(string) {}}
	if err := os.Mkdir(filepath.Dir(journal), 0o700); err != nil {
		tb.Fatal(err)
	}
	var text []byte
	h.FS.Fault = func(_, object string) error {
		if strings.HasPrefix(object, "/state") {
			return nil
		}
		text, _ = os.ReadFile(journal)
		panic(crash{})
	}
	transaction := &txn.Transaction{
		Host: h, Dir: "/state", Kinds: step.Kinds(), Settle: func(context.Context, []txn.Step) error { return nil },
	}
	func() {
		defer func() { _ = recover() }()
		_, _, _ = transaction.Run(tb.Context(), func(context.Context) ([]txn.Step, error) {
			return append([]txn.Step{&step.File{Name: "first", Path: "/first", After: &step.FileState{}}}, steps...), nil
		})
	}()
	var document struct {
		Steps []record `json:"steps"`
	}
	if err := jsonvalue.Decode(text, &document); err != nil || len(document.Steps) != len(steps)+1 {
		tb.Fatalf("the journal is %q, %v", text, err)
	}
	return document.Steps[1:]
}

// TestJournaledSteps: a step is read back from the journal as it was, with all of its fields.
func TestJournaledSteps(t *testing.T) {
	full := fullSteps()
	var kinds []string
	for _, s := range full {
		kinds = append(kinds, s.Kind())
		for _, name := range emptyFields(s.Kind(), reflect.ValueOf(s).Elem()) {
			t.Errorf("%s is tried with nothing in it", name)
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(step.Kinds())), kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	steps := slices.Concat(full, bareSteps())
	for i, r := range journaled(t, steps) {
		back := step.Kinds()[r.Kind]()
		if err := jsonvalue.Decode(r.Step, back); err != nil {
			t.Errorf("%s: %s: %v", r.Kind, r.Step, err)
		}
		if diff := cmp.Diff(steps[i], back); diff != "" {
			t.Errorf("%s (-journaled +read):\n%s", r.Kind, diff)
		}
	}
}

// emptyFields names the fields of a step that have no value, those aside that no journal has.
func emptyFields(name string, v reflect.Value) []string {
	var empty []string
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return emptyFields(name, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			empty = append(empty, emptyFields(fmt.Sprintf("%s[%d]", name, i), v.Index(i))...)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.Tag.Get("json") != "-" {
				empty = append(empty, emptyFields(name+"."+field.Name, v.Field(i))...)
			}
		}
	}
	if v.IsZero() {
		empty = append(empty, name)
	}
	return empty
}

// FuzzDecodeStep reads a step of each kind from any text: what can be read is written as a text that
// reads the same, so that a journal which is saved again still means what it meant. Its seeds are what the
// journal has, and what is none of it.
func FuzzDecodeStep(f *testing.F) {
	for _, r := range journaled(f, slices.Concat(fullSteps(), bareSteps())) {
		f.Add([]byte(r.Step))
	}
	for _, text := range []string{`{}`, `null`, `[]`, `{"path":{}}`, `{"path":"\ud800"}`,
		`{"before":null,"before":{"mode":-1}}`} {
		f.Add([]byte(text))
	}
	kinds := step.Kinds()
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, kind := range slices.Sorted(maps.Keys(kinds)) {
			first := kinds[kind]()
			if jsonvalue.Decode(text, first) != nil {
				continue
			}
			_ = first.Describe() // of an undo that reports what it could not do
			once, err := jsonvalue.EncodeExactly(first)
			if err != nil {
				t.Fatalf("%s: cannot encode what was decoded: %v", kind, err)
			}
			second := kinds[kind]()
			if err := jsonvalue.Decode(once, second); err != nil {
				t.Fatalf("%s: cannot decode %s: %v", kind, once, err)
			}
			twice, err := jsonvalue.EncodeExactly(second)
			if err != nil || !bytes.Equal(once, twice) {
				t.Errorf("%s: %s became %s, %v", kind, once, twice, err)
			}
		}
	})
}

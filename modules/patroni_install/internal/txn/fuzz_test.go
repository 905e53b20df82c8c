package txn_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// FuzzJournal reads whatever is where the journal should be: a refusal that says so, or one of the
// two things that can be done about it, and nothing is touched by the look.
func FuzzJournal(f *testing.F) {
	for _, text := range []string{
		goodJournal, strings.Replace(goodJournal, "apply", "commit", 1), strings.Replace(goodJournal, "1", "2", 1),
		strings.Replace(goodJournal, "mark", "mask", 1), strings.Replace(goodJournal, `"/a"`, "7", 1), goodJournal + "x",
		"", "{", "null", "[]", `{"format":1,"phase":"apply"}`, `{"format":1,"phase":"apply","steps":null}`,
		`{"format":1,"phase":"apply","steps":[{"kind":"mark"}]}`, `{"format":1,"phase":"apply","steps":[null]}`,
		`{"format":1,"format":2,"phase":"commit","steps":[]}`, `{"steps":[{"kind":"mark","step":{"path":"/a\"}`,
		`{"format":1,"phase":"apply","steps":[{"kind":"mark","step":null}]}`, strings.Repeat("[", 20000),
		`{"path":"\u001b[2J","path":"` + strings.Repeat("/x", 5000) + `"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		w := newWorld(t)
		w.putJournal(t, string(text))
		pending, err := w.transaction().Pending()
		if (err == nil) != (pending == txn.Undone || pending == txn.Finished) {
			t.Errorf("pending %v, error %v", pending, err)
		}
		if err != nil && !strings.Contains(err.Error(), "nothing was changed, and the journal stays") {
			t.Errorf("the error %v", err)
		}
		after, err := os.ReadFile(filepath.Join(w.root, journalPath))
		if err != nil || string(after) != string(text) {
			t.Errorf("the journal is %q, %v", after, err)
		}
	})
}

package step

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
)

// FuzzDecodeStep reads a step of each kind from any text: what can be read is written as a text that
// reads the same, so that a journal which is saved again still means what it meant.
func FuzzDecodeStep(f *testing.F) {
	for _, text := range []string{
		`{}`, `null`, `{"path":"/a","before":null,"after":{"mode":493,"uid":1,"gid":2}}`,
		`{"name":"unit","path":"/etc/x","before":{"content":"YQ==","mode":420,"uid":0,"gid":0},"after":{"content":""}}`,
		`{"name":"link","path":"/l","before":{"target":"a"},"after":{"target":"b","uid":5}}`,
		`{"path":"/t","staged":"/s","before":{"ino":1,"birth":2},"after":{"ino":3}}`,
		`{"add":[{"name":"pipx","version":"1.1"}],"archives":"/a","manager":"apt"}`, `{"from":"/a","to":"/b","items":[{"path":"x","ino":9}]}`,
		`{"files":[{"path":"/a","before":"x","after":"y"}]}`, `{"pattern":"/a(/.*)?","remove":true}`, `{"path":{}}`, `{"path":"\ud800"}`,
	} {
		f.Add([]byte(text))
	}
	kinds := Kinds()
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, kind := range slices.Sorted(maps.Keys(kinds)) {
			first := kinds[kind]()
			if jsonvalue.Decode(text, first) != nil {
				continue
			}
			_ = first.Describe() // of an undo that reports what it could not do
			once, err := jsonvalue.Encode(first)
			if err != nil {
				t.Fatalf("%s: cannot encode what was decoded: %v", kind, err)
			}
			second := kinds[kind]()
			if err := jsonvalue.Decode(once, second); err != nil {
				t.Fatalf("%s: cannot decode %s: %v", kind, once, err)
			}
			twice, err := jsonvalue.Encode(second)
			if err != nil || !bytes.Equal(once, twice) {
				t.Errorf("%s: %s became %s, %v", kind, once, twice, err)
			}
		}
	})
}

package ansible

import (
	"bytes"
	stdjson "encoding/json" //nolint:depguard // the yardstick for the decoder in use
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
)

// FuzzParseRequest checks that any arguments file gets an answer, that the
// decoder accepts what the standard library does and reads the same in it, and
// that no secret is in the answer.
func FuzzParseRequest(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{` + control + `}`, `{"name": "n", "extras": "a,b", "timeout": "5", "force": "yes"}`,
		`{"extras": ["a", 1, 1.5, true, null, {"b": []}], "token": "t0ken-value"}`,
		`{"index_url": "https://me:s3cret@host/simple"}`, `{"name": "a", "name": "b"}`,
		`{"a": {"b": 1}, "a": {"c": 2}}`, `{"timeout": 123456789012345678901234567890}`,
		`{"timeout": -0.0e+1}`, `{"timeout": 01}`, `{"timeout": .5}`, `{"timeout": 1.}`,
		`{"name": "\ud83d\ude00 \ud800 \u0000 \/ \x"}`, "{\"name\": \"a\nb\"}", `{"name": "\u00e9é"}`,
		`[]`, `null`, `"a"`, `{"a"}`, `{"a":}`, `{,}`, `{"a":1,}`, `{"a":1}{`, `{"a":1} x`, `{"a": tru}`,
		`{"a": [1,2`, "\ufeff{}", "{}\x00", `{"": ""}`, `{"__proto__": NaN}`, strings.Repeat(`[`, 100),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(bytes.TrimSpace(data)) > 0 && utf8.Valid(data) {
			checkDecoding(t, data)
		}
		req, err := ParseRequest(testSpec(), data)
		result := written(t, req, failure(Result{}, errorOr(err, "no error")))
		token := req.Params.values["token"]
		if text, _ := token.(string); len(text) > 12 && strings.Contains(result["msg"].(string), text) {
			t.Errorf("the token is in %q", result["msg"])
		}
	})
}

func checkDecoding(t *testing.T, data []byte) {
	t.Helper()
	want, wantErr := decodeStandard(data)
	got, err := decodeObject(data)
	if wantErr != nil || err != nil {
		if (wantErr == nil) != (err == nil) {
			t.Errorf("%q: error %v, the standard library's %v", data, err, wantErr)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q (-standard +decoded):\n%s", data, diff)
	}
}

func decodeStandard(data []byte) (map[string]any, error) {
	decoder := stdjson.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, io.ErrUnexpectedEOF
	}
	object, ok := ours(document).(map[string]any)
	if !ok {
		return nil, io.ErrUnexpectedEOF
	}
	return object, nil
}

// ours is a decoded value with our type in place of the standard library's for numbers.
func ours(value any) any {
	switch value := value.(type) {
	case stdjson.Number:
		return jsonvalue.Number(value)
	case []any:
		for i := range value {
			value[i] = ours(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = ours(value[key])
		}
	}
	return value
}

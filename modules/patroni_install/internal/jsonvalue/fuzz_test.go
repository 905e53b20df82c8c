package jsonvalue

import (
	"bytes"
	"encoding/json" //nolint:depguard // the yardstick
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

// FuzzPlain holds our reading and writing of any JSON against the standard library's.
func FuzzPlain(f *testing.F) {
	for _, text := range []string{
		`{}`, `[]`, `null`, `"a"`, `1`, `-0`, `1e400`, `0.10`, `01`, `.5`, `1.`, `+1`, `tru`, `true false`, `{"a":1,"a":{"b":[]}}`, `{"a"}`, `{"a":}`, `{,}`,
		`[1,]`, `"\ud83d\ude00 \ud800 \u0000 \/"`, `"\x"`, "\"\xff\"", "\"a\nb\"", "\ufeff{}", "{}\x00", " \t\r\n{} \n", `{"":""}`, `NaN`, `Infinity`,
		strings.Repeat("[", 9000) + strings.Repeat("]", 9000), strings.Repeat(`{"a":`, 200), `"` + "\u2028" + `<&>"`,
		`{"\ud800":1,"\ufffd":2}`,
		`{"main_package":{"package":"patroni","apps":["patroni"]},"pipx_metadata_version":"0.5"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want, wantErr := standard(text)
		got, err := Plain(text)
		if (wantErr == nil) != (err == nil) {
			t.Fatalf("%q: error %v, the standard library's %v", text, err, wantErr)
		}
		if err != nil {
			return
		}
		if !reflect.DeepEqual(want, got) { // go-cmp takes for ever on what is nested deeply
			t.Errorf("%q was read as %#v, by the standard library as %#v", text, got, want)
		}
		written, err := Encode(got)
		if err != nil {
			t.Fatalf("cannot write what was read of %q: %v", text, err)
		}
		again, err := standard(written)
		if err != nil || !reflect.DeepEqual(want, again) {
			t.Errorf("%q was written as %q, %v", text, written, err)
		}
	})
}

// standard reads one document with the standard library, into our types.
func standard(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more")
	}
	return ours(document), nil
}

func ours(value any) any {
	switch value := value.(type) {
	case json.Number:
		return Number(value)
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

// FuzzDecode reads any text into a value with fields of every kind. What is read is written, and read by the
// standard library into the same.
func FuzzDecode(f *testing.F) {
	text, err := Encode(newExample())
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range append([]string{string(text)}, `{}`, `null`, `[]`, `{"text":1}`, `{"flag":"true"}`,
		`{"signed":1.5}`, `{"signed":1e2}`,
		`{"signed":-9223372036854775808}`, `{"mode":4294967296}`, `{"list":[null]}`, `{"map":{"a":null}}`, `{"data":"YQ=="}`, `{"data":"Y\nQ=="}`, `{"data":null}`,
		`{"pointer":{"name":"x"},"pointer":null}`, `{"pointer":{"name":"x"},"pointer":{"data":"YQ=="}}`, `{"raw": [1, 2 ] }`, `{"raw":null}`, `{"unknown":{"a":[]}}`) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var got, again example
		if Decode(text, &got) != nil {
			return
		}
		if !json.Valid(text) {
			t.Fatalf("%q was read, and is no JSON", text)
		}
		written, err := Encode(got)
		if err != nil {
			t.Fatalf("cannot write what was read of %q: %v", text, err)
		}
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatalf("%q was written as %q: %v", text, written, err)
		}
		second, err := Encode(again)
		if err != nil || !bytes.Equal(written, second) {
			t.Errorf("%q was written as %s, which the standard library reads as %s, %v", text, written, second, err)
		}
	})
}

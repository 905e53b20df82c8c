package jsonvalue

import (
	"encoding/json" //nolint:depguard // the yardstick
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type inner struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}

// example has a field of every kind that the program uses.
type example struct {
	inner

	Text    string            `json:"text"`
	Flag    bool              `json:"flag"`
	Signed  int               `json:"signed"`
	Took    time.Duration     `json:"took"`
	Mode    uint32            `json:"mode"`
	Pointer *inner            `json:"pointer"`
	Absent  *inner            `json:"absent"`
	List    []inner           `json:"list"`
	Nothing []string          `json:"nothing"`
	Map     map[string]string `json:"map"`
	Raw     Raw               `json:"raw"`
	Empty   string            `json:"empty,omitempty"`
	Untold  string            `json:"-"`
	Plain   int
	private string
}

func newExample() example {
	return example{
		inner: inner{Name: "embedded", Data: []byte{0, 255}},
		Text:  "quote \" tab \t line \u2028 <ü> \x00", Flag: true, Signed: math.MinInt64, Took: time.Hour,
		Mode:    math.MaxUint32,
		Pointer: &inner{Name: "pointed", Data: []byte{}}, List: []inner{{Name: "a"}, {}},
		Map: map[string]string{"b": "2", "a": "1", "": "none"}, Raw: Raw(`{"x":[1.50,null]}`), Plain: -1,
	}
}

// TestAgainstTheStandardLibrary, whose marshaling is what readers of the tags expect.
func TestAgainstTheStandardLibrary(t *testing.T) {
	want := newExample()
	want.Untold, want.private = "x", "x"
	text, err := Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	theirs := struct {
		inner
		example
		Raw json.RawMessage `json:"raw"`
	}{want.inner, want, json.RawMessage(want.Raw)}
	standard, err := json.Marshal(theirs)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(parsed(t, standard), parsed(t, text)); diff != "" {
		t.Errorf("encoded (-standard +ours):\n%s", diff)
	}
	want.Untold, want.private = "", ""
	for _, text := range [][]byte{text, standard} {
		var got example
		if err := Decode(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(example{}), cmp.Comparer(func(a, b inner) bool {
			return a.Name == b.Name && (a.Data == nil) == (b.Data == nil) && string(a.Data) == string(b.Data)
		})); diff != "" {
			t.Errorf("decoded (-want +got):\n%s", diff)
		}
	}
}

func parsed(t *testing.T, text []byte) (value any) {
	t.Helper()
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

func TestEncodePlain(t *testing.T) {
	got, err := Encode(map[string]any{
		"b": []any{nil, true, Number("1.50"), "\xff"}, "a": map[string]any{}, "c": []string{}, "d": []map[string]any{{"x": 1}},
	})
	want := `{"a":{},"b":[null,true,1.50,"` + "\ufffd" + `"],"c":[],"d":[{"x":1}]}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	for _, value := range []any{1.5, func() {}, map[string]any{"a": make(chan int)}, []any{[]float64{1}}, Number("1x"),
		Raw("{")} {
		if text, err := Encode(value); err == nil {
			t.Errorf("%T: encoded as %s", value, text)
		}
	}
}

func TestPlain(t *testing.T) {
	got, err := Plain([]byte(` {"a":1,"n":null,"list":[true,false,"x",-1.5E3,{}],"a":2} `))
	want := map[string]any{"a": Number("2"), "n": nil, "list": []any{true, false, "x", Number("-1.5E3"), map[string]any{}}}
	if diff := cmp.Diff(any(want), got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for text, want := range map[string]error{
		"": nil, "{": nil, `{"a"}`: nil, `{"a":}`: nil, `[1,]`: nil, "nul": nil, `"\x"`: nil, "[1 2]": nil,
		"1 2": ErrMore, "{}{": ErrMore, "{} x": ErrMore, strings.Repeat("[", 20000): nil,
	} {
		if value, err := Plain([]byte(text)); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%.20q: %v, %v", text, value, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, text := range []string{
		``, `{`, `[]`, `"x"`, `{"text":1}`, `{"flag":"true"}`, `{"signed":1.5}`, `{"signed":99999999999999999999}`, `{"mode":-1}`, `{"mode":4294967296}`,
		`{"list":{}}`, `{"list":[1]}`, `{"map":[]}`, `{"map":{"a":1}}`, `{"data":"?"}`, `{"pointer":[]}`, `{} {}`, `{"text":"x"`, `{"raw":}`,
	} {
		var to example
		if err := Decode([]byte(text), &to); err == nil {
			t.Errorf("%s: decoded as %+v", text, to)
		}
	}
	var to struct {
		Known int `json:"known"`
	}
	if err := Decode([]byte(`{"Known":1,"other":[{"known":2}],"known":3}`), &to); err != nil || to.Known != 3 {
		t.Errorf("what is not known: %+v, %v", to, err)
	}
}

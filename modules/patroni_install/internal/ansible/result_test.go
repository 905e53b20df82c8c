package ansible

import (
	"errors"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
)

func errorOr(err error, text string) error {
	if err != nil {
		return err
	}
	return errors.New(text)
}

// written returns what is written of result, decoded.
func written(t *testing.T, req *Request, result Result) map[string]any {
	t.Helper()
	out, err := encode(req, result)
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, string(out))
}

// decoded checks that text is one line with one JSON object in it.
func decoded(t *testing.T, text string) map[string]any {
	t.Helper()
	line, ok := strings.CutSuffix(text, "\n")
	if !ok || strings.Contains(line, "\n") || !utf8.ValidString(line) {
		t.Fatalf("not one line of UTF-8: %q", text)
	}
	object, err := decodeObject([]byte(line))
	if err != nil {
		t.Fatalf("cannot decode %q: %v", line, err)
	}
	return object
}

func TestWriteLeavesEmptyKeysOut(t *testing.T) {
	want := map[string]any{"changed": false, "failed": false}
	got := written(t, &Request{}, Result{AnsibleFacts: map[string]any{}, Diff: []Diff{}, Warnings: []string{},
		Exception: "not failed"})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

func TestWriteEverything(t *testing.T) {
	type step struct {
		Name string `json:"name"`
		Ms   int    `json:"ms"`
	}
	req := parse(t, `{"pkg": "p", "name": "n", "extras": [1, "<&>"], "force": "yes", `+
		`"token": "t0ken", "index_url": "https://u:pw12@h/"}`)
	got := written(t, req, Result{
		Changed: true, Failed: true, Msg: "cannot use t0ken",
		Diff:         []Diff{{Before: "a", After: "b", BeforeHeader: "x", AfterHeader: "y"}, {After: "pw12"}},
		Warnings:     []string{"careful"},
		AnsibleFacts: map[string]any{"tryout": map[string]any{"n": nil}},
		Exception:    "stack",
		Extra:        map[string]any{"steps": []step{{"s", 7}}, "big": jsonvalue.Number("12345678901234567890")},
	})
	want := map[string]any{
		"changed": true, "failed": true, "msg": "cannot use ********", "exception": "stack",
		"diff": []any{
			map[string]any{"before": "a", "after": "b", "before_header": "x", "after_header": "y"},
			map[string]any{"before": "", "after": maskWhole},
		},
		"warnings":      []any{"Both option name and its alias pkg are set.", "careful"},
		"ansible_facts": map[string]any{"tryout": map[string]any{"n": nil}},
		"steps":         []any{map[string]any{"name": "s", "ms": jsonvalue.Number("7")}},
		"big":           jsonvalue.Number("12345678901234567890"),
		"invocation": map[string]any{"module_args": map[string]any{
			"state": "present", "name": "p", "pkg": "p", "force": true, "timeout": jsonvalue.Number("300"),
			"extras": []any{"1", "<&>"}, "only": nil, "dir": nil, "token": maskWhole, "db_password": nil,
			"index_url": "https://********@h/", "extra_index_urls": nil,
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

// TestOneLine: joined errors have a line each, and a sentence has one.
func TestOneLine(t *testing.T) {
	result := failure(Result{Warnings: []string{"c\nd\n"}}, errors.Join(errors.New("a"), errors.New("b")))
	got := written(t, &Request{}, result)
	if got["msg"] != "a; b" || got["warnings"].([]any)[0] != "c; d" {
		t.Errorf("%v", got)
	}
}

func TestInvocation(t *testing.T) {
	tests := []struct {
		name, data string
		want       bool
	}{
		{"core that does not say", `{}`, true},
		{"asked for", `{"_ansible_inject_invocation": true}`, true},
		{"not asked for", `{"_ansible_inject_invocation": false}`, false},
		{"arguments unreadable", `{`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req, _ := ParseRequest(testSpec(), []byte(test.data))
			if _, got := written(t, req, Result{})["invocation"]; got != test.want {
				t.Errorf("invocation there: %v, want %v", got, test.want)
			}
		})
	}
}

func TestInvocationOfWrongArguments(t *testing.T) {
	req, _ := ParseRequest(testSpec(), []byte(`{"timeout": "soon", "force": "yes", "beta": [1]}`))
	args := written(t, req, Result{Failed: true})["invocation"].(map[string]any)["module_args"].(map[string]any)
	got := []any{args["timeout"], args["force"], args["beta"]}
	want := []any{"soon", true, []any{jsonvalue.Number("1")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("module_args (-want +got):\n%s", diff)
	}
}

func TestWriteIsAlwaysUTF8(t *testing.T) {
	got := written(t, &Request{}, Result{Msg: "bad \xff\xfe byte", Extra: map[string]any{"k\xff": []string{"\xc3"}}})
	want := map[string]any{"changed": false, "failed": false, "msg": "bad \ufffd\ufffd byte", "k\ufffd": []any{"\ufffd"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

func TestWriteKeepsLineSeparatorsAndMarkup(t *testing.T) {
	const text = "<a href=\"x\">&\u2028\n\t\x00"
	if diff := cmp.Diff(text, written(t, &Request{}, Result{Msg: text})["msg"]); diff != "" {
		t.Errorf("msg (-want +got):\n%s", diff)
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, key := range []string{
		"changed", "failed", "msg", "diff", "warnings", "deprecations", "ansible_facts", "exception", "invocation",
		"results", "rc", "skipped", "_ansible_verbose_always", "__ansible_type",
	} {
		out, err := encode(&Request{}, Result{Extra: map[string]any{key: 1}})
		if err == nil || !strings.HasPrefix(err.Error(), "internal error: result key") || len(out) > 0 {
			t.Errorf("%s: error %v, text %q", key, err, out)
		}
	}
	if out, err := encode(&Request{}, Result{Extra: map[string]any{"f": math.NaN()}}); err == nil || len(out) > 0 {
		t.Errorf("NaN: error %v, text %q", err, out)
	}
}

type brokenPipe struct{ calls int }

func (p *brokenPipe) Write([]byte) (int, error) {
	p.calls++
	return 0, errors.New("broken pipe")
}

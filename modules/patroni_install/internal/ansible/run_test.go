package ansible

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// runWith runs handle on an arguments file with that content.
func runWith(t *testing.T, ctx context.Context, data string, handle Handler) (status int, result map[string]any) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "args")
	if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	status = module{spec: testSpec(), stdout: &out}.run(ctx, []string{"tryout", file}, handle)
	result = decoded(t, out.String())
	delete(result, "invocation")
	return status, result
}

func TestRunSucceeds(t *testing.T) {
	status, got := runWith(t, t.Context(), `{"name": "n"}`, func(_ context.Context, req *Request) (Result, error) {
		return Result{Changed: true, Msg: "made " + req.Params.String("name")}, nil
	})
	want := map[string]any{"changed": true, "failed": false, "msg": "made n"}
	if diff := cmp.Diff(want, got); status != 0 || diff != "" {
		t.Errorf("status %d, result (-want +got):\n%s", status, diff)
	}
}

func TestRunFails(t *testing.T) {
	status, got := runWith(t, t.Context(), `{"token": "t0ken"}`, func(context.Context, *Request) (Result, error) {
		partial := Result{Changed: true, Msg: "not yet", Warnings: []string{"w"}, Extra: map[string]any{"steps": []int{}}}
		return partial, fmt.Errorf("cannot log in: %w", errors.New("t0ken refused"))
	})
	want := map[string]any{
		"changed": true, "failed": true, "msg": "cannot log in: ******** refused",
		"warnings": []any{"w"}, "steps": []any{},
	}
	if diff := cmp.Diff(want, got); status != 1 || diff != "" {
		t.Errorf("status %d, result (-want +got):\n%s", status, diff)
	}
}

func TestRunFailsWithoutAnError(t *testing.T) {
	status, got := runWith(t, t.Context(), `{}`, func(context.Context, *Request) (Result, error) {
		return Result{Failed: true, Msg: "no"}, nil
	})
	if status != 1 || got["failed"] != true || got["msg"] != "no" {
		t.Errorf("status %d, result %v", status, got)
	}
}

func TestRunDoesNotHandleWrongArguments(t *testing.T) {
	status, got := runWith(t, t.Context(), `{"state": "nope"}`, func(context.Context, *Request) (Result, error) {
		t.Error("the handler was called")
		return Result{}, nil
	})
	want := map[string]any{"changed": false, "failed": true,
		"msg": "value of state must be one of: present, absent, got: nope"}
	if diff := cmp.Diff(want, got); status != 1 || diff != "" {
		t.Errorf("status %d, result (-want +got):\n%s", status, diff)
	}
}

func TestRunCatchesPanics(t *testing.T) {
	tests := []struct {
		name, data string
		reason     any
		msg        string
		stack      bool
	}{
		{"text", `{}`, "boom", "internal error: boom", false},
		{"marked text", `{}`, "internal error: boom", "internal error: boom", false},
		{"error with a secret", `{"token": "t0ken"}`, errors.New("t0ken?"), "internal error: ********?", false},
		{"-vv", `{"_ansible_verbosity": 2}`, "boom", "internal error: boom", false},
		{"tracebacks", `{"_ansible_tracebacks_for": ["error"]}`, "boom", "internal error: boom", true},
		{"other tracebacks", `{"_ansible_tracebacks_for": ["warning"]}`, "boom", "internal error: boom", false},
		{"-vvv", `{"_ansible_verbosity": 3}`, "boom", "internal error: boom", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, got := runWith(t, t.Context(), test.data, func(context.Context, *Request) (Result, error) {
				panic(test.reason)
			})
			if status != 1 || got["failed"] != true || got["msg"] != test.msg {
				t.Errorf("status %d, result %v", status, got)
			}
			stack, _ := got["exception"].(string)
			if strings.Contains(stack, "TestRunCatchesPanics") != test.stack {
				t.Errorf("stack %q, want one: %v", stack, test.stack)
			}
		})
	}
}

func TestPanicIsLogged(t *testing.T) {
	var r recorder
	m := module{spec: testSpec(), stdin: strings.NewReader(`{"token": "t0ken"}`), stdout: io.Discard, logs: r.logs()}
	m.run(t.Context(), []string{"tryout", "-"}, func(context.Context, *Request) (Result, error) { panic("t0ken!") })
	if len(r.journal) != 2 {
		t.Fatalf("journal %v", r.journal)
	}
	got := r.journal[1].Message
	if !strings.HasPrefix(got, "internal error: ********!\ngoroutine ") || !strings.Contains(got, "TestPanicIsLogged") {
		t.Errorf("logged %q", got)
	}
}

func TestRunAnswersWhenTheSpecIsUnsound(t *testing.T) {
	var out strings.Builder
	m := module{spec: Spec{Name: "x", Arguments: []Argument{{}}}, stdin: strings.NewReader("{}"), stdout: &out}
	status := m.run(t.Context(), []string{"x", "-"}, nil)
	msg, _ := decoded(t, out.String())["msg"].(string)
	if status != 1 || !strings.HasPrefix(msg, "internal error: argument name") {
		t.Errorf("status %d, msg %q", status, msg)
	}
}

func TestRunAnswersWhenTheResultCannotBeEncoded(t *testing.T) {
	status, got := runWith(t, t.Context(), `{}`, func(context.Context, *Request) (Result, error) {
		return Result{Changed: true, Extra: map[string]any{"f": math.Inf(1)}}, errors.New("the cause")
	})
	msg, _ := got["msg"].(string)
	if status != 1 || got["changed"] != true || !strings.HasPrefix(msg, "internal error: cannot encode") ||
		!strings.HasSuffix(msg, "the cause") {
		t.Errorf("status %d, result %v", status, got)
	}
}

func TestRunNamesTheSignal(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("terminated signal received"))
	tests := []struct {
		err  error
		want string
	}{
		{fmt.Errorf("cannot install: %w", context.Canceled), "cannot install: context canceled (terminated signal received)"},
		{fmt.Errorf("cannot install: %w", context.Cause(ctx)), "cannot install: terminated signal received"},
	}
	for _, test := range tests {
		_, got := runWith(t, ctx, `{}`, func(context.Context, *Request) (Result, error) { return Result{}, test.err })
		if diff := cmp.Diff(test.want, got["msg"]); diff != "" {
			t.Errorf("msg (-want +got):\n%s", diff)
		}
	}
}

func TestRunCannotReadArguments(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, maxArguments+1); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing")
	const begin = "cannot read the module's arguments: "
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"no operand", []string{"tryout"}, begin + "expected one operand, the arguments file"},
		{"too many", []string{"tryout", "a", "b"}, begin + "expected one operand, the arguments file"},
		{"missing", []string{"tryout", missing}, begin + "open " + missing + ": no such file or directory"},
		{"a directory", []string{"tryout", dir}, begin + "read " + dir + ": is a directory"},
		{"too large", []string{"tryout", large}, begin + "more than 16777216 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			status := module{spec: testSpec(), stdout: &out}.run(t.Context(), test.args, nil)
			want := map[string]any{"changed": false, "failed": true, "msg": test.want}
			if diff := cmp.Diff(want, decoded(t, out.String())); status != 1 || diff != "" {
				t.Errorf("status %d, result (-want +got):\n%s", status, diff)
			}
		})
	}
}

func TestRunReadsStandardInput(t *testing.T) {
	var out strings.Builder
	m := module{spec: testSpec(), stdin: strings.NewReader(`{"name": "n"}`), stdout: &out}
	status := m.run(t.Context(), []string{"tryout", "-"}, func(_ context.Context, req *Request) (Result, error) {
		return Result{Msg: req.Params.String("name")}, nil
	})
	if msg := decoded(t, out.String())["msg"]; status != 0 || msg != "n" {
		t.Errorf("status %d, msg %v", status, msg)
	}
}

func TestRunLogsBeforeItHandles(t *testing.T) {
	var r recorder
	m := module{spec: testSpec(), stdin: strings.NewReader(`{"name": "n"}`), stdout: io.Discard, logs: r.logs()}
	m.run(t.Context(), []string{"tryout", "-"}, func(_ context.Context, req *Request) (Result, error) {
		req.Log.Info("working")
		return Result{}, nil
	})
	if len(r.journal) != 2 || !strings.Contains(r.journal[0].Message, "Invoked with") ||
		r.journal[1].Message != "working" {
		t.Errorf("journal %v", r.journal)
	}
}

func TestRunCannotWrite(t *testing.T) {
	pipe := &brokenPipe{}
	var stderr strings.Builder
	m := module{spec: testSpec(), stdin: strings.NewReader(`{}`), stdout: pipe, stderr: &stderr}
	status := m.run(t.Context(), []string{"tryout", "-"},
		func(context.Context, *Request) (Result, error) { return Result{}, nil })
	if status != 1 || pipe.calls != 1 || stderr.String() != "cannot write the result: broken pipe\n" {
		t.Errorf("status %d after %d writes, stderr %q", status, pipe.calls, stderr.String())
	}
}

package ansible

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
)

// Diff is one difference, shown by ansible with --diff.
type Diff struct {
	Before       string `json:"before"`
	After        string `json:"after"`
	BeforeHeader string `json:"before_header,omitempty"`
	AfterHeader  string `json:"after_header,omitempty"`
}

// Result is what the module answers.
type Result struct {
	Changed bool
	Failed  bool
	Msg     string // a sentence
	// Diff is left out when empty.
	Diff     []Diff
	Warnings []string
	// AnsibleFacts become variables of the host; left out when empty.
	AnsibleFacts map[string]any
	// Exception is a stack for people who debug; only a failed result has it.
	Exception string
	// Extra are the module's own keys, beside the others on the top level. Keys
	// that mean something to ansible are refused.
	Extra map[string]any
}

// isReserved reports whether a top-level key of a result means something to
// ansible, so that a module cannot use it for its own ends.
func isReserved(key string) bool {
	return strings.HasPrefix(key, "_ansible") || strings.HasPrefix(key, "__ansible") || slices.Contains([]string{
		"changed", "failed", "msg", "diff", "warnings", "deprecations", "ansible_facts", "exception",
		"invocation", "results", "skipped", "unreachable", "rc", "stdout", "stderr",
		"ansible_job_id", "finished", "started", "add_host", "add_group", "ansible_stats",
	}, key)
}

// encode returns the answer to req as one line of JSON, without secrets.
func encode(req *Request, result Result) ([]byte, error) {
	keys, err := layOut(req, result)
	if err != nil {
		return nil, err
	}
	// Through JSON and back: then every text is in plain sight of the scrubber,
	// whatever types the module put in.
	data, err := jsonvalue.Encode(keys)
	if err != nil {
		return nil, fmt.Errorf("internal error: cannot encode the result: %w", err)
	}
	plain, err := jsonvalue.Plain(data)
	if err != nil {
		return nil, fmt.Errorf("internal error: cannot decode the encoded result: %w", err)
	}
	data, err = jsonvalue.Encode(req.Scrubber.value(plain))
	if err != nil {
		return nil, fmt.Errorf("internal error: cannot encode the scrubbed result: %w", err)
	}
	return append(data, '\n'), nil
}

// layOut arranges the result as ansible wants it: absent rather than null.
func layOut(req *Request, result Result) (map[string]any, error) {
	keys := map[string]any{"changed": result.Changed, "failed": result.Failed}
	for key, value := range result.Extra {
		if isReserved(key) {
			return nil, fmt.Errorf("internal error: result key %q is reserved", key)
		}
		keys[key] = value
	}
	if result.Msg != "" {
		keys["msg"] = result.Msg
	}
	if len(result.Diff) > 0 {
		keys["diff"] = result.Diff
	}
	if warnings := slices.Concat(req.Warnings, result.Warnings); len(warnings) > 0 {
		for i, text := range warnings {
			warnings[i] = oneLine(text)
		}
		keys["warnings"] = warnings
	}
	if len(result.AnsibleFacts) > 0 {
		keys["ansible_facts"] = result.AnsibleFacts
	}
	if result.Failed && result.Exception != "" {
		keys["exception"] = result.Exception
	}
	if req.injectInvocation && req.moduleArgs != nil {
		args := map[string]any{}
		for name, value := range req.moduleArgs {
			if isInternal(name) {
				continue
			}
			args[req.Scrubber.String(name)] = value // the user may have put a secret there by mistake
		}
		keys["invocation"] = map[string]any{"module_args": args}
	}
	return keys, nil
}

// oneLine puts the lines of a text, such as joined errors, into one.
func oneLine(text string) string {
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", "; ")
}

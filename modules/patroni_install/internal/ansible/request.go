package ansible

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
)

// controlPrefix begins the names of what the controller says beside the
// arguments.
const controlPrefix = "_ansible_"

// Request is one call of the module: its arguments and what the controller said
// beside them.
type Request struct {
	Params Params

	CheckMode  bool // report, change nothing
	Diff       bool // the user asked for differences
	NoLog      bool // nothing may be logged
	Tracebacks bool // the user asked for the stacks of errors
	Verbosity  int  // number of -v

	ModuleName     string // as invoked: short, or with its collection
	SyslogFacility string // "LOG_USER" and the like
	TargetLogInfo  string // begins every line logged

	// Warnings are about the arguments; they become part of the result.
	Warnings []string
	// Scrubber knows the secrets among the arguments.
	Scrubber *Scrubber
	// Log tells the journal of progress. The zero value is silent.
	Log Logger

	moduleArgs       map[string]any // as returned and logged: coerced where that was possible
	injectInvocation bool
	ignoreUnknown    bool
}

func newRequest(spec Spec) *Request {
	return &Request{
		Params:           Params{spec: spec},
		ModuleName:       spec.Name,
		SyslogFacility:   "LOG_USER",
		Scrubber:         &Scrubber{},
		injectInvocation: true,
	}
}

// ParseRequest reads an arguments file's content and checks it against spec.
//
// The request is never nil: with an error it holds what could be read, so that
// the failure can be reported as the controller asked. The error's text is
// ansible-core's own where core has one for the case; it may contain secrets,
// which [Write] removes.
func ParseRequest(spec Spec, data []byte) (*Request, error) {
	spec.mustBeSound()
	req := newRequest(spec)
	document, err := decodeObject(data)
	if err != nil {
		return req, fmt.Errorf("cannot decode the module's arguments: %w", err)
	}
	control, given := splitControl(document)
	if err := req.readControl(control); err != nil {
		return req, fmt.Errorf("cannot read what the controller sent: %w", err)
	}
	v := validate(spec, given, req)
	req.moduleArgs = v.args
	req.Params.values = v.values
	req.Warnings = v.warnings
	return req, v.err
}

// decodeObject decodes one JSON object. Numbers keep their text, and of equal
// keys the last one counts.
func decodeObject(data []byte) (map[string]any, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, errors.New("they are empty")
	}
	if !utf8.Valid(data) {
		return nil, errors.New("they are not valid UTF-8")
	}
	document, err := jsonvalue.Plain(data)
	if err != nil {
		return nil, err
	}
	object, ok := document.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("they are a %s, not a JSON object", pyTypeName(document))
	}
	return object, nil
}

// splitControl separates what the controller says from the user's arguments.
func splitControl(document map[string]any) (control, given map[string]any) {
	control, given = map[string]any{}, map[string]any{}
	for key, value := range document {
		if name, ok := strings.CutPrefix(key, controlPrefix); ok {
			control[name] = value
		} else {
			given[key] = value
		}
	}
	return control, given
}

// readControl takes over what this package knows and passes over the rest: each
// release of ansible-core adds something. A switch that cannot be understood is
// an error, since guessing check_mode would be dangerous; nothing is logged then.
func (r *Request) readControl(control map[string]any) error {
	r.readStrings(control)
	if number, ok := control["verbosity"].(jsonvalue.Number); ok {
		r.Verbosity, _ = parseInt(number.String())
	}
	r.Tracebacks = slices.Contains(texts(control["tracebacks_for"]), "error")
	switches := []struct {
		name string
		to   *bool
	}{
		{"no_log", &r.NoLog},
		{"check_mode", &r.CheckMode},
		{"diff", &r.Diff},
		{"inject_invocation", &r.injectInvocation},
		{"ignore_unknown_opts", &r.ignoreUnknown},
	}
	var failed error
	for _, s := range switches {
		if control[s.name] == nil {
			continue
		}
		on, err := toBool(control[s.name])
		if err != nil {
			r.NoLog = true
			failed = errors.Join(failed, fmt.Errorf("%s%s: %w", controlPrefix, s.name, err))
			continue
		}
		*s.to = on
	}
	return failed
}

func (r *Request) readStrings(control map[string]any) {
	for name, to := range map[string]*string{
		"module_name":     &r.ModuleName,
		"syslog_facility": &r.SyslogFacility,
		"target_log_info": &r.TargetLogInfo,
	} {
		if s, ok := control[name].(string); ok {
			*to = s
		}
	}
	r.ModuleName = publicName(r.ModuleName, r.Params.spec.Name)
}

// publicName turns the name of a program for one architecture, "ns.collection.__NAME_amd64", as
// an action plugin calls it, into the name that the user knows.
func publicName(invoked, name string) string {
	start := strings.LastIndexByte(invoked, '.') + 1
	if strings.HasPrefix(invoked[start:], "__"+name+"_") {
		return invoked[:start] + name
	}
	return invoked
}

package ansible

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const supported = "Supported parameters include: db_password, dir, extra_index_urls, extras, force, index_url, " +
	"name, only, state, timeout, token (package, pkg)."

func TestValidationMessages(t *testing.T) {
	tests := []struct{ name, data, want string }{
		{"choice", `{"state": "nope"}`, "value of state must be one of: present, absent, got: nope"},
		{"choice, empty", `{"state": ""}`, "value of state must be one of: present, absent, got: "},
		{"choice, other type", `{"state": true}`, "value of state must be one of: present, absent, got: True"},
		{"choices of a list", `{"only": "x,z,q"}`, "value of only must be one or more of: x, y. Got no match for: z, q"},
		{"int", `{"timeout": "abc"}`, `argument 'timeout' is of type str and we were unable to convert to int: "'abc'" cannot be converted to an int`},
		{"int, float", `{"timeout": 5.5}`, `argument 'timeout' is of type float and we were unable to convert to int: "5.5" cannot be converted to an int`},
		{"int, list", `{"timeout": [5]}`, `argument 'timeout' is of type list and we were unable to convert to int: "[5]" cannot be converted to an int`},
		{"bool", `{"force": "maybe"}`, "argument 'force' is of type str and we were unable to convert to bool: The value 'maybe' is not a valid boolean. " +
			"Valid booleans include: 'y', 'yes', 'on', '1', 'true', 't', 1, 'n', 'no', 'off', '0', 'false', 'f', 0"},
		{"bool, dict", `{"force": {}}`, "argument 'force' is of type dict and we were unable to convert to bool: <class 'dict'> cannot be converted to a bool"},
		{"list, dict", `{"extras": {"a": 1}}`, "argument 'extras' is of type dict and we were unable to convert to list: <class 'dict'> cannot be converted to a list"},
		{"exclusive", `{"name": "n", "dir": "/d"}`, "parameters are mutually exclusive: name|dir"},
		{"exclusive twice", `{"name": "n", "dir": "/d", "index_url": "u"}`, "parameters are mutually exclusive: name|dir, index_url|dir"},
		{"exclusive by alias", `{"pkg": "n", "dir": "/d"}`, "parameters are mutually exclusive: name|dir"},
		{"unsupported", `{"zeta": 1, "beta": null}`, "Unsupported parameters for (tryout) module: beta, zeta. " + supported},
		{"unsupported, name as invoked", `{"beta": 1, "_ansible_module_name": "pgedge.platform.tryout"}`,
			"Unsupported parameters for (pgedge.platform.tryout) module: beta. " + supported},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseRequest(testSpec(), []byte(test.data))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRequired(t *testing.T) {
	spec := Spec{Name: "tryout", Arguments: []Argument{
		{Name: "b", Required: true, Aliases: []string{"bee"}}, {Name: "a", Type: List, Required: true}, {Name: "c"},
	}}
	tests := []struct{ name, data, want string }{
		{"all missing, sorted", `{"c": "c"}`, "missing required arguments: a, b"},
		{"null is missing", `{"b": "b", "a": null}`, "missing required arguments: a"},
		{"by alias", `{"bee": "b", "a": "x"}`, ""},
		{"empty is there", `{"b": "", "a": ""}`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if _, err := ParseRequest(spec, []byte(test.data)); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// Each case takes the fault away that the case before it was told about.
func TestFirstErrorWins(t *testing.T) {
	spec := testSpec()
	spec.Arguments = append(spec.Arguments, Argument{Name: "must", Required: true})
	tests := []struct{ name, data, want string }{
		{"exclusive before required", `{"name": "n", "dir": "d", "timeout": "x", "state": "x", "beta": 1}`, "parameters are mutually exclusive: name|dir"},
		{"required before types", `{"name": "n", "timeout": "x", "state": "x", "beta": 1}`, "missing required arguments: must"},
		{"types before choices", `{"must": "m", "timeout": "x", "state": "x", "beta": 1}`,
			`argument 'timeout' is of type str and we were unable to convert to int: "'x'" cannot be converted to an int`},
		{"choices before unsupported", `{"must": "m", "timeout": "1", "state": "x", "beta": 1}`, "value of state must be one of: present, absent, got: x"},
		{"types in the order of the specification", `{"must": "m", "extras": {}, "force": []}`,
			"argument 'force' is of type list and we were unable to convert to bool: <class 'list'> cannot be converted to a bool"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseRequest(spec, []byte(test.data))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestIgnoreUnknownOptions(t *testing.T) {
	req := parse(t, `{"beta": 1, "name": "n", "_ansible_ignore_unknown_opts": true}`)
	if got := req.Params.String("name"); got != "n" {
		t.Errorf("name %q", got)
	}
}

func TestNullCountsAsNotGiven(t *testing.T) {
	req := parse(t, `{"state": null, "name": null, "dir": "/d", "pkg": null, "timeout": null, "index_url": null}`)
	if got := req.Params.String("state"); got != "present" {
		t.Errorf("state %q, want the default", got)
	}
	if got := req.Params.Int("timeout"); got != 300 {
		t.Errorf("timeout %d, want the default", got)
	}
}

func TestOmitted(t *testing.T) {
	req := parse(t, `{"name": "__omit_place_holder__1a2b", "extras": ["x", "__omit_place_holder__1a2b"]}`)
	if req.Params.IsSet("name") {
		t.Errorf("the omitted name is %q", req.Params.String("name"))
	}
	if diff := cmp.Diff([]string{"x"}, req.Params.List("extras")); diff != "" {
		t.Errorf("extras (-want +got):\n%s", diff)
	}
}

func TestAliases(t *testing.T) {
	tests := []struct {
		name, data, want string
		warnings         []string
	}{
		{"alias alone", `{"pkg": "p"}`, "p", nil},
		{"alias over name", `{"pkg": "p", "name": "n"}`, "p", []string{"Both option name and its alias pkg are set."}},
		{"last alias wins", `{"pkg": "p", "package": "q"}`, "q", []string{"Both option name and its alias package are set."}},
		{"null alias", `{"pkg": null, "name": "n"}`, "n", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req := parse(t, test.data)
			if got := req.Params.String("name"); got != test.want {
				t.Errorf("name %q, want %q", got, test.want)
			}
			if diff := cmp.Diff(test.warnings, req.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

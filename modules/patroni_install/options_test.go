package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/ansible"
	"github.com/pgedge/platform/modules/patroni_install/internal/install"
)

// option is what each of the places that declare an option must agree about.
type option struct {
	Type     string   `yaml:"type"`
	Elements string   `yaml:"elements"`
	Default  any      `yaml:"default"`
	Choices  []string `yaml:"choices"`
	Aliases  []string `yaml:"aliases"`
	Required bool     `yaml:"required"`
	NoLog    bool     `yaml:"no_log"`
}

// repository reads a file of the repository.
func repository(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func decode[T any](t *testing.T, name string, text []byte) (content T) {
	t.Helper()
	if err := yaml.Unmarshal(text, &content); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return content
}

// programOptions are those that the program accepts.
func programOptions() map[string]option {
	options := map[string]option{}
	for _, arg := range install.Spec().Arguments {
		if strings.HasPrefix(arg.Name, "_") {
			continue // the action plugin's
		}
		o := option{
			Type: arg.Type.String(), Default: arg.Default, Choices: arg.Choices, Aliases: arg.Aliases, Required: arg.Required,
			NoLog: arg.NoLog,
		}
		if arg.Type == ansible.List {
			o.Elements = "str"
		}
		options[arg.Name] = plain(o)
	}
	return options
}

// plain gives the default the type that YAML would.
func plain(o option) option {
	switch value := o.Default.(type) {
	case []string:
		list := make([]any, len(value))
		for i, s := range value {
			list[i] = s
		}
		o.Default = list
	case int:
		o.Default = uint64(value)
	}
	return o
}

func documentedOptions(t *testing.T) map[string]option {
	t.Helper()
	const name = documentation
	for _, section := range []string{"EXAMPLES", "RETURN"} {
		decode[any](t, name, sectionOf(t, name, section))
	}
	return decode[struct{ Options map[string]option }](t, name, sectionOf(t, name, "DOCUMENTATION")).Options
}

func sectionOf(t *testing.T, name, section string) []byte {
	t.Helper()
	found := regexp.MustCompile(`(?s)\n` + section + ` = r'''(.*?)'''`).FindSubmatch(repository(t, name))
	if found == nil {
		t.Fatalf("%s has no %s", name, section)
	}
	return found[1]
}

func roleOptions(t *testing.T, role string) map[string]option {
	t.Helper()
	name := "roles/" + role + "/meta/argument_specs.yml"
	type specs struct {
		Specs struct {
			Main struct{ Options map[string]option }
		} `yaml:"argument_specs"`
	}
	return decode[specs](t, name, repository(t, name)).Specs.Main.Options
}

// TestOptionsAgree: the program, its documentation and the role that calls it.
func TestOptionsAgree(t *testing.T) {
	documented, role := map[string]option{}, map[string]option{}
	for name, o := range programOptions() {
		secret := o.NoLog
		o.NoLog = false // not told in documentation
		documented[name] = o
		o.NoLog, o.Aliases = secret, nil // a variable has one name
		role[variable(name)] = o
	}
	if diff := cmp.Diff(documented, documentedOptions(t)); diff != "" {
		t.Errorf("module's documentation (-program +documentation):\n%s", diff)
	}
	if diff := cmp.Diff(role, roleOptions(t, "install_patroni")); diff != "" {
		t.Errorf("role install_patroni (-program +argument_specs):\n%s", diff)
	}
	shared := roleOptions(t, "role_config")
	for name := range shared {
		if _, ours := role[name]; !ours {
			delete(shared, name)
		}
	}
	if diff := cmp.Diff(role, shared); diff != "" {
		t.Errorf("role role_config (-program +argument_specs):\n%s", diff)
	}
}

// TestChoicesAreDescribed: make options keeps the words of the module's documentation, so that somebody has to describe
// a new choice there.
func TestChoicesAreDescribed(t *testing.T) {
	texts := decode[struct {
		Options map[string]struct{ Description any }
	}](t, documentation, sectionOf(t, documentation, "DOCUMENTATION")).Options
	for _, arg := range options() {
		for _, choice := range arg.Choices {
			if text := fmt.Sprint(texts[arg.Name].Description); !strings.Contains(text, "V("+choice+")") {
				t.Errorf("the description of option %s lacks V(%s): %s", arg.Name, choice, text)
			}
		}
	}
}

// TestDefaultsAgree: every default has its specification and its value; one that is computed has
// none there. What the module knows best, and thus has no default in the specification, is
// not set.
func TestDefaultsAgree(t *testing.T) {
	specs := roleOptions(t, "role_config")
	values := defaultsOf(t)
	for key, value := range values {
		spec, found := specs[key]
		computed := strings.Contains(fmt.Sprint(value), "{{")
		switch {
		case !found:
			t.Errorf("%s has no argument_specs", key)
		case computed && spec.Default != nil:
			t.Errorf("%s is computed, and specified as %v", key, spec.Default)
		case !computed && !cmp.Equal(spec.Default, value):
			t.Errorf("%s is %v, and specified as %v", key, value, spec.Default)
		}
	}
	for key, spec := range specs {
		if _, found := values[key]; spec.Default != nil && !found {
			t.Errorf("%s is specified as %v, and has no default", key, spec.Default)
		}
	}
}

// defaultsOf are the defaults of all variables.
func defaultsOf(t *testing.T) map[string]any {
	t.Helper()
	return decode[map[string]any](t, defaults, repository(t, defaults))
}

// TestRolePassesEveryOption, and no other.
func TestRolePassesEveryOption(t *testing.T) {
	tasks := decode[[]map[string]any](t, task, repository(t, task))
	if len(tasks) != 1 || tasks[0]["become"] != true {
		t.Fatalf("%s: want one task, with become", task)
	}
	given, _ := tasks[0]["pgedge.platform.patroni_install"].(map[string]any)
	for option, value := range given {
		if !regexp.MustCompile(`\b` + variable(option) + `\b`).MatchString(fmt.Sprint(value)) {
			t.Errorf("option %s gets %v, not %s", option, value, variable(option))
		}
	}
	if diff := cmp.Diff(sorted(programOptions()), sorted(given)); diff != "" {
		t.Errorf("options (-program +task):\n%s", diff)
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

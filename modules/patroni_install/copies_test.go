package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/ansible"
	"github.com/pgedge/platform/modules/patroni_install/internal/install"
)

var update = flag.Bool("update", false, "write what follows from the table of options into the files")

// The files that people read about each option in, or that hand it on.
const (
	documentation = "collection/plugins/modules/patroni_install.py"
	sharedSpecs   = "roles/role_config/meta/argument_specs.yml"
	defaults      = "roles/role_config/defaults/main.yml"
	task          = "roles/install_patroni/tasks/main.yml"
)

// inRole is how the role differs from the table.
var inRole = map[string]struct {
	variable string // instead of patroni_OPTION
	value    string // default that the role computes
	passed   string // instead of the variable, or none if that is empty
	note     string // what its description says besides
}{
	// Other roles read it too, so that role_config describes it by hand.
	"home": {variable: "pg_home"},
	"user": {note: "For another user than `postgres` set `home` too."},
	// With the user's home this is the module's own default. Other roles need it as well.
	"bin_dir": {value: `"{{ (pg_home ~ '/.local/bin') if pg_home else '' }}"`},
	// An empty list is not the same as none.
	"prerequisites": {passed: "{{ omit if patroni_prerequisites | default(none) is none else patroni_prerequisites }}"},
	// The variable came with the wheelhouse, and serves lock files and constraints by now.
	"remote_src": {variable: "patroni_wheelhouse_remote"},
}

// variable is the role's name for an option.
func variable(option string) string {
	if other := inRole[option].variable; other != "" {
		return other
	}
	return "patroni_" + option
}

// TestCopies compares the files with what follows from the table of options, word for word: the facts in the module's
// documentation, the specifications of the roles, the defaults, the task, and the tables in the roles' READMEs.
func TestCopies(t *testing.T) {
	texts := files{}
	texts.replace(t, documentation, `(?s)\noptions:\n(.*?)\nnotes:\n`, func(t *testing.T, text string) string {
		return documented(t, options(), text)
	})
	rest := `(?s)\n      # make options writes the rest\.\n(.*)`
	texts.replace(t, sharedSpecs, rest, func(t *testing.T, _ string) string { return specified(t, options()) })
	texts.replace(t, defaults, `(?s)\n# Patroni; make options writes the rest\.\n(.*)`, defaulted)
	shared := blocks(texts.text(t, sharedSpecs), 6)
	values := decode[map[string]any](t, defaults, []byte(texts.text(t, defaults)))
	for _, role := range roles(t) {
		own := func(t *testing.T, text string) string { return copied(t, role, text, shared) }
		texts.replace(t, specsOf(role), `(?s)\n    options:\n(.*)`, own)
		texts.replace(t, "roles/"+role+"/README.md", `(?s)(.*)`, func(_ *testing.T, text string) string {
			return rows(t, text, texts.text(t, specsOf(role)), values)
		})
	}
	texts.replace(t, task, `(?s)\n  pgedge\.platform\.patroni_install:\n(.*?)  become: true\n`, passed)
	for _, name := range sorted(texts) {
		want := texts[name]
		diff := cmp.Diff(strings.Split(string(repository(t, name)), "\n"), strings.Split(want, "\n"))
		switch {
		case diff == "":
		case *update:
			if err := os.WriteFile(filepath.Join("../..", name), []byte(want), 0o644); err != nil {
				t.Error(err)
			}
		default:
			t.Errorf("%s is not what follows from the table of options: run make options (-is +must be):\n%s", name, diff)
		}
	}
}

// files are the texts that files must have, by name.
type files map[string]string

func (f files) text(t *testing.T, name string) string {
	t.Helper()
	if text, found := f[name]; found {
		return text
	}
	return string(repository(t, name))
}

// replace puts another text in the place of the group that the pattern has.
func (f files) replace(t *testing.T, name, pattern string, by func(t *testing.T, text string) string) {
	t.Helper()
	text := f.text(t, name)
	place := regexp.MustCompile(pattern).FindStringSubmatchIndex(text)
	if place == nil {
		t.Fatalf("%s has no place for the options: %s", name, pattern)
	}
	f[name] = text[:place[2]] + by(t, text[place[2]:place[3]]) + text[place[3]:]
}

// options are those that people are told of.
func options() []ansible.Argument {
	return slices.DeleteFunc(install.Spec().Arguments, func(arg ansible.Argument) bool {
		return strings.HasPrefix(arg.Name, "_")
	})
}

// block is the text of one option in a mapping of options.
type block struct{ name, text string }

// blocks divides a mapping whose keys are indented by so many spaces.
func blocks(text string, indent int) []block {
	var all []block
	key := regexp.MustCompile(fmt.Sprintf(`(?m)^ {%d}(\w+):\n`, indent))
	places := key.FindAllStringSubmatchIndex(text, -1)
	for i, place := range places {
		end := len(text)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		// What is between the last line of one option and the next one is a comment.
		body, _, _ := strings.Cut(text[place[0]:end], fmt.Sprintf("\n%*s#", indent, ""))
		all = append(all, block{text[place[2]:place[3]], strings.TrimRight(body, "\n") + "\n"})
	}
	return all
}

func find(all []block, name string) (block, bool) {
	i := slices.IndexFunc(all, func(b block) bool { return b.name == name })
	if i < 0 {
		return block{}, false
	}
	return all[i], true
}

// documented returns the options of the module's documentation: the words are those that are there, or the table's
// for an option that is new, and all else is the table's.
func documented(t *testing.T, table []ansible.Argument, text string) string {
	var b strings.Builder
	there := blocks(text, 2)
	for _, arg := range table {
		words := description(t, markup(arg, func(name string) string { return name }), 4)
		if old, found := find(there, arg.Name); found {
			words = regexp.MustCompile(`(?m)^    description:.*\n(?:      .*\n)*`).FindString(old.text)
		}
		fmt.Fprintf(&b, "  %s:\n%s%s", arg.Name, words, facts(t, arg, 4))
		if len(arg.Aliases) > 0 {
			fmt.Fprintf(&b, "    aliases: %s\n", inline(t, arg.Aliases))
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// specified returns the specifications of the role's variables.
func specified(t *testing.T, table []ansible.Argument) string {
	var b strings.Builder
	for _, arg := range table {
		if arg.Name == "home" {
			continue
		}
		fmt.Fprintf(&b, "      %s:\n%s%s", variable(arg.Name), description(t, markup(arg, variable), 8), facts(t, arg, 8))
		if arg.NoLog {
			b.WriteString("        no_log: true\n")
		}
	}
	return b.String()
}

// copied returns the specifications of a role: those of role_config for the variables that the role has.
// install_patroni has all of the table, and a role may have some of its own, that begin with its name.
func copied(t *testing.T, role, text string, shared []block) string {
	if role == "install_patroni" {
		text = "      pg_home:\n"
		for _, arg := range options() {
			if arg.Name != "home" {
				text += "      " + variable(arg.Name) + ":\n"
			}
		}
	}
	var b strings.Builder
	for _, own := range blocks(text, 6) {
		if theirs, found := find(shared, own.name); found {
			own = theirs
		} else if !strings.HasPrefix(own.name, role+"_") {
			t.Errorf("%s has the variable %s, and role_config has not", specsOf(role), own.name)
		}
		b.WriteString(own.text)
	}
	return b.String()
}

// defaulted returns the defaults of the role's variables.
func defaulted(t *testing.T, _ string) string {
	var values, unset []string
	for _, arg := range options() {
		name, value := variable(arg.Name), inRole[arg.Name].value
		switch {
		case arg.Name == "home":
		case value != "":
			values = append(values, name+": "+value)
		case arg.Default != nil:
			values = append(values, name+": "+inline(t, arg.Default))
		default:
			unset = append(unset, name)
		}
	}
	comment := "Unset, since the module knows what fits: " + strings.Join(unset, ", ") + "."
	return "# " + strings.Join(wrapped(comment, 118), "\n# ") + "\n" + strings.Join(values, "\n") + "\n"
}

// passed returns what the task gives the module: an option without a default is left out if its variable is empty.
func passed(*testing.T, string) string {
	var b strings.Builder
	for _, arg := range options() {
		value := "{{ " + variable(arg.Name) + " }}"
		switch own := inRole[arg.Name].passed; {
		case own != "":
			value = own
		case arg.Default == nil:
			value = "{{ " + variable(arg.Name) + " | default(omit, true) }}"
		}
		fmt.Fprintf(&b, "    %s: %q\n", arg.Name, value)
	}
	return b.String()
}

func specsOf(role string) string { return "roles/" + role + "/meta/argument_specs.yml" }

// roles are those that take their variables from role_config.
func roles(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("../../roles")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if entry.Name() != "role_config" {
			names = append(names, entry.Name())
		}
	}
	return names
}

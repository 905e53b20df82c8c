package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/ansible"
)

// TestTexts is about what no option has, or one that is new.
func TestTexts(t *testing.T) {
	table := []ansible.Argument{
		{Name: "state", Choices: []string{"present", "absent"}, Required: true, Help: "What is wanted."},
		{Name: "token", Aliases: []string{"secret", "key"}, NoLog: true,
			Help: "A word: it is for `user`, unless `state: absent`, and `PATH` or `x y` may have it. This text is too " +
				"long for one line.", Unset: "none"},
		{Name: "tries", Type: ansible.Int, Default: 3, Help: "How often `tries` is tried."},
	}
	const there = `  tries:
    description:
      - Words of ours,
        in two lines.
    type: str
  gone:
    description: An option that is no more.
    type: str`
	const documentation = `  state:
    description: What is wanted.
    type: str
    choices: [present, absent]
    required: true
  token:
    description:
      - >-
        A word: it is for O(user), unless O(state=absent), and E(PATH) or C(x y) may have it. This text is too long for
        one line.
      - By default none.
    type: str
    aliases: [secret, key]
  tries:
    description:
      - Words of ours,
        in two lines.
    type: int
    default: 3`
	if diff := cmp.Diff(documentation, documented(t, table, there)); diff != "" {
		t.Errorf("documentation (-want +got):\n%s", diff)
	}
	const specs = `      patroni_state:
        description: What is wanted.
        type: str
        choices: [present, absent]
        required: true
      patroni_token:
        description:
          - >-
            A word: it is for O(patroni_user), unless O(patroni_state=absent), and E(PATH) or C(x y) may have it. This
            text is too long for one line.
          - By default none.
        type: str
        no_log: true
      patroni_tries:
        description: How often C(tries) is tried.
        type: int
        default: 3
`
	if diff := cmp.Diff(specs, specified(t, table)); diff != "" {
		t.Errorf("specifications (-want +got):\n%s", diff)
	}
	const readme = "| `patroni_token` | | A word: it is for `patroni_user`, unless `patroni_state: absent`, and `PATH` " +
		"or `x y` may have it. This text is too long for one line. By default none. |\n" +
		"| `patroni_state`, `patroni_tries` | by hand |\n| `patroni_state` | required | What is wanted. |\n"
	if diff := cmp.Diff(readme, rows(t, "| `patroni_token` |\n| `patroni_state`, `patroni_tries` | by hand |\n"+
		"| `patroni_state` | outdated | outdated |\n", specified(t, table), nil)); diff != "" {
		t.Errorf("README (-want +got):\n%s", diff)
	}
}

// TestCredentialsAreTold: what people read about an option says if it may hold them.
func TestCredentialsAreTold(t *testing.T) {
	words := blocks(string(sectionOf(t, documentation, "DOCUMENTATION")), 2)
	for _, arg := range options() {
		b, _ := find(words, arg.Name)
		for place, text := range map[string]string{"the table": arg.Help, documentation: b.text} {
			if arg.Credentials != strings.Contains(text, "redentials ") {
				t.Errorf("%s: %s says this about it:\n%s", arg.Name, place, text)
			}
		}
	}
}

// rows returns a README with each row of a table of variables as the specifications have it. In install_patroni's the
// table has all of them, and their types.
func rows(t *testing.T, text, specs string, computed map[string]any) string {
	t.Helper()
	all := blocks(specs, 6)
	whole := regexp.MustCompile(`(?s)<!-- options -->\n(.*)<!-- end of options -->\n`).FindStringSubmatchIndex(text)
	if whole != nil {
		table := "\n| variable | type | default | meaning |\n|---|---|---|---|\n"
		for _, b := range all {
			table += row(t, b, computed, true)
		}
		return text[:whole[2]] + table + "\n" + text[whole[3]:]
	}
	return regexp.MustCompile("(?m)^\\| `(\\w+)` \\|.*\n").ReplaceAllStringFunc(text, func(old string) string {
		if b, found := find(all, strings.Split(old, "`")[1]); found {
			return row(t, b, computed, false)
		}
		return old
	})
}

// row is a variable in a table of a README.
func row(t *testing.T, b block, defaults map[string]any, typed bool) string {
	t.Helper()
	spec := decode[map[string]struct {
		Type                 string
		Default, Description any
		Choices              []string
		Required             bool
		NoLog                bool `yaml:"no_log"`
	}](t, b.name, []byte(b.text))[b.name]
	value := ""
	switch text, isText := spec.Default.(string); {
	case spec.Required:
		value = "required"
	case spec.NoLog && text != "":
		value = "none that is accepted"
	case isText && text != "":
		value = "`" + text + "`"
	case spec.Default != nil:
		value = "`" + inline(t, spec.Default) + "`"
	case defaults[b.name] != nil:
		value = "computed"
	}
	cells := []string{"`" + b.name + "`", value, markdown(spec.Description)}
	if typed {
		kind := spec.Type
		if len(spec.Choices) > 0 {
			kind = "`" + strings.Join(spec.Choices, "`, `") + "`"
		}
		cells = slices.Insert(cells, 1, kind)
	}
	return "| " + strings.ReplaceAll(strings.Join(cells, " | "), "|  |", "| |") + " |\n"
}

// facts are the lines of an option that are not for people.
func facts(t *testing.T, arg ansible.Argument, indent int) string {
	t.Helper()
	lines := []string{"type: " + arg.Type.String()}
	if arg.Type == ansible.List {
		lines = append(lines, "elements: str")
	}
	if len(arg.Choices) > 0 {
		lines = append(lines, "choices: "+inline(t, arg.Choices))
	}
	if arg.Required {
		lines = append(lines, "required: true")
	}
	if arg.Default != nil {
		lines = append(lines, "default: "+inline(t, arg.Default))
	}
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "%*s%s\n", indent, "", line)
	}
	return b.String()
}

// inline is a value in one line of YAML.
func inline(t *testing.T, value any) string {
	t.Helper()
	text, err := yaml.MarshalWithOptions(value, yaml.Flow(true), yaml.UseSingleQuote(true))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(text), "\n")
}

// markup returns the paragraphs of an option's help, in the markup of Ansible's documentation and with the names that
// options have there.
func markup(arg ansible.Argument, name func(option string) string) []string {
	paragraphs := []string{arg.Help}
	if arg.Unset != "" {
		paragraphs = append(paragraphs, "By default "+arg.Unset+".")
	}
	if note := inRole[arg.Name].note; note != "" && name(arg.Name) != arg.Name {
		paragraphs = append(paragraphs, note)
	}
	for i, text := range paragraphs {
		paragraphs[i] = regexp.MustCompile("`[^`]+`").ReplaceAllStringFunc(text, func(quoted string) string {
			word := strings.Trim(quoted, "`")
			option, value, valued := strings.Cut(word, ": ")
			isOption := slices.ContainsFunc(options(), func(a ansible.Argument) bool { return a.Name == option })
			switch {
			case option == arg.Name: // what the option has its name from, as in needrestart
			case isOption && valued:
				return "O(" + name(option) + "=" + value + ")"
			case isOption:
				return "O(" + name(option) + ")"
			case slices.Contains(arg.Choices, word):
				return "V(" + word + ")"
			case word == strings.ToUpper(word) && regexp.MustCompile(`^\w+$`).MatchString(word):
				return "E(" + word + ")"
			}
			return "C(" + word + ")"
		})
	}
	return paragraphs
}

// markdown returns a description, which is a text or a list of texts, in one line.
func markdown(description any) string {
	all, isList := description.([]any)
	if !isList {
		all = []any{description}
	}
	paragraphs := make([]string, len(all))
	for i, text := range all {
		paragraphs[i] = fmt.Sprint(text)
	}
	quoted := regexp.MustCompile(`\b[COVE]\(([^()=]*)=?([^()]*)\)`)
	text := quoted.ReplaceAllStringFunc(strings.Join(paragraphs, " "), func(mark string) string {
		parts := quoted.FindStringSubmatch(mark)
		if parts[2] != "" && strings.HasPrefix(mark, "O") {
			return "`" + parts[1] + ": " + parts[2] + "`"
		}
		return "`" + mark[2:len(mark)-1] + "`"
	})
	return strings.ReplaceAll(text, "|", `\|`)
}

// description is the key description in YAML, with lines of at most 120 columns.
func description(t *testing.T, paragraphs []string, indent int) string {
	t.Helper()
	key := fmt.Sprintf("%*sdescription:", indent, "")
	if one := key + " " + paragraphs[0]; len(paragraphs) == 1 && len(one) <= 120 && isPlain(paragraphs[0]) {
		return one + "\n"
	}
	for _, text := range paragraphs {
		item := fmt.Sprintf("\n%*s- ", indent+2, "")
		if !isPlain(text) {
			item += fmt.Sprintf(">-\n%*s", indent+4, "")
		}
		key += item + strings.Join(wrapped(text, 120-indent-4), fmt.Sprintf("\n%*s", indent+4, ""))
	}
	var read struct{ Description []string }
	if err := yaml.Unmarshal([]byte(key+"\n"), &read); err != nil || !slices.Equal(read.Description, paragraphs) {
		t.Fatalf("wrote %v, read %v (%v)", paragraphs, read.Description, err)
	}
	return key + "\n"
}

// isPlain tells whether YAML reads a text as it is.
func isPlain(text string) bool {
	var read []any
	err := yaml.Unmarshal([]byte("- "+text+"\n"), &read)
	return err == nil && len(read) == 1 && read[0] == text
}

// wrapped divides a text into lines of at most so many columns.
func wrapped(text string, width int) []string {
	lines := []string{""}
	for word := range strings.FieldsSeq(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case len(*last)+1+len(word) <= width:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}

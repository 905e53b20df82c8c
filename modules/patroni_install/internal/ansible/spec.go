package ansible

import (
	"fmt"
	"slices"
	"strings"
)

// Type is what an argument's value is coerced to.
type Type int

// The types, each with the Go type that [Params] holds it in.
const (
	Str  Type = iota // string
	Bool             // bool
	Int              // int
	List             // []string
	Path             // string, with variables and a leading ~ expanded
)

// String returns the type's name in ansible-core, as its messages print it.
func (t Type) String() string {
	return [...]string{"str", "bool", "int", "list", "path"}[t]
}

// Argument describes one argument of a module.
type Argument struct {
	// Name of the argument. One that begins with an underscore is between the module and its action
	// plugin: people are not told of it.
	Name    string
	Aliases []string
	Type    Type
	// Default is the value of an argument that was not given, in the Go type
	// that belongs to Type; nil leaves the argument unset.
	Default any
	// Choices are the values allowed, for a list those allowed for each element;
	// none means any.
	Choices  []string
	Required bool
	// NoLog makes the whole value a secret.
	NoLog bool
	// Credentials makes the part before the @ of a URL, or of each URL of a list,
	// a secret.
	Credentials bool
	// Unset says what an argument that has neither value nor default stands for.
	Unset string
	// Help is a sentence or two for people, printed by [Spec.Usage].
	Help string
	// To points to where [Params.Fill] stores the value.
	To any
}

// Spec describes what a module accepts.
type Spec struct {
	// Name is the module's short name; the journal knows it by this name.
	Name      string
	Arguments []Argument
	// MutuallyExclusive holds groups of names. Of each group one at most may be given.
	MutuallyExclusive [][]string
}

// Usage renders the arguments for people, a paragraph for each.
func (s Spec) Usage() string {
	var b strings.Builder
	for _, arg := range s.Arguments {
		if isInternal(arg.Name) {
			continue
		}
		fmt.Fprintf(&b, "  %s (%s)\n", strings.Join(arg.names(), ", "), strings.Join(arg.traits(), "; "))
		if arg.Help != "" {
			fmt.Fprintf(&b, "        %s\n", arg.Help)
		}
	}
	return b.String()
}

func isInternal(name string) bool { return strings.HasPrefix(name, "_") }

func (a Argument) traits() []string {
	traits := []string{a.Type.String()}
	if len(a.Choices) > 0 {
		traits = append(traits, "one of "+strings.Join(a.Choices, ", "))
	}
	if a.Required {
		traits = append(traits, "required")
	}
	if list, ok := a.Default.([]string); ok {
		traits = append(traits, "default "+strings.Join(list, ","))
	} else if a.Default != nil {
		traits = append(traits, fmt.Sprintf("default %v", a.Default))
	} else if a.Unset != "" {
		traits = append(traits, "default: "+a.Unset)
	}
	return traits
}

// names returns the argument's name followed by its aliases.
func (a Argument) names() []string {
	return append([]string{a.Name}, a.Aliases...)
}

// lookup returns the argument of that name or alias.
func (s Spec) lookup(name string) (Argument, bool) {
	for _, arg := range s.Arguments {
		if arg.Name == name || slices.Contains(arg.Aliases, name) {
			return arg, true
		}
	}
	return Argument{}, false
}

// mustBeSound panics when the specification contradicts itself: that is the
// programmer's mistake, whatever the arguments are.
func (s Spec) mustBeSound() {
	seen := map[string]bool{}
	for _, arg := range s.Arguments {
		for _, name := range arg.names() {
			if name == "" || seen[name] {
				panic(fmt.Sprintf("internal error: argument name %q is empty or declared twice", name))
			}
			seen[name] = true
		}
		if arg.Required && arg.Default != nil {
			panic("internal error: required and default are mutually exclusive for " + arg.Name)
		}
		if arg.Default != nil && !arg.Type.holds(arg.Default) {
			panic(fmt.Sprintf("internal error: default of %s is a %T, not of type %s", arg.Name, arg.Default, arg.Type))
		}
	}
	for _, name := range slices.Concat(s.MutuallyExclusive...) {
		if !seen[name] {
			panic("internal error: mutually exclusive argument " + name + " is not declared")
		}
	}
}

// holds reports whether value has the Go type that belongs to t.
func (t Type) holds(value any) bool {
	var ok bool
	switch t {
	case Str, Path:
		_, ok = value.(string)
	case Bool:
		_, ok = value.(bool)
	case Int:
		_, ok = value.(int)
	case List:
		_, ok = value.([]string)
	}
	return ok
}

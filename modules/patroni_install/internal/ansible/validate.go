package ansible

import (
	"fmt"
	"slices"
	"strings"
)

// omitPlaceholder begins what ansible-core up to 2.18 leaves in a list where an
// element was omitted.
const omitPlaceholder = "__omit_place_holder__"

// validation is one pass of the arguments through the checks of ansible-core, in
// its order. The first error stays; the checks go on, so that the result can show
// the arguments as far as they were understood.
type validation struct {
	spec     Spec
	args     map[string]any // by name: raw, then coerced; nil when unset
	values   map[string]any // by canonical name: what Params hold
	warnings []string
	err      error
}

// validate takes given over; the secrets in it go to the request's scrubber.
func validate(spec Spec, given map[string]any, req *Request) *validation {
	v := &validation{spec: spec, args: given, values: map[string]any{}}
	v.resolveAliases()
	v.learnSecrets(req.Scrubber)
	v.checkExclusive()
	v.checkRequired()
	v.coerce()
	v.checkChoices()
	if !req.ignoreUnknown {
		v.checkUnsupported(req.ModuleName)
	}
	v.learnSecrets(req.Scrubber)
	return v
}

func (v *validation) fail(format string, details ...any) {
	if v.err == nil {
		v.err = argumentError(format, details...)
	}
}

// message is an error about an argument, in ansible-core's own words, which
// begin as they like.
type message string

func (m message) Error() string { return string(m) }

func argumentError(format string, details ...any) error {
	return message(fmt.Sprintf(format, details...))
}

// given reports whether the argument has a value. Null, which a template that
// yields nothing becomes, counts as none.
func (v *validation) given(name string) bool {
	value := v.args[name]
	return value != nil && !isOmitted(value)
}

func isOmitted(value any) bool {
	s, ok := value.(string)
	return ok && strings.HasPrefix(s, omitPlaceholder)
}

func (v *validation) resolveAliases() {
	for _, arg := range v.spec.Arguments {
		for _, alias := range arg.Aliases {
			if !v.given(alias) {
				continue
			}
			if v.given(arg.Name) {
				v.warnings = append(v.warnings, fmt.Sprintf("Both option %s and its alias %s are set.", arg.Name, alias))
			}
			v.args[arg.Name] = v.args[alias]
		}
	}
}

// learnSecrets is called before coercion, whose errors quote values, and after
// it, since coercion makes new texts of them.
func (v *validation) learnSecrets(scrubber *Scrubber) {
	for _, arg := range v.spec.Arguments {
		for _, name := range arg.names() {
			for _, text := range texts(v.args[name]) {
				if arg.NoLog {
					scrubber.AddSecret(text)
				}
				if arg.Credentials {
					scrubber.AddURL(text)
				}
			}
		}
	}
}

func (v *validation) checkExclusive() {
	var violated []string
	for _, group := range v.spec.MutuallyExclusive {
		if countFunc(group, v.given) > 1 {
			violated = append(violated, strings.Join(group, "|"))
		}
	}
	if len(violated) > 0 {
		v.fail("parameters are mutually exclusive: %s", strings.Join(violated, ", "))
	}
}

func (v *validation) checkRequired() {
	var missing []string
	for _, arg := range v.spec.Arguments {
		if arg.Required && !v.given(arg.Name) {
			missing = append(missing, arg.Name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		v.fail("missing required arguments: %s", strings.Join(missing, ", "))
	}
}

func (v *validation) coerce() {
	for _, arg := range v.spec.Arguments {
		raw := v.args[arg.Name]
		if !v.given(arg.Name) {
			v.args[arg.Name] = arg.Default
			if arg.Default != nil {
				v.values[arg.Name] = arg.Default
			}
			continue
		}
		value, err := arg.Type.coerce(raw)
		if err != nil {
			v.fail("argument '%s' is of type %s and we were unable to convert to %s: %v",
				arg.Name, pyTypeName(raw), arg.Type, err)
			continue
		}
		v.args[arg.Name], v.values[arg.Name] = value, value
	}
}

func (v *validation) checkChoices() {
	for _, arg := range v.spec.Arguments {
		value, ok := v.values[arg.Name]
		if !ok || len(arg.Choices) == 0 {
			continue
		}
		choices := strings.Join(arg.Choices, ", ")
		if list, ok := value.([]string); ok {
			wrong := slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(arg.Choices, s) })
			if len(wrong) > 0 {
				v.fail("value of %s must be one or more of: %s. Got no match for: %s",
					arg.Name, choices, strings.Join(wrong, ", "))
			}
		} else if got := pyStr(value); !slices.Contains(arg.Choices, got) {
			v.fail("value of %s must be one of: %s, got: %s", arg.Name, choices, got)
		}
	}
}

func (v *validation) checkUnsupported(module string) {
	var unsupported, supported, aliases []string
	for _, name := range sortedKeys(v.args) {
		if _, ok := v.spec.lookup(name); !ok {
			unsupported = append(unsupported, name)
		}
	}
	if len(unsupported) == 0 {
		return
	}
	for _, arg := range v.spec.Arguments {
		if !isInternal(arg.Name) {
			supported = append(supported, arg.Name)
		}
		aliases = append(aliases, arg.Aliases...)
	}
	slices.Sort(supported)
	slices.Sort(aliases)
	list := strings.Join(supported, ", ")
	if len(aliases) > 0 {
		list += " (" + strings.Join(aliases, ", ") + ")"
	}
	v.fail("Unsupported parameters for (%s) module: %s. Supported parameters include: %s.",
		module, strings.Join(unsupported, ", "), list)
}

func countFunc(names []string, match func(string) bool) int {
	n := 0
	for _, name := range names {
		if match(name) {
			n++
		}
	}
	return n
}

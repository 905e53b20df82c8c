package ansible

import (
	"fmt"
	"slices"
	"time"
)

// Params are the validated arguments. Reading an argument that the
// specification does not declare, or declares with another type, is a mistake of
// the program and panics with "internal error:".
type Params struct {
	spec   Spec
	values map[string]any // by canonical name; unset arguments are missing
}

// String returns the value of an argument of type [Str] or [Path]; "" when unset.
func (p Params) String(name string) string { return value[string](p, name, Str, Path) }

// Bool returns the value of an argument of type [Bool]; false when unset.
func (p Params) Bool(name string) bool { return value[bool](p, name, Bool) }

// Int returns the value of an argument of type [Int]; 0 when unset.
func (p Params) Int(name string) int { return value[int](p, name, Int) }

// List returns the value of an argument of type [List], which the caller may
// change; nil when unset.
func (p Params) List(name string) []string {
	list := value[[]string](p, name, List)
	if list == nil {
		return nil
	}
	return append([]string{}, list...)
}

// IsSet reports whether the argument has a value, given or by default. An empty
// string and an empty list are values.
func (p Params) IsSet(name string) bool {
	p.declared(name)
	_, ok := p.values[name]
	return ok
}

// Fill stores each value where To of its argument points: a *string, *bool, *int or *[]string, after the
// type, or a *time.Duration for seconds. What To of an unset argument points to stays as it is.
func (p Params) Fill(arguments []Argument) {
	for _, arg := range arguments {
		if arg.To == nil || !p.IsSet(arg.Name) {
			continue
		}
		switch to := arg.To.(type) {
		case *string:
			*to = p.String(arg.Name)
		case *bool:
			*to = p.Bool(arg.Name)
		case *int:
			*to = p.Int(arg.Name)
		case *time.Duration:
			*to = time.Duration(p.Int(arg.Name)) * time.Second
		case *[]string:
			*to = p.List(arg.Name)
		default:
			panic(fmt.Sprintf("internal error: argument %q cannot be stored in a %T", arg.Name, arg.To))
		}
	}
}

func (p Params) declared(name string) Argument {
	for _, arg := range p.spec.Arguments {
		if arg.Name == name {
			return arg
		}
	}
	panic(fmt.Sprintf("internal error: argument %q is not declared", name))
}

func value[T any](p Params, name string, types ...Type) T {
	arg := p.declared(name)
	if slices.Contains(types, arg.Type) {
		v, _ := p.values[name].(T)
		return v
	}
	panic(fmt.Sprintf("internal error: argument %q is of type %s", name, arg.Type))
}

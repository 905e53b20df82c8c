package ansible

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
)

// pyStr prints a decoded value as Python's str() does.
func pyStr(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	return pyRepr(value)
}

// pyRepr prints a decoded value as Python's repr() does. Keys of dictionaries
// are sorted, since decoding loses their order.
func pyRepr(value any) string {
	switch v := value.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		return pyQuote(v)
	case jsonvalue.Number:
		// The controller wrote it by Python's repr.
		return v.String()
	case []string:
		return "[" + joinFunc(v, pyQuote) + "]"
	case []any:
		return "[" + joinFunc(v, pyRepr) + "]"
	case map[string]any:
		return "{" + joinFunc(sortedKeys(v), func(key string) string {
			return pyQuote(key) + ": " + pyRepr(v[key])
		}) + "}"
	}
	return fmt.Sprint(value)
}

// pyTypeName names the Python type that a decoded value has on the controller.
func pyTypeName(value any) string {
	switch v := value.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case jsonvalue.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "float"
		}
		return "int"
	case []any:
		return "list"
	case map[string]any:
		return "dict"
	}
	return "str"
}

// pyQuote prints a string as Python's repr() does.
func pyQuote(s string) string {
	quote := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	var b strings.Builder
	b.WriteRune(quote)
	for _, r := range s {
		if r == quote || r == '\\' {
			b.WriteByte('\\')
			b.WriteRune(r)
		} else {
			b.WriteString(pyEscape(r))
		}
	}
	b.WriteRune(quote)
	return b.String()
}

func pyEscape(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case unicode.IsPrint(r):
		return string(r)
	case r < 0x100:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

func joinFunc[T any](items []T, format func(T) string) string {
	parts := make([]string, len(items))
	for i, item := range items {
		parts[i] = format(item)
	}
	return strings.Join(parts, ", ")
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

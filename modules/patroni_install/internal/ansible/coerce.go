package ansible

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
)

// coerce converts a decoded value, not null, to the Go type that belongs to t.
// The error ends ansible-core's message about a wrong type.
func (t Type) coerce(value any) (any, error) {
	switch t {
	case Bool:
		return toBool(value)
	case Int:
		return toInt(value)
	case List:
		return toList(value)
	case Path:
		return expandUser(expandVars(pyStr(value))), nil
	}
	return pyStr(value), nil
}

// The words for true and false, in the order in which ansible-core defines them.
const (
	wordsTrue  = "y yes on 1 true t"
	wordsFalse = "n no off 0 false f"
)

func toBool(value any) (bool, error) {
	switch v := value.(type) {
	case bool:
		return v, nil
	case string:
		word := strings.ToLower(strings.TrimSpace(v))
		if slices.Contains(strings.Fields(wordsTrue), word) {
			return true, nil
		}
		if slices.Contains(strings.Fields(wordsFalse), word) {
			return false, nil
		}
	case jsonvalue.Number:
		if n, err := parseInt(v.String()); err == nil && (n == 0 || n == 1) {
			return n == 1, nil
		}
	default:
		return false, argumentError("<class '%s'> cannot be converted to a bool", pyTypeName(value))
	}
	return false, argumentError("The value '%s' is not a valid boolean. Valid booleans include: %s, 1, %s, 0",
		pyStr(value), joinFunc(strings.Fields(wordsTrue), pyQuote), joinFunc(strings.Fields(wordsFalse), pyQuote))
}

func toInt(value any) (int, error) {
	var text string
	switch v := value.(type) {
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case string:
		text = v
	case jsonvalue.Number:
		text = v.String()
	}
	n, err := parseInt(text)
	if err != nil {
		return 0, argumentError(`"%s" cannot be converted to an int`, pyRepr(value))
	}
	return n, nil
}

var errNotInt = errors.New("not an integer")

// parseInt reads a number whose value is an integer: "5", " 5 ", and "5.0" and "5e2" as well, since the quotient of two
// integers in a template is such a number.
func parseInt(text string) (int, error) {
	text = strings.TrimSpace(text)
	if n, err := strconv.Atoi(text); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > exactFloats {
		return 0, errNotInt
	}
	return int(f), nil
}

// exactFloats bounds the integers that a float64 tells apart.
const exactFloats = 1 << 53

// toList splits a string at commas and makes one element of any other scalar.
// Elements are trimmed; null and omitted ones are dropped, and empty ones where a
// string was split.
func toList(value any) ([]string, error) {
	list := []string{}
	switch v := value.(type) {
	case map[string]any:
		return nil, argumentError("<class 'dict'> cannot be converted to a list")
	case []any:
		for _, element := range v {
			if element != nil && !isOmitted(element) {
				list = append(list, strings.TrimSpace(pyStr(element)))
			}
		}
	case string:
		for element := range strings.SplitSeq(v, ",") {
			if element = strings.TrimSpace(element); element != "" && !isOmitted(element) {
				list = append(list, element)
			}
		}
	default:
		list = append(list, pyStr(v))
	}
	return list, nil
}

package ansible

import (
	"errors"
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

// parseInt reads a decimal number whose value is an integer, by the rules of
// Python's decimal module: "5", " 5 ", "1_000", "5.0" and "5e2", not "0x10".
func parseInt(text string) (int, error) {
	text = strings.ReplaceAll(strings.TrimSpace(text), "_", "")
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(text), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	zeros := -len(fraction) // to append to the digits; negative: to take away
	if scientific {
		n, err := strconv.ParseInt(exponent, 10, 16)
		if err != nil {
			return 0, errNotInt
		}
		zeros += int(n)
	}
	digits := whole + fraction
	significant := strings.TrimRight(digits, "0")
	zeros += len(digits) - len(significant)
	if strings.Trim(significant, "+-") == "" {
		return strconv.Atoi(digits) // zero, or no number at all
	}
	// An int64 has 19 digits; the bound keeps 1e9999 from being written out.
	if zeros < 0 || zeros > 19 {
		return 0, errNotInt
	}
	return strconv.Atoi(significant + strings.Repeat("0", zeros))
}

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

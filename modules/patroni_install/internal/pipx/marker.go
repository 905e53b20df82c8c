package pipx

import (
	"maps"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/charset"
	"github.com/pgedge/platform/modules/patroni_install/internal/pep440"
)

// maxMarker bounds the length of an environment marker, in bytes, and so its nesting.
const maxMarker = 1024

// markerHolds evaluates an environment marker such as
//
//	python_version >= "3.9" and extra == "etcd"
//
// with the values of its variables. A comparison that it does not understand does not hold, so
// that a requirement is rather not insisted on than missed for ever.
func markerHolds(text string, values map[string]string) bool {
	if strings.TrimSpace(text) == "" {
		return true
	}
	if len(text) > maxMarker {
		return false
	}
	m := marker{values: map[string]string{
		"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "platform_python_implementation": "CPython",
		"implementation_name": "cpython",
	}}
	maps.Copy(m.values, values)
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		size := tokenSize(text)
		m.tokens, text = append(m.tokens, text[:size]), text[size:]
	}
	return m.or() && len(m.tokens) == 0
}

// tokenSize returns the length of the token that a marker begins with: an operator, a bracket, a
// quoted value or a word. Anything else is a token of one byte, which no comparison holds with.
func tokenSize(text string) int {
	for _, token := range []string{"===", "==", "~=", "!=", "<=", ">="} {
		if strings.HasPrefix(text, token) {
			return len(token)
		}
	}
	if quote := text[:1]; quote == `"` || quote == "'" {
		if value, _, closed := strings.Cut(text[1:], quote); closed {
			return len(value) + len(`""`)
		}
	}
	word, _ := span(text, charset.Alphanumeric+"_.")
	return max(len(word), 1)
}

// marker is a marker that is being read.
type marker struct {
	tokens []string
	values map[string]string
}

// next takes the next token, "" at the end.
func (m *marker) next() string {
	if len(m.tokens) == 0 {
		return ""
	}
	token := m.tokens[0]
	m.tokens = m.tokens[1:]
	return token
}

// accept takes the next token if it is this one.
func (m *marker) accept(token string) bool {
	if len(m.tokens) == 0 || m.tokens[0] != token {
		return false
	}
	m.next()
	return true
}

func (m *marker) or() bool {
	holds := m.and()
	for m.accept("or") {
		right := m.and()
		holds = holds || right
	}
	return holds
}

func (m *marker) and() bool {
	holds := m.comparison()
	for m.accept("and") {
		right := m.comparison()
		holds = holds && right
	}
	return holds
}

func (m *marker) comparison() bool {
	if m.accept("(") {
		holds := m.or()
		return m.accept(")") && holds
	}
	variable, operator, value := m.next(), m.next(), m.next()
	if strings.HasPrefix(variable, `"`) || strings.HasPrefix(variable, "'") {
		variable, value = value, variable // "3.9" <= python_version is legal, and nobody writes it
		operator = mirror(operator)
	}
	have, known := m.values[variable]
	want := strings.Trim(value, `"'`)
	if !known || value == "" {
		return false
	}
	switch {
	case variable == "python_version" && operator != "===":
		return compareVersions(have, operator, want)
	case variable == "extra":
		have, want = Normalise(have), Normalise(want)
	}
	switch operator {
	case "==", "===":
		return have == want
	case "!=":
		return have != want
	}
	return false
}

// mirror returns the operator that says the same with its sides exchanged.
func mirror(operator string) string {
	pairs := []string{"<", ">", ">", "<", "<=", ">=", ">=", "<="}
	if i := slices.Index(pairs, operator); i >= 0 {
		return pairs[i+1-2*(i%2)]
	}
	return operator
}

func compareVersions(have, operator, want string) bool {
	set, err := pep440.ParseSpecifiers(operator + want)
	if err != nil {
		return false
	}
	v, err := pep440.Parse(have)
	return err == nil && set.Contains(v, true)
}

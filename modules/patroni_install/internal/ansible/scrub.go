package ansible

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
)

const (
	maskWhole = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" // a text that is a secret
	maskPart  = "********"                            // a secret within a text
)

// minPart is how many characters a secret needs to be masked within longer
// texts. A shorter one protects nothing and would tear every other word apart; it
// is masked where it is the whole text, and between the slashes and the @ of a URL.
const minPart = 3

// Scrubber removes secrets from texts. The zero value and nil know none. Add
// secrets before other goroutines use it; reading is safe from several.
type Scrubber struct {
	whole    map[string]bool
	parts    map[string]string // what to replace, by what
	replacer *strings.Replacer
}

// AddSecret makes text a secret, also as it looks percent-decoded and inside a
// quoted string. The empty text is none.
func (s *Scrubber) AddSecret(text string) {
	for _, form := range forms(text) {
		s.hide(form)
	}
	s.rebuild()
}

// AddURL makes the credentials of every URL in text secrets: what stands before
// the @, the password alone, or a token that stands there without a colon. It is
// generous where a password holds a slash, which it should not.
func (s *Scrubber) AddURL(text string) {
	rests := strings.Split(text, "://")
	if len(rests) > 1 {
		rests = rests[1:]
	}
	for i := range rests {
		rest := strings.Join(rests[i:], "://")
		authority := rest
		if end := strings.IndexAny(rest, "/?#"); end >= 0 {
			authority = rest[:end]
		}
		for _, candidate := range []string{authority, rest} {
			if at := strings.LastIndexByte(candidate, '@'); at > 0 {
				s.addUserinfo(candidate[:at])
			}
		}
	}
	s.rebuild()
}

// addUserinfo hides what may be the user:password part of a URL.
func (s *Scrubber) addUserinfo(userinfo string) {
	user, password, colon := strings.Cut(userinfo, ":")
	if strings.ContainsAny(user, "/?#") {
		return // an @ in the URL's path
	}
	secret := password
	if !colon || password == "" {
		secret = user // a token
	}
	for _, form := range forms(userinfo) {
		s.replace("://"+form+"@", "://"+maskPart+"@")
		s.hide(form)
	}
	for _, form := range forms(secret) {
		s.hide(form)
	}
}

// hide masks one form of a secret.
func (s *Scrubber) hide(form string) {
	if form == "" {
		return
	}
	if s.whole == nil {
		s.whole = map[string]bool{}
	}
	s.whole[form] = true
	if utf8.RuneCountInString(form) >= minPart {
		s.replace(form, maskPart)
	}
}

func (s *Scrubber) replace(old, by string) {
	if s.parts == nil {
		s.parts = map[string]string{}
	}
	s.parts[old] = by
}

// rebuild lets longer secrets win over those that they begin with: these come later.
func (s *Scrubber) rebuild() {
	olds := sortedKeys(s.parts)
	slices.Reverse(olds)
	var pairs []string
	for _, old := range olds {
		pairs = append(pairs, old, s.parts[old])
	}
	s.replacer = strings.NewReplacer(pairs...)
}

// String returns text without secrets: a text that is one becomes
// VALUE_SPECIFIED_IN_NO_LOG_PARAMETER, each one within it ********.
func (s *Scrubber) String(text string) string {
	switch {
	case s == nil || s.replacer == nil:
		return text
	case s.whole[text]:
		return maskWhole
	}
	return s.replacer.Replace(text)
}

// value scrubs a decoded JSON value. Keys are the program's own and stay.
func (s *Scrubber) value(value any) any {
	switch v := value.(type) {
	case string:
		return s.String(v)
	case jsonvalue.Number:
		if s != nil && s.whole[v.String()] {
			return maskWhole
		}
	case []any:
		for i := range v {
			v[i] = s.value(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = s.value(v[key])
		}
	}
	return value
}

// forms returns a secret and the other ways in which it may appear: decoded from
// a URL, inside a string quoted by %q, and with invalid bytes replaced, as JSON
// writes them.
func forms(secret string) []string {
	all := []string{secret}
	if decoded, err := url.PathUnescape(secret); err == nil {
		all = append(all, decoded, string([]rune(decoded)))
	}
	quoted := strconv.Quote(secret)
	return append(all, quoted[1:len(quoted)-1])
}

// texts returns the texts within an argument's value that are worth protecting:
// no booleans, as in AnsibleModule.
func texts(value any) []string {
	switch v := value.(type) {
	case nil, bool:
		return nil
	case []string:
		return v
	case []any:
		var all []string
		for _, element := range v {
			all = append(all, texts(element)...)
		}
		return all
	case map[string]any:
		var all []string
		for _, key := range sortedKeys(v) {
			all = append(all, texts(v[key])...)
		}
		return all
	}
	return []string{pyStr(value)}
}

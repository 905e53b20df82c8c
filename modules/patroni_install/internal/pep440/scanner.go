package pep440

import (
	"cmp"
	"strings"
)

// scanner reads a version in lower case from its beginning. Each method removes what it reads from the rest.
type scanner struct{ rest string }

// version reads all parts of a version, as far as they go.
func (s *scanner) version() (Version, bool) {
	v := Version{epoch: "0"}
	number := s.number()
	if number != "" && s.accept("!") {
		v.epoch, number = number, s.number()
	}
	if number == "" {
		return Version{}, false
	}
	v.release = []string{number}
	for s.numberFollows(".") {
		v.release = append(v.release, s.number())
	}
	word, number := s.suffix("alpha", "a", "beta", "b", "preview", "pre", "rc", "c")
	v.phase, v.pre = phase(word), number
	if s.numberFollows("-") {
		v.post = s.number()
	} else {
		_, v.post = s.suffix("post", "rev", "r")
	}
	_, v.dev = s.suffix("dev")
	local, ok := s.local()
	v.local = local
	return v, ok
}

// phase returns the normal form of the word for a pre-release.
func phase(word string) string {
	switch word {
	case "alpha":
		return "a"
	case "beta":
		return "b"
	case "preview", "pre", "c":
		return "rc"
	}
	return word
}

// number reads a number, or "" if there is none.
func (s *scanner) number() string {
	return normalNumber(s.span(digits))
}

// normalNumber returns a number without leading zeros.
func normalNumber(number string) string {
	if number == "" {
		return ""
	}
	return cmp.Or(strings.TrimLeft(number, "0"), "0")
}

// numberFollows reads the prefix if a number follows it.
func (s *scanner) numberFollows(prefix string) bool {
	after, found := strings.CutPrefix(s.rest, prefix)
	if !found || strings.IndexAny(after, digits) != 0 {
		return false
	}
	s.rest = after
	return true
}

// suffix reads the first of the words that fits, with its number, 0 if none is written. Both may have a separator
// before them.
func (s *scanner) suffix(words ...string) (word, number string) {
	rest := withoutSeparator(s.rest)
	for _, word := range words {
		if after, found := strings.CutPrefix(rest, word); found {
			s.rest = withoutSeparator(after)
			return word, cmp.Or(s.number(), "0")
		}
	}
	return "", ""
}

// local reads the segments of a local version, if there is one.
func (s *scanner) local() ([]string, bool) {
	if !s.accept("+") {
		return nil, true
	}
	var segments []string
	for {
		segment := s.span(digits + "abcdefghijklmnopqrstuvwxyz")
		if segment == "" {
			return nil, false
		}
		if isNumber(segment) {
			segment = normalNumber(segment)
		}
		segments = append(segments, segment)
		rest := withoutSeparator(s.rest)
		if rest == s.rest {
			return segments, true
		}
		s.rest = rest
	}
}

// accept reads a prefix if it is there.
func (s *scanner) accept(prefix string) bool {
	rest, found := strings.CutPrefix(s.rest, prefix)
	s.rest = rest
	return found
}

// span reads as many of these characters as follow.
func (s *scanner) span(characters string) string {
	rest := strings.TrimLeft(s.rest, characters)
	taken := s.rest[:len(s.rest)-len(rest)]
	s.rest = rest
	return taken
}

// withoutSeparator returns a text without the one separator that it may begin with.
func withoutSeparator(text string) string {
	if strings.IndexAny(text, separators) == 0 {
		return text[1:]
	}
	return text
}

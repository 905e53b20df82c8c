package ansible

import "strings"

// looksLikePassword reports whether an argument's name is one that AnsibleModule
// takes for a password's: pass, passwd, pass_phrase and the like, alone or set
// off by dashes, underscores or blanks.
func looksLikePassword(name string) bool {
	name = strings.ToLower(name)
	for i := range len(name) {
		rest, found := strings.CutPrefix(name[i:], "pass")
		begins := i == 0 || i >= 2 && isSeparator(name[i-1])
		if found && begins && endsPassword(rest) {
			return true
		}
	}
	return false
}

// endsPassword reports whether rest may follow "pass": perhaps a separator,
// perhaps the second half of the word, and then nothing or something set off.
func endsPassword(rest string) bool {
	seconds := []string{"", "word", "phrase", "wrd", "wd"}
	for _, second := range seconds {
		if after, ok := strings.CutPrefix(rest, second); ok && setOff(after) {
			return true
		}
		if rest == "" || !isSeparator(rest[0]) {
			continue
		}
		if after, ok := strings.CutPrefix(rest[1:], second); ok && setOff(after) {
			return true
		}
	}
	return false
}

func setOff(rest string) bool {
	return rest == "" || len(rest) >= 2 && isSeparator(rest[0])
}

func isSeparator(c byte) bool {
	return strings.IndexByte("-_ \t\n\r\v\f", c) >= 0
}

// maskPasswords masks what AnsibleModule takes for a password before it logs a
// text: from the colon after a user's name to the @, in user:password@host with or
// without a scheme. As there, it has false positives.
func maskPasswords(text string) string {
	masked := ""     // what is done, from the end
	end := len(text) // of what is not
	for {
		at := strings.LastIndexByte(text[:end], '@')
		if at < 0 {
			return text[:end] + masked
		}
		begin, colon := passwordBefore(text[:at])
		if colon < 0 {
			return text[:end] + masked
		}
		masked = text[begin:colon+1] + maskPart + text[at:end] + masked
		end = begin
	}
}

// passwordBefore finds, in a text that an @ follows, where the URL or address
// begins and where the colon before its password is; colon is -1 without one.
func passwordBefore(text string) (begin, colon int) {
	for search := len(text); ; search = begin {
		begin = max(0, strings.LastIndex(text[:search], "://"))
		// Three bytes pass over the scheme's own colon, and are passed over
		// without a scheme too.
		if begin+3 <= len(text) {
			if i := strings.IndexByte(text[begin+3:], ':'); i >= 0 {
				return begin, begin + 3 + i
			}
		}
		if begin == 0 {
			return 0, -1
		}
	}
}

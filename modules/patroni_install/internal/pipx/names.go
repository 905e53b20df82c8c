package pipx

import (
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/charset"
)

const (
	nameChars    = charset.Alphanumeric + "._-" // of packages, extras and programs
	versionChars = charset.Alphanumeric + ".!+_"

	maxName = 100
)

// span returns how much of a text's beginning is made of these characters, and what follows it.
func span(text, chars string) (beginning, rest string) {
	rest = strings.TrimLeft(text, chars)
	return text[:len(text)-len(rest)], rest
}

// isName tells whether the packaging standards allow a text as the name of a package or an extra.
func isName(text string) bool {
	return isAppName(text) && charset.MadeOf(text[len(text)-1:], charset.Alphanumeric)
}

// isAppName tells whether a text may become the name of a link: no directory, no option, no
// hidden file.
func isAppName(text string) bool {
	return charset.MadeOf(text, nameChars) && charset.MadeOf(text[:1], charset.Alphanumeric) && len(text) <= maxName
}

// Normalise returns the one spelling of a package's or extra's name that all others compare by:
// in lower case, with one hyphen for each row of separators.
func Normalise(name string) string {
	name = strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(name))
	for strings.Contains(name, "--") {
		name = strings.ReplaceAll(name, "--", "-")
	}
	return name
}

// Distributions returns what is installed by the names of its metadata in a directory of
// packages: normalised name → version, from NAME-VERSION.dist-info and NAME-VERSION[-pyX.Y].egg-info.
func Distributions(names []string) map[string]string {
	found := map[string]string{}
	for _, name := range names {
		stem, isWheel := strings.CutSuffix(name, ".dist-info")
		stem, isEgg := strings.CutSuffix(stem, ".egg-info")
		if !isWheel && !isEgg {
			continue
		}
		name, rest, _ := strings.Cut(stem, "-")
		version, _ := span(rest, versionChars)
		named := charset.MadeOf(name, charset.Alphanumeric+"._")
		if named && version != "" && charset.MadeOf(version[:1], charset.Digits) {
			found[Normalise(name)] = version
		}
	}
	return found
}

package pipx

import (
	"regexp"
	"strings"
)

var (
	separators = regexp.MustCompile(`[-_.]+`)
	// nameForm is what the packaging standards allow as the name of a package or an extra.
	nameForm = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$`)
	// appForm is what may become the name of a link: no directory, no option, no hidden file.
	appForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	// metadataForm is NAME-VERSION, as the directories of installed packages begin.
	metadataForm = regexp.MustCompile(`^([A-Za-z0-9._]+)-([0-9][A-Za-z0-9.!+_]*)`)
)

// normalise returns the one spelling of a package's or extra's name that all others compare by.
func normalise(name string) string {
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}

// distributions returns what is installed by the names of its metadata in a directory of
// packages: normalised name → version, from NAME-VERSION.dist-info and NAME-VERSION[-pyX.Y].egg-info.
func distributions(names []string) map[string]string {
	found := map[string]string{}
	for _, name := range names {
		stem, isWheel := strings.CutSuffix(name, ".dist-info")
		stem, isEgg := strings.CutSuffix(stem, ".egg-info")
		if !isWheel && !isEgg {
			continue
		}
		if m := metadataForm.FindStringSubmatch(stem); m != nil {
			found[normalise(m[1])] = m[2]
		}
	}
	return found
}

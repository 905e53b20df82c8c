package install

import (
	"fmt"
	"path"
	"strings"
	"unicode"
)

// checkIndexes refuses what pip would take for something else than the address of one index: it divides at blanks, and
// passes over what has no scheme and is no directory. What is refused is not shown, since a password may be in it.
func (d *Desired) checkIndexes() error {
	for option, addresses := range map[string][]string{
		"index_url": {d.IndexURL}, "extra_index_urls": d.ExtraIndexURLs,
	} {
		for _, address := range addresses {
			if address != "" && !isIndex(address) {
				return fmt.Errorf("value of %s must be an address with its scheme and without blanks, such as "+
					"https://index.example/simple, or an absolute path", option)
			}
		}
	}
	return nil
}

func isIndex(address string) bool {
	if strings.ContainsFunc(address, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return false
	}
	scheme, rest, _ := strings.Cut(address, "://")
	switch strings.ToLower(scheme) {
	case "http", "https":
		return rest != "" && !strings.ContainsAny(rest[:1], "/:?#")
	case "file":
		return path.IsAbs(strings.TrimPrefix(rest, "localhost"))
	}
	return path.IsAbs(address)
}

package pkgmgr

import (
	"fmt"
	"strings"
)

// request is what a user asks for: "name", "name:arch", each with "=version" if need be.
type request struct{ name, arch, version string }

// parseRequest refuses all else, above all what apt-get would take for an option, a pattern
// ("*"), a task ("name^"), a file ("./x") or a release ("name/testing").
func parseRequest(text string) (request, error) {
	full, version, versioned := strings.Cut(text, "=")
	name, arch, qualified := strings.Cut(full, ":")
	ok := len(name) >= 2 && isAlnum(rune(name[0])) && only(name, "+-.") &&
		(!qualified || arch != "" && only(arch, "-")) &&
		(!versioned || version != "" && only(version, ".+-:~"))
	if !ok {
		return request{}, fmt.Errorf("%q is not the name of a package", text)
	}
	return request{name: name, arch: arch, version: version}, nil
}

func only(text, punctuation string) bool {
	return strings.IndexFunc(text, func(r rune) bool {
		return !isAlnum(r) && (r < 'A' || r > 'Z') && !strings.ContainsRune(punctuation, r)
	}) < 0
}

func isAlnum(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' }

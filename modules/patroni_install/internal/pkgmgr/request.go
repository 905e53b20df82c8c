package pkgmgr

import (
	"fmt"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/charset"
)

// request is what a user asks for: "name", "name:arch", each with "=version" if need be.
type request struct{ name, arch, version string }

// parseRequest refuses all else, above all what apt-get would take for an option, a pattern
// ("*"), a task ("name^"), a file ("./x") or a release ("name/testing").
func parseRequest(text string) (request, error) {
	full, version, versioned := strings.Cut(text, "=")
	name, arch, qualified := strings.Cut(full, ":")
	ok := len(name) >= 2 && charset.MadeOf(name[:1], charset.Lower+charset.Digits) &&
		charset.MadeOf(name, charset.Alphanumeric+"+-.") &&
		(!qualified || charset.MadeOf(arch, charset.Alphanumeric+"-")) &&
		(!versioned || charset.MadeOf(version, charset.Alphanumeric+".+-:~"))
	if !ok {
		return request{}, fmt.Errorf("%q is not the name of a package", text)
	}
	return request{name: name, arch: arch, version: version}, nil
}

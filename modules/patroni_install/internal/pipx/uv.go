package pipx

import (
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/pep440"
)

// oldestWithUV is the first pipx that can build venvs by uv in place of pip.
const oldestWithUV = "1.12"

// TakesUV tells whether a pipx can build by uv.
func (p Program) TakesUV() bool {
	have, err := pep440.Parse(p.Version)
	return err == nil && have.Compare(pep440.MustParse(oldestWithUV)) >= 0
}

// HasUV tells whether the system has a uv that nobody but root could replace, where a build finds it.
func HasUV(files *fsys.FS) (bool, error) {
	for dir := range strings.SplitSeq(buildPath, ":") {
		if trusted, err := isRootProgram(files, path.Join(dir, "uv")); trusted || err != nil {
			return trusted, err
		}
	}
	return false, nil
}

// PipIsConfigured tells whether pip has settings of its own, which uv does not read: in the files
// that it reads for a user with this home, or in the environment that the operator set.
func PipIsConfigured(files *fsys.FS, home string, environ []string) bool {
	for _, variable := range passed(environ) {
		if strings.HasPrefix(variable, "PIP_") {
			return true
		}
	}
	for _, name := range []string{"/etc/pip.conf", "/etc/xdg/pip/pip.conf", path.Join(home, ".config/pip/pip.conf"), path.Join(home, ".pip/pip.conf")} {
		if _, err := files.Lstat(name); err == nil {
			return true
		}
	}
	return false
}

// uv returns the settings of a build by uv, in the place of pip's.
func (b Build) uv() []string {
	env := settings{
		{"UV_CACHE_DIR", path.Join(b.Scratch, "cache", "uv")},
		{"UV_LINK_MODE", "copy"}, // a link to the cache would be a second name of the file
		{"UV_NO_PROGRESS", "1"},
		{"UV_PYTHON_DOWNLOADS", "never"},
		{"UV_SYSTEM_CERTS", "1"}, // as the distributions' pip does
		{"UV_NATIVE_TLS", "1"},   // its former name
		{"UV_CONSTRAINT", b.Constraints},
		{"SSL_CERT_FILE", b.CACert},
	}
	if b.Wheels != "" {
		// There is no variable for "no index"; without a network there is none either.
		return append(env, setting{"UV_FIND_LINKS", fileURL(b.Wheels)}, setting{"UV_OFFLINE", "1"}).env()
	}
	return append(env, setting{"UV_DEFAULT_INDEX", b.IndexURL}, setting{"UV_INDEX", strings.Join(b.ExtraIndexURLs, " ")}).env()
}

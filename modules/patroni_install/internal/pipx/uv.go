package pipx

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/charset"
	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pep440"
)

// oldestWithUV is the first pipx that can build venvs by uv in place of pip.
const oldestWithUV = "1.12"

// UV is an installer that is faster than pip, the host's own.
type UV struct{}

var _ Installer = UV{}

// Find implements [Installer].
func (UV) Find(files *fsys.FS, user *host.User) error {
	var places []string
	for dir := range strings.SplitSeq(buildPath, ":") {
		places = append(places, path.Join(dir, "uv"))
	}
	_, err := findProgram(files, user, places...)
	return err
}

// Check implements [Installer].
func (UV) Check(p Program) error {
	have, err := pep440.Parse(p.Version)
	if err == nil && have.Compare(pep440.MustParse(oldestWithUV)) >= 0 {
		return nil
	}
	return fmt.Errorf("cannot build Patroni by uv: pipx %s cannot, 1.12 or newer is needed; install one for all users "+
		"into /usr/local, or leave installer unset (in the role: patroni_installer)", p.Version)
}

// UsesPip implements [Installer]. uv takes no pip and fetches build tools by itself.
func (UV) UsesPip() bool { return false }

// Unread implements [Installer]. uv reads these, and what is in a directory above the one that it works in.
func (UV) Unread(files *fsys.FS, user *host.User) (all []Unread) {
	for _, name := range []string{"/etc/xdg/uv/uv.toml", "/etc/uv/uv.toml", path.Join(user.Home, ".config/uv/uv.toml")} {
		if _, err := files.Lstat(name); err != nil {
			continue
		}
		file := Unread{Path: name}
		if target, err := files.Resolve(name); err == nil {
			if data, err := files.ReadFile(target, maxPipFile); err == nil {
				file.Sources = uvSources(string(data))
			}
		}
		all = append(all, file)
	}
	return all
}

// keyChars are those of a key in TOML that is not quoted.
const keyChars = charset.Alphanumeric + "_-"

// uvSources names the settings in a text of TOML that tell uv where packages come from: keys, or names of tables. What
// looks like one in a value counts as well, which is rare, and lost is worse.
func uvSources(text string) (names []string) {
	known := []string{"index", "index-url", "extra-index-url", "find-links", "no-index", "offline"}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		for line != "" {
			var name string
			if name, line = span(line, keyChars); name == "" {
				line = line[1:]
				continue
			}
			after := strings.TrimLeft(line, "\"' \t")
			isKey := strings.HasPrefix(after, "=") || strings.HasPrefix(after, "]")
			if isKey && slices.Contains(known, name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// settings are uv's own for all that pip is told.
func (UV) settings(b Build) settings {
	own := settings{
		{"PIPX_DEFAULT_BACKEND", "uv"},
		{"UV_CACHE_DIR", path.Join(b.Scratch, "cache", "uv")},
		{"UV_LINK_MODE", "copy"}, // a link to the cache would be a second name of the file
		{"UV_NO_CONFIG", "1"},    // see Unread
		{"UV_NO_PROGRESS", "1"},
		{"UV_PYTHON_DOWNLOADS", "never"},
		{"UV_SYSTEM_CERTS", "1"}, // as the distributions' pip does
		{"UV_NATIVE_TLS", "1"},   // its former name
		{"UV_CONSTRAINT", b.Constraints},
		{"SSL_CERT_FILE", b.CACert},
	}
	if b.Wheels != "" {
		// There is no variable for "no index"; without a network there is none either.
		return append(own, setting{"UV_FIND_LINKS", fileURL(b.Wheels)}, setting{"UV_OFFLINE", "1"})
	}
	return append(own, setting{"UV_DEFAULT_INDEX", b.IndexURL}, setting{"UV_INDEX", strings.Join(b.ExtraIndexURLs, " ")})
}

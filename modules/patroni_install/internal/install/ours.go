package install

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/manifest"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// leadsTo tells whether an entry of a directory is a link to the installation's program app, spelt in any way.
func (v *View) leadsTo(dir string, entry fsys.Info, app string) bool {
	if entry.Type != fsys.Link || !utf8.ValidString(entry.Target) {
		return false
	}
	found := targetIn(dir, entry)
	return found == path.Join(v.programs(), app) || found == path.Join(v.realVenv(), "bin", app)
}

// realVenv is the path of the venv that is there without links, as pipx writes it into its own; "" for none.
func (v *View) realVenv() string {
	if v.Installed == nil {
		return ""
	}
	return v.Installed.RealPath
}

// startedBy tells whether commands have a program of the installation in them.
func (v *View) startedBy(commands []string) bool {
	places := []string{v.Layout.Venv() + "/"}
	if v.realVenv() != "" {
		places = append(places, v.realVenv()+"/")
	}
	for _, app := range usualApps() {
		places = append(places, path.Join(v.BinDir, app), path.Join(v.programs(), app))
	}
	return slices.ContainsFunc(places, func(place string) bool { return systemd.Mention(commands, place) })
}

// linksHere tells whether commands name a link to a program of the installation: a service may have a
// bin_dir of its own.
func (v *View) linksHere(commands []string) bool {
	for _, command := range commands {
		for _, name := range systemd.Paths(command) {
			link, err := v.files.Lstat(name)
			if err == nil && link.Type == fsys.Link && v.leadsTo(path.Dir(name), link, path.Base(link.Target)) {
				return true
			}
		}
	}
	return false
}

// masked tells whether the unit is masked by what is at its path.
func (v *View) masked() bool {
	e, found := v.At(v.Unit)
	return found && (e.Type == fsys.Link && e.Target == "/dev/null" || e.Type == fsys.File && len(e.Data) == 0)
}

// configuredToday tells whether the service that is there has its configuration in the configuration directory.
func (v *View) configuredToday() bool {
	commands := slices.Concat(systemd.Commands(v.dataAt(v.Unit)), systemd.Commands(v.dataAt(v.dropIn())))
	return systemd.Mention(commands, v.ConfigDir+"/")
}

// isOurs tells whether a text is that of a file which this program wrote.
func isOurs(text []byte) bool { return strings.HasPrefix(string(text), systemd.Header) }

// targetIn is the path that a link in a directory leads to.
func targetIn(dir string, link fsys.Info) string {
	if path.IsAbs(link.Target) {
		return path.Clean(link.Target)
	}
	return path.Join(dir, link.Target)
}

// usualApps are Patroni's entry points as of 4.1, to predict the links.
func usualApps() []string {
	return []string{
		"patroni", "patroni_aws", "patroni_barman", "patroni_raft_controller", "patroni_wale_restore", "patronictl",
	}
}

// manifestPath is where the manifest of a venv lies: a host may have several.
func (l Layout) manifestPath() string {
	sum := sha256.Sum256([]byte(l.Layout.Venv()))
	return path.Join(StateDir, "manifest."+hex.EncodeToString(sum[:8]))
}

// tree is the venv for its manifest.
func (v *View) tree() manifest.Tree { return manifest.Tree{Path: v.Layout.Venv(), Mount: v.Mount} }

// readManifest reads the manifest, if there is one.
func (v *View) readManifest() error {
	if err := v.readUpTo(v.manifestPath(), manifest.Limit); err != nil {
		return fmt.Errorf("cannot read the manifest of the installation: %w", err)
	}
	return nil
}

package install

import (
	"path"

	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// Where packages of Patroni have their things.
const (
	osPrograms  = "/usr/bin"
	osProgram   = osPrograms + "/patroni"
	osUnit      = "patroni.service"
	osConfigDir = "/etc/patroni"
)

// osUnitDirs are where a package's unit may be, the second one while the directories of / and /usr are two.
func osUnitDirs() []string { return []string{"/usr/lib/systemd/system", "/lib/systemd/system"} }

// osConfigs are the configuration files of Debian's package, which are purged with it.
func osConfigs() []string {
	return []string{osConfigDir + "/dcs.yml", osConfigDir + "/config.yml.in"}
}

// dropInName is our file among the drop-ins of a package's unit.
const dropInName = "patroni_install.conf"

// dropIn makes the package's unit the service that was asked for.
func (l Layout) dropIn() string { return path.Join(l.Unit+".d", dropInName) }

// osHold keeps what a package brings from being started. Its name comes last, so that no other drop-in overrides it.
func osHold() string {
	return path.Join(systemd.Directory, osUnit+".d", "zz-patroni_install-hold.conf")
}

// osEnabled is the link that Debian's package enables its unit with.
func osEnabled() string { return path.Join(systemd.Directory, "multi-user.target.wants", osUnit) }

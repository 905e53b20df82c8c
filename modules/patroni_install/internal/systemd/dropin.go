package systemd

import (
	"fmt"
	"strings"
)

// NeverStart is a drop-in that keeps a unit from being started: a start succeeds and does nothing.
const NeverStart = "# Written by patroni_install while it installs packages, which may not start what they bring.\n" +
	"[Unit]\nConditionPathExists=!/\n"

// DropIn returns the drop-in that makes a package's unit run this one's program, as its user and with its
// configuration. The package decides how Patroni is stopped, restarted and watched.
func (u Unit) DropIn() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, Header+
		"# It adds to the unit of the package. Settings of your own belong into another drop-in: systemctl edit %s\n",
		u.FileName())
	config := strings.ReplaceAll(u.ConfigPath, "%", "%%")
	fmt.Fprintf(&b, "\n[Unit]\nWants=network-online.target\nAfter=network-online.target etcd.service syslog.socket\n"+
		"# The package's conditions are about the configuration that it has in mind.\n"+
		"ConditionPathExists=\nConditionPathExists=%s\n", config)
	fmt.Fprintf(&b, "\n[Service]\nUser=%s\nGroup=%s\nExecStart=\nExecStart=%s %s\n",
		escapeSpecifiers(u.User), escapeSpecifiers(u.Group), executable(u.Exec), argument(u.ConfigPath))
	if u.Hardened {
		for _, d := range hardening() {
			b.WriteString(d.String())
		}
	}
	return []byte(b.String())
}

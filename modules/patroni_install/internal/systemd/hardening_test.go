package systemd

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-systemd/v22/unit"
)

// hindering are directives that take away privileges which PostgreSQL, or the operators' commands that it runs, need.
// Those of the first line forbid set-id programs, such as sudo in a callback.
var hindering = []string{
	"NoNewPrivileges", "SystemCallFilter", "SystemCallArchitectures", "RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime",
	"RestrictSUIDSGID", "LockPersonality", "MemoryDenyWriteExecute", "ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs",
	"ProtectClock", "ProtectHostname", "DynamicUser",
	"PrivateDevices", "DevicePolicy", // the watchdog
	"PrivateTmp", "ProtectHome", "PrivateUsers", "PrivateNetwork", "PrivateIPC", "RemoveIPC", // sockets, data, shared memory
	"ProcSubset",         // huge pages are counted in /proc/meminfo
	"LimitCORE", "UMask", // of the operator's
	"ReadOnlyPaths", "NoExecPaths", "InaccessiblePaths",
}

// TestHardening: off, the unit is as before; on, it has more lines, each with a reason, and none that hinders.
func TestHardening(t *testing.T) {
	hardened := patroni()
	hardened.Hardened = true
	for name, texts := range map[string][2][]byte{
		"unit": {patroni().Render(), hardened.Render()}, "drop-in": {patroni().DropIn(), hardened.DropIn()},
	} {
		before, err := unit.DeserializeOptions(bytes.NewReader(texts[0]))
		if err != nil {
			t.Fatal(err)
		}
		after, err := unit.DeserializeOptions(bytes.NewReader(texts[1]))
		if err != nil {
			t.Fatal(err)
		}
		var added []string
		for _, o := range after {
			if !slices.ContainsFunc(before, func(b *unit.UnitOption) bool { return b.Match(o) }) {
				added = append(added, o.Name)
			}
			if o.Section == "Service" && slices.Contains(hindering, o.Name) {
				t.Errorf("the %s has %s", name, o.Name)
			}
		}
		want := []string{"ProtectSystem", "ReadWritePaths", "ProtectControlGroups", "CapabilityBoundingSet", "KeyringMode"}
		if !slices.Equal(added, want) || len(after) != len(before)+len(want) {
			t.Errorf("the %s has more: %q, want %q", name, added, want)
		}
		if !strings.Contains(string(texts[1]), "# The system's programs are not for a database to write.") {
			t.Errorf("the %s has no reason", name)
		}
	}
}

package systemd

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const patroniDropIn = `# Written by patroni_install, which undoes any change made in this file.
# It adds to the unit of the package. Settings of your own belong into another drop-in: systemctl edit patroni.service

[Unit]
Wants=network-online.target
After=network-online.target etcd.service syslog.socket
# The package's conditions are about the configuration that it has in mind.
ConditionPathExists=
ConditionPathExists=/etc/patroni/patroni.yaml

[Service]
User=postgres
Group=postgres
ExecStart=
ExecStart=/var/lib/postgresql/.local/bin/patroni /etc/patroni/patroni.yaml
`

func TestDropIn(t *testing.T) {
	if diff := cmp.Diff(patroniDropIn, string(patroni().DropIn())); diff != "" {
		t.Errorf("DropIn (-want +got):\n%s", diff)
	}
	odd := patroni()
	odd.ConfigPath = "/etc/patroni 50%/a$b.yaml"
	for _, line := range []string{
		"ConditionPathExists=/etc/patroni 50%%/a$b.yaml\n", `patroni "/etc/patroni 50%%/a$$b.yaml"` + "\n",
	} {
		if text := string(odd.DropIn()); !strings.Contains(text, line) {
			t.Errorf("no line %q in:\n%s", line, text)
		}
	}
	if commands := Commands(odd.DropIn()); !Mention(commands, odd.ConfigPath) {
		t.Errorf("the configuration is not found in %q", commands)
	}
}

// TestVerifyDropIns hands a package's unit with both drop-ins to systemd's own parser, if the machine has it.
func TestVerifyDropIns(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	for _, name := range []string{"plain", "a b", "100%n", "$HOME"} {
		u := patroni()
		u.User, u.Group, u.Exec, u.ConfigPath = "root", "root", "/bin/true", "/etc/"+name
		file := filepath.Join(t.TempDir(), u.FileName())
		text := "[Unit]\nConditionPathExists=/etc/patroni/config.yml\n[Service]\nExecStart=/bin/false\n"
		writeFile(t, file, []byte(text), 0o644)
		writeFile(t, file+".d/a.conf", u.DropIn(), 0o644)
		writeFile(t, file+".d/b.conf", []byte(NeverStart), 0o644)
		out, err := exec.Command(analyze, "verify", "--man=no", file).CombinedOutput()
		if strings.Contains(string(out), u.FileName()) {
			t.Errorf("systemd-analyze (%v): %s\n%s", err, out, u.DropIn())
		}
	}
}

package systemd

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestShown: people see what a unit sets, and no value that may be a secret.
func TestShown(t *testing.T) {
	const text = `# a comment with hunter2
; and hunter2
[Unit]
Description=hunter2
After=network-online.target
[Service]
Type=notify
# known
User = dba
Environment=PGPASSWORD=hunter2
Environment=A=b \\
  PGPASSWORD=hunter2 \\
  # hunter2 \\
  C=d
SetCredential=pw:hunter2
ExecStartPre=/bin/curl --user x:hunter2
ExecStart=
ExecStart=/opt/bin/patroni /etc/p.yml
ExecStart=/usr/bin/env PGPASSWORD=hunter2 /opt/bin/patroni
ExecStart=/opt/bin/patroni /etc/p.yml \\
   --password hunter2
ExecStart=/opt/bin/patroni /x=hunter2
LimitNOFILE=500000
Nice=-5
TimeoutStopSec=10min
CPUQuota=50%
RemainAfterExit=yes
X-Pin=1234
Environment=1234hunter2
User=dba \\
hunter2
hunter2
hunter2 hunter2=1
[hunter2 x]
[X-hunter]
KillMode=process
`
	const want = `# …
# …
[Unit]
Description=…
After=network-online.target
[Service]
Type=notify
# known
User = dba
Environment=…
Environment=…
SetCredential=…
ExecStartPre=…
ExecStart=
ExecStart=/opt/bin/patroni /etc/p.yml
ExecStart=…
ExecStart=…
ExecStart=…
LimitNOFILE=500000
Nice=-5
TimeoutStopSec=10min
CPUQuota=50%
RemainAfterExit=yes
X-Pin=…
Environment=…
User=…
…
…
…
[X-hunter]
KillMode=process
`
	got := Shown(strings.ReplaceAll(text, `\\`, `\`), "x\n# known\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	ours := string(adopter().Render())
	if diff := cmp.Diff(ours, Shown(ours, ours)); diff != "" {
		t.Errorf("the same text (-want +got):\n%s", diff)
	}
}

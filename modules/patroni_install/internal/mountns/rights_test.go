package mountns

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// TestNamespaceGivesNoRights: a user inside sees everybody's mounts and the binds, and may do less than outside.
func TestNamespaceGivesNoRights(t *testing.T) {
	p := newPlace(t)
	n := p.open(t)
	cmd := func(script string) host.Command {
		c := sh(script)
		c.User = &host.User{Name: "nobody", UID: 65534, GID: 65534}
		return c
	}
	var outside []string
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		outside = append(outside, strings.Fields(line)[4])
	}
	var more []string
	for mount := range strings.FieldsSeq(stdout(t, n, cmd("cut -d ' ' -f 5 /proc/self/mountinfo"))) {
		if !slices.Contains(outside, mount) {
			more = append(more, mount)
		}
	}
	if diff := cmp.Diff([]string{p.target}, more); diff != "" {
		t.Errorf("mounts that are not outside (-want +got):\n%s", diff)
	}
	status := stdout(t, n, cmd(`grep -E '^(CapPrm|CapEff|CapAmb|NoNewPrivs):' /proc/self/status | tr -d '\t\n'`))
	zero := strings.Repeat("0", 16)
	if diff := cmp.Diff("CapPrm:"+zero+"CapEff:"+zero+"CapAmb:"+zero+"NoNewPrivs:1", status); diff != "" {
		t.Errorf("rights (-want +got):\n%s", diff)
	}
	for name, script := range map[string]string{
		"unmounts": "umount " + p.target, "mounts": "mount -t tmpfs none " + p.target, "binds": "mount --bind / " + p.target,
		"signals us": "kill -0 " + strconv.Itoa(os.Getpid()), "reads shadow": "cat /etc/shadow",
	} {
		if out, err := n.Run(t.Context(), cmd(script)); err == nil {
			t.Errorf("it %s: %s", name, out.Stdout)
		}
	}
}

// TestSetIDProgram: a program of root's that lies in what is bound gives no rights, and neither does one of the system.
func TestSetIDProgram(t *testing.T) {
	p := newPlace(t)
	program := p.source + "/id"
	for _, argv := range [][]string{{"cp", "/usr/bin/id", program}, {"chmod", "4755", program}} {
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Fatal(err, string(out))
		}
	}
	n := p.open(t)
	nobody := &host.User{UID: 65534, GID: 65534}
	c := host.Command{Argv: []string{p.target + "/id", "-u"}, Env: host.SystemEnv(), User: nobody}
	if diff := cmp.Diff("65534\n", stdout(t, n, c)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

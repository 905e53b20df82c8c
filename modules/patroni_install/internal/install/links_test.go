package install

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLinksThatStay: what an undo could not make again is not taken away.
func TestLinksThatStay(t *testing.T) {
	for _, name := range []string{"b\xfcro", strings.Repeat("x", 250)} {
		m := newMachine(t)
		m.run(`{"version": "4.0.7"}`)
		m.link(binDir+"/"+name, venv+"/bin/"+name)
		m.link(binDir+"/old_tool", venv+"/bin/old_tool")
		m.own(binDir)
		m.run(`{"version": "4.1.5"}`)
		if !m.has(binDir+"/"+name) || m.has(binDir+"/old_tool") {
			t.Errorf("%q is there: %t, an old link of another name: %t", name, m.has(binDir+"/"+name), m.has(binDir+"/old_tool"))
		}
	}
}

// TestLinkTargetOfOtherBytes: it is refused, and nothing stands in the journal that is not so.
func TestLinkTargetOfOtherBytes(t *testing.T) {
	m := newMachine(t)
	m.run(`{"version": "4.0.7"}`)
	m.remove(binDir + "/patroni")
	m.link(binDir+"/patroni", "/srv/b\xfcro/patroni")
	m.own(binDir)
	before := m.state()
	_, err := m.installer(`{"version": "4.1.5"}`).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "cannot make the link "+binDir+"/patroni") {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff(before, m.state()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

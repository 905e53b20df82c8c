package install

import (
	"strings"
	"testing"
)

// TestUnreadableMetadata: what was built and cannot be read is refused for that, and not for extras that nobody knows.
func TestUnreadableMetadata(t *testing.T) {
	m := newMachine(t)
	m.description = strings.Repeat("x", 2<<20)
	_, err := m.installer(`{}`).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "METADATA: larger than 1048576 bytes") {
		t.Errorf("metadata that is too large: %v", err)
	}
}

package install

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestImports: each extra is tried, however its name is spelled, and each module once.
func TestImports(t *testing.T) {
	got := imports([]string{"PSYCOPG2-binary", "psycopg2", "Etcd3", "systemd", "zookeeper", "exhibitor", "kubernetes"})
	want := []string{"patroni", "psycopg2", "etcd", "systemd.daemon", "kazoo"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
}

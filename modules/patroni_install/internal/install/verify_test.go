package install

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestImports: each extra is tried, however its name is spelled, and each module once.
func TestImports(t *testing.T) {
	for extra, module := range map[string]string{
		"psycopg2": "psycopg2", "psycopg2-binary": "psycopg2", "psycopg3": "psycopg", "etcd": "etcd", "etcd3": "etcd",
		"consul": "consul", "zookeeper": "kazoo", "exhibitor": "kazoo", "raft": "pysyncobj", "aws": "boto3",
		"systemd": "systemd.daemon",
	} {
		if diff := cmp.Diff([]string{"patroni", module}, imports([]string{extra})); diff != "" {
			t.Errorf("for %s (-want +got):\n%s", extra, diff)
		}
	}
	got := imports([]string{"PSYCOPG2-binary", "psycopg2", "Etcd3", "systemd", "zookeeper", "exhibitor", "kubernetes"})
	want := []string{"patroni", "psycopg2", "etcd", "systemd.daemon", "kazoo"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
}

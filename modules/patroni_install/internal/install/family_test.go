package install

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// TestFamilies: each name of os-release leads to its family, as ID and in ID_LIKE.
func TestFamilies(t *testing.T) {
	for id, want := range map[string]string{
		"debian": "Debian", "ubuntu": "Debian",
		"rhel": "RHEL", "fedora": "RHEL", "centos": "RHEL", "rocky": "RHEL", "almalinux": "RHEL", "ol": "RHEL",
	} {
		for _, release := range []host.Release{{ID: id}, {ID: "x", Like: []string{"y", id}}} {
			m := newMachine(t)
			o := &observer{host: m.installer(`{}`).Host, seen: newView(m.files, Layout{})}
			o.seen.Release = release
			if o.findFamily(); o.seen.Family.Name != want {
				t.Errorf("%+v is of the family %q, want %q", release, o.seen.Family.Name, want)
			}
		}
	}
}

// TestDrivers: what each extra of Patroni's needs of a family's packages.
func TestDrivers(t *testing.T) {
	none := []string{}
	for _, c := range []struct {
		extra       string
		debian, red []string // beside Patroni's own; nil if no package is known
	}{
		{"psycopg2", []string{"python3-psycopg2"}, none},
		{"psycopg2-binary", []string{"python3-psycopg2"}, none},
		{"psycopg3", []string{"python3-psycopg"}, nil},
		{"etcd", []string{"python3-etcd"}, []string{"patroni-etcd"}},
		{"etcd3", []string{"python3-etcd"}, []string{"patroni-etcd"}},
		{"consul", []string{"python3-consul"}, []string{"patroni-consul"}},
		{"zookeeper", []string{"python3-kazoo"}, []string{"patroni-zookeeper"}},
		{"exhibitor", []string{"python3-kazoo"}, []string{"patroni-zookeeper"}},
		{"raft", []string{"python3-pysyncobj"}, nil},
		{"aws", []string{"python3-boto3"}, []string{"patroni-aws"}},
		{"systemd", []string{"python3-systemd"}, nil},
		{"kubernetes", none, none},
	} {
		for i, drivers := range [][]string{c.debian, c.red} {
			want := desired(t, `{"method": "package", "extras": ["`+c.extra+`"]}`)
			names, _, err := packageNames(&want, &View{Family: families()[i]}, "patroni")
			if (err != nil) != (drivers == nil) {
				t.Errorf("%s, %s: %v", families()[i].Name, c.extra, err)
			}
			if diff := cmp.Diff(append([]string{"patroni"}, drivers...), names); err == nil && diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", families()[i].Name, c.extra, diff)
			}
		}
	}
}

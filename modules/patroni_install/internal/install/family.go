package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
)

// Family is what operating systems that are derived from each other have in common.
type Family struct {
	Name    string   // "" of a system that is of no known family and has no known package manager
	IDs     []string // by which os-release tells it, in ID or ID_LIKE
	Manager string   // of its packages, as step.Packages has it
	// Prerequisites are the packages that bring pipx, or pip where PipxByPip.
	Prerequisites []string
	// Patroni are the packages that have it, the preferred first, and Drivers those that its extras need; what begins
	// with a dash is added to the former's name, and "" comes along with it.
	Patroni []string
	Drivers map[string]string
	// PipxByPip tells that pipx does not come as a package, but by pip into the user's environment.
	PipxByPip bool
	// Compiler are the packages that compiling takes, beside the headers of the interpreter, whose
	// package is named after it and ends in Headers, and those of a source.
	Compiler []string
	Headers  string
	Sources  []Source
	// Install and Remove are the commands that people give.
	Install, Remove string
	// Tried are the releases that the tests install on, by ID and the beginning of VERSION_ID.
	Tried map[string][]string
}

func families() []Family {
	return []Family{
		{
			Name: "Debian", IDs: []string{"debian", "ubuntu"}, Manager: step.APT, Prerequisites: []string{"pipx"},
			Patroni: []string{"pgedge-patroni", "patroni"},
			Drivers: map[string]string{
				"psycopg2": "python3-psycopg2", "psycopg2-binary": "python3-psycopg2", "psycopg3": "python3-psycopg",
				"etcd": "python3-etcd", "etcd3": "python3-etcd", "consul": "python3-consul", "zookeeper": "python3-kazoo",
				"exhibitor": "python3-kazoo", "raft": "python3-pysyncobj", "aws": "python3-boto3", "systemd": "python3-systemd",
				"kubernetes": "",
			},
			Compiler: []string{"gcc", "libc6-dev"}, Headers: "-dev", // gcc only recommends libc6-dev
			Sources: []Source{
				{Extra: "psycopg2", Build: "libpq-dev", Run: "libpq5"},
				{Extra: "psycopg2-binary", Build: "libpq-dev"},
				{Extra: "systemd", Build: "libsystemd-dev pkg-config", Run: "libsystemd0"},
			},
			Install: "apt-get install --no-install-recommends", Remove: "apt-get remove",
			Tried: map[string][]string{"debian": {"12", "13"}},
		},
		{
			Name: "RHEL", IDs: []string{"rhel", "fedora", "centos", "rocky", "almalinux", "ol"}, Manager: step.DNF,
			Prerequisites: []string{"python3-pip"}, PipxByPip: true,
			Patroni: []string{"pgedge-patroni", "patroni"},
			Drivers: map[string]string{
				"psycopg2": "", "psycopg2-binary": "", "etcd": "-etcd", "etcd3": "-etcd", "consul": "-consul",
				"zookeeper": "-zookeeper", "exhibitor": "-zookeeper", "aws": "-aws", "kubernetes": "",
			},
			Compiler: []string{"gcc"}, Headers: "-devel",
			Sources: []Source{
				{Extra: "psycopg2", Build: "libpq-devel", Run: "libpq"},
				{Extra: "psycopg2-binary", Build: "libpq-devel"},
				{Extra: "systemd", Build: "pkgconf-pkg-config systemd-devel", Run: "systemd-libs"},
			},
			Install: "dnf install --setopt=install_weak_deps=False", Remove: "dnf remove",
			// None was tried yet: the tests run on hosts that stand in for Rocky Linux 8 and 9.
		},
	}
}

// findFamily tells which family the host is of. A system of no known one still has the package manager
// of one, where its programs are there.
func (o *observer) findFamily() {
	v := o.seen
	for _, known := range families() {
		if v.Release.Is(known.IDs...) {
			v.Family = known
			return
		}
	}
	for _, known := range families() {
		program := map[string]string{step.APT: "/usr/bin/apt-get", step.DNF: "/usr/bin/dnf"}[known.Manager]
		if v.finds(program) {
			v.Family = Family{Manager: known.Manager, Install: known.Install, Remove: known.Remove}
		}
	}
}

// packageManager is what an observation asks of a package manager; see package pkgmgr.
type packageManager interface {
	Installed(ctx context.Context, names []string) (installed []pkgmgr.Package, missing []string, err error)
	Interrupted(ours []pkgmgr.Package) ([]string, error)
	Wait(ctx context.Context) error
	Simulate(ctx context.Context, names []string) ([]pkgmgr.Package, error)
	Refresh(ctx context.Context) error
}

var (
	_ packageManager = pkgmgr.APT{}
	_ packageManager = (*pkgmgr.DNF)(nil)
)

func (o *observer) packageManager() packageManager {
	if o.seen.Family.Manager == step.DNF {
		return &pkgmgr.DNF{Host: o.host, LockTimeout: o.want.LockTimeout, Env: proxies(o.want.Environ), ReadOnly: !o.mayRefresh}
	}
	return pkgmgr.APT{Host: o.host, LockTimeout: o.want.LockTimeout, Env: proxies(o.want.Environ), ReadOnly: !o.mayRefresh}
}

// osPackages are the names under which distributions and pgEdge ship Patroni.
func osPackages() []string { return []string{"patroni", "pgedge-patroni"} }

// unknownFamily refuses to guess which packages a system has.
func unknownFamily(r host.Release) error {
	var known []string
	for _, f := range families() {
		known = append(known, f.IDs...)
	}
	return fmt.Errorf("cannot install the prerequisites on %s: its ID %q and ID_LIKE %q are of no family known here "+
		"(%s); install pipx 1.0 or newer yourself, or name the packages that bring it in prerequisites "+
		"(in the role: patroni_prerequisites)", r.Name, r.ID, strings.Join(r.Like, " "), strings.Join(known, ", "))
}

// findTools looks for what can build: a pipx, the system's, else the user's own; interpreters, and uv.
func (o *observer) findTools() error {
	v, files := o.seen, o.host.FS
	v.Python = pipx.PythonVersion(files, systemPython)
	if o.want.Python != "" {
		_, err := files.Resolve(o.want.Python)
		v.Asked.Missing, v.Asked.Version = errors.Is(err, fs.ErrNotExist), pipx.PythonVersion(files, o.want.Python)
	}
	if o.want.Installer != Pip {
		var err error
		if v.UV, err = pipx.HasUV(files); err != nil {
			return err
		}
		v.PipConfig = pipx.PipIsConfigured(files, v.User.Home, o.want.Environ)
	}
	program, err := findPipx(o.host, v.User, v.Python)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	v.Pipx = &program
	return nil
}

func findPipx(h *host.Host, user *host.User, python string) (pipx.Program, error) {
	program, err := pipx.Find(h.FS)
	if errors.Is(err, fs.ErrNotExist) {
		if own, found := pipx.FindOfUser(h.FS, systemPython, user.Home, python); found {
			return own, nil
		}
	}
	return program, err
}

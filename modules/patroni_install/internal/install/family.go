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
)

// Family is what operating systems that are derived from each other have in common.
type Family struct {
	Name    string   // "" of a system that is of no known family and has no known package manager
	IDs     []string // by which os-release tells it, in ID or ID_LIKE
	Manager string   // of its packages, as [pkgmgr.New] takes it
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
	// Program is how a host of no known family shows that it has the package manager.
	Program string
	// Policy is the file that keeps the scripts of packages from starting and stopping services without systemd, "" of a
	// family whose scripts do not try to.
	Policy string
	// Tried are the releases that the tests install on, by ID and the beginning of VERSION_ID.
	Tried map[string][]string
}

func families() []Family {
	return []Family{
		{
			Name: "Debian", IDs: []string{"debian", "ubuntu"}, Manager: pkgmgr.APT, Prerequisites: []string{"pipx"},
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
			Program: "/usr/bin/apt-get", Policy: "/usr/sbin/policy-rc.d",
			Tried: map[string][]string{"debian": {"12", "13"}},
		},
		{
			Name: "RHEL", IDs: []string{"rhel", "fedora", "centos", "rocky", "almalinux", "ol"}, Manager: pkgmgr.DNF,
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
			Program: "/usr/bin/dnf",
			// None was tried yet: the tests run on hosts that stand in for Rocky Linux 8 and 9.
		},
	}
}

// family tells which family the host is of. A system of no known one still has the package manager
// of one, where its programs are there.
func (o *observer) family(context.Context) error {
	f := o.found
	for _, known := range families() {
		if f.Release.Is(known.IDs...) {
			f.Family = known
			return nil
		}
	}
	for _, known := range families() {
		if o.exists(known.Program) {
			f.Family = Family{Manager: known.Manager, Install: known.Install, Remove: known.Remove, Policy: known.Policy}
		}
	}
	return nil
}

// packageManager is that of the host's family.
func (o *observer) packageManager() pkgmgr.Manager {
	m, err := pkgmgr.New(o.found.Family.Manager, pkgmgr.Settings{
		Host: o.host, LockTimeout: o.want.LockTimeout, Env: proxies(o.want.Environ), ReadOnly: !o.mayRefresh,
	})
	if err != nil {
		panic("internal error: " + err.Error()) // families names it
	}
	return m
}

// osPackages are the names under which distributions and pgEdge ship Patroni.
func osPackages() []string { return []string{"patroni", "pgedge-patroni"} }

// osPackage finds a Patroni of the operating system. The package database is read only where
// its program is there.
func (o *observer) osPackage(ctx context.Context) error {
	if !o.exists("/usr/bin/patroni") {
		return nil
	}
	installed, _, err := o.packageManager().Installed(ctx, osPackages())
	if err != nil {
		return fmt.Errorf("cannot tell whether Patroni came as a package: %w", err)
	}
	if len(installed) > 0 {
		o.found.OSPackage = installed[0].Name
	}
	return nil
}

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

// pipx looks for a pipx: the system's, else the user's own.
func (o *observer) pipx(context.Context) error {
	f := o.found
	f.Python = pipx.PythonVersion(o.host.FS, systemPython)
	if o.want.Python != "" {
		_, err := o.host.FS.Resolve(o.want.Python)
		f.Asked = Interpreter{Missing: errors.Is(err, fs.ErrNotExist), Version: pipx.PythonVersion(o.host.FS, o.want.Python)}
	}
	if o.want.Installer != Pip {
		var err error
		if f.UV, err = pipx.HasUV(o.host.FS); err != nil {
			return err
		}
		f.PipConfig = pipx.PipIsConfigured(o.host.FS, f.User.Home, o.want.Environ)
	}
	program, err := findPipx(o.host, f.User, f.Python)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f.Pipx = &program
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

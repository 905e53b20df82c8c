package install

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
)

// Family is what operating systems that are derived from each other have in common.
type Family struct {
	Packaging

	Name string   // "" of a system that is of no known family
	IDs  []string // what os-release calls it, in ID or ID_LIKE
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
	// Tried are the releases that the tests install on, by ID and the beginning of VERSION_ID.
	Tried map[string][]string
}

// Packaging is what a family's packages are managed by. A system of no known family may have it, too.
type Packaging struct {
	Manager string // as [pkgmgr.New] takes it, "" for none that is known
	// Install and Remove are the commands that people give.
	Install, Remove string
	// Program is how a host of no known family shows that it has the package manager.
	Program string
	// Policy is the file that keeps the scripts of packages from starting and stopping services without systemd, "" if
	// they do not try to.
	Policy string
}

func families() []Family {
	return []Family{
		{
			Name: "Debian", IDs: []string{"debian", "ubuntu"}, Prerequisites: []string{"pipx"},
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
			Packaging: Packaging{
				Manager: pkgmgr.APT, Program: "/usr/bin/apt-get", Policy: "/usr/sbin/policy-rc.d",
				Install: "apt-get install --no-install-recommends", Remove: "apt-get remove",
			},
			Tried: map[string][]string{"debian": {"12", "13"}},
		},
		{
			Name: "RHEL", IDs: []string{"rhel", "fedora", "centos", "rocky", "almalinux", "ol"},
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
			Packaging: Packaging{
				Manager: pkgmgr.DNF, Program: "/usr/bin/dnf",
				Install: "dnf install --setopt=install_weak_deps=False", Remove: "dnf remove",
			},
			// None was tried yet: the tests run on hosts that stand in for Rocky Linux 8 and 9.
		},
	}
}

// policyTools is the package that has semanage, in every family.
const policyTools = "policycoreutils-python-utils"

// defaultPrerequisites says which packages the families install.
func defaultPrerequisites() string {
	var all []string
	for _, f := range families() {
		all = append(all, "`"+strings.Join(f.Prerequisites, "`, `")+"` on the "+f.Name+" family")
	}
	return strings.Join(all, " and ")
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

// Source is what an extra takes whose Python package comes as source, beside a compiler: names of
// packages, separated by blanks.
type Source struct {
	Extra string
	Build string // those with headers and programs, for the build only
	Run   string // those with the libraries that what was built is linked with: they stay
}

// compiler names the packages that compiling takes, and those with the libraries that must stay,
// both sorted; none of a family that is not known.
func (f Family) compiler(want Desired) (build, run []string) {
	if f.Compiler == nil {
		return nil, nil
	}
	build = slices.Clone(f.Compiler)
	python := want.Python
	if python == "" {
		python = systemPython
	}
	if strings.HasPrefix(python, "/usr/bin/python3") { // any other brings its headers itself
		build = append(build, path.Base(python)+f.Headers)
	}
	for _, source := range f.Sources {
		if slices.ContainsFunc(want.Extras, func(extra string) bool { return pipx.Normalise(extra) == source.Extra }) {
			build = append(build, strings.Fields(source.Build)...)
			run = append(run, strings.Fields(source.Run)...)
		}
	}
	slices.Sort(build)
	slices.Sort(run)
	return slices.Compact(build), slices.Compact(run)
}

func unknownCompiler(r host.Release) error {
	return fmt.Errorf("cannot tell which packages a build takes on %s, which is of no family known here; install a "+
		"compiler and the headers yourself, and leave build_dependencies (in the role: patroni_build_dependencies) false",
		r.Name)
}

package install

import (
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
)

// offered is a package that can be installed, and what it needs.
type offered struct {
	pkgmgr.Package

	needs []string
}

func debianPackages() []offered {
	return []offered{
		{pkgmgr.Package{Name: "gcc", Version: "4:12.2.0-3", Arch: "amd64"}, nil},
		{pkgmgr.Package{Name: "libc6-dev", Version: "2.36-9", Arch: "amd64"}, nil},
		{pkgmgr.Package{Name: "libpq-dev", Version: "15.8-0", Arch: "amd64"}, []string{"libpq5"}},
		{pkgmgr.Package{Name: "libpq5", Version: "15.8-0", Arch: "amd64"}, nil},
		{pkgmgr.Package{Name: "patroni", Version: "3.0.2-1", Arch: "all"}, []string{"python3-psycopg2"}},
		{pkgmgr.Package{Name: "pipx", Version: "1.1.0-1", Arch: "all"}, []string{"python3-venv"}},
		{pkgmgr.Package{Name: "python3-dev", Version: "3.11.2-1+b1", Arch: "amd64"}, []string{"libc6-dev", "python3-venv"}},
		{pkgmgr.Package{Name: "python3-etcd", Version: "0.4.5-4", Arch: "all"}, nil},
		{pkgmgr.Package{Name: "python3-psycopg2", Version: "2.9.5-1+b1", Arch: "amd64"}, nil},
		{pkgmgr.Package{Name: "python3-venv", Version: "3.11.2-1+b1", Arch: "amd64"}, nil},
	}
}

// closure returns, in the order of all, the packages of these names and what they need, without
// those that are there.
func closure(all []offered, names []string, there func(pkgmgr.Package) bool) []pkgmgr.Package {
	names = slices.Clone(names)
	for i := 0; i < len(names); i++ { // which grows meanwhile
		for _, o := range all {
			if o.Name == names[i] {
				names = append(names, o.needs...)
			}
		}
	}
	var set []pkgmgr.Package
	for _, o := range all {
		if slices.Contains(names, o.Name) && !there(o.Package) {
			set = append(set, o.Package)
		}
	}
	return set
}

// What compiling takes on either family, each in a package of its own, and the library that stays.
const (
	compilerFile = "/usr/bin/gcc"
	headerFile   = "/usr/include/bits/stdio.h"
	pythonHeader = "/usr/include/python3.11/Python.h"
	libpqHeader  = "/usr/include/pgsql/libpq-fe.h"
	libpqFile    = "/usr/lib/pgsql/libpq.so.5"
)

// automatic is where apt marks the packages that came along with others.
const automatic = "/var/lib/apt/extended_states"

// forgetMarks drops the marks of packages that are gone.
func (m *machine) forgetMarks() {
	left := ""
	for line := range strings.Lines(m.read(automatic)) {
		if m.debianHas(known(strings.TrimSpace(line))) {
			left += line
		}
	}
	m.remove(automatic)
	if left != "" {
		m.write(automatic, left)
	}
}

package install

import (
	"errors"
	"io/fs"
	"os"
	"path"
)

// What a package of Patroni brings, beside its programs.
const (
	packageUnit = "/usr/lib/systemd/system/patroni.service"
	packageConf = "/etc/patroni/dcs.yml"
	dropInFile  = unitFile + ".d/" + dropInName
	etcdModule  = "/usr/lib/python3/dist-packages/etcd/__init__.py"
	pgModule    = "/usr/lib/python3/dist-packages/psycopg2/__init__.py"
)

// patroniContents are the files of the package.
func patroniContents() []string {
	return []string{"/usr/bin/patroni", "/usr/bin/patronictl", packageUnit, packageConf}
}

// packageHost is a machine on which packages may enable services.
func packageHost(m *machine) {
	m.write("/usr/lib/systemd/system/dbus.service", "[Service]\n")
	m.write("/etc/systemd/system/multi-user.target.wants/other.service", "")
}

// packageOffered is one whose package lists are there.
func packageOffered(m *machine) {
	packageHost(m)
	m.write("/var/lib/apt/lists/bookworm", "patroni")
}

// packageRHEL is one of the RHEL family. No package enables anything there.
func packageRHEL(m *machine) {
	bareRHEL(m)
	packageHost(m)
	m.write("/etc/yum.repos.d/appstream", "pgedge-patroni pgedge-patroni-etcd")
}

// emptyConfig is one where the package's configuration directory is there, and empty.
func emptyConfig(m *machine) {
	packageHost(m)
	m.dir("/etc/patroni", 0o700)
	m.own("/etc/patroni")
}

// packagedHost is one with Patroni as a package.
func packagedHost(m *machine) {
	packageOffered(m)
	m.run(`{"method": "package", ` + allComfort + `}`)
}

// configurePatroni enables and starts the service, as the package's script does. What is started runs only if no
// drop-in keeps it from that.
func (m *machine) configurePatroni() {
	if !m.has(osEnabled()) {
		m.link(osEnabled(), packageUnit)
	}
	if !m.has(osHold()) {
		m.Fatal("the package started Patroni")
	}
}

// purgePatroni removes what the package's script made, and directories that hold nothing else.
func (m *machine) purgePatroni() {
	m.remove(osEnabled())
	m.must(ignoreNotEmpty(os.Remove(m.real("/etc/patroni"))))
}

func ignoreNotEmpty(err error) error {
	if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// importPackaged is the trial of the packages' modules.
func (n *namespace) importPackaged() error {
	if n.has(rpmDatabase) {
		return nil
	}
	for _, name := range []string{etcdModule, pgModule} {
		if !n.has(name) {
			return errors.New("ModuleNotFoundError: No module named '" + path.Base(path.Dir(name)) + "'")
		}
	}
	return nil
}

// syncPackageConf makes durable what the package manager did with the package's configuration: it made it, or
// removed it, and its directory with it.
func (d *disk) syncPackageConf() {
	dir, base := path.Split(packageConf)
	dir = path.Clean(dir)
	above := d.inodes[d.key(path.Dir(dir))].names
	durable := d.inodes[above[path.Base(dir)]]
	switch {
	case d.machine.has(packageConf):
		d.sync(packageConf)
		d.sync(dir)
		above[path.Base(dir)] = d.known(dir)
	case durable == nil || durable.names[base] == "":
	case d.machine.has(dir) && d.key(dir) == above[path.Base(dir)]:
		delete(durable.names, base)
	default:
		delete(above, path.Base(dir))
	}
}

package install

import (
	"os"
	"path"
	"strings"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// place is a directory that an option names, on a machine that edit prepares.
type place struct {
	option, dir string
	edit        func(m *machine)
}

func (p place) arguments() string { return `{"` + p.option + `": "` + p.dir + `"}` }

// on returns a machine as the place needs it.
func (p place) on(t *testing.T) *machine {
	t.Helper()
	m := newMachine(t)
	for _, dir := range []string{"/etc", "/opt", "/srv", "/var/lib", "/usr/local/bin", "/usr/local/sbin",
		"/etc/profile.d"} {
		m.dir(dir, 0o755)
	}
	if p.edit != nil {
		p.edit(m)
	}
	return m
}

func usersDir(name string) func(m *machine) {
	return func(m *machine) { m.dir(name, 0o755); m.own(name) }
}

func rootsDir(name string) func(m *machine) { return func(m *machine) { m.dir(name, 0o755) } }

// TestPlacesTaken are all kinds of places that config_dir and bin_dir may be, and what is warned of.
func TestPlacesTaken(t *testing.T) {
	for name, c := range map[string]struct {
		place
		warning string
	}{
		"config in the home":                {place{"config_dir", home + "/etc/patroni", nil}, ""},
		"config, the user's already":        {place{"config_dir", "/data/patroni", usersDir("/data/patroni")}, ""},
		"config in one of the user's":       {place{"config_dir", "/data/pg/new/patroni", usersDir("/data/pg")}, ""},
		"config of its usual name":          {place{"config_dir", "/etc/patroni", rootsDir("/etc/patroni")}, ""},
		"config of a name that begins so":   {place{"config_dir", "/etc/patroni-b", nil}, ""},
		"config below such a name":          {place{"config_dir", "/etc/patroni.d/main", nil}, ""},
		"config, new in /etc":               {place{"config_dir", "/etc/pg-elsewhere", nil}, ""},
		"config, new in /opt":               {place{"config_dir", "/opt/patroni-4.1", nil}, ""},
		"config, new in /srv":               {place{"config_dir", "/srv/database", nil}, ""},
		"config, new without /srv":          {place{"config_dir", "/srv/patroni", func(m *machine) { m.remove("/srv") }}, ""},
		"config, new in /var/lib":           {place{"config_dir", "/var/lib/patroni", nil}, ""},
		"config, the user's in a bad place": {place{"config_dir", "/etc/profile.d", usersDir("/etc/profile.d")}, "config_dir is /etc/profile.d"},
		"config, the user's below /usr":     {place{"config_dir", "/usr/local/etc/p", usersDir("/usr/local/etc/p")}, "config_dir is /usr/local/etc/p"},
		"bin in the home":                   {place{"bin_dir", home + "/bin", nil}, ""},
		"bin, the user's already":           {place{"bin_dir", "/data/bin", usersDir("/data/bin")}, ""},
		"bin in a home of root's":           {place{"bin_dir", "/srv/pg/.local/bin", homeIn("/srv/pg")}, ""},
		"bin in /opt":                       {place{"bin_dir", "/opt/patroni/bin", nil}, ""},
		"bin in /opt, root's already":       {place{"bin_dir", "/opt/patroni/bin", rootsDir("/opt/patroni/bin")}, ""},
		"bin in /srv":                       {place{"bin_dir", "/srv/patroni/bin", nil}, ""},
		"config behind a link to the user's": {place{"config_dir", "/data/patroni", func(m *machine) {
			usersDir("/srv/pg")(m)
			m.link("/data", "/srv/pg")
		}}, ""},
		"config in /srv on another disk": {place{"config_dir", "/srv/patroni", func(m *machine) { moveTo("/srv", "/disk/srv")(m) }}, ""},
		"config below a link of its name": {place{"config_dir", "/etc/patroni/main", func(m *machine) {
			usersDir("/srv/conf")(m)
			m.link("/etc/patroni", "/srv/conf")
		}}, ""},
		"bin in /opt on another disk": {place{"bin_dir", "/opt/patroni/bin", func(m *machine) { moveTo("/opt", "/disk/opt")(m) }}, ""},
		"bin that is a link to another": {place{"bin_dir", "/data/bin", func(m *machine) {
			rootsDir("/opt/patroni/bin")(m)
			m.link("/data/bin", "/opt/patroni/bin")
		}}, ""},
		"bin on root's PATH by a link": {place{"bin_dir", "/opt/x/bin", func(m *machine) {
			m.link("/opt/x", "/usr/local")
		}}, "bin_dir is /opt/x/bin, and from there root may execute"},
		"bin on root's PATH": {place{"bin_dir", "/usr/local/bin", nil}, "bin_dir is /usr/local/bin, and from there root may execute"},
	} {
		t.Run(name, func(t *testing.T) {
			m := c.on(t)
			first, again := m.run(c.arguments()), m.run(c.arguments())
			if again.Changed() {
				t.Errorf("a second run changes %q", visible(again))
			}
			for _, report := range []*Report{first, again} {
				warnings := strings.Join(report.Warnings, "\n")
				if c.warning == "" && warnings != "" || !strings.Contains(warnings, c.warning) {
					t.Errorf("warnings %q, want %q", warnings, c.warning)
				}
			}
		})
	}
}

// homeIn gives the user a home that is root's.
func homeIn(dir string) func(m *machine) {
	return func(m *machine) {
		m.dir(dir, 0o755)
		m.write("/etc/passwd", strings.ReplaceAll(m.read("/etc/passwd"), home, dir))
	}
}

// TestPlacesRefused: by any of these the user could become root, or nobody could start the service.
func TestPlacesRefused(t *testing.T) {
	const allowed = "/etc/patroni or a name that begins so, a new directory in /srv, or one in /etc, /opt or /var/lib " +
		"whose name begins"
	for name, c := range map[string]struct {
		place
		why string
	}{
		"drop-ins of the unit":      {place{"config_dir", "/etc/systemd/system/patroni.service.d", nil}, allowed},
		"root's profile":            {place{"config_dir", "/etc/profile.d", nil}, allowed},
		"root's Ansible, not there": {place{"config_dir", "/etc/ansible", nil}, allowed},
		"a product, not there":      {place{"config_dir", "/opt/puppetlabs", nil}, allowed},
		"a program's, not there":    {place{"config_dir", "/var/lib/cloud", nil}, allowed},
		"pg's whole, not there":     {place{"config_dir", "/etc/pg.d", nil}, allowed},
		"the same, not there yet":   {place{"config_dir", "/etc/cron.daily", nil}, allowed},
		"a package's":               {place{"config_dir", "/etc/needrestart/conf.d", nil}, allowed},
		"a package's, empty":        {place{"config_dir", "/etc/needrestart", rootsDir("/etc/needrestart")}, allowed},
		"the data's":                {place{"config_dir", "/etc/postgresql", rootsDir("/etc/postgresql")}, allowed},
		"one that holds something":  {place{"config_dir", "/etc/cron.daily", rootsDir("/etc/cron.daily/apt-compat")}, allowed},
		"root's own":                {place{"config_dir", "/root/patroni", nil}, allowed},
		"everybody's":               {place{"config_dir", "/tmp/patroni", nil}, allowed},
		"the programs'":             {place{"config_dir", "/usr/local/etc/patroni", nil}, allowed},
		"root's in /opt":            {place{"config_dir", "/opt/product", rootsDir("/opt/product")}, allowed},
		"below root's in /opt":      {place{"config_dir", "/opt/product/etc", rootsDir("/opt/product")}, allowed},
		"/opt itself":               {place{"config_dir", "/opt", nil}, allowed},
		"root's in a directory of the user's": {place{"config_dir", "/data/etc/x", func(m *machine) {
			m.dir("/data/etc", 0o755)
			m.must(os.Lchown(m.real("/data"), m.uid, m.gid))
		}}, allowed},
		"root's jobs, by a link": {place{"config_dir", "/etc/patroni.z/x", func(m *machine) {
			rootsDir("/etc/cron.daily")(m)
			m.link("/etc/patroni.z", "/etc/cron.daily")
		}}, "which leads to /etc/cron.daily/x"},
		"root's jobs, by two links": {place{"config_dir", "/srv/patroni", func(m *machine) {
			rootsDir("/etc/cron.daily")(m)
			m.link("/etc/z", "cron.daily")
			m.remove("/srv")
			m.link("/srv", "/etc/z")
		}}, allowed},
		"root's, by a link in /opt": {place{"config_dir", "/opt/z/patroni", func(m *machine) { m.link("/opt/z", "/usr/lib") }}, "which leads to /usr/lib/patroni"},
		"root's, for all of /opt": {place{"config_dir", "/opt/patroni", func(m *machine) {
			m.remove("/opt")
			m.link("/opt", "/usr/lib")
		}}, "which leads to /usr/lib/patroni"},
		"the programs, by a link": {place{"bin_dir", "/opt/x/bin", func(m *machine) {
			m.dir("/usr/bin", 0o755)
			m.link("/opt/x", "/usr")
		}}, "which leads to /usr/bin"},
		"the programs, by a link of their name": {place{"bin_dir", "/srv/x/bin", func(m *machine) {
			m.dir("/srv/x", 0o755)
			m.link("/srv/x/bin", "/usr/local/sbin")
		}}, "which leads to /usr/local/sbin"},
		"root's PATH":                      {place{"bin_dir", "/usr/local/sbin", nil}, "/opt/NAME/bin"},
		"the shell's profiles":             {place{"bin_dir", "/etc/profile.d", nil}, "/opt/NAME/bin"},
		"cron's":                           {place{"bin_dir", "/etc/cron.daily", nil}, "/opt/NAME/bin"},
		"root's own programs":              {place{"bin_dir", "/root/bin", nil}, "/opt/NAME/bin"},
		"a library":                        {place{"bin_dir", "/usr/lib/patroni", nil}, "/opt/NAME/bin"},
		"not so deep":                      {place{"bin_dir", "/opt/bin", nil}, "/opt/NAME/bin"},
		"deeper":                           {place{"bin_dir", "/opt/a/b/bin", nil}, "/opt/NAME/bin"},
		"root's PATH, in a home of root's": {place{"bin_dir", "/usr/local/sbin", homeIn("/usr/local")}, "/opt/NAME/bin"},
		"root's, in a home of root's":      {place{"config_dir", "/etc/cron.daily", homeIn("/etc")}, allowed},
		"bin behind a closed door": {place{"bin_dir", "/opt/patroni/bin", func(m *machine) { m.dir("/opt/patroni", 0o700) }},
			"postgres cannot enter /opt/patroni (0700 0:0)"},
		"bin is the closed door": {place{"bin_dir", "/opt/patroni/bin", func(m *machine) { m.dir("/opt/patroni/bin", 0o744) }},
			"postgres cannot enter /opt/patroni/bin (0744 0:0)"},
		"pipx behind a closed door": {place{"pipx_home", "/root/pipx", func(m *machine) { m.dir("/root", 0o700) }},
			"postgres cannot enter /root (0700 0:0)"},
		"pipx behind a closed door, by a link": {place{"pipx_home", "/opt/x/pipx", func(m *machine) {
			m.dir("/root", 0o700)
			m.link("/opt/x", "/root")
		}}, "postgres cannot enter /root (0700 0:0)"},
		"config behind a closed door": {place{"config_dir", "/root/patroni", func(m *machine) {
			usersDir("/root/patroni")(m)
			m.dir("/root", 0o700)
		}}, "postgres cannot enter /root (0700 0:0)"},
	} {
		t.Run(name, func(t *testing.T) {
			m := c.on(t)
			m.refuses(c.arguments(), "cannot use "+c.option+" "+c.dir, c.why, "patroni_"+c.option)
		})
	}
}

// TestPlacesBehindLinks: what is refused of directories that links lead to, and what is advised.
func TestPlacesBehindLinks(t *testing.T) {
	for name, c := range map[string]struct {
		place
		want []string
	}{
		"one that leads nowhere": {
			place{"config_dir", "/etc/patroni.z/x", func(m *machine) { m.link("/etc/patroni.z", "/etc/cron.new") }},
			[]string{"cannot use /etc/patroni.z: it is a link to /etc/cron.new, and nothing is there"},
		},
		"the home": {place{"config_dir", "/etc/patroni/" + path.Base(home), func(m *machine) {
			m.link("/etc/patroni", path.Dir(home))
		}}, []string{"must be a directory of its own", home}},
		"the user's link": {
			place{"config_dir", home + "/link/patroni", func(m *machine) { m.link(home+"/link", "/srv") }},
			[]string{"set config_dir (in the role: patroni_config_dir) to real directories"},
		},
		"the user's link, behind root's": {
			place{"bin_dir", "/opt/x/bin", func(m *machine) {
				m.link("/opt/x", home+"/link")
				m.link(home+"/link", "/srv")
			}},
			[]string{"set bin_dir (in the role: patroni_bin_dir) to real directories"},
		},
		"the user's link, for pipx": {
			place{"pipx_home", home + "/link/pipx", func(m *machine) { m.link(home+"/link", "/srv") }},
			[]string{"set pipx_home (in the role: patroni_pipx_home) to real directories"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := c.on(t)
			m.refuses(c.arguments(), c.want...)
		})
	}
}

// moveTo moves a directory, and leaves a link.
func moveTo(from, to string) func(m *machine) {
	return func(m *machine) {
		m.dir(path.Dir(to), 0o755)
		m.must(os.Rename(m.real(from), m.real(to)))
		m.link(from, to)
	}
}

// TestClosedDoorMayOpen: a mode that lets anybody in beside the owner may let the user in, by a list of access rights
// or a group, and is not refused.
func TestClosedDoorMayOpen(t *testing.T) {
	m := place{"bin_dir", "/opt/patroni/bin", func(m *machine) { m.dir("/opt/patroni", 0o710) }}.on(t)
	if _, err := m.installer(`{"bin_dir": "/opt/patroni/bin"}`).Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestPlacesOfToday: what an installation has in another place stays there, with a warning in each run.
func TestPlacesOfToday(t *testing.T) {
	for name, c := range map[string]struct {
		place
		move func(m *machine) // makes a default installation one that is there
	}{
		"links on root's PATH": {place{"bin_dir", "/usr/local/sbin", nil}, func(m *machine) {
			m.link("/usr/local/sbin/patroni", venv+"/bin/patroni")
			m.link("/usr/local/sbin/patronictl", venv+"/bin/patronictl")
		}},
		"a configuration in /etc": {place{"config_dir", "/etc/needrestart/conf.d", nil}, func(m *machine) {
			m.dir("/etc/needrestart/conf.d", 0o755)
			m.write(unitFile, strings.ReplaceAll(m.read(unitFile), "/etc/patroni/", "/etc/needrestart/conf.d/"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m := c.on(t)
			m.run(`{}`)
			c.move(m)
			for _, report := range []*Report{m.run(c.arguments()), m.run(c.arguments())} {
				if len(report.Warnings) != 1 || !strings.Contains(report.Warnings[0], c.option+" is "+c.dir) {
					t.Errorf("warnings %q", report.Warnings)
				}
			}
			if m.run(c.arguments()).Changed() {
				t.Error("a further run changes something")
			}
		})
	}
}

// TestPlacesInsideOneAnother: directories that are so by links are refused, unless they are in use.
func TestPlacesInsideOneAnother(t *testing.T) {
	for name, c := range map[string]struct {
		place
		move func(m *machine) // makes a default installation one that uses the place
	}{
		"config": {place{"config_dir", "/etc/patroni.x/conf", func(m *machine) { m.link("/etc/patroni.x", pipxHome) }},
			func(m *machine) {
				m.write(unitFile, strings.ReplaceAll(m.read(unitFile), "/etc/patroni/", "/etc/patroni.x/conf/"))
			}},
		"links": {place{"bin_dir", "/opt/x/bin", func(m *machine) { m.link("/opt/x", pipxHome) }}, func(m *machine) {
			m.link(pipxHome+"/bin/patroni", venv+"/bin/patroni")
			m.link(pipxHome+"/bin/patronictl", venv+"/bin/patronictl")
			m.own(pipxHome + "/bin")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m := c.on(t)
			m.run(`{}`)
			m.refuses(c.arguments(), "cannot use the directories that links lead to", "lies inside pipx_home")
			c.move(m)
			m.run(c.arguments())
		})
	}
}

// TestAbsentKeepsOthersDirectories: a directory that is named by mistake does not go because it is empty.
func TestAbsentKeepsOthersDirectories(t *testing.T) {
	for name, c := range map[string]struct {
		dir  string
		edit func(m *machine)
		goes bool
	}{
		"root's": {"/srv/data", rootsDir("/srv/data"), false},
		"root's, with no user": {"/srv/data", func(m *machine) {
			rootsDir("/srv/data")(m)
			m.write("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
		}, false},
		"the user's":            {"/srv/data", usersDir("/srv/data"), true},
		"Patroni's by its name": {"/etc/patroni-b", rootsDir("/etc/patroni-b"), true},
		"Patroni's, says the unit": {"/srv/data", func(m *machine) {
			usersDir("/srv/data")(m)
			m.run(`{"config_dir": "/srv/data"}`)
			m.must(os.Lchown(m.real("/srv/data"), 0, 0))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			c.edit(m)
			m.run(`{"state": "absent", "config_dir": "` + c.dir + `"}`)
			if info, err := m.files.Lstat(c.dir); (err != nil) != c.goes || err == nil && info.Type != fsys.Directory {
				t.Errorf("there: %v, %v", info, err)
			}
		})
	}
}

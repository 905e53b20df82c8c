package install

import (
	"strings"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
)

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		arguments string
		edit      func(o *sketch)
		want      []string // parts of the message
	}{
		"foreign file": {
			`{}`, func(o *sketch) { o.bin("patroni", fsys.Info{Type: fsys.File}) },
			[]string{binDir + "/patroni", "a file", "bin_dir"},
		},
		"foreign directory": {
			`{}`, func(o *sketch) { o.bin("patronictl", fsys.Info{Type: fsys.Directory}) },
			[]string{binDir + "/patronictl", "a directory", "bin_dir"},
		},
		"foreign link": {
			`{}`, func(o *sketch) { o.bin("patroni", linkTo("/usr/bin/patroni")) },
			[]string{binDir + "/patroni", "a link to /usr/bin/patroni", "patroni_bin_dir"},
		},
		"foreign file before a build": {
			`{"version": "4.1.5"}`, func(o *sketch) { o.bin("patroni", fsys.Info{Type: fsys.File}) },
			[]string{binDir + "/patroni"},
		},
		"masked by a link": {
			`{}`, func(o *sketch) { o.link(unitFile, "/dev/null") },
			[]string{"patroni.service", "masked", "systemctl unmask patroni.service", "service_name"},
		},
		"masked by an empty file": {`{}`, func(o *sketch) { o.file(unitFile, "", fsys.Attr{}) }, []string{"masked"}},
		"masked at run time":      {`{}`, func(o *sketch) { o.Service.LoadState = "masked" }, []string{"masked"}},
		"unit is a link": {
			`{}`, func(o *sketch) { o.link(unitFile, "/srv/patroni.service") },
			[]string{unitFile, "a link to /srv/patroni.service", "service_name"},
		},
		"unit is a directory": {`{}`, func(o *sketch) { o.dir(unitFile, roots) }, []string{unitFile, "a directory"}},
		"config_dir is a file": {
			`{}`, func(o *sketch) { o.file("/etc/patroni", "", fsys.Attr{}) },
			[]string{"/etc/patroni", "a file", "patroni_config_dir"},
		},
		"config_dir is a link": {`{}`, func(o *sketch) { o.link("/etc/patroni", "/srv/p"); o.dir("/srv/p", users) }, []string{"/etc/patroni", "a link"}},
		"shared libraries are a link": {
			`{}`, func(o *sketch) { o.Installed = nil; o.link(home+"/.local/share/pipx/shared", "/etc") },
			[]string{home + "/.local/share/pipx/shared", "a link to /etc", "move it away"},
		},
		"shared libraries are a file": {
			`{"version": "9"}`, func(o *sketch) { o.file(home+"/.local/share/pipx/shared", "", fsys.Attr{}) },
			[]string{home + "/.local/share/pipx/shared", "a file"},
		},
		"venvs on another file system": {
			`{}`, func(o *sketch) {
				o.Installed = nil
				e := o.Entries[pipxHome+"/venvs"]
				e.Dev = 7
				o.Entries[pipxHome+"/venvs"] = e
			},
			[]string{pipxHome + "/venvs is on another file system than pipx's home, " + pipxHome, "pipx_home"},
		},
		"home without programs": {
			`{"version": "9"}`, func(o *sketch) { o.mountWithoutPrograms(home) },
			[]string{"cannot build Patroni in " + pipxHome, pipxHome + " is mounted with noexec", "patroni_pipx_home"},
		},
		"home without programs, for a new pipx_home": {
			`{"pipx_home": "` + home + `/new/pipx"}`, func(o *sketch) { o.Installed = nil; o.mountWithoutPrograms(home) },
			[]string{"cannot build Patroni in " + home + "/new/pipx: " + home + " is mounted with noexec"},
		},
		"a colon in the path": {
			`{"pipx_home": "` + home + `/a:b"}`, func(o *sketch) { o.Installed = nil },
			[]string{"cannot build Patroni in " + home + "/a:b: Python makes no virtual environment", "patroni_pipx_home"},
		},
		"a dollar in the path": {
			`{"pipx_home": "` + home + `/a$b"}`, func(o *sketch) { o.Installed = nil },
			[]string{"cannot build Patroni in " + home + "/a$b: setuptools takes $ and braces", "patroni_pipx_home"},
		},
		"a brace in the path": {
			`{"pipx_home": "` + home + `/a{"}`, func(o *sketch) { o.Installed = nil }, []string{"setuptools takes"},
		},
		"profile is a link": {
			`{}`, func(o *sketch) { o.link(home+"/.bashrc", "dotfiles/bashrc") },
			[]string{home + "/.bashrc", "a link", "manage_path", binDir},
		},
		"OS package": {
			`{}`, func(o *sketch) { o.OSPackage = "pgedge-patroni" },
			[]string{"package pgedge-patroni", "apt-get remove pgedge-patroni"},
		},
		"unknown extra":      {`{"extras": ["kafka"]}`, func(*sketch) {}, []string{"no extra \"kafka\"", "etcd, psycopg2, psycopg2-binary"}},
		"unit of a bad name": {`{"service_name": "a@b@c"}`, func(o *sketch) {}, []string{"a@b@c"}},
		"no pipx": {
			`{"prerequisites": []}`, func(o *sketch) { o.Installed, o.Pipx = nil, nil },
			[]string{"no pipx", "prerequisites", "apt-get install --no-install-recommends pipx"},
		},
		"old pipx": {
			`{}`, func(o *sketch) { o.Installed, o.Pipx.Version = nil, "0.12.0" }, []string{"pipx 0.12.0", "too old"},
		},
		"old pipx offered": {`{}`, func(o *sketch) {
			o.Installed, o.Pipx = nil, nil
			o.Packages = Packages{Missing: []string{"pipx"}, Add: []pkgmgr.Package{{Name: "pipx", Version: "0.12.3.1-3"}}}
		}, []string{"pipx 0.12.3.1", "too old"}},
		"absent: active": {`{"state": "absent"}`, func(o *sketch) { o.Service.ActiveState, o.Service.UnitFileState = "active", "disabled" },
			[]string{"patroni.service is active", "systemctl stop patroni.service", "systemctl disable patroni.service"}},
		"absent: enabled": {`{"state": "absent"}`, func(o *sketch) { o.Service.ActiveState, o.Service.UnitFileState = "inactive", "enabled" },
			[]string{"inactive and enabled", "systemctl stop patroni.service", "systemctl disable patroni.service"}},
		"absent: enabled until the next start": {
			`{"state": "absent"}`, func(o *sketch) { o.Service.UnitFileState = "enabled-runtime" },
			[]string{"enabled-runtime"},
		},
		"absent: starting": {
			`{"state": "absent"}`, func(o *sketch) { o.Service.ActiveState = "activating" }, []string{"activating"},
		},
		"absent: unit is a link": {`{"state": "absent"}`, func(o *sketch) { o.link(unitFile, "/srv/u") }, []string{unitFile}},
	} {
		t.Run(name, func(t *testing.T) {
			o := healthy(t, c.arguments)
			c.edit(o)
			expectRefusal(t, c.arguments, o, c.want)
		})
	}
}

// expectRefusal plans, which must be refused by a message with these parts.
func expectRefusal(t *testing.T, arguments string, o *sketch, parts []string) {
	t.Helper()
	_, err := planFor(t, desired(t, arguments), o)
	if err == nil {
		t.Fatal("not refused")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("message %q lacks %q", err, part)
		}
	}
}

// mountWithoutPrograms mounts a directory, with all that is in it, so that no program can be started there.
func (o *sketch) mountWithoutPrograms(dir string) {
	for name, e := range o.Entries {
		if below(name, dir) {
			e.Dev = noExecDevice
			o.Entries[name] = e
		}
	}
}

// TestInstalledWithoutPrograms: what is installed is not refused for a place in which nothing could be built.
func TestInstalledWithoutPrograms(t *testing.T) {
	o := healthy(t, `{}`)
	o.mountWithoutPrograms(home)
	if _, err := planFor(t, desired(t, `{}`), o); err != nil {
		t.Errorf("nothing is built, and it is refused: %v", err)
	}
}

package install

import (
	"path"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// TestPlanBinDirElsewhere: outside of the home, directories and links are root's.
func TestPlanBinDirElsewhere(t *testing.T) {
	arguments := `{"bin_dir": "/opt/patroni/bin", "manage_path": false}`
	o := healthy(t, arguments)
	o.noBin()
	delete(o.Entries, "/opt/patroni/bin")
	o.file(unitFile, string(o.unit(desired(t, arguments)).Render()), fsys.Attr{Mode: 0o644})
	rootLink := func(app string) txn.Step {
		return &step.Symlink{Path: "/opt/patroni/bin/" + app, After: &step.LinkState{Target: venv + "/bin/" + app}}
	}
	comparePlans(t, parts{Switch: []txn.Step{
		makeDir("/opt/patroni", roots), makeDir("/opt/patroni/bin", roots), rootLink("patroni"), rootLink("patronictl"),
	}}, mustPlan(t, arguments, o, Outcome{}))
}

func TestPlanOldHome(t *testing.T) {
	for name, c := range map[string]struct {
		arguments, version string
		there, want        bool
	}{
		"1.0":          {`{}`, "1.0", false, true},
		"1.1.0":        {`{}`, "1.1.0", false, true},
		"1.2.1":        {`{}`, "1.2.1", false, true},
		"1.3.0":        {`{}`, "1.3.0", false, false},
		"1.10.0":       {`{}`, "1.10.0", false, false},
		"unknown":      {`{}`, "", false, false},
		"something is": {`{}`, "1.1.0", true, false},
		"another home": {`{"pipx_home": "/srv/pipx"}`, "1.1.0", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := bare(t, c.arguments)
			if c.there {
				o.dir(oldPipx, users)
			}
			out := built()
			out.PipxVersion = c.version
			made := false
			for _, s := range mustPlan(t, c.arguments, o, out).Switch {
				made = made || cmp.Equal(s, makeLink(oldPipx, "share/pipx"))
			}
			if made != c.want {
				t.Errorf("link made: %t, want %t", made, c.want)
			}
		})
	}
}

func TestPlanUnit(t *testing.T) {
	d := desired(t, `{}`)
	right := newUnit(healthy(t, `{}`), d)
	edited := &step.FileState{Data: []byte(editedUnit), Attr: fsys.Attr{Mode: 0o644}}
	writable := &step.FileState{Data: right.After.Data, Attr: fsys.Attr{Mode: 0o666, UID: 26, GID: 27}}
	for name, before := range map[string]*step.FileState{"edited": edited, "the user's": writable, "missing": nil} {
		t.Run(name, func(t *testing.T) {
			o := healthy(t, `{}`)
			delete(o.Entries, unitFile)
			if before != nil {
				o.file(unitFile, string(before.Data), before.Attr)
			}
			want := *right
			if before != nil {
				want.Before, want.Masked = before, step.MaskBefore
			}
			comparePlans(t, parts{Switch: []txn.Step{&want}}, mustPlan(t, `{}`, o, Outcome{}))
		})
	}
	t.Run("not read by systemd", func(t *testing.T) {
		o := healthy(t, `{}`)
		o.Service.LoadState = "not-found"
		comparePlans(t, parts{Reload: true}, mustPlan(t, `{}`, o, Outcome{}))
	})
}

// TestPlanHardening: the option changes the unit, there and back, and nothing else.
func TestPlanHardening(t *testing.T) {
	plain, hard := newUnit(healthy(t, `{}`), desired(t, `{}`)),
		newUnit(healthy(t, `{}`), desired(t, `{"hardening": true}`))
	for arguments, change := range map[string][2]*step.File{`{"hardening": true}`: {plain, hard},
		`{"hardening": false}`: {hard, plain}} {
		o := healthy(t, `{}`)
		o.file(unitFile, string(change[0].After.Data), change[0].After.Attr)
		want := *change[1]
		want.Before, want.Masked = change[0].After, step.MaskBefore
		comparePlans(t, parts{Switch: []txn.Step{&want}}, mustPlan(t, arguments, o, Outcome{}))
	}
}

func TestPlanConfigDir(t *testing.T) {
	open := fsys.Attr{Mode: 0o755, UID: 26, GID: 27}
	for name, c := range map[string]struct {
		arguments string
		edit      func(o *sketch)
		want      []txn.Step
	}{
		"open to others": {`{}`, func(o *sketch) { o.dir("/etc/patroni", open) }, []txn.Step{configDirStep("/etc/patroni", &open)}},
		"root's":         {`{}`, func(o *sketch) { o.dir("/etc/patroni", roots) }, []txn.Step{configDirStep("/etc/patroni", &roots)}},
		"missing":        {`{}`, func(o *sketch) { delete(o.Entries, "/etc/patroni") }, []txn.Step{configDirStep("/etc/patroni", nil)}},
		"missing parents": {`{"config_dir": "/opt/a/b"}`, func(o *sketch) { delete(o.Entries, "/opt/a/b") },
			[]txn.Step{makeDir("/opt/a", roots), configDirStep("/opt/a/b", nil)}},
		"in the home": {`{"config_dir": "` + home + `/etc/patroni"}`, func(o *sketch) { delete(o.Entries, home+"/etc/patroni") },
			[]txn.Step{makeDir(home+"/etc", users), configDirStep(home+"/etc/patroni", nil)}},
	} {
		t.Run(name, func(t *testing.T) {
			o := healthy(t, c.arguments)
			c.edit(o)
			comparePlans(t, parts{Switch: c.want}, mustPlan(t, c.arguments, o, Outcome{}))
		})
	}
}

// names are the paths that the profile steps are about.
func names(steps []txn.Step) (found []string) {
	for _, s := range steps {
		if about := s.Describe(); about.Name == "shell profile" {
			found = append(found, about.Action+" "+path.Base(about.Path))
		}
	}
	return found
}

func TestPlanProfiles(t *testing.T) {
	const managed, unmanaged = `{}`, `{"manage_path": false}`
	for name, c := range map[string]struct {
		arguments, shell string
		files            map[string]string
		want             []string
	}{
		"none": {managed, "/bin/bash", nil, []string{"create .bash_profile", "create .bashrc"}},
		".profile only": {
			managed, "/bin/bash", map[string]string{".profile": "umask 027\n"},
			[]string{"change .profile", "create .bashrc"},
		},
		"both": {
			managed, "/bin/bash", map[string]string{".profile": "a\n", ".bash_profile": "b\n", ".bashrc": "c\n"},
			[]string{"change .bash_profile", "change .bashrc"},
		},
		".bash_login": {
			managed, "/bin/bash", map[string]string{".profile": "a\n", ".bash_login": "b\n", ".bashrc": "c\n"},
			[]string{"change .bash_login", "change .bashrc"},
		},
		"another shell": {managed, "/bin/sh", map[string]string{".bash_profile": "b\n"}, []string{"create .profile"}},
		"zsh":           {managed, "/usr/bin/zsh", nil, []string{"create .zprofile", "create .zshrc"}},
		"fish":          {managed, "/usr/bin/fish", nil, []string{"create patroni_install.fish"}},
		"unknown shell": {managed, "/bin/tcsh", map[string]string{".profile": "b\n"}, nil},
		"no shell":      {managed, "/usr/sbin/nologin", nil, []string{"create .profile"}},
		"already on the PATH": {
			managed, "/bin/bash",
			map[string]string{".profile": "PATH=$HOME/.local/bin:$PATH\n", ".bashrc": "PATH=$PATH:" + binDir + "\n"}, nil,
		},
		"unmanaged":            {unmanaged, "/bin/bash", nil, nil},
		"on every PATH anyway": {`{"bin_dir": "/usr/local/bin"}`, "/bin/bash", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := bare(t, c.arguments)
			o.User.Shell = c.shell
			for name, text := range c.files {
				o.file(home+"/"+name, text, fsys.Attr{Mode: 0o640, UID: 26, GID: 27})
			}
			change := mustPlan(t, c.arguments, o, built()).Switch
			if diff := cmp.Diff(c.want, names(change)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, s := range change {
				if f, ok := s.(*step.File); ok && f.Before != nil && f.Before.Attr != f.After.Attr {
					t.Errorf("%s: attributes %v become %v", f.Path, f.Before.Attr, f.After.Attr)
				}
			}
		})
	}
}

// TestLinksOfAResolvedHome: pipx writes paths without links into its own links.
func TestLinksOfAResolvedHome(t *testing.T) {
	o := healthy(t, `{}`)
	o.Installed.RealPath = "/data/pgsql/.local/share/pipx/venvs/patroni"
	for _, name := range o.Installed.Apps {
		o.file(o.Installed.RealPath+"/bin/"+name, "", users)
		o.bin(name, linkTo(o.Installed.RealPath+"/bin/"+name))
	}
	p, err := planFor(t, desired(t, `{}`), o)
	if err != nil {
		t.Fatal(err)
	}
	if change, err := p.Switch(Outcome{}); err != nil || p.Why != "" || len(change) > 0 {
		t.Errorf("something is to be done: %q, %v, %v", p.Why, change, err)
	}
}

// TestCommonParents: a directory above two others is made once.
func TestCommonParents(t *testing.T) {
	arguments := `{"bin_dir": "` + home + `/patroni/bin", "config_dir": "` + home + `/patroni/etc"}`
	o := bare(t, arguments)
	p, err := planFor(t, desired(t, arguments), o)
	if err != nil {
		t.Fatal(err)
	}
	change, err := p.Switch(Outcome{})
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]int{}
	for _, s := range append(p.Stage, change...) {
		if d, ok := s.(*step.Directory); ok {
			made[d.Path]++
		}
	}
	for _, dir := range []string{home + "/patroni", home + "/patroni/bin", home + "/patroni/etc"} {
		if made[dir] != 1 {
			t.Errorf("%s is made %d times", dir, made[dir])
		}
	}
}

// TestOldHomeIsMended: without the link an old pipx does not list what is installed, whoever
// installed it.
func TestOldHomeIsMended(t *testing.T) {
	m := newMachine(t)
	m.run(`{}`)
	m.remove(oldPipx)
	if report := m.run(`{}`); !report.Changed() || !m.has(oldPipx) {
		t.Errorf("%s; the link is there: %t", report.message(), m.has(oldPipx))
	}
	m.remove(oldPipx)
	m.dir(oldPipx, 0o755)
	if report := m.run(`{}`); report.Changed() {
		t.Errorf("with a directory in its place: %s", report.message())
	}
}

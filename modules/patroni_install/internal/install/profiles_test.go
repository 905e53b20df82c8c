package install

import (
	"maps"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const fishDir = home + "/.config/fish/conf.d"

// changeShell does what chsh does.
func (m *machine) changeShell(program string) {
	lines := strings.SplitAfter(m.read("/etc/passwd"), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "postgres:") {
			lines[i] = line[:strings.LastIndex(line, ":")+1] + program + "\n"
		}
	}
	m.write("/etc/passwd", strings.Join(lines, ""))
}

// inHome is the snapshot of the home.
func (m *machine) inHome() map[string]string {
	found := m.snapshot()
	maps.DeleteFunc(found, func(name, _ string) bool { return !below(name, home) })
	return found
}

// profilesOf are the profiles of these that have our block, with what follows "PATRONICTL_CONFIG_FILE" in it.
func (m *machine) profilesOf(names ...string) (found []string) {
	for _, name := range names {
		if file := home + "/" + name; m.has(file) && strings.Contains(m.read(file), "# patroni_install begin") {
			if strings.Contains(m.read(file), "PATRONICTL_CONFIG_FILE") {
				name += " (configuration)"
			}
			found = append(found, name)
		}
	}
	return found
}

// allProfiles are where blocks can be.
func allProfiles() []string {
	return []string{
		".bash_profile", ".bash_login", ".profile", ".bashrc", ".kshrc", ".mkshrc", ".zprofile", ".zshrc",
		".config/fish/conf.d/patroni_install.fish",
	}
}

// TestShellsOfUsers: what the user's shell reads is written, and goes to the byte.
func TestShellsOfUsers(t *testing.T) {
	for program, want := range map[string][]string{
		"/bin/bash":         {".profile (configuration)", ".bashrc"},
		"/bin/sh":           {".profile (configuration)"},
		"/usr/bin/ksh":      {".profile (configuration)", ".kshrc"},
		"/bin/mksh":         {".profile (configuration)", ".mkshrc"},
		"/usr/sbin/nologin": {".profile (configuration)"},
		"/usr/bin/zsh":      {".zprofile (configuration)", ".zshrc"},
		"/usr/bin/fish":     {".config/fish/conf.d/patroni_install.fish (configuration)"},
	} {
		t.Run(program, func(t *testing.T) {
			const arguments = `{"patronictl_config": true}`
			m := newMachine(t)
			m.changeShell(program)
			before := m.inHome()
			report := m.run(arguments)
			if diff := cmp.Diff(want, m.profilesOf(allProfiles()...)); diff != "" || len(report.Warnings) > 0 {
				t.Errorf("warnings %q; profiles (-want +got):\n%s", report.Warnings, diff)
			}
			if again := m.run(arguments); again.Changed() {
				t.Errorf("a second run: %q", visible(again))
			}
			m.run(`{"state": "absent"}`)
			for _, dir := range []string{home + "/.config", home + "/.local"} {
				if m.has(dir) {
					m.remove(dir) // directories that were made stay
				}
			}
			if diff := cmp.Diff(before, m.inHome()); diff != "" {
				t.Errorf("removed (-before +after):\n%s", diff)
			}
		})
	}
}

// TestShellThatIsUnknown is named in a warning for each option that is not fulfilled, and nothing is written for it.
func TestShellThatIsUnknown(t *testing.T) {
	const shell = "the shell of user postgres is /bin/tcsh, whose profiles this module does not know"
	const path = shell + ", and bin_dir was not put on its PATH; add " + binDir + " to it yourself, and set manage_path " +
		"(in the role: patroni_manage_path) to false"
	const config = shell + ", and the configuration was not named there; set PATRONICTL_CONFIG_FILE to " +
		"/etc/patroni/patroni.yaml there yourself, and patronictl_config (in the role: patroni_patronictl_config) to false"
	m := newMachine(t)
	m.changeShell("/bin/tcsh")
	for _, c := range []struct {
		arguments string
		want      []string
	}{
		{`{}`, []string{path}},
		{`{"patronictl_config": true}`, []string{path, config}},
		{`{"patronictl_config": true, "manage_path": false}`, []string{config}},
		{`{"manage_path": false}`, nil},
		{`{"state": "absent", "patronictl_config": true}`, nil},
	} {
		report := m.run(c.arguments)
		if diff := cmp.Diff(c.want, report.Warnings); diff != "" {
			t.Errorf("%s: warnings (-want +got):\n%s", c.arguments, diff)
		}
		if got := m.profilesOf(allProfiles()...); got != nil {
			t.Errorf("%s: %q have a block", c.arguments, got)
		}
	}
}

// TestShellChanges: the block for the shell of before stays, is kept up to date, and names no configuration any more.
func TestShellChanges(t *testing.T) {
	m := newMachine(t)
	m.run(`{"patronictl_config": true}`)
	m.changeShell("/usr/bin/zsh")
	m.run(`{"patronictl_config": true}`)
	m.changeShell("/usr/bin/fish")
	const moved = `{"patronictl_config": true, "bin_dir": "/opt/patroni/bin"}`
	m.run(moved)
	want := []string{
		".profile", ".bashrc", ".zprofile", ".zshrc", ".config/fish/conf.d/patroni_install.fish (configuration)",
	}
	if diff := cmp.Diff(want, m.profilesOf(allProfiles()...)); diff != "" {
		t.Errorf("profiles (-want +got):\n%s", diff)
	}
	for _, name := range want {
		text := m.read(home + "/" + strings.TrimSuffix(name, " (configuration)"))
		if strings.Contains(text, binDir) || !strings.Contains(text, "'/opt/patroni/bin'") {
			t.Errorf("%s is %q", name, text)
		}
	}
	m.changeShell("/bin/tcsh")
	if again := m.run(`{"bin_dir": "/opt/patroni/bin"}`); len(visible(again)) != 1 {
		t.Errorf("a shell that is unknown: %q", visible(again))
	}
	m.run(`{"state": "absent", "bin_dir": "/opt/patroni/bin"}`)
	if got := m.profilesOf(allProfiles()...); got != nil {
		t.Errorf("%q have a block after the removal", got)
	}
}

// TestDirectoriesOfFish are made, the user's, only if something is wanted there.
func TestDirectoriesOfFish(t *testing.T) {
	for arguments, wanted := range map[string]bool{
		`{}`:                     true,
		`{"manage_path": false}`: false,
		`{"manage_path": false, "patronictl_config": true}`:               true,
		`{"bin_dir": "/usr/local/bin", "pipx_home": "/opt/patroni/pipx"}`: false,
	} {
		o := bare(t, arguments)
		o.User.Shell = "/usr/bin/fish"
		var made []string
		for _, s := range mustPlan(t, arguments, o, built()).Switch {
			if about := s.Describe(); strings.HasPrefix(about.Path, home+"/.config") {
				made = append(made, about.Action+" "+about.Path)
			}
		}
		var want []string
		if wanted {
			want = []string{
				"create " + home + "/.config", "create " + home + "/.config/fish", "create " + fishDir,
				"create " + fishDir + "/patroni_install.fish",
			}
		}
		if diff := cmp.Diff(want, made); diff != "" {
			t.Errorf("%s (-want +got):\n%s", arguments, diff)
		}
	}
	m := newMachine(t)
	m.changeShell("/usr/bin/fish")
	m.run(`{}`)
	for _, name := range []string{home + "/.config", home + "/.config/fish", fishDir, fishDir + "/patroni_install.fish"} {
		info, err := os.Lstat(m.real(name))
		m.must(err)
		if stat := info.Sys().(*syscall.Stat_t); int(stat.Uid) != m.uid || int(stat.Gid) != m.gid {
			t.Errorf("%s belongs to %d:%d", name, stat.Uid, stat.Gid)
		}
	}
}

// TestLinkInTheWayOfFish is in the way of nobody who has another shell.
func TestLinkInTheWayOfFish(t *testing.T) {
	for name, edit := range map[string]func(m *machine){
		"a link": func(m *machine) {
			m.dir(home+"/dotfiles", 0o755)
			m.link(home+"/.config", "dotfiles")
			m.own(home)
		},
		"a file": func(m *machine) { m.write(home+"/.config", "x\n"); m.own(home) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			edit(m)
			if report := m.run(`{"patronictl_config": true}`); len(report.Warnings) > 0 {
				t.Errorf("warnings %q", report.Warnings)
			}
			m.changeShell("/usr/bin/fish")
			before := m.snapshot()
			_, err := m.installer(`{}`).Run(t.Context())
			if err == nil || !strings.HasPrefix(err.Error(), "cannot put anything into the shell profiles: ") {
				t.Errorf("error %v", err)
			}
			if diff := cmp.Diff(before, m.snapshot()); diff != "" {
				t.Errorf("something was changed (-before +after):\n%s", diff)
			}
			m.run(`{"manage_path": false}`)
		})
	}
}

// TestTwoInstallationsOfZsh: who comes first keeps its place on the PATH of each shell. What another shell reads is
// no reason for a warning.
func TestTwoInstallationsOfZsh(t *testing.T) {
	const second = `{` + secondInstallation + `}`
	m := newMachine(t)
	m.changeShell("/usr/bin/zsh")
	m.run(`{}`)
	warning := "the shell profiles have " + binDir
	if report := m.run(second); len(report.Warnings) != 1 || !strings.HasPrefix(report.Warnings[0], warning) {
		t.Errorf("warnings %q", report.Warnings)
	}
	m.changeShell("/usr/bin/fish")
	if report := m.run(second); len(report.Warnings) > 0 {
		t.Errorf("warnings after a change of the shell: %q", report.Warnings)
	}
	for name, dir := range map[string]string{
		home + "/.zprofile": binDir, home + "/.zshrc": binDir, fishDir + "/patroni_install.fish": "/opt/b/bin",
	} {
		if got := m.read(name); !strings.Contains(got, "'"+dir+"'") {
			t.Errorf("%s is %q", name, got)
		}
	}
}

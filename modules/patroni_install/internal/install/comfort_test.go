package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/ansible"
	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/profile"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// TestCompletionInBash lets bash complete with the script, of a patronictl that says what it was asked.
func TestCompletionInBash(t *testing.T) {
	dir := t.TempDir()
	program := "#!/bin/sh\nprintf 'plain,%s\\n' \"$_PATRONICTL_COMPLETE\" \"$COMP_CWORD\" \"a,b c\" '*'\n" +
		"printf '%s' \"$COMP_WORDS\" | sed 's/^/plain,/'\necho; printf 'file,\\ndir,\\nunknown,x\\n'\n"
	for name, text := range map[string]string{"patronictl": program, "script": completionText, "plain,glob": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("bash", "--norc", "-c",
		`set -u; compopt() { echo "compopt $1 $2"; }; . ./script; complete -p patronictl
		COMP_WORDS=(patronictl li "x y") COMP_CWORD=2 COMPREPLY=(old)
		_patronictl_completion ./patronictl; printf '%s\n' "${COMPREPLY[@]}"; [ "$IFS" = $' \t\n' ]`)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	want := "complete -o nosort -F _patronictl_completion patronictl\ncompopt -o default\ncompopt -o dirnames\n" +
		"bash_complete\n2\na,b c\n*\npatronictl\nli\nx y\n"
	if diff := cmp.Diff(want, string(out)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestNeedrestartInPerl evaluates the files as needrestart does, which gives up at an error.
func TestNeedrestartInPerl(t *testing.T) {
	perl, err := exec.LookPath("perl")
	if err != nil {
		t.Skip("perl is not installed")
	}
	for _, unit := range []string{"patroni.service", "patroni@main.service", "a-b:c_d.e.service"} {
		file := filepath.Join(t.TempDir(), "unit.conf")
		if err := os.WriteFile(file, []byte(needrestartText(unit)), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(perl, "-e",
			`use strict; use warnings FATAL => 'all'; our %nrconf = (override_rc => {qr(^dbus) => 0});
			my $fn = shift; eval do { local(@ARGV, $/) = $fn; <>}; die $@ if $@;
			for my $rc (@ARGV) { print grep({ $rc =~ /$_/ && !$nrconf{override_rc}->{$_} } keys %{$nrconf{override_rc}}) ? `+
				`"left\n" : "restarted\n" }`,
			file, unit, "x"+unit, unit+"x", strings.Replace(unit, ".service", "xservice", 1)).CombinedOutput()
		if want := "left\nrestarted\nrestarted\nrestarted\n"; err != nil || string(out) != want {
			t.Errorf("%s: %v\n%s", unit, err, out)
		}
	}
}

// comfortSteps are the steps of a plan that are about comfort, the directories for it included.
func comfortSteps(t *testing.T, arguments string, o *sketch) (found []string) {
	t.Helper()
	for _, s := range mustPlan(t, arguments, o, Outcome{}).Switch {
		about := s.Describe()
		found = append(found, about.Action+" "+about.Path)
	}
	return found
}

func TestPlanComfort(t *testing.T) {
	roots0644, users0644 := fsys.Attr{Mode: 0o644}, fsys.Attr{Mode: 0o644, UID: 26, GID: 27}
	completion := func(o *sketch) { o.file(completionFile, completionText, users0644) }
	needrestart := func(o *sketch) { o.file(needrestartFile, needrestartText("patroni.service"), roots0644) }
	dirs := func(o *sketch) {
		for _, dir := range []string{home + "/.local/share/bash-completion",
			home + "/.local/share/bash-completion/completions"} {
			o.dir(dir, users)
		}
	}
	other := func(o *sketch) {
		o.Services = []OtherService{{Name: "patroni-b.service", Commands: []string{binDir + "/patroni /etc/b/b.yaml"},
			Uses: true}}
	}
	for name, c := range map[string]struct {
		arguments string
		edit      []func(o *sketch)
		want      []string
	}{
		"completion": {`{"completion": true}`, nil, []string{
			"create " + home + "/.local/share/bash-completion", "create " + home + "/.local/share/bash-completion/completions",
			"create " + completionFile,
		}},
		"completion, directories there": {`{"completion": true}`, []func(*sketch){dirs}, []string{"create " + completionFile}},
		"completion as it should be":    {`{"completion": true}`, []func(*sketch){dirs, completion}, nil},
		"completion of an older version": {`{"completion": true}`, []func(*sketch){dirs, func(o *sketch) {
			o.file(completionFile, systemd.Header+"old\n", users0644)
		}}, []string{"change " + completionFile}},
		"completion that is root's": {`{"completion": true}`, []func(*sketch){dirs, func(o *sketch) {
			o.file(completionFile, completionText, roots0644)
		}}, []string{"change " + completionFile}},
		"completion no longer":        {`{}`, []func(*sketch){dirs, completion}, []string{"remove " + completionFile}},
		"completion, another uses it": {`{}`, []func(*sketch){dirs, completion, other}, nil},
		"somebody else's, not wanted": {`{}`, []func(*sketch){func(o *sketch) { o.file(completionFile, "complete", users0644) }}, nil},
		"a link, not wanted":          {`{}`, []func(*sketch){func(o *sketch) { o.link(completionFile, "dotfiles") }}, nil},
		"needrestart":                 {`{"needrestart": true}`, nil, []string{"create /etc/needrestart", "create /etc/needrestart/conf.d", "create " + needrestartFile}},
		"needrestart no longer":       {`{}`, []func(*sketch){needrestart, other}, []string{"remove " + needrestartFile}},
		"of another service":          {`{}`, []func(*sketch){func(o *sketch) { o.file(otherNeedrestart, systemd.Header, roots0644) }}, nil},
		"configuration":               {`{"patronictl_config": true}`, nil, []string{"change " + home + "/.bash_profile"}},
		"configuration, no PATH":      {`{"patronictl_config": true, "manage_path": false}`, nil, []string{"change " + home + "/.bash_profile"}},
		"profiles left alone": {`{"manage_path": false}`, []func(*sketch){func(o *sketch) {
			o.file(home+"/.bash_profile", "# patroni_install begin: puts Patroni's programs on the PATH\n", users0644)
		}}, nil},
		"configuration no longer, in another profile": {`{}`, []func(*sketch){func(o *sketch) {
			text, err := profile.New(profile.Login, ".profile", profile.Settings{Config: "/etc/old/p.yaml"})
			if err != nil {
				t.Fatal(err)
			}
			o.file(home+"/.profile", "umask 022\n"+text, users0644)
		}}, []string{"change " + home + "/.profile"}},
		"configuration, nothing there": {`{"patronictl_config": true, "manage_path": false}`, []func(*sketch){func(o *sketch) {
			delete(o.Entries, home+"/.bash_profile")
		}}, []string{"create " + home + "/.bash_profile"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := healthy(t, c.arguments)
			for _, edit := range c.edit {
				edit(o)
			}
			if diff := cmp.Diff(c.want, comfortSteps(t, c.arguments, o)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestComfortIsRefused if somebody else's things are in its place, before anything is changed.
func TestComfortIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		arguments string
		setup     func(m *machine)
		want      []string
	}{
		"foreign completion": {`{"completion": true}`, func(m *machine) { m.write(completionFile, "complete\n"); m.own(home) },
			[]string{"cannot write the shell completion: " + completionFile + " is there already", "patroni_completion) to false"}},
		"foreign needrestart": {`{"needrestart": true}`, func(m *machine) { m.write(needrestartFile, "1;\n") },
			[]string{"cannot write the needrestart configuration: " + needrestartFile + " is there already", "patroni_needrestart) to false"}},
		"completion behind a link": {`{"completion": true}`, func(m *machine) {
			m.link(home+"/.local/share/bash-completion", "/etc")
			m.own(home)
		}, []string{"cannot write the shell completion: ", home + "/.local/share/bash-completion",
			"set completion (in the role"}},
		"profile is a link": {`{"patronictl_config": true, "manage_path": false}`, func(m *machine) {
			m.remove(home + "/.profile")
			m.link(home+"/.profile", "dotfiles")
		}, []string{"cannot name the configuration in " + home + "/.profile: it is a link",
			"patronictl_config (in the role"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			c.setup(m)
			before := m.snapshot()
			_, err := m.installer(c.arguments).Run(t.Context())
			if err == nil {
				t.Fatal("not refused")
			}
			for _, part := range append(c.want, "nothing was changed") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("message %q lacks %q", err, part)
				}
			}
			if diff := cmp.Diff(before, m.snapshot()); diff != "" {
				t.Errorf("something was changed (-before +after):\n%s", diff)
			}
			m.run(`{"manage_path": false}`) // the same is of no interest to those who did not ask
		})
	}
}

// TestComfortComesAndGoes: what the options wrote is gone, to the byte, when they are off again.
func TestComfortComesAndGoes(t *testing.T) {
	for name, arguments := range map[string]string{"PATH managed": `{`, "PATH left alone": `{"manage_path": false, `} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.remove(home + "/.profile") // a profile of our own goes as well
			off, on := arguments+`"timeout": 900}`, arguments+allComfort+`}`
			m.run(off)
			for _, dir := range []string{filepath.Dir(completionFile), filepath.Dir(needrestartFile)} {
				m.dir(dir, 0o755)
			}
			before := m.state()
			if got := visible(m.run(on)); len(got) != 3 {
				t.Errorf("on: %q", got)
			}
			if got := m.read(home + "/.bash_profile"); !strings.Contains(got,
				"export PATRONICTL_CONFIG_FILE='/etc/patroni/patroni.yaml'\n") {
				t.Errorf("the profile is %q", got)
			}
			if again := m.run(on); again.Changed() ||
				slices.ContainsFunc(m.trace, func(o string) bool { return strings.HasPrefix(o, "run ") }) {
				t.Errorf("a second run: %q", m.trace)
			}
			m.run(off)
			if diff := cmp.Diff(before, m.state()); diff != "" {
				t.Errorf("off again (-before +after):\n%s", diff)
			}
		})
	}
}

// TestComfortsAreOptions: what a refusal tells people to set is there.
func TestComfortsAreOptions(t *testing.T) {
	want := desired(t, `{}`)
	for _, part := range comforts(base{&want, bare(t, `{}`).view()}) {
		option := part.(*comfort).option
		if !slices.ContainsFunc(Spec().Arguments, func(a ansible.Argument) bool { return a.Name == option }) {
			t.Errorf("%q is no option", option)
		}
	}
}

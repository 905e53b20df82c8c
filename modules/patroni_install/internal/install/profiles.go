package install

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/profile"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// profileName is what people read of a profile.
const profileName = "shell profile"

// profileNames are the start-up files of shells, in the home.
func profileNames() []string { return []string{".bash_profile", ".bash_login", ".profile", ".bashrc"} }

// profileKind is what a file of these is to shells.
func profileKind(name string) profile.Kind {
	if name == ".bashrc" {
		return profile.Interactive
	}
	return profile.Login
}

// profiles put the bin directory on the PATH of the user's shells, and name the configuration to its login shells.
type profiles struct {
	base

	former *formerBin
	// otherBinDirs are the directories on the PATH of the profiles in which another installation has its programs.
	otherBinDirs []string
}

// Steps implements [Part].
func (p *profiles) Steps(Decision, Outcome) ([]txn.Step, error) {
	if p.removes() {
		return p.unprofile()
	}
	return p.profiles()
}

// Refuse implements [Part].
func (p *profiles) Refuse() error {
	if p.removes() {
		return nil
	}
	_, err := p.profiles()
	return err
}

func (p *profiles) profiles() ([]txn.Step, error) {
	existing := func(name string) bool { return p.seen.exists(path.Join(p.seen.User.Home, name)) }
	login := profile.LoginFile(existing, p.seen.User.Shell)
	var steps []txn.Step
	for _, name := range profileNames() {
		s := profile.Settings{Config: p.keptConfig(name)}
		if p.want.managesPath(p.seen) && (name == login || name == ".bashrc") && !p.isNeighbours(name) {
			s.Dir = p.seen.BinDir
		}
		if p.want.PatronictlConfig && name == login {
			s.Config = p.seen.Config
		}
		change, err := p.profile(name, s)
		if err != nil {
			return nil, err
		}
		if change != nil {
			steps = append(steps, change)
		}
	}
	return steps, nil
}

// Look implements [Part]. A profile that cannot be read counts as missing where the options want nothing in it.
func (p *profiles) Look(context.Context) error {
	v := p.seen
	var unread []string
	var cause error
	for _, base := range profileNames() {
		err := v.Read(path.Join(path.Clean(v.User.Home), base))
		if err == nil {
			continue
		}
		if p.want.managesPath(v) || p.want.namesConfig() {
			return fmt.Errorf("cannot put anything into the shell profiles: %w; set manage_path and patronictl_config "+
				"(in the role: patroni_manage_path, patroni_patronictl_config) to false", err)
		}
		unread, cause = append(unread, base), cmp.Or(cause, err)
	}
	if p.removes() && cause != nil {
		v.warn("cannot look for a block of this module in the shell profiles %s: %v; "+
			"if there is one, remove it yourself", strings.Join(unread, ", "), cause)
	}
	if p.asksForOthers() {
		if err := v.askServices(); err != nil {
			return err
		}
	}
	p.neighbours()
	return nil
}

// asksForOthers tells whether a profile names a configuration that this run does not want there.
func (p *profiles) asksForOthers() bool {
	for _, name := range profileNames() {
		if config := configIn(p.seen, name); config != "" && (!p.want.PatronictlConfig || config != p.seen.Config) {
			return true
		}
	}
	return false
}

// namesConfig tells whether the options ask for the configuration in a shell profile.
func (d Desired) namesConfig() bool { return d.State != Absent && d.PatronictlConfig }

// managesPath tells whether the options ask for the bin directory on the PATH by shell profiles.
func (d Desired) managesPath(seen *View) bool {
	return d.State != Absent && d.ManagePath && !seen.onLoginPath()
}

// configIn is the configuration that our block in a shell profile names, "" where none does.
func configIn(seen *View, name string) string {
	return profile.Config(string(seen.dataAt(path.Join(seen.User.Home, name))))
}

// keptConfig is the configuration that a profile goes on naming though this run does not want it:
// that of another service.
func (p *profiles) keptConfig(name string) string {
	config := configIn(p.seen, name)
	if !path.IsAbs(config) || config == p.seen.Config || p.seen.usedBy(config) == "" {
		return ""
	}
	return config
}

// profile changes or makes one file; nil when it is as it should be.
func (p *profiles) profile(base string, set profile.Settings) (txn.Step, error) {
	name, kind := path.Join(p.seen.User.Home, base), profileKind(base)
	set.Home = path.Clean(p.seen.User.Home)
	entry, found := p.seen.At(name)
	switch {
	case set.Dir == "" && set.Config == "" && configIn(p.seen, base) == "":
		return nil, nil //nolint:nilnil // nothing is to be done
	case !found:
		text, err := profile.New(kind, base, set)
		attr := fsys.Attr{Mode: 0o644, UID: p.seen.User.UID, GID: p.seen.User.GID}
		return &step.File{Name: profileName, Path: name, After: &step.FileState{Data: []byte(text), Attr: attr}}, err
	case entry.Type != fsys.File:
		return nil, refuseProfile(name, entry, set)
	}
	if err := p.refuseConfig(base, set.Config); err != nil {
		return nil, err
	}
	text, err := profile.Ensure(string(entry.Data), set, kind)
	if err != nil {
		return nil, err
	}
	return p.profileStep(base, text), nil
}

// profileStep gives a profile that is there a text; nil when it has it. One that comes to hold nothing but what was
// written when it was made goes.
func (p *profiles) profileStep(base, text string) txn.Step {
	name := path.Join(p.seen.User.Home, base)
	s := &step.File{Name: profileName, Path: name, Before: p.seen.fileState(name)}
	if text == string(s.Before.Data) {
		return nil
	}
	if !profile.Bare(profileKind(base), base, text) {
		s.After = &step.FileState{Data: []byte(text), Attr: s.Before.Attr}
	}
	return s
}

func refuseProfile(name string, entry Entry, set profile.Settings) error {
	if set.Dir == "" {
		return fmt.Errorf("cannot name the configuration in %s: it is a %s, which root does not follow or replace; set patronictl_config "+
			"(in the role: patroni_patronictl_config) to false and export PATRONICTL_CONFIG_FILE yourself", name, entry.Type)
	}
	return fmt.Errorf("cannot put bin_dir on the PATH in %s: it is a %s, which root does not follow or replace; "+
		"set manage_path (in the role: patroni_manage_path) to false and add %s to the PATH yourself", name, entry.Type, set.Dir)
}

// refuseConfig refuses to take the shells away from another service, whose run would take them back.
func (p *profiles) refuseConfig(name, config string) error {
	now := p.keptConfig(name)
	if now == "" || config == "" || config == now {
		return nil
	}
	return fmt.Errorf("cannot name %s in %s: it names %s, the configuration of %s, and it can name one; set patronictl_config "+
		"(in the role: patroni_patronictl_config) to true for one service only", config, path.Join(p.seen.User.Home, name), now, p.seen.usedBy(now))
}

// unprofile takes our block out of the shell profiles, or, while others use the installation, the
// configuration of this service alone.
func (p *profiles) unprofile() (steps []txn.Step, err error) {
	for _, base := range profileNames() {
		entry, _ := p.seen.At(path.Join(p.seen.User.Home, base))
		if entry.Type != fsys.File {
			continue
		}
		var s txn.Step
		if !p.seen.isShared() && !p.isNeighbours(base) {
			s = p.profileStep(base, profile.Remove(string(entry.Data)))
		} else if s, err = p.profile(base, profile.Settings{Config: p.keptConfig(base)}); err != nil {
			return nil, err
		}
		if s != nil {
			steps = append(steps, s)
		}
	}
	return steps, nil
}

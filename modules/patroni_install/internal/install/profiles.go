package install

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/profile"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// profileName is what people read of a profile.
const profileName = "shell profile"

// shell is what shells of the user read.
func (v *View) shell() profile.Shell {
	shell, _ := profile.ShellOf(v.User.Shell)
	return shell
}

// shellFiles are the files that shells of the user read, the one of login shells first.
func (v *View) shellFiles() []profile.File {
	return v.shell().Reads(func(name string) bool { return v.exists(path.Join(v.User.Home, name)) })
}

// profiles put the bin directory on the PATH of the user's shells, and name the configuration to its login shells.
type profiles struct {
	base

	former *formerBin
	// otherBinDirs are the directories on the PATH of the profiles in which another installation has its programs.
	otherBinDirs []string
}

// Refuse implements [Part].
func (p *profiles) Refuse() error {
	if p.removes() {
		return nil
	}
	_, err := p.profiles()
	return err
}

// Steps implements [Part].
func (p *profiles) Steps(Decision, Outcome) ([]txn.Step, error) {
	if p.removes() {
		return p.unprofile()
	}
	return p.profiles()
}

// profiles changes what shells of the user read. A block in a file that another shell reads stays, since a shell can be
// changed back, or started by hand, and is kept up to date.
func (p *profiles) profiles() ([]txn.Step, error) {
	reads := p.seen.shellFiles()
	var steps []txn.Step
	for _, file := range profile.Files() {
		s := profile.Settings{Config: p.keptConfig(file.Name)}
		wanted := slices.Contains(reads, file) || pathIn(p.seen, file.Name) != ""
		if p.want.managesPath(p.seen) && wanted && !p.isNeighbours(file.Name) {
			s.Dir = p.seen.BinDir
		}
		if p.want.PatronictlConfig && slices.Index(reads, file) == 0 {
			s.Config = p.seen.Config
		}
		change, err := p.profile(file, s)
		if err != nil {
			return nil, err
		}
		if change != nil {
			steps = append(steps, change)
		}
	}
	return steps, nil
}

// Parents implements [Part]: the directories of the files that get something.
func (p *profiles) Parents() []string {
	if !p.want.managesPath(p.seen) && !p.want.namesConfig() {
		return nil
	}
	var dirs []string
	for _, file := range p.seen.shellFiles() {
		dirs = append(dirs, path.Dir(path.Join(p.seen.User.Home, file.Name)))
	}
	return dirs
}

// Look implements [Part]. A profile that cannot be read counts as missing if nothing is wanted in it.
func (p *profiles) Look(context.Context) error {
	v := p.seen
	var unread []string
	var cause error
	for _, file := range profile.Files() {
		err := p.lookAtProfile(file)
		if err == nil {
			continue
		}
		if v.shell().MayRead(file) && (p.want.managesPath(v) || p.want.namesConfig()) {
			return fmt.Errorf("cannot put anything into the shell profiles: %w; set manage_path and patronictl_config "+
				"(in the role: patroni_manage_path, patroni_patronictl_config) to false", err)
		}
		unread, cause = append(unread, file.Name), cmp.Or(cause, err)
	}
	if p.removes() && cause != nil {
		v.warn("cannot look for a block of this module in the shell profiles %s: %v; if there is one, remove it yourself",
			strings.Join(unread, ", "), cause)
	}
	p.warnOfShell()
	if p.needsServices() {
		if err := v.readServices(); err != nil {
			return err
		}
	}
	p.neighbours()
	return nil
}

// needsServices tells whether a profile names a configuration that this run does not want there.
func (p *profiles) needsServices() bool {
	for _, file := range profile.Files() {
		if config := configIn(p.seen, file.Name); config != "" && (!p.want.PatronictlConfig || config != p.seen.Config) {
			return true
		}
	}
	return false
}

// lookAtProfile reads a profile, and looks at the directories that it may need.
func (p *profiles) lookAtProfile(file profile.File) error {
	home := path.Clean(p.seen.User.Home)
	name := path.Join(home, file.Name)
	err := p.seen.Read(name)
	for dir := path.Dir(name); err == nil && dir != home; dir = path.Dir(dir) {
		err = p.seen.Look(dir)
	}
	return err
}

// warnOfShell says what an unknown shell of the user's is not told.
func (p *profiles) warnOfShell() {
	v := p.seen
	if _, known := profile.ShellOf(v.User.Shell); known {
		return
	}
	shell := fmt.Sprintf("the shell of user %s is %s, whose profiles this module does not know", v.User.Name, v.User.Shell)
	if p.want.managesPath(v) {
		v.warn("%s, and bin_dir was not put on its PATH; add %s to it yourself, and set manage_path "+
			"(in the role: patroni_manage_path) to false", shell, v.BinDir)
	}
	if p.want.namesConfig() {
		v.warn("%s, and the configuration was not named there; set PATRONICTL_CONFIG_FILE to %s there yourself, and "+
			"patronictl_config (in the role: patroni_patronictl_config) to false", shell, v.Config)
	}
}

// namesConfig tells whether the options ask for the configuration in a shell profile.
func (d Desired) namesConfig() bool { return d.State != Absent && d.PatronictlConfig }

// managesPath tells whether the options ask for the bin directory on the PATH by shell profiles.
func (d Desired) managesPath(seen *View) bool {
	return d.State != Absent && d.ManagePath && !seen.onLoginPath()
}

// configIn is the configuration that our block in a shell profile names, "" if none does.
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
func (p *profiles) profile(file profile.File, set profile.Settings) (txn.Step, error) {
	name := path.Join(p.seen.User.Home, file.Name)
	set.Home = path.Clean(p.seen.User.Home)
	entry, found := p.seen.At(name)
	switch {
	case set.Dir == "" && set.Config == "" && configIn(p.seen, file.Name) == "":
		return nil, nil //nolint:nilnil // nothing is to be done
	case !found:
		text, err := profile.New(file.Kind, file.Name, set)
		attr := fsys.Attr{Mode: 0o644, UID: p.seen.User.UID, GID: p.seen.User.GID}
		return &step.File{Name: profileName, Path: name, After: &step.FileState{Data: []byte(text), Attr: attr}}, err
	case entry.Type != fsys.File:
		return nil, refuseProfile(name, entry, set)
	}
	if err := p.refuseConfig(file.Name, set.Config); err != nil {
		return nil, err
	}
	text, err := profile.Ensure(string(entry.Data), set, file.Kind)
	if err != nil {
		return nil, err
	}
	return p.profileStep(file, text), nil
}

// profileStep gives a profile that is there a text; nil when it has it. One that comes to hold nothing but what was
// written when it was made goes.
func (p *profiles) profileStep(file profile.File, text string) txn.Step {
	name := path.Join(p.seen.User.Home, file.Name)
	s := &step.File{Name: profileName, Path: name, Before: p.seen.fileState(name)}
	if text == string(s.Before.Data) {
		return nil
	}
	if !profile.Bare(file.Kind, file.Name, text) {
		s.After = &step.FileState{Data: []byte(text), Attr: s.Before.Attr}
	}
	return s
}

func refuseProfile(name string, entry Entry, set profile.Settings) error {
	if set.Dir == "" {
		return fmt.Errorf("cannot name the configuration in %s: it is a %s, which root does not follow or replace; set "+
			"patronictl_config (in the role: patroni_patronictl_config) to false and export PATRONICTL_CONFIG_FILE yourself",
			name, entry.Type)
	}
	return fmt.Errorf("cannot put bin_dir on the PATH in %s: it is a %s, which root does not follow or replace; "+
		"set manage_path (in the role: patroni_manage_path) to false and add %s to the PATH yourself", name,
		entry.Type, set.Dir)
}

// refuseConfig refuses to take the shells away from another service, whose run would take them back.
func (p *profiles) refuseConfig(name, config string) error {
	now := p.keptConfig(name)
	if now == "" || config == "" || config == now {
		return nil
	}
	return fmt.Errorf("cannot name %s in %s: it names %s, the configuration of %s, and it can name one; set "+
		"patronictl_config (in the role: patroni_patronictl_config) to true for one service only", config,
		path.Join(p.seen.User.Home, name), now, p.seen.usedBy(now))
}

// unprofile takes our block out of the shell profiles, or, while others use the installation, the
// configuration of this service alone.
func (p *profiles) unprofile() (steps []txn.Step, err error) {
	for _, file := range profile.Files() {
		entry, _ := p.seen.At(path.Join(p.seen.User.Home, file.Name))
		if entry.Type != fsys.File {
			continue
		}
		var s txn.Step
		if !p.seen.isShared() && !p.isNeighbours(file.Name) {
			s = p.profileStep(file, profile.Remove(string(entry.Data)))
		} else if s, err = p.profile(file, profile.Settings{Config: p.keptConfig(file.Name)}); err != nil {
			return nil, err
		}
		if s != nil {
			steps = append(steps, s)
		}
	}
	return steps, nil
}

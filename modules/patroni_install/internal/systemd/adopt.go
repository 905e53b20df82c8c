package systemd

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// IsEarlier tells whether the collection's earlier role wrote a unit, with any program, configuration and user.
func IsEarlier(text []byte) bool {
	own := func(s setting) bool { return s.section == "Service" && (s.name == "ExecStart" || s.name == "User") }
	return slices.Equal(slices.DeleteFunc(settings(text), own), []setting{
		{"Unit", "Description", "Patroni service to orchestrate high availability of pgEdge nodes"},
		{"Unit", "After", "syslog.target network.target"},
		{"Service", "Type", "simple"},
		{"Service", "ExecReload", "/bin/kill -s HUP $MAINPID"},
		{"Service", "KillMode", "process"},
		{"Service", "TimeoutSec", "30"},
		{"Service", "Restart", "on-failure"},
		{"Install", "WantedBy", "multi-user.target"},
	})
}

// Starts returns the configuration file that a unit with its drop-ins passes to the program patroni, and its user, ""
// for none. If the unit starts anything else, or more than that, it is an error.
func Starts(text []byte, dropIns []Source) (config, user string, err error) {
	all := merged(text, dropIns)
	user = strings.ReplaceAll(last(all, "Service", "User"), "%%", "%")
	commands := values(all, "Service", "ExecStart")
	if len(commands) != 1 {
		return "", user, fmt.Errorf("it has %d commands in ExecStart, not one", len(commands))
	}
	config, err = configOf(commands[0])
	return config, user, err
}

// configOf is the configuration file in a command that passes it, and nothing else, to patroni. Anything else would
// be lost, such as a program that starts Patroni or a mark that makes systemd start it with root's rights. A command
// may hold a secret, so errors do not repeat it.
func configOf(command string) (string, error) {
	all := words(command)
	if !slices.ContainsFunc(all, func(word string) bool { return path.Base(word) == "patroni" }) {
		return "", errors.New("it does not start Patroni")
	}
	program := strings.TrimLeft(all[0], "-:")
	if strings.HasPrefix(path.Base(program), "python") {
		all = all[1:]
		program = all[0]
	}
	if path.Base(program) != "patroni" || !path.IsAbs(program) {
		return "", errors.New("its ExecStart has another program, or a mark, before Patroni's path")
	}
	if len(all) > 2 {
		return "", errors.New("its ExecStart gives Patroni more than a configuration file")
	}
	if len(all) < 2 {
		return "", nil
	}
	return strings.NewReplacer("%%", "%", "$$", "$").Replace(all[1]), nil
}

// decided are the settings of a service that depend on how its program is started: those of our unit are right for
// our program. Type=notify, for example, needs a Python module that may be missing.
func decided() []string {
	return []string{
		"Type", "User", "ExecStart", "NotifyAccess", "WatchdogSec", "PIDFile", "BusName", "GuessMainPID", "RemainAfterExit",
	}
}

// Overridden finds a drop-in that would make this unit start its program in another way than its text says, and the
// setting that does so; "" for none.
func (u Unit) Overridden(dropIns []Source) (file, name string) {
	ours := settings(u.Render())
	all := merged(u.Render(), dropIns)
	for _, name := range decided() {
		same := last(all, "Service", name) == last(ours, "Service", name)
		if name == "ExecStart" {
			same = slices.Equal(values(all, "Service", name), values(ours, "Service", name))
		}
		for _, d := range slices.Backward(dropIns) {
			if !same && sets(settings(d.Text), "Service", name) {
				return d.Path, name
			}
		}
	}
	return "", ""
}

// Unfit names a setting of another unit that would keep the program of this one from starting, or from its own
// modules; "" for none. The settings of an adopted unit stay in force.
func (u Unit) Unfit(text []byte, dropIns []Source) string {
	all := merged(text, dropIns)
	for _, name := range []string{"RootDirectory", "RootImage"} {
		if value := last(all, "Service", name); value != "" && value != "/" {
			return name
		}
	}
	for _, value := range values(all, "Service", "Environment") {
		for _, name := range []string{"PYTHONPATH", "PYTHONHOME"} {
			if strings.Contains(value, name+"=") {
				return name + " in Environment"
			}
		}
	}
	shows := []string{"", "no", "false", "off", "0", "n", "f", "read-only"}
	hides := !slices.Contains(shows, strings.ToLower(last(all, "Service", "ProtectHome")))
	if hides && (strings.HasPrefix(u.Exec, "/home/") || strings.HasPrefix(u.Exec, "/root/")) {
		return "ProtectHome"
	}
	for _, name := range []string{"InaccessiblePaths", "InaccessibleDirectories", "TemporaryFileSystem", "NoExecPaths"} {
		if u.isBelow(all, name) && (name != "NoExecPaths" || !u.isBelow(all, "ExecPaths")) {
			return name
		}
	}
	return ""
}

// isBelow tells whether the program lies below one of the paths in a setting.
func (u Unit) isBelow(all []setting, name string) bool {
	for _, value := range values(all, "Service", name) {
		for _, word := range words(value) {
			dir, _, _ := strings.Cut(strings.TrimLeft(word, "-+"), ":") // with options of a mount
			if dir = path.Clean(dir); dir == "/" || dir == u.Exec || strings.HasPrefix(u.Exec, dir+"/") {
				return true
			}
		}
	}
	return false
}

// adoptedHeader begins the drop-in that Adopt makes.
const adoptedHeader = "# Written by patroni_install when it adopted"

// IsAdopted tells whether Adopt made a drop-in.
func IsAdopted(text []byte) bool { return strings.HasPrefix(string(text), adoptedHeader+" ") }

// Before finds a drop-in that comes before one of this name and has the same settings: the latter would win.
func Before(name string, text []byte, dropIns []Source) string {
	for _, d := range dropIns {
		for _, s := range settings(text) {
			if path.Base(d.Path) < name && sets(settings(d.Text), s.section, s.name) {
				return d.Path
			}
		}
	}
	return ""
}

// Adopt returns a drop-in for this unit, nil if it would be empty. It has the settings of another unit that this one
// lacks, and systemd's defaults for settings of this unit that the other one lacks. Comments name the settings that
// it leaves out. dropIns are those of the other unit, which stay, and manager the files with systemd's own settings.
func (u Unit) Adopt(text []byte, dropIns, manager []Source) []byte {
	ours, theirs := settings(u.Render()), settings(text)
	var b, left strings.Builder
	section := ""
	reset := map[string]bool{}
	for _, s := range theirs {
		switch {
		case s.section == "Service" && s.name == "ExecStart" || isSame(ours, theirs, s):
			continue
		case s.section == "Install" || s.section == "Service" && slices.Contains(decided(), s.name):
			fmt.Fprintf(&left, "#   %s=%s\n", s.name, s.value)
			continue
		case s.section != section:
			section = s.section
			fmt.Fprintf(&b, "\n[%s]\n", section)
		}
		// Another value of such a setting is another command, and the unit's own comes first.
		if strings.HasPrefix(s.name, "Exec") && !reset[s.name] && sets(ours, s.section, s.name) {
			fmt.Fprintf(&b, "%s=\n", s.name)
			reset[s.name] = true
		}
		fmt.Fprintf(&b, "%s=%s\n", s.name, s.value)
	}
	b.WriteString(untold(theirs, dropIns, manager))
	if b.Len() == 0 {
		return nil
	}
	head := fmt.Sprintf("%s %s: the settings of the unit that was there before.\n"+
		"# It is not written again; what you change here stays.\n", adoptedHeader, u.FileName())
	if left.Len() > 0 {
		head += "# Left out, since the unit decides it:\n" + left.String()
	}
	return []byte(head + b.String())
}

// isSame tells whether a setting has the same values in two units. To compare one value is not enough: a setting may
// have another value before that of the other unit.
func isSame(ours, theirs []setting, s setting) bool {
	of := func(all []setting) (found []setting) {
		for _, other := range all {
			if other.section == s.section && other.name == s.name {
				found = append(found, other)
			}
		}
		return found
	}
	return slices.Equal(of(ours), of(theirs))
}

// builtinTimeout is systemd's own default for the time of a start or a stop.
const builtinTimeout = "90"

// untold are the settings that our unit has and another one left to systemd, with systemd's values, so that the
// service is stopped and restarted as before. With another KillMode a stop would leave processes behind, with a
// shorter time it would kill PostgreSQL at its checkpoint, and with Restart a service would come back that nobody
// started. The rest of our settings changes nothing by itself: a description, an order at boot, the user's own group,
// and a reload that was not possible before. The directives of hardening stay: somebody asked for them.
func untold(theirs []setting, dropIns, manager []Source) string {
	var b strings.Builder
	add := func(name, value string) {
		if !sets(theirs, "Service", name) {
			fmt.Fprintf(&b, "%s=%s\n", name, value)
		}
	}
	add("Restart", "no")
	add("KillMode", "control-group")
	if !sets(theirs, "Service", "TimeoutSec") {
		own := merged(nil, manager)
		add("TimeoutStartSec", cmp.Or(last(own, "Manager", "DefaultTimeoutStartSec"), builtinTimeout))
		add("TimeoutStopSec", cmp.Or(last(own, "Manager", "DefaultTimeoutStopSec"), builtinTimeout))
	}
	if sets(merged(nil, dropIns), "Service", "ExecReload") {
		add("ExecReload", "") // a drop-in adds to it
	}
	if b.Len() == 0 {
		return ""
	}
	return "\n# What that unit left to systemd, as systemd had it.\n[Service]\n" + b.String()
}

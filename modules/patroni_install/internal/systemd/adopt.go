package systemd

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// setting is an assignment in a unit file.
type setting struct{ section, name, value string }

// settings reads the assignments of a unit file in their order. As systemd does, it joins lines at a backslash and
// leaves out comments, also in the middle of such a line.
func settings(text []byte) (all []setting) {
	section, joined := "", ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		if begun, goesOn := strings.CutSuffix(line, `\`); goesOn {
			joined += begun + " "
			continue
		}
		line, joined = strings.TrimSpace(joined+line), ""
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			section = line[1 : len(line)-1]
		} else if name, value, found := strings.Cut(line, "="); found {
			all = append(all, setting{section, strings.TrimSpace(name), strings.TrimSpace(value)})
		}
	}
	return all
}

// IsEarlier tells whether a unit is the one that the collection's earlier role wrote, whatever program, configuration
// and user are in it.
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

// Starts returns the program patroni that a unit starts, the configuration file that it names to it, and its user, ""
// for none. It is an error for a unit to start anything else, or more than one.
func Starts(text []byte) (config, user string, err error) {
	var commands []string
	for _, s := range settings(text) {
		switch {
		case s.section != "Service":
		case s.name == "User":
			user = s.value
		case s.name == "ExecStart" && s.value == "":
			commands = nil
		case s.name == "ExecStart":
			commands = append(commands, s.value)
		}
	}
	if len(commands) != 1 {
		return "", user, fmt.Errorf("it has %d commands in ExecStart, not one", len(commands))
	}
	all := Paths(commands[0])
	at := slices.IndexFunc(all, func(name string) bool { return path.Base(name) == "patroni" })
	if at < 0 {
		return "", user, errors.New("it does not start Patroni")
	}
	if at < len(all)-1 {
		config = all[len(all)-1]
	}
	return config, user, nil
}

// decided are the settings of a service that depend on how its program is started: those of a unit of ours are right
// for the program of ours. Type=notify, for one, takes a Python module that may be missing.
func decided() []string {
	return []string{
		"Type", "User", "ExecStart", "NotifyAccess", "WatchdogSec", "PIDFile", "BusName", "GuessMainPID", "RemainAfterExit",
	}
}

// adoptedHeader begins the drop-in that Adopt makes.
const adoptedHeader = "# Written by patroni_install when it adopted"

// IsAdopted tells whether a drop-in is one that Adopt made.
func IsAdopted(text []byte) bool { return strings.HasPrefix(string(text), adoptedHeader+" ") }

// Adopt returns a drop-in for this unit with the settings of another one that it does not have; nil where there are
// none. What it leaves out it names in comments.
func (u Unit) Adopt(text []byte) []byte {
	ours := settings(u.Render())
	var b, left strings.Builder
	section := ""
	reset := map[string]bool{}
	for _, s := range settings(text) {
		switch {
		case slices.Contains(ours, s) || s.section == "Service" && s.name == "ExecStart":
			continue
		case s.section == "Install" || s.section == "Service" && slices.Contains(decided(), s.name):
			fmt.Fprintf(&left, "#   %s=%s\n", s.name, s.value)
			continue
		case s.section != section:
			section = s.section
			fmt.Fprintf(&b, "\n[%s]\n", section)
		}
		// Another value of such a setting is another command, and the unit's own comes first.
		if strings.HasPrefix(s.name, "Exec") && !reset[s.name] && slices.ContainsFunc(ours, func(o setting) bool { return o.name == s.name }) {
			fmt.Fprintf(&b, "%s=\n", s.name)
			reset[s.name] = true
		}
		fmt.Fprintf(&b, "%s=%s\n", s.name, s.value)
	}
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

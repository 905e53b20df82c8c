package systemd

import (
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

// Source is a file with settings of a unit, or of systemd itself.
type Source struct {
	Path string
	Text []byte
}

// unitPaths are the directories of units and of drop-ins, in the order in which they count.
func unitPaths() []string {
	return []string{
		"/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient",
		"/run/systemd/generator.early", Directory,
		"/etc/systemd/system.attached", "/run/systemd/system", "/run/systemd/system.attached", "/run/systemd/generator",
		"/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system", "/run/systemd/generator.late",
	}
}

// DropInDirs are the directories in which systemd looks for the drop-ins of a service with these names. If several
// files have one name, the one in the first directory counts. The files that count are read in the order of their
// names.
func DropInDirs(names ...string) (dirs []string) {
	for _, name := range names {
		for _, dir := range unitPaths() {
			for _, variant := range append([]string{name}, wider(name)...) {
				dirs = append(dirs, path.Join(dir, variant+".d"))
			}
		}
	}
	for _, dir := range unitPaths() {
		dirs = append(dirs, path.Join(dir, "service.d"))
	}
	return dirs
}

// wider are the names of drop-ins for several services, this one among them: that of its template, and those that end
// at a dash, such as a-.service for a-b.service.
func wider(name string) (names []string) {
	stem := strings.TrimSuffix(name, ".service")
	prefix, instance, isInstance := strings.Cut(stem, "@")
	if isInstance && instance != "" {
		names = append(names, prefix+"@.service")
	}
	dash := func() int { return strings.LastIndex(strings.TrimRight(prefix, "-"), "-") }
	for end := dash(); end > 0; end = dash() {
		prefix = prefix[:end+1]
		names = append(names, prefix+".service")
	}
	return names
}

// ManagerFiles are the directories of systemd's own settings, with the name of the file and of the directory of
// drop-ins.
func ManagerFiles() (dirs []string, name string) {
	dirs = []string{"/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd"}
	return dirs, "system.conf"
}

// merged are the settings of files in their order.
func merged(text []byte, dropIns []Source) []setting {
	all := settings(text)
	for _, d := range dropIns {
		all = append(all, settings(d.Text)...)
	}
	return all
}

// values are the values of a setting that count, in their order: an empty one removes those before it. If a setting
// has a single value, the last one counts.
func values(all []setting, section, name string) (found []string) {
	for _, s := range all {
		switch {
		case s.section != section || s.name != name:
		case s.value == "":
			found = nil
		default:
			found = append(found, s.value)
		}
	}
	return found
}

// last is the value of a setting with a single value, "" for none.
func last(all []setting, section, name string) string {
	found := values(all, section, name)
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

// sets tells whether one of the settings is an assignment to a name, an empty one too.
func sets(all []setting, section, name string) bool {
	return slices.ContainsFunc(all, func(s setting) bool { return s.section == section && s.name == name })
}

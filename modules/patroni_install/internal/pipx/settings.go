package pipx

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/ini"
)

// ownSetting is a setting of pip's that is the build's own to decide.
type ownSetting struct {
	names []string // as pip's files have them, aliases too
	back  string   // the variable's value that takes back what a file says; "" if none does: pip ignores empty ones
	// costs tells that the variable is only for hosts with a file that says so: pip tells less of an error if it has a
	// log for that.
	costs bool
}

// ownSettings are those that lead an installation elsewhere, make pip write outside of the stage, or have it choose for
// another interpreter or without what a package needs. The operator's variables of these names reach no pip.
func (b Build) ownSettings() []ownSetting {
	return []ownSetting{
		{names: []string{"user", "no-user"}, back: "0"},
		{names: []string{"require-virtualenv", "require-venv"}, back: "0"},
		{names: []string{"dry-run"}, back: "0"},
		{names: []string{"compile", "no-compile"}, back: "0"},
		{names: []string{"no-deps", "no-dependencies"}, back: "0"},
		{names: []string{"ignore-requires-python"}, back: "0"},
		{names: []string{"requirement"}, back: "/dev/null"},
		{names: []string{"log", "log-file", "local-log"}, back: "/dev/null", costs: true},
		// Of a quiet pip nobody learns why a build failed.
		{names: []string{"quiet"}, back: "0"},
		{names: []string{"verbose"}, back: "0"},
		{names: []string{"report"}, back: "/dev/null", costs: true},
		{names: []string{"src", "source", "source-dir", "source-directory"}, back: path.Join(b.Scratch, "src")},
		{names: []string{"target"}},
		{names: []string{"prefix"}},
		{names: []string{"root"}},
		{names: []string{"build", "build-dir", "build-directory"}},
		{names: []string{"python"}},
		{names: []string{"editable"}},
		{names: []string{"group"}},
		{names: []string{"requirements-from-script"}},
		{names: []string{"platform"}},
		{names: []string{"python-version"}},
		{names: []string{"implementation"}},
		{names: []string{"abi"}},
		{names: []string{"version"}},
		{names: []string{"help"}},
	}
}

// variableOf is the variable of a setting, and settingOf the setting of a variable, "" if it is none of pip's.
func variableOf(name string) string {
	return "PIP_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

func settingOf(variable string) string {
	name, isPip := strings.CutPrefix(variable, "PIP_")
	if !isPip {
		return ""
	}
	return normalSetting(name)
}

// normalSetting is a setting's name in the spelling that pip gives it.
func normalSetting(name string) string {
	return strings.TrimPrefix(strings.ReplaceAll(strings.ToLower(name), "_", "-"), "--")
}

// takenBack are the variables that take back what pip's files say.
func (b Build) takenBack() settings {
	var all settings
	for _, own := range b.ownSettings() {
		if !own.costs || b.filesSay(own) {
			all = append(all, setting{variableOf(own.names[0]), own.back})
		}
	}
	return all
}

// filesSay tells whether one of pip's files has the setting.
func (b Build) filesSay(own ownSetting) bool {
	return slices.ContainsFunc(b.PipFiles, func(file PipFile) bool {
		return slices.ContainsFunc(file.Settings, func(s ini.Setting) bool { return slices.Contains(own.names, s.Name) })
	})
}

// passed picks from an environment what may reach pip: proxies, trust and pip's own settings but those that are the
// build's.
func passed(environ []string) []string {
	trust := map[string]bool{"SSL_CERT_FILE": true, "SSL_CERT_DIR": true, "REQUESTS_CA_BUNDLE": true,
		"CURL_CA_BUNDLE": true}
	ours := Build{}.ownSettings()
	var env []string
	for _, variable := range environ {
		name, _, found := strings.Cut(variable, "=")
		pips := settingOf(name)
		isOurs := slices.ContainsFunc(ours, func(own ownSetting) bool { return slices.Contains(own.names, pips) })
		isProxy := strings.HasSuffix(strings.ToLower(name), "_proxy")
		if found && (pips != "" && !isOurs || isProxy || trust[name]) {
			env = append(env, variable)
		}
	}
	return env
}

// PipFile is a file of pip's settings.
type PipFile struct {
	Path string
	// Closed says why the user cannot read it, so that pip passes it over without a word; nil if pip reads it.
	Closed error
	// Damaged says why pip cannot load it, which ends every command of pip; nil if it can.
	Damaged error
	// Settings are those that count for a build.
	Settings []ini.Setting
}

// maxPipFile bounds such a file, in bytes.
const maxPipFile = 1 << 20

// PipFiles reads the files that pip reads for a user, in this environment and with these interpreters. One that
// cannot be read here, as behind a link of the user's, has no settings that are known.
func PipFiles(files *fsys.FS, user *host.User, environ []string, interpreters ...string) []PipFile {
	named, _ := Build{Environ: environ}.variable("config-file")
	if named == "/dev/null" {
		return nil // pip reads no file then
	}
	names := []string{"/etc/xdg/pip/pip.conf", "/etc/pip.conf"}
	// A file that is named stands in for the user's, if it is there.
	if !path.IsAbs(named) || !isThere(files, user, named) {
		names = append(names, path.Join(user.Home, ".pip/pip.conf"), path.Join(user.Home, ".config/pip/pip.conf"))
	}
	for _, interpreter := range interpreters {
		names = append(names, path.Join(path.Dir(path.Dir(interpreter)), "pip.conf"))
	}
	if path.IsAbs(named) {
		names = append(names, named)
	}
	var all []PipFile
	for i, name := range names {
		if _, err := files.Lstat(name); err == nil && !slices.Contains(names[:i], name) {
			all = append(all, readPipFile(files, user, name))
		}
	}
	return all
}

// isThere tells whether a user finds a file, even if it may not read it.
func isThere(files *fsys.FS, user *host.User, name string) bool {
	target, err := files.Resolve(name)
	if err != nil {
		return false
	}
	if _, err := files.Lstat(target); err != nil {
		return false
	}
	closed, isClosed := errors.AsType[*fsys.ClosedError](files.CheckAccess(name, user.UID, user.GID, fsys.Read))
	return !isClosed || closed.Path == target
}

// ConfigFile is the operator's PIP_CONFIG_FILE if that is no absolute path, else "". pip would look for such a file in
// the directory that it works in.
func (b Build) ConfigFile() string {
	if name, said := b.variable("config-file"); said && !path.IsAbs(name) {
		return name
	}
	return ""
}

func readPipFile(files *fsys.FS, user *host.User, name string) PipFile {
	file := PipFile{Path: name}
	err := files.CheckAccess(name, user.UID, user.GID, fsys.Read)
	if closed, ok := errors.AsType[*fsys.ClosedError](err); ok {
		file.Closed = closed
	}
	target, err := files.Resolve(name)
	if err != nil {
		return file
	}
	if data, err := files.ReadFile(target, maxPipFile); err == nil {
		file.Settings = parsePipFile(string(data))
		if file.Closed == nil {
			file.Damaged = ini.Check(string(data))
		}
	}
	return file
}

// defaultSection hands its settings down to every other section of its file, below what that says itself.
const defaultSection = "DEFAULT"

// parsePipFile reads the settings for the commands of a build.
func parsePipFile(text string) (all []ini.Setting) {
	found, sections := ini.Sections(text)
	said := map[ini.Setting]bool{} // without values
	for _, s := range found {
		s.Name = normalSetting(s.Name)
		said[ini.Setting{Section: s.Section, Name: s.Name}] = true
		if s.Value != "" && isOfBuild(s.Section) {
			all = append(all, s)
		}
	}
	for _, s := range found {
		s.Name = normalSetting(s.Name)
		counts := slices.ContainsFunc(sections, func(section string) bool {
			return isOfBuild(section) && !said[ini.Setting{Section: section, Name: s.Name}]
		})
		if s.Section == defaultSection && s.Value != "" && counts {
			all = append(all, s)
		}
	}
	return all
}

// isOfBuild tells whether a command of a build reads a section of pip's files.
func isOfBuild(section string) bool {
	return slices.Contains([]string{"global", "install", "download"}, section)
}

// Stays returns the first of the settings that the build would have to decide, and cannot: nothing takes them back.
func (b Build) Stays(file PipFile) (ini.Setting, bool) {
	for _, s := range file.Settings {
		for _, own := range b.ownSettings() {
			if own.back == "" && slices.Contains(own.names, s.Name) && s.Name != "help" {
				return s, true
			}
		}
		// What passed a lock has no hashes any more; without a lock nothing has.
		if _, said := b.variable(requireHashes); NeedsHashes(s) && b.Lock == "" && isTrue(s.Value) && !said {
			return s, true
		}
	}
	return ini.Setting{}, false
}

// NeedsHashes tells that a setting asks for what only a lock has.
func NeedsHashes(s ini.Setting) bool { return s.Name == requireHashes }

// WantsHashes tells that a variable of the operator's asks for what only a lock has, and that there is none.
func (b Build) WantsHashes() bool {
	value, said := b.variable(requireHashes)
	return said && b.Lock == "" && isTrue(value)
}

// NoIndex names whose setting keeps pip from every index although nothing else says where packages come from; "" if
// there is none.
func (b Build) NoIndex() string {
	_, links := b.variable("find-links")
	value, said := b.variable("no-index")
	where := ""
	if said && isTrue(value) {
		where = variableOf("no-index") + " in the task's environment"
	}
	for _, file := range b.PipFiles {
		for _, s := range file.Settings {
			switch {
			case file.Closed != nil:
			case s.Name == "find-links":
				links = true
			case s.Name == "no-index" && !said && isTrue(s.Value):
				where = s.Name + " in " + file.Path
			}
		}
	}
	if links || b.IndexURL != "" || b.Wheels != "" {
		return ""
	}
	return where
}

// variable returns what the operator's variable of a setting says, which counts above pip's files. pip passes over one
// without a value.
func (b Build) variable(setting string) (value string, said bool) {
	for _, variable := range passed(b.Environ) {
		if name, text, _ := strings.Cut(variable, "="); settingOf(name) == setting && text != "" {
			value, said = text, true
		}
	}
	return value, said
}

const requireHashes = "require-hashes"

// isTrue reads a switch as pip does.
func isTrue(value string) bool {
	return !slices.Contains([]string{"n", "no", "f", "false", "off", "0"}, strings.ToLower(value))
}

// Lost names the settings in a file that the build goes without if pip does not read that: those that it does not
// decide by itself, and that tell how to reach an index only if it asks one.
func (b Build) Lost(file PipFile) (names []string) {
	network := []string{"index-url", "extra-index-url", "trusted-host", "cert", "client-cert", "proxy", "timeout",
		"retries", "keyring-provider", "find-links"}
	decided := map[string]bool{}
	for _, variable := range b.Env() {
		name, value, _ := strings.Cut(variable, "=")
		decided[settingOf(name)] = value != ""
	}
	for _, own := range b.ownSettings() {
		for _, name := range own.names {
			decided[name] = decided[name] || own.back != ""
		}
	}
	for _, s := range file.Settings {
		if !decided[s.Name] && !(b.Wheels != "" && slices.Contains(network, s.Name)) && !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

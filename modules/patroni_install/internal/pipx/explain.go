package pipx

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// maxLog bounds what is read of pipx's log of pip's output, in bytes.
const maxLog = 4 << 20

// shownVersions is how many of the newest versions are named where the wanted one does not exist.
const shownVersions = 8

// Source is where a command that failed had its packages from.
type Source int

// The sources of packages.
const (
	Index      Source = iota // the package index
	InWheels                 // the wheelhouse
	WhatPassed               // what was fetched for a lock file, and nothing else
)

// String names the source as what is told of it begins.
func (s Source) String() string {
	return map[Source]string{Index: "the index", InWheels: "the wheelhouse", WhatPassed: "the lock file"}[s]
}

// Explanation is one sentence about a build that failed.
type Explanation struct {
	Text string // why, and what to do; "" if that is not known
	// NeedsCompiler tells that a compiler or headers are missing. Who knows the packages that bring them says so by
	// [Explanation.WithCompiler].
	NeedsCompiler bool

	form string // Text before $compiler was filled
}

// WithCompiler returns the text with that in the place of the general advice about a compiler.
func (e Explanation) WithCompiler(advice string) string {
	if !e.NeedsCompiler {
		return e.Text
	}
	return strings.Replace(e.form, compilerPlace, advice, 1)
}

// compilerPlace is what stands in a cause's advice for a compiler.
const compilerPlace = "$compiler"

// LacksLibrary tells that a program did not find a library that it is linked with.
func LacksLibrary(err error) bool { return hasAny(failureText(err), "cannot open shared object file") }

// Explain is [Source.Explain] where packages come from the index.
func Explain(err error, texts ...[]byte) Explanation { return Index.Explain(err, texts...) }

// Explain says why a build failed and what to do. err is what running a command gave, the texts are what the commands
// printed, [PipLog] and [Build.Told]. They hold what pip printed, which masks passwords in addresses; nothing else of
// them is repeated. The last error decides: what pip warned of, it got over, unless it found nothing at all.
func (s Source) Explain(err error, texts ...[]byte) Explanation {
	text := failureText(err, texts...)
	ended := withoutWarnings(text)
	// Of nothing at all a warning tells why.
	if e := s.explain(ended); e.Text != "" && (ended == text || !hasAny(ended, "(from versions: none)")) {
		return e
	}
	return s.explain(text)
}

// withoutWarnings returns what ended a build without what it got over, such as an index beside others that does not
// answer.
func withoutWarnings(text string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if word, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.EqualFold(word, "warning:") ||
			strings.Contains(line, "Could not fetch URL ") {
			continue
		}
		kept.WriteString(line)
	}
	return kept.String()
}

func (s Source) explain(text string) Explanation {
	told := settingsTold(text)
	for _, c := range causes(s) {
		for _, sign := range c.signs {
			if stars, found := find(text, sign); found {
				return c.fill(stars, told)
			}
		}
	}
	if killedSilently(text) {
		return Explanation{Text: "pip was killed (signal 9), by the kernel's OOM killer unless somebody did it on " +
			"purpose; journalctl -k tells; give the host more memory and try again"}
	}
	return Explanation{Text: cmp.Or(s.explainUnlocked(text), s.explainVersion(text, told), s.explainUV(text))}
}

// toldSign begins a line of [Build.Told], and lockSign is one.
const (
	toldSign = "pip was told "
	lockSign = "pip was given a lock file"
)

// Told says to [Source.Explain] which of the operator's settings keep pip from packages that the index has, and whether
// there is a lock.
func (b Build) Told() []byte {
	var told string
	if b.Lock != "" {
		told = lockSign + "\n"
	}
	forbidding := []string{"only-binary", "no-binary"}
	if !b.installer().UsesPip() && b.Lock == "" && b.UserBase == "" {
		forbidding = nil // no pip installs anything
	}
	var names []string
	for _, variable := range passed(b.Environ) {
		name, value, _ := strings.Cut(variable, "=")
		if value != "" && slices.Contains(forbidding, settingOf(name)) {
			names = append(names, name+" of the task's environment")
		}
	}
	for _, file := range b.PipFiles {
		for _, s := range file.Settings {
			if file.Closed == nil && slices.Contains(forbidding, s.Name) {
				names = append(names, s.Name+" in "+file.Path)
			}
		}
	}
	if len(names) > 0 {
		told += toldSign + strings.Join(names, ", ") + "\n"
	}
	return []byte(told)
}

// settingsTold is what an advice has for $settings.
func settingsTold(text string) string {
	names, found := find(text, toldSign+"*")
	if !found {
		return ""
	}
	verb := "forbids"
	if strings.Contains(names[0], ", ") {
		verb = "forbid"
	}
	return " (" + names[0] + " " + verb + " others)"
}

// explainUnlocked explains that something is needed which a lock file does not hold, or without a hash.
// pip names the packages in the lines after that.
func (s Source) explainUnlocked(text string) string {
	if s != WhatPassed && !hasAny(text, lockSign) {
		if hasAny(text, "In --require-hashes mode, all", "In `--require-hashes` mode, all",
			"Hashes are required in --require") {
			return "pip was told to take nothing without a hash (require-hashes), and no lock file was given; set lockfile, " +
				"or take that back with PIP_REQUIRE_HASHES=0 in the task's environment"
		}
		return ""
	}
	if stars, found := find(text, "In `--require-hashes` mode, all requirements must have a hash*: *"); found { // uv's
		return "the lock file does not hold " + shown(stars[1]) + " with a hash; " + lockAdvice
	}
	for _, sign := range []string{"In --require-hashes mode, all requirements must have their versions pinned",
		"Hashes are required in --require-hashes mode"} {
		_, after, found := strings.Cut(text, sign)
		if !found {
			continue
		}
		var names []string
		_, after, _ = strings.Cut(after, "\n")
		for line := range strings.Lines(after) {
			requirement, listed := strings.CutPrefix(line, "    ")
			if !listed {
				break
			}
			requirement, _, _ = strings.Cut(requirement, " ")
			names = append(names, shown(strings.TrimSpace(requirement)))
		}
		return "the lock file does not hold " + cmp.Or(strings.Join(names, ", "), "all that its packages need") +
			"; " + lockAdvice
	}
	return ""
}

// lockAdvice is what to do about a lock file that is not complete.
const lockAdvice = "lock what is asked for, extras included, with hashes for all that it needs, or leave lockfile unset"

// killedSilently tells whether pip ended without an error of its own. pipx does not say how it ended,
// but whatever else stops pip, it reports.
func killedSilently(text string) bool {
	_, log, logged := strings.Cut(text, "PIP STDOUT\n")
	_, said, _ := strings.Cut(log, "PIP STDERR\n")
	said, _, _ = strings.Cut(said, logEnd) // what follows is not pip's
	if strings.Trim(said, "- \n") != "" {
		return false
	}
	return logged && !hasAny(log, "ERROR", "Traceback", "Exception", "error:")
}

// fill returns the advice with what the sign's stars stood for, which may be none, and what the settings forbid.
func (c cause) fill(stars []string, told string) Explanation {
	stars = append(stars, "", "")
	bracket := ""
	if stars[0] != "" {
		bracket = " (" + stars[0] + ")"
	}
	e := Explanation{NeedsCompiler: strings.Contains(c.advice, compilerPlace)}
	e.form = strings.NewReplacer(" ($1)", bracket, "$1", stars[0], "$2", stars[1], "$settings", told).Replace(c.advice)
	e.Text = e.form
	e.Text = e.WithCompiler(anyCompiler)
	return e
}

// find looks for a sign in a text and returns what its stars stand for: as little as possible, and
// the rest of the line where one ends the sign.
func find(text, sign string) (stars []string, found bool) {
	fragments := strings.Split(sign, "*")
	for {
		_, after, found := strings.Cut(text, fragments[0])
		if !found {
			return nil, false
		}
		line, next, _ := strings.Cut(after, "\n")
		if stars, found := between(line, fragments[1:]); found {
			return stars, true
		}
		text = next
	}
}

// between returns what stands before each of the fragments, if a line has them in this order.
func between(line string, fragments []string) (stars []string, found bool) {
	for _, fragment := range fragments {
		star, after, found := strings.Cut(line, fragment)
		if !found {
			return nil, false
		}
		if fragment == "" {
			star, after = line, ""
		}
		stars, line = append(stars, strings.TrimSpace(star)), after
	}
	return stars, true
}

// hasAny tells whether a text has one of the signs.
func hasAny(text string, signs ...string) bool {
	return slices.ContainsFunc(signs, func(sign string) bool {
		_, found := find(text, sign)
		return found
	})
}

// explainVersion explains that pip found no version that fits.
func (s Source) explainVersion(text, told string) string {
	stars, found := find(text, "Could not find a version that satisfies the requirement * *(from versions: *)")
	if !found {
		return ""
	}
	requirement, versions := stars[0], stars[2]
	switch {
	case versions != "none":
		return fmt.Sprintf("%s has no version for %s; it offers %s%s", s, requirement, newest(versions), told)
	case hasAny(text, "different python version: "):
		return "no version of " + requirement + " is for this Python; set python to a newer one, or version to an older " +
			"Patroni"
	case told != "":
		return fmt.Sprintf("%s has no %s that pip may take%s; change that setting, or have the package there in the form "+
			"that it allows", s, requirement, told)
	}
	return s.lacks(requirement)
}

// lacks says that there is no version at all.
func (s Source) lacks(requirement string) string {
	switch s {
	case InWheels:
		return "the wheelhouse has no " + requirement + " for this host; build it on a host of the same platform " +
			"(playbook pgedge.platform.wheelhouse)"
	case WhatPassed:
		return "the lock file does not hold " + requirement + " for this host; " + lockAdvice
	case Index:
	}
	return "the index does not know " + requirement +
		"; check index_url, which must end as in https://index.example/simple"
}

// explainUV explains that uv, which says so in its own words, found no versions that fit.
func (s Source) explainUV(text string) string {
	if !hasAny(text, "No solution found when resolving dependencies") {
		return ""
	}
	// In "the package registry" or "the provided package locations".
	if stars, found := find(text, "Because * was not found in the p"); found {
		return s.lacks(stars[0])
	}
	if stars, found := find(text, "Because there is no version of * and you require "); found {
		return fmt.Sprintf("%s has no version for %s", s, stars[0])
	}
	return ""
}

// newest shortens pip's list of versions, whose newest comes last.
func newest(list string) string {
	versions := strings.Split(list, ", ")
	if len(versions) <= shownVersions {
		return strings.Join(versions, ", ")
	}
	return "…, " + strings.Join(versions[len(versions)-shownVersions:], ", ")
}

// wantsIsolation tells whether a source package failed for want of its own build tools: where
// they could not be loaded, and where they failed for no reason that fetching them cannot mend.
func wantsIsolation(text string) bool {
	if hasAny(text, "BackendUnavailable", "backend-unavailable", "ModuleNotFoundError", "Some build dependencies for",
		"invalid command 'bdist_wheel'") {
		return true
	}
	failed := hasAny(text, "metadata-generation-failed", "failed-wheel-build", "Failed building wheel",
		"Error generating metadata", "legacy-install-failure")
	return failed && Explain(nil, []byte(text)) == Explanation{}
}

// failureText joins what a failed command left behind.
func failureText(err error, texts ...[]byte) string {
	parts := make([]string, 0, len(texts)+1)
	for _, text := range texts {
		parts = append(parts, string(text))
	}
	if failed, ran := errors.AsType[*host.CommandError](err); ran {
		parts = append(parts, failed.Status, failed.Stderr)
	} else if err != nil {
		parts = append(parts, err.Error())
	}
	return strings.Join(parts, "\n") + "\n"
}

// PipLog returns the full output of the installer in the last build that failed below home, a staged PIPX_HOME.
// pipx itself prints only lines that it takes for telling, which leaves out why a network did not
// answer. What cannot be read is empty: it only serves an explanation.
func PipLog(files *fsys.FS, home string) []byte {
	logs := path.Join(home, "logs")
	names, err := entries(files, logs)
	if err != nil {
		return nil
	}
	last := ""
	for _, name := range names { // sorted, and the name begins with the time
		if strings.HasSuffix(name, "_errors.log") {
			last = name
		}
	}
	if last == "" {
		return nil
	}
	data, err := files.ReadFile(path.Join(logs, last), maxLog)
	if err != nil {
		return nil
	}
	return append(data, logEnd...)
}

// logEnd ends what [PipLog] returns.
const logEnd = "\nthe end of pip's log\n"

package install

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
)

// Decision says whether something has to be built, and of what. It is made once, and everything after it reads it.
type Decision struct {
	Why      string   // why a venv has to be built, "" if none has to
	Problems []string // what is wrong with the Patroni that is there, the trial's finding included
	Kept     string   // the version that a build keeps, "" if it takes another one
	Newest   string   // the version after the installed one that the index or the wheelhouse has, if they were asked
	// Requirement is what pip is asked for.
	Requirement string
	// BringsPipx tells that pip has to put a pipx into the user's own environment.
	BringsPipx bool
	// Wheels is what the wheelhouse has for the build; nil if there is no wheelhouse, or nothing to build.
	Wheels   *pipx.Contents
	Warnings []string
}

// version is the one that a build will have, "" if that is not known before it.
func (d Decision) version(want *Desired) string {
	if exact, known := want.Version.Exact(); known {
		return exact
	}
	return cmp.Or(d.Kept, d.Newest)
}

// Builds tells whether a venv has to be built.
func (d Decision) Builds() bool { return d.Why != "" }

// Unlooked tells that nothing on the host knows yet which packages of the wheelhouse fit.
func (d Decision) Unlooked() bool { return d.Wheels != nil && (d.Wheels.Unknown || d.Wheels.Again) }

// Asker asks what only a program can tell. It changes nothing.
type Asker interface {
	// Trial starts the programs of the installation that is there, and says what they do wrong; "": nothing.
	Trial(ctx context.Context) (problem string, err error)
	// Index asks the package index for a version after the installed one.
	Index(ctx context.Context) (Answer, error)
	// Wheels looks for that in the wheelhouse.
	Wheels(ctx context.Context, wanted []wanted) (pipx.Contents, error)
}

// Answer is what the package index said.
type Answer struct {
	Newest  string // the version after the installed one that it offers, "" for none
	Unknown bool   // it should have been asked, and gave no answer
	Warning string // why not, for people; "" for nothing
}

// Decide finds out whether something has to be built. It is the only code before the transaction that starts a program
// for that: what can be told without asking is looked at first, and the first reason ends it.
func Decide(ctx context.Context, want *Desired, seen *View, ask Asker) (Decision, error) {
	q := &question{want: want, seen: seen, ask: ask}
	if seen.Installed != nil {
		q.Problems = slices.Clone(seen.Installed.Problems)
		q.Kept = kept(want, seen)
	}
	if want.State == Absent {
		return q.Decision, nil
	}
	q.Requirement = requirement(want, q.Kept)
	for _, reason := range q.reasons() {
		why, err := reason(ctx)
		if err != nil {
			return Decision{}, err
		}
		if why != "" {
			q.Why = why
			break
		}
	}
	q.BringsPipx = q.Builds() && lacksPipx(seen)
	q.warnOfPipFiles()
	err := q.wheelsForBuild(ctx)
	return q.Decision, err
}

// question is a decision that is being made.
type question struct {
	Decision

	want *Desired
	seen *View
	ask  Asker
	// answers are those of the wheelhouse, whether it decides something or not.
	answers *pipx.Contents
}

// reasons are the rows of the table, in the order in which they count.
func (q *question) reasons() []func(context.Context) (string, error) {
	if q.want.packaged() {
		return []func(context.Context) (string, error){q.packagesFail}
	}
	return []func(context.Context) (string, error){
		q.missing,         // nothing is there; all that follows needs an installation
		q.broken,          // by its files
		q.anotherVersion,  // than the option asks for
		q.anotherPython,   // than option python names
		q.anotherLock,     // than the lock file's packages
		q.lacksExtras,     // of those that are asked for
		q.trialFails,      // with verify: full; the first row that asks
		q.indexHasNewer,   // state: latest
		q.wheelsHaveNewer, // the same with a wheelhouse
	}
}

func (q *question) missing(context.Context) (string, error) {
	if q.seen.Installed == nil {
		return "Patroni is not installed", nil
	}
	return "", nil
}

func (q *question) broken(context.Context) (string, error) {
	if len(q.Problems) == 0 {
		return "", nil
	}
	return "it was broken: " + strings.Join(q.Problems, "; "), nil
}

func (q *question) anotherVersion(context.Context) (string, error) {
	if q.want.Version.Matches(q.seen.Installed.Version) {
		return "", nil
	}
	if exact, known := q.want.Version.Exact(); known {
		return fmt.Sprintf("version %s was asked for", exact), nil
	}
	return fmt.Sprintf("version %s was asked for", q.want.Version), nil
}

func (q *question) anotherPython(context.Context) (string, error) {
	if now, asked := q.seen.Installed.Python, q.seen.Asked.Version; asked != "" && asked != now {
		return fmt.Sprintf("it was made for Python %s, and %s was asked for", now, q.want.Python), nil
	}
	return "", nil
}

func (q *question) anotherLock(context.Context) (string, error) {
	return q.want.Lock.Differs(q.seen.Installed.Packages), nil
}

func (q *question) lacksExtras(context.Context) (string, error) {
	if missing := q.seen.Installed.Venv.MissingFor(q.want.Extras); len(missing) > 0 {
		return "it lacked " + strings.Join(missing, ", "), nil
	}
	return "", nil
}

func (q *question) trialFails(ctx context.Context) (string, error) {
	if q.want.Verify != Full && q.seen.BeforePackages == nil {
		return "", nil
	}
	problem, err := q.ask.Trial(ctx)
	if err != nil || problem == "" {
		return "", err
	}
	q.Problems = append(q.Problems, problem)
	return q.broken(ctx)
}

// packagesFail notes what the programs of packages do wrong, also if this run has added them. Nothing is built in their
// place.
func (q *question) packagesFail(ctx context.Context) (string, error) {
	if q.seen.Installed == nil {
		return "", nil
	}
	_, err := q.trialFails(ctx)
	return "", err
}

func (q *question) indexHasNewer(ctx context.Context) (string, error) {
	if !q.want.takesNewest() || q.want.Wheelhouse != "" {
		return "", nil
	}
	answer, err := q.ask.Index(ctx)
	if err != nil {
		return "", err
	}
	if answer.Warning != "" {
		q.Warnings = append(q.Warnings, answer.Warning)
	}
	switch {
	case answer.Newest != "":
		q.take(answer.Newest)
		return "the package index has " + answer.Newest, nil
	case answer.Unknown:
		return "the package index may have a newer one", nil
	}
	return "", nil
}

func (q *question) wheelsHaveNewer(ctx context.Context) (string, error) {
	if !q.want.takesNewest() || q.want.Wheelhouse == "" {
		return "", nil
	}
	if err := q.askWheels(ctx); err != nil || q.Newest == "" {
		return "", err
	}
	return "the wheelhouse has " + q.Newest, nil
}

// take notes the version that a build will have.
func (q *question) take(version string) {
	q.Newest = version
	q.Requirement = requirement(q.want, cmp.Or(q.Kept, version))
}

// askWheels looks into the wheelhouse for what a build takes, once, and for a version after the installed one.
func (q *question) askWheels(ctx context.Context) error {
	if q.answers != nil {
		return nil
	}
	answers := pipx.Contents{Files: q.want.wheels, Unknown: true} // the names alone, of one on the controller
	if !q.want.onController() {
		var err error
		if answers, err = q.ask.Wheels(ctx, wantedOf(q.want, q.seen, q.Requirement)); err != nil {
			return err
		}
	}
	q.answers = &answers
	there, newest := q.seen.Installed, newestIn(q.want, answers)
	if there != nil && q.want.takesNewest() && isAfter(newest, there.Version) {
		q.take(newest)
	}
	return nil
}

// wheelsForBuild adds what the wheelhouse has for the build.
func (q *question) wheelsForBuild(ctx context.Context) error {
	if !q.Builds() || q.want.Wheelhouse == "" {
		return nil
	}
	err := q.askWheels(ctx)
	q.Wheels = q.answers
	if q.want.onController() {
		q.Warnings = append(q.Warnings, fmt.Sprintf("wheelhouse %s is on the controller, and check mode does not bring "+
			"it here: whether it has all that the build takes on this host is not known before a real run, which "+
			"changes nothing if it has not", q.want.Wheelhouse))
	}
	return err
}

// warnOfPipFiles says which settings pip will not see, although the build makes do without them: else they are refused.
// The same holds for those of another installer.
func (q *question) warnOfPipFiles() {
	for _, file := range unreadBy(q.want, q.seen, q.Decision) {
		if q.Builds() {
			q.Warnings = append(q.Warnings, fmt.Sprintf("uv's settings in %s are not used; what a build is to do is set by "+
				"the options alone, such as index_url and constraints", file.Path))
		}
	}
	for _, file := range q.seen.PipFiles {
		if q.Builds() && file.Closed != nil && len(file.Settings) > 0 {
			q.Warnings = append(q.Warnings, fmt.Sprintf("user %s cannot use pip's settings in %s: %v; this build does not "+
				"need them", q.seen.User.Name, file.Path, file.Closed))
		}
	}
}

// unreadBy are the files of the installer that builds, or that would if it had none.
func unreadBy(want *Desired, seen *View, d Decision) []pipx.Unread {
	program := pipx.Program{Version: pipxVersion(seen, d)}
	if want.Installer == Auto && pipx.Installers()[pipx.Preferred].Check(program) != nil {
		return nil
	}
	return seen.Unread
}

// kept is the version that a build keeps, "" if it takes another one. If the tree does not tell it any more, its
// manifest does.
func kept(want *Desired, seen *View) string {
	if want.State != Present || !want.Lock.IsZero() {
		return ""
	}
	version := cmp.Or(seen.Installed.Version, seen.Installed.Recorded)
	if !want.Version.Matches(version) {
		return ""
	}
	return version
}

// requirement is what pip is asked for: that version, or, if there is none, what was asked for.
func requirement(want *Desired, version string) string {
	spec := want.Version
	if pinned, err := pipx.ParseSpec("==" + version); version != "" && err == nil {
		spec = pinned
	}
	return spec.Requirement(want.Extras)
}

// lacksPipx tells whether a build has to let pip bring a pipx for the user.
func lacksPipx(seen *View) bool { return seen.Pipx == nil && seen.Family.PipxByPip }

// pipxVersion is the version of the pipx that is there, or that is about to be installed.
func pipxVersion(seen *View, d Decision) string {
	if seen.Pipx != nil {
		return seen.Pipx.Version
	}
	for _, added := range seen.Packages.Add {
		if added.Name == "pipx" {
			return upstream(added.Version)
		}
	}
	if d.BringsPipx {
		return pipx.NewestFor(seen.Python)
	}
	return ""
}

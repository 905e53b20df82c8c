package install

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
	"github.com/pgedge/platform/modules/patroni_install/internal/step"
)

// journalFile is the journal while it is written, and at its place.
const journalFile = StateDir + "/journal.json"

// auditor watches the operations of a run and notes what breaks the discipline that makes a
// power cut leave the state before or the one after.
type auditor struct {
	machine *machine
	faults  []string

	unsynced map[string]string // directory → the change of a name in it that is not synced yet
	written  map[string]string // file → "written" or "synced", until it is renamed to its place
	builds   int               // commands that write in the stage
	syncs    map[string]int    // tree → the builds before its last sync
	next     journalText       // the journal that is about to be renamed to its place
	durable  journalText       // the journal that survives a power cut
	undoing  bool              // an error was injected: what needs no commit any more is dropped
}

// journalText is what of a journal matters here.
type journalText struct {
	Phase string          `json:"phase"`
	Steps []journaledStep `json:"steps"`
}

type journaledStep struct {
	Kind string `json:"kind"`
	Step struct {
		Path     string `json:"path"`
		Spare    string `json:"spare"`
		Archives string `json:"archives"`
		From     string `json:"from"`
		To       string `json:"to"`
		Entries  []struct {
			Path string `json:"path"`
		} `json:"entries"`
	} `json:"step"`
}

func (j journalText) has(kind string) bool {
	return slices.ContainsFunc(j.Steps, func(s journaledStep) bool { return s.Kind == kind })
}

// names tells whether a journaled step is about this path.
func (j journalText) names(object string) bool {
	for _, s := range j.Steps {
		holds := slices.Contains([]string{"stage", "packages"}, s.Kind)
		for _, name := range []string{s.Step.Path, s.Step.Spare, s.Step.Archives} {
			if object == name || holds && name != "" && below(object, name) {
				return true
			}
		}
		if from, _ := s.adds(object); from != "" {
			return true
		}
	}
	return false
}

// adds returns the places between which the step moves the thing that is at a path, if any.
func (s journaledStep) adds(object string) (from, to string) {
	for _, e := range s.Step.Entries {
		from, to := path.Join(s.Step.From, e.Path), path.Join(s.Step.To, e.Path)
		if object == from || object == to {
			return from, to
		}
	}
	return "", ""
}

func audit(m *machine) *auditor {
	a := &auditor{machine: m, unsynced: map[string]string{}, written: map[string]string{}, syncs: map[string]int{}}
	m.fault = func(kind, object string) error {
		a.operation(kind, strings.ReplaceAll(object, m.root, ""))
		return nil
	}
	return a
}

// failBefore injects an error before the operation.
func (a *auditor) failBefore(operation string) {
	watch := a.machine.fault
	a.machine.fault = func(kind, object string) error {
		if !a.undoing && kind+" "+strings.ReplaceAll(object, a.machine.root, "") == operation {
			a.undoing = true
			clear(a.written) // the product removes a temporary file that it could not put in place
			return errInjected
		}
		return watch(kind, object)
	}
}

func (a *auditor) fault(format string, args ...any) {
	a.faults = append(a.faults, fmt.Sprintf(format, args...))
}

func (a *auditor) operation(kind, object string) {
	switch kind {
	case "write":
		a.mustBeSynced(kind, object)
		a.written[object] = "written"
	case "fsync":
		if a.written[object] != "" {
			a.written[object] = "synced"
		}
	case "rename":
		a.rename(object)
	case "mkdir", "unlink", "removeall":
		a.mustBeSynced(kind, object)
		a.change(kind, object)
	case "chmod":
		if a.unsynced[path.Dir(object)] == "mkdir "+object {
			break // of the directory that was just made, before its name is synced
		}
		fallthrough
	case "symlink":
		a.mustBeSynced(kind, object)
		a.mustBeJournaled(kind, object)
	case "fsyncdir":
		a.synced(object)
	case "synctree":
		a.mustBeSynced(kind, object)
		a.syncs[object] = a.builds
	case "label": // of the built tree, to be synced with it
		a.mustBeJournaled(kind, object)
		a.builds++
	case "run":
		a.mustBeSynced(kind, object)
		a.command(object)
	case "reload":
		a.mustBeSynced(kind, object)
		a.mustBeCommitted("reload of systemd's units", "")
	case "halfway", "touch": // a time that nothing depends on after a crash
	default:
		a.fault("unknown operation %s %s", kind, object)
	}
}

// mustBeSynced: whatever comes next, the names that were changed have been synced.
func (a *auditor) mustBeSynced(kind, object string) {
	for dir, change := range a.unsynced {
		a.fault("%s %s while %s in %s is not synced", kind, object, change, dir)
	}
	clear(a.unsynced)
}

// rename puts a file, a link or a tree at its place.
func (a *auditor) rename(object string) {
	a.mustBeSynced("rename", object)
	if state := a.written[object]; state == "written" {
		a.fault("rename %s before its content is synced", object)
	}
	delete(a.written, object)
	if object == journalFile {
		a.next = journalText{}
		a.machine.must(jsonvalue.Decode([]byte(a.machine.read(object+fsys.TempSuffix)), &a.next))
		a.unsynced[StateDir] = "rename " + object
		return
	}
	a.change("rename", object)
	for _, s := range a.durable.Steps {
		if from, to := s.adds(object); from != "" {
			if object == to && a.syncs[s.Step.From] < a.builds {
				a.fault("rename %s before what pip made is synced", object)
			}
			a.unsynced[path.Dir(from)], a.unsynced[path.Dir(to)] = "rename "+object, "rename "+object
		}
		switch {
		case s.Step.Spare == "" || object != s.Step.Path && object != s.Step.Spare:
			continue
		case object == s.Step.Path && a.syncs[s.Step.Spare] < a.builds:
			a.fault("rename %s before the built tree is synced", object)
		}
		a.unsynced[path.Dir(s.Step.Path)], a.unsynced[path.Dir(s.Step.Spare)] = "rename "+object, "rename "+object
	}
}

// change notes a changed name.
func (a *auditor) change(kind, object string) {
	a.mustBeJournaled(kind, object)
	a.unsynced[path.Dir(object)] = kind + " " + object
}

// mustBeJournaled: an effect is one of a step in the journal, and not yet committed; or, once it
// is, of a step's Finish. The state directory itself is the lock.
func (a *auditor) mustBeJournaled(kind, object string) {
	switch {
	case object == StateDir || object == path.Dir(StateDir) || object == journalFile:
	case strings.HasPrefix(object, pipxConf): // of the packages' step, which keeps it beside the archives
	case !a.durable.names(object):
		a.fault("%s %s, which no step in the journal on disk is about", kind, object)
	// Nothing in the stage serves undo.
	case kind == "removeall" && strings.HasPrefix(object, home+"/.local/.patroni_install.stage/"):
	case kind == "removeall" && object == StateDir+"/borrowed":
		if a.machine.has(pythonHeader) || a.machine.has(libpqHeader) {
			a.fault("%s %s while the packages are there", kind, object)
		}
	case kind == "removeall":
		a.mustBeCommitted(kind, object)
	case a.durable.Phase != "apply" || a.next.Phase != "apply":
		a.fault("%s %s in phase %q", kind, object, a.next.Phase)
	}
}

// mustBeCommitted: what undo needs is dropped, and systemd told, only after the commit.
func (a *auditor) mustBeCommitted(kind, object string) {
	if a.durable.Phase != "commit" && !a.undoing {
		a.fault("%s %s before the commit is on disk", kind, object)
	}
}

func (a *auditor) synced(dir string) {
	delete(a.unsynced, dir)
	if dir == StateDir {
		a.durable = a.next
	}
}

// command is about those that change something.
func (a *auditor) command(line string) {
	switch {
	case strings.HasPrefix(line, step.Semanage) && !a.durable.has("file context"):
		a.fault("%s before it is in the journal on disk", line)
	case strings.HasPrefix(line, "apt-get -q download"), strings.HasPrefix(line, "apt-get -qy"),
		strings.HasPrefix(line, "apt-mark"),
		strings.HasPrefix(line, "dnf") && strings.Contains(line, "--downloadonly"), strings.HasPrefix(line, "rpm --install"),
		strings.HasPrefix(line, "rpm --erase"):
		if !a.durable.has("packages") {
			a.fault("%s before it is in the journal on disk", line)
		}
	case strings.Contains(line, "bin/pipx install"), strings.Contains(line, " -I -c "),
		strings.Contains(line, "python3 -m pip"):
		if !a.durable.has("stage") {
			a.fault("a build before its stage is in the journal on disk")
		}
		a.builds++
	}
}

// TestSyncDiscipline audits each flow.
func TestSyncDiscipline(t *testing.T) {
	eachScenario(t, func(t *testing.T, s scenario) {
		m := s.machine(t)
		a := audit(m)
		m.run(s.arguments)
		a.mustBeSynced("end", "of the run")
		for _, fault := range a.faults {
			t.Error(fault)
		}
		if a.next.Phase != "commit" || len(a.written) > 0 {
			t.Errorf("the run ended in phase %q with %v unsynced", a.next.Phase, a.written)
		}
		if s.name == "fresh" && a.builds != 3 {
			t.Errorf("%d commands built, want 3", a.builds)
		}
	})
}

// TestSyncDisciplineOfUndo audits how each flow is taken back, after an error at each operation
// of those that put something in its place.
func TestSyncDisciplineOfUndo(t *testing.T) {
	eachScenario(t, func(t *testing.T, s scenario) {
		x := newMatrix(t, s)
		for _, operation := range x.operations {
			if !strings.HasPrefix(operation, "rename ") || operation == "rename "+journalFile {
				continue
			}
			m := x.start.clone(t)
			a := audit(m)
			a.failBefore(operation)
			if _, err := m.installer(s.arguments).Run(t.Context()); err == nil {
				t.Errorf("error at %s: it was swallowed", operation)
			}
			a.mustBeSynced("end", "of the run")
			for _, fault := range a.faults {
				t.Errorf("error at %s: %s", operation, fault)
			}
		}
	})
}

package install

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// matrix is one scenario: its machine to start from, and the states before and after.
type matrix struct {
	scenario

	start         *machine
	before, after map[string]string
	operations    []string
	warnings      []string // of the undisturbed run
	// proven holds the states after which the flow, or the recovery, was seen to come to its end, and
	// whether that was the state after. What is the same on disk need not be tried again.
	proven map[string]bool
}

func newMatrix(t *testing.T, s scenario) *matrix {
	t.Helper()
	x := &matrix{scenario: s, start: s.machine(t), proven: map[string]bool{}}
	m := x.start.clone(t)
	x.before = m.state()
	x.warnings = m.run(s.arguments).Warnings
	x.after, x.operations = m.state(), m.trace
	if maps.Equal(x.before, x.after) || len(x.operations) < 15 {
		t.Fatalf("the flow changes too little: %q", x.operations)
	}
	return x
}

// directoryID is the identity of a tree or a file in the journal.
var directoryID = regexp.MustCompile(`"id":"([^"]+)"`)

// manifestStep is a manifest in the journal, which has times in it.
var manifestStep = regexp.MustCompile(`"name":"manifest".*?"ours":true`)

// clone copies the machine. A journal on it comes to know the copies of the trees that it names.
func (m *machine) clone(t testing.TB) *machine {
	t.Helper()
	c := &machine{TB: t, root: tempDir(t), newest: m.newest, pipxByPip: m.pipxByPip, interpreter: m.interpreter,
		loaded: m.loaded, service: m.service, uid: m.uid, gid: m.gid}
	c.files = fsys.New(c.root)
	c.files.Fault = c.announced
	named, ids := m.inodesInJournal(), map[string]string{}
	m.each(func(name string, info fs.FileInfo) {
		c.copy(m, name, info)
		if named[stat(info).Ino] && (info.IsDir() || info.Mode().IsRegular()) {
			ids[m.identity(name)] = c.identity(name)
		}
	})
	c.translate(ids)
	return c
}

// inodesInJournal are the inodes of the identities in the journal, if there is one: to ask for the identity of
// everything on the machine would take half of the matrices' time.
func (m *machine) inodesInJournal() map[uint64]bool {
	named := map[uint64]bool{}
	if !m.has(journalFile) {
		return named
	}
	for _, found := range directoryID.FindAllStringSubmatch(m.read(journalFile), -1) {
		text, _, _ := strings.Cut(found[1], "@")
		inode, err := strconv.ParseUint(text, 10, 64)
		m.must(err)
		named[inode] = true
	}
	return named
}

// translate puts this machine's identities of trees into a journal that has those of another.
func (m *machine) translate(ids map[string]string) {
	if !m.has(journalFile) {
		return
	}
	text := directoryID.ReplaceAllStringFunc(m.read(journalFile), func(found string) string {
		id := directoryID.FindStringSubmatch(found)[1]
		return `"id":"` + cmp.Or(ids[id], "1") + `"` // of a tree that is gone
	})
	m.program(journalFile, text, 0o600)
}

// identity is what the product knows a directory or a file by.
func (m *machine) identity(name string) string {
	info, err := m.files.Lstat(name)
	m.must(err)
	return info.ID
}

// copy copies one entry. Files are shared, since neither the product nor a fake writes into one:
// they are replaced.
func (m *machine) copy(from *machine, name string, info fs.FileInfo) {
	full := m.real(name)
	switch {
	case name == "/":
	case info.IsDir():
		m.must(os.Mkdir(full, info.Mode().Perm()))
		m.give(full, info)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(from.real(name))
		m.must(errors.Join(err, os.Symlink(target, full)))
		m.give(full, info)
	default:
		m.must(os.Link(from.real(name), full))
	}
}

func (m *machine) give(full string, info fs.FileInfo) {
	if st := stat(info); st.Uid != 0 || st.Gid != 0 {
		m.must(os.Lchown(full, int(st.Uid), int(st.Gid)))
	}
}

// key is all that a later run depends on, as text.
func (m *machine) key() string {
	found := m.snapshot()
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(found)) {
		fmt.Fprintf(&text, "%s %s\n", name, found[name])
	}
	return manifestStep.ReplaceAllString(directoryID.ReplaceAllString(text.String(), ""), "") + strconv.Quote(m.loaded)
}

// isAfter tells which of both states the machine is in; it must be one of them.
func (x *matrix) isAfter(t *testing.T, m *machine, what string) bool {
	t.Helper()
	found := m.state()
	switch {
	case maps.Equal(found, x.before):
		return false
	case maps.Equal(found, x.after):
		return true
	}
	t.Fatalf("%s: neither the state before (-want +got):\n%s\nnor the one after:\n%s",
		what, gocmp.Diff(x.before, found), gocmp.Diff(x.after, found))
	return false
}

// runsOn runs the flow again, undisturbed: it must lead to the state after.
func (x *matrix) runsOn(t *testing.T, m *machine, what string) {
	t.Helper()
	key := "run " + m.key()
	if x.proven[key] {
		return
	}
	if _, err := m.installer(x.arguments).Run(t.Context()); err != nil {
		t.Fatalf("%s: the next run: %v", what, err)
	}
	if !x.isAfter(t, m, what+", next run") {
		t.Fatalf("%s: the next run left the state before", what)
	}
	x.proven[key] = true
}

// recovers brings a machine with a killed run to its end. It tells which that is, and the
// operations that it took: none when the same was seen before.
func (x *matrix) recovers(t *testing.T, m *machine, what string) (after bool, operations []string) {
	t.Helper()
	key := m.key()
	if after, known := x.proven[key]; known {
		return after, nil
	}
	if err := m.recover(); err != nil {
		t.Fatalf("%s: recovery: %v", what, err)
	}
	operations = m.trace
	if left, err := os.ReadDir(m.real(StateDir)); err == nil && len(left) == 0 {
		t.Fatalf("%s: the recovery left an empty %s", what, StateDir)
	}
	x.proven[key] = x.isAfter(t, m, what)
	x.runsOn(t, m, what)
	return x.proven[key], operations
}

// killsOf are the operations, by number, to be killed at: not those right after a sync, since
// that leaves what being killed at the sync leaves.
func killsOf(operations []string) []int {
	var kills []int
	for n := 2; n <= len(operations); n++ {
		kind, _, _ := strings.Cut(operations[n-2], " ")
		if !slices.Contains([]string{"fsync", "fsyncdir", "synctree"}, kind) {
			kills = append(kills, n)
		}
	}
	return kills
}

// attempt lets the flow run on a machine whose faults are set.
func (x *matrix) attempt(t *testing.T, m *machine) (report *Report, err error) {
	i := m.installer(x.arguments)
	err = m.live(func() (err error) { report, err = i.Run(t.Context()); return err })
	return report, err
}

// TestErrorAtEachOperation: the host is as it was, or the run says that it is complete and what
// is left to do.
func TestErrorAtEachOperation(t *testing.T) {
	eachScenario(t, func(t *testing.T, s scenario) {
		x := newMatrix(t, s)
		for n := range len(x.operations) {
			m := x.start.clone(t)
			f := m.failAt(n + 1)
			report, err := x.attempt(t, m)
			what := fmt.Sprintf("error at operation %d, %s", n+1, f.operation)
			x.judge(t, m, report, err, what)
			x.runsOn(t, m, what)
		}
	})
}

// judge compares the state with what the run said of it.
func (x *matrix) judge(t *testing.T, m *machine, report *Report, err error, what string) {
	t.Helper()
	switch {
	case err != nil && x.isAfter(t, m, what):
		t.Errorf("%s: the state after, in spite of error: %v", what, err)
	case err == nil && !tellsOfMore(report) && !x.isAfter(t, m, what):
		t.Errorf("%s: success, and the state before", what)
	}
}

// tellsOfMore tells whether a report says that the next run has something to finish.
func tellsOfMore(r *Report) bool {
	return slices.ContainsFunc(r.Warnings,
		func(w string) bool { return strings.Contains(w, "the next run goes on with this") })
}

// sampled picks the i-th of some faults, at operation n, for being followed by each of a second
// fault: those about the journal, since a commit that failed may have reached the disk, and of the
// others every fourth; all of them with MATRIX=full in the environment, which takes minutes.
func (x *matrix) sampled(i, n int) bool {
	return i%4 == 0 || strings.HasSuffix(x.operations[n-1], "/journal.json") || os.Getenv("MATRIX") == "full"
}

// TestCrashAtEachOperation kills the run at each operation, and then its recovery at each of
// the recovery's. The next recovery gives the state before, up to some operation, and the state
// after from there on; a second crash changes nothing about which.
func TestCrashAtEachOperation(t *testing.T) {
	eachScenario(t, func(t *testing.T, s scenario) {
		x := newMatrix(t, s)
		committed := false
		for i, n := range killsOf(x.operations) {
			m := x.start.clone(t)
			f := m.killAt(n)
			_, _ = x.attempt(t, m)
			what := fmt.Sprintf("crash at operation %d, %s", n, f.operation)
			after, operations := x.recovers(t, m.clone(t), what)
			if committed && !after {
				t.Fatalf("%s: the state before, though an earlier crash gave the one after", what)
			}
			committed = after
			if !x.sampled(i, n) {
				continue
			}
			for _, n := range killsOf(operations) {
				x.crashAgain(t, m.clone(t), n, what, after)
			}
		}
		if !committed {
			t.Error("no crash gave the state after")
		}
	})
}

// crashAgain kills the recovery at one of its operations.
func (x *matrix) crashAgain(t *testing.T, m *machine, n int, what string, after bool) {
	t.Helper()
	f := m.killAt(n)
	_ = m.live(m.recover)
	what = fmt.Sprintf("%s; crash of the recovery at operation %d, %s", what, n, f.operation)
	if again, _ := x.recovers(t, m, what); again != after {
		t.Fatalf("%s: it ended on the other side, after=%t", what, again)
	}
}

// TestErrorThenCrash lets an operation fail and kills the run while it takes back what it did.
func TestErrorThenCrash(t *testing.T) {
	eachScenario(t, func(t *testing.T, s scenario) {
		x := newMatrix(t, s)
		for i, n := range killsOf(x.operations) {
			if x.sampled(i, n) {
				x.errorThenCrash(t, n)
			}
		}
	})
}

func (x *matrix) errorThenCrash(t *testing.T, n int) {
	t.Helper()
	m := x.start.clone(t)
	f := m.failAt(n)
	_, _ = x.attempt(t, m)
	operations := m.trace
	for _, k := range killsOf(operations) {
		if k <= n {
			continue
		}
		m := x.start.clone(t)
		m.failAt(n)
		fail := m.fault
		kill := m.killAt(k)
		die := m.fault
		m.fault = func(kind, object string) error { return cmp.Or(fail(kind, object), die(kind, object)) }
		_, _ = x.attempt(t, m)
		if !kill.dead {
			t.Fatalf("no operation %d after the error at %d", k, n)
		}
		x.recovers(t, m, fmt.Sprintf("error at operation %d, %s; crash at %d, %s", n, f.operation, k, kill.operation))
	}
}

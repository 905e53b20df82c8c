package install

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// disk is what would be left of a machine after a power cut, by the worst that POSIX allows: a
// file has its content once the file was synced, and a directory its names once the directory
// was. A new file or directory that was not is there, empty and root's alone, when its name is.
// One thing better than that is taken for granted, which every journaling file system gives: a
// rename from one directory to another is one change, durable with either.
type disk struct {
	machine *machine
	mutex   sync.Mutex // trees are synced by many at once
	inodes  map[string]*inode
}

// inode is a file, a directory or a link as it survives.
type inode struct {
	mode    fs.FileMode
	owner   [2]int
	content string            // of a file; of a link the target
	names   map[string]string // of a directory: the keys of its entries
	id      string            // of a directory or a file, as the product knows it
}

// watch starts with everything durable, and follows what the machine syncs.
func watch(m *machine) *disk {
	d := &disk{machine: m, inodes: map[string]*inode{}}
	m.each(func(name string, _ fs.FileInfo) { d.record(name) })
	m.files.Sync = func(file *os.File) error {
		d.mutex.Lock()
		defer d.mutex.Unlock()
		full, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
		m.must(err)
		d.sync(cmp.Or(strings.TrimPrefix(full, m.root), "/"))
		return nil
	}
	return d
}

// live returns the keys of everything that is on the machine, by path.
func (d *disk) live() map[string]string {
	found := map[string]string{}
	d.machine.each(func(name string, _ fs.FileInfo) { found[name] = d.key(name) })
	return found
}

// key identifies an entry for as long as it lives, and no later one by its number.
func (d *disk) key(name string) string {
	var st unix.Statx_t
	d.machine.must(unix.Statx(unix.AT_FDCWD, d.machine.real(name), unix.AT_SYMLINK_NOFOLLOW,
		unix.STATX_INO|unix.STATX_BTIME, &st))
	return fmt.Sprint(st.Ino, st.Btime)
}

// sync makes the file or directory of that name durable.
func (d *disk) sync(name string) {
	if old, now := d.record(name); old != nil {
		d.renamed(old.names, now.names)
	}
}

// record takes a file or directory down as it is now, and says what was known of it before.
func (d *disk) record(name string) (old, node *inode) {
	key := d.key(name)
	node, old = d.describe(name), d.inodes[key]
	d.inodes[key] = node
	if !node.mode.IsDir() {
		return old, node
	}
	entries, err := os.ReadDir(d.machine.real(name))
	d.machine.must(err)
	for _, e := range entries {
		node.names[e.Name()] = d.known(filepath.Join(name, e.Name()))
	}
	return old, node
}

// known returns the key of an entry whose name, at least, is durable.
func (d *disk) known(name string) string {
	key := d.key(name)
	if d.inodes[key] == nil {
		d.inodes[key] = d.unsynced(name)
	}
	return key
}

// describe is an entry as it is now, a directory without its names.
func (d *disk) describe(name string) *inode {
	info, err := os.Lstat(d.machine.real(name))
	d.machine.must(err)
	node := &inode{mode: info.Mode(), owner: [2]int{int(stat(info).Uid), int(stat(info).Gid)}}
	switch {
	case info.IsDir():
		node.names, node.id = map[string]string{}, d.machine.identity(name)
	case info.Mode()&fs.ModeSymlink != 0:
		node.content, err = os.Readlink(d.machine.real(name))
		d.machine.must(err)
	default:
		node.content, node.id = d.machine.read(name), d.machine.identity(name)
	}
	return node
}

// unsynced is an entry whose name alone is durable. A link has nothing else.
func (d *disk) unsynced(name string) *inode {
	node := d.describe(name)
	if node.mode&fs.ModeSymlink != 0 {
		return node
	}
	node.owner, node.content = [2]int{}, ""
	node.mode = node.mode.Type() | 0o600
	if node.mode.IsDir() {
		node.mode |= 0o100
	}
	return node
}

// renamed makes the other half of renames durable that led into or out of a synced directory,
// whose durable names changed from old to now.
func (d *disk) renamed(old, now map[string]string) {
	var live map[string]string
	for key := range d.inodes {
		came, went := holds(now, key) && !holds(old, key), holds(old, key) && !holds(now, key)
		if !came && !went {
			continue
		}
		if live == nil {
			live = d.live()
		}
		for name, dir := range live {
			if node := d.inodes[dir]; node != nil && node.mode.IsDir() {
				d.otherHalf(node, name, key, live)
			}
		}
	}
}

// otherHalf makes durable what became of the entry with that key in another directory.
func (d *disk) otherHalf(node *inode, dir, key string, live map[string]string) {
	for name, child := range node.names {
		if at := filepath.Join(dir, name); child == key && live[at] != key {
			delete(node.names, name)
			if live[at] != "" {
				node.names[name] = d.known(at)
			}
		}
	}
	for at, child := range live {
		if child == key && at != "/" && filepath.Dir(at) == dir {
			node.names[filepath.Base(at)] = key
		}
	}
}

func holds(names map[string]string, key string) bool {
	for _, k := range names {
		if k == key {
			return true
		}
	}
	return false
}

// restart is the machine after the power cut and the start that follows: systemd reads the units
// that are there. The package manager syncs by itself what it does, as dpkg and rpm do.
func (d *disk) restart(t *testing.T) *machine {
	t.Helper()
	for name := range d.live() {
		if below(name, "/usr") || below(name, "/var/lib/dpkg") || below(name, "/var/lib/rpm") || below(name, "/var/lib/apt") {
			d.sync(name)
		}
	}
	d.syncPackageConf()
	old := d.machine
	m := &machine{TB: t, root: tempDir(t), newest: old.newest, pipxByPip: old.pipxByPip, interpreter: old.interpreter,
		service: old.service, uid: old.uid, gid: old.gid}
	m.files = fsys.New(m.root)
	m.files.Fault = m.announced
	ids := map[string]string{}
	d.put(m, "/", d.key("/"), ids)
	m.translate(ids)
	if old.loaded != "" || m.has(unitFile) {
		m.loaded = m.units()
	}
	return m
}

// put makes what survives of an entry.
func (d *disk) put(m *machine, name, key string, ids map[string]string) {
	node := d.inodes[key]
	full := m.real(name)
	switch {
	case node.mode.IsDir():
		m.must(os.MkdirAll(full, 0o700))
		for child, key := range node.names {
			d.put(m, filepath.Join(name, child), key, ids)
		}
		ids[node.id] = m.identity(name)
	case node.mode&fs.ModeSymlink != 0:
		m.must(os.Symlink(node.content, full))
	default:
		m.must(os.WriteFile(full, []byte(node.content), 0o600))
		ids[node.id] = m.identity(name)
	}
	m.must(os.Lchown(full, node.owner[0], node.owner[1]))
	if node.mode&fs.ModeSymlink == 0 {
		m.must(os.Chmod(full, node.mode.Perm()))
	}
}

// cutsOf are the operations, by number, before which a power cut leaves what an earlier one does
// not: those that follow a sync or a command.
func cutsOf(operations []string) []int {
	cuts := []int{1}
	for n := 2; n <= len(operations); n++ {
		kind, _, _ := strings.Cut(operations[n-2], " ")
		if slices.Contains([]string{"fsync", "fsyncdir", "synctree", "run", "halfway"}, kind) {
			cuts = append(cuts, n)
		}
	}
	return cuts
}

// TestPowerCutAtEachOperation cuts the power at each operation of the run: recovery gives the state
// before, up to some operation, and from there on the state after; and for some of them the same
// when the power is cut again at each operation of the recovery.
func TestPowerCutAtEachOperation(t *testing.T) {
	eachScenario(t, func(t *testing.T, s scenario) {
		x := newMatrix(t, s)
		committed := false
		for i, n := range cutsOf(x.operations) {
			m := x.start.clone(t)
			d := watch(m)
			f := m.killAt(n)
			_, _ = x.attempt(t, m)
			m = d.restart(t)
			what := fmt.Sprintf("power cut at operation %d, %s", n, f.operation)
			after, operations := x.recovers(t, m.clone(t), what)
			if committed && !after {
				t.Fatalf("%s: the state before, though an earlier power cut gave the one after", what)
			}
			committed = after
			if !x.sampled(i, n) {
				continue
			}
			for _, k := range cutsOf(operations) {
				x.cutAgain(t, m.clone(t), k, what, after)
			}
		}
		if !committed {
			t.Error("no power cut gave the state after")
		}
	})
}

// cutAgain cuts the power before one of the operations of the recovery.
func (x *matrix) cutAgain(t *testing.T, m *machine, n int, what string, after bool) {
	t.Helper()
	d := watch(m)
	f := m.killAt(n)
	_ = m.live(m.recover)
	what = fmt.Sprintf("%s; power cut at operation %d of the recovery, %s", what, n, f.operation)
	if again, _ := x.recovers(t, d.restart(t), what); again != after {
		t.Fatalf("%s: it ended on the other side, after=%t", what, again)
	}
}

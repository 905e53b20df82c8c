package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func stat(info fs.FileInfo) *syscall.Stat_t {
	st, _ := info.Sys().(*syscall.Stat_t)
	return st
}

func owner(info fs.FileInfo) string { return fmt.Sprintf("%d:%d", stat(info).Uid, stat(info).Gid) }

var errInjected = errors.New("injected")

// gone is what the panic of a killed process carries.
type gone struct{}

// fault counts operations and lets the n-th one fail or be the process's last.
type fault struct {
	at, count int
	dead      bool
	operation string
}

// failAt makes operation n fail, and it alone.
func (m *machine) failAt(n int) *fault {
	f := &fault{at: n}
	m.fault = func(kind, object string) error {
		if f.count++; f.count != f.at {
			return nil
		}
		f.operation = m.trace[len(m.trace)-1]
		return errInjected
	}
	return f
}

// killAt ends the process before operation n: from there on nothing is done any more, by what
// is deferred neither.
func (m *machine) killAt(n int) *fault {
	f := &fault{at: n}
	m.fault = func(kind, object string) error {
		if f.count++; f.count == f.at {
			f.dead, f.operation = true, m.trace[len(m.trace)-1]
		}
		if f.dead {
			panic(gone{})
		}
		return nil
	}
	return f
}

// live lets the process do its work until that ends or the process does.
func (m *machine) live(work func() error) (err error) {
	defer func() {
		m.fault = nil
		if r := recover(); r != nil && r != any(gone{}) {
			panic(r)
		} else if r != nil {
			err = errInjected
			m.releaseLocks()
		}
	}()
	return work()
}

// releaseLocks does what the kernel does at the end of a process.
func (m *machine) releaseLocks() {
	open, err := os.ReadDir("/proc/self/fd")
	m.must(err)
	for _, entry := range open {
		target, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if err == nil && strings.HasPrefix(target, m.real(StateDir)) {
			var fd int
			_, err := fmt.Sscan(entry.Name(), &fd)
			m.must(errors.Join(err, unix.Flock(fd, unix.LOCK_UN)))
		}
	}
}

// crash kills a run at the first operation that is the wanted one.
func (m *machine) crash(arguments string, wanted func(operation string) bool) {
	m.Helper()
	f := m.killAt(-1)
	kill := m.fault
	m.fault = func(kind, object string) error {
		f.dead = f.dead || wanted(m.trace[len(m.trace)-1])
		return kill(kind, object)
	}
	if err := m.live(func() error { _, err := m.installer(arguments).Run(m.Context()); return err }); err == nil ||
		!f.dead {
		m.Fatalf("the run was not killed: %v", err)
	}
}

// recover does what a run does about an interrupted one, and no more.
func (m *machine) recover() error {
	_, err := m.installer(`{}`).Recover(m.Context())
	return err
}

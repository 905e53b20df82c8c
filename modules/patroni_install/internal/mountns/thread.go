package mountns

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// childUmask is the umask of commands: under a stricter one only root could use the files that they install.
const childUmask = 0o022

// shown is the directory that a target has to show.
type shown struct {
	target   string
	dev, ino uint64
}

// enter moves the calling thread into a new mount namespace with the binds.
func enter(files *fsys.FS, binds []Bind) ([]shown, error) {
	m, err := newMounter(files, binds)
	if err != nil {
		return nil, err
	}
	defer m.close()
	// This gives the thread a working directory, a root and a umask of its own too.
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return nil, os.NewSyscallError(newMounts, err)
	}
	if err := mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, err
	}
	unix.Umask(childUmask)
	// A command that sees the user's directories in other places must not start a set-id program of the system.
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, os.NewSyscallError("prctl", err)
	}
	if err := m.entered(); err != nil {
		return nil, err
	}
	all := make([]shown, len(binds))
	for i, bind := range binds {
		if all[i], err = attach(files, m, i, bind.Target); err != nil {
			return nil, fmt.Errorf("cannot bind a directory over %s: %w", bind.Target, err)
		}
	}
	return all, nil
}

// attach mounts a bind's source over its target, which is looked up inside the new namespace, and sees that the target
// shows it then. If it does not, nobody gets to see the mount: the namespace ends with the thread.
func attach(files *fsys.FS, m mounter, bind int, name string) (shown, error) {
	target, err := files.OpenDir(name)
	if err != nil {
		return shown{}, err
	}
	defer target.Close() //nolint:errcheck // only a place
	return cover(files, m, bind, target)
}

func cover(files *fsys.FS, m mounter, bind int, target *os.File) (shown, error) {
	tree, err := m.take(bind)
	if err != nil {
		return shown{}, err
	}
	if err := m.move(tree, int(target.Fd())); err != nil {
		return shown{}, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(tree, &st); err != nil {
		return shown{}, os.NewSyscallError("fstat", err)
	}
	s := shown{target: target.Name(), dev: st.Dev, ino: st.Ino}
	return s, s.check(files)
}

// check compares the directory that the target shows to the calling thread with the right one.
func (s shown) check(files *fsys.FS) error {
	dir, err := files.OpenDir(s.target)
	if err != nil {
		return fmt.Errorf("the directory at %s was moved or removed meanwhile: %w", s.target, err)
	}
	defer dir.Close() //nolint:errcheck // read only
	var st unix.Stat_t
	if err := unix.Fstat(int(dir.Fd()), &st); err != nil {
		return fmt.Errorf("cannot stat %s: %w", s.target, err)
	}
	if st.Dev != s.dev || st.Ino != s.ino {
		return fmt.Errorf("the directory at %s was moved or replaced meanwhile", s.target)
	}
	return nil
}

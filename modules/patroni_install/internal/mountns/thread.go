package mountns

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
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
	// A mount can be cloned only in the namespace that it belongs to, so before leaving it.
	trees, err := cloneAll(binds)
	defer closeAll(trees)
	if err != nil {
		return nil, err
	}
	// This gives the thread a working directory, a root and a umask of its own too.
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return nil, os.NewSyscallError("unshare", err)
	}
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, os.NewSyscallError("mount", err)
	}
	unix.Umask(childUmask)
	// A command that sees the user's directories in other places must not start a set-id program of the system.
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, os.NewSyscallError("prctl", err)
	}
	all := make([]shown, len(binds))
	for i, bind := range binds {
		if all[i], err = attach(files, trees[i], bind); err != nil {
			return nil, fmt.Errorf("cannot bind a directory over %s: %w", bind.Target, err)
		}
	}
	return all, nil
}

// cloneAll returns a detached mount of each bind's source.
func cloneAll(binds []Bind) (trees []int, err error) {
	for _, bind := range binds {
		if bind.Source == nil {
			fd, err := inMemory(bind.Owner)
			if err != nil {
				return trees, fmt.Errorf("cannot make a directory in memory: %w", err)
			}
			trees = append(trees, fd)
			continue
		}
		fd, err := clone(bind.Source)
		if err != nil {
			return trees, fmt.Errorf("cannot bind %s: %w", bind.Source.Name(), err)
		}
		trees = append(trees, fd)
	}
	return trees, nil
}

// memorySize limits a directory in memory.
const memorySize = "64m"

// inMemory returns a detached mount of a new tmpfs.
func inMemory(owner *host.User) (int, error) {
	fs, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("fsopen", err)
	}
	defer unix.Close(fs) //nolint:errcheck // the mount holds what it needs
	for _, option := range [][2]string{
		{"size", memorySize}, {"mode", "0700"}, {"uid", strconv.Itoa(owner.UID)}, {"gid", strconv.Itoa(owner.GID)},
	} {
		if err := unix.FsconfigSetString(fs, option[0], option[1]); err != nil {
			return -1, os.NewSyscallError("fsconfig", err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, os.NewSyscallError("fsconfig", err)
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
	return fd, os.NewSyscallError("fsmount", err)
}

func clone(source *os.File) (int, error) {
	fd, err := unix.OpenTree(int(source.Fd()), "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
	if err != nil {
		return -1, os.NewSyscallError("open_tree", err)
	}
	// A stage needs no devices and no set-id programs. Linux before 5.12 cannot forbid them here.
	attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV, Propagation: unix.MS_PRIVATE}
	err = unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, attr)
	if err != nil && !errors.Is(err, unix.ENOSYS) {
		_ = unix.Close(fd)
		return -1, os.NewSyscallError("mount_setattr", err)
	}
	return fd, nil
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}

// attach mounts tree over the bind's target, which is looked up inside the new namespace.
func attach(files *fsys.FS, tree int, bind Bind) (shown, error) {
	target, err := files.OpenDir(bind.Target)
	if err != nil {
		return shown{}, err
	}
	defer target.Close() //nolint:errcheck // only a place
	flags := unix.MOVE_MOUNT_F_EMPTY_PATH | unix.MOVE_MOUNT_T_EMPTY_PATH
	if err := unix.MoveMount(tree, "", int(target.Fd()), "", flags); err != nil {
		return shown{}, os.NewSyscallError("move_mount", err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(tree, &st); err != nil {
		return shown{}, os.NewSyscallError("fstat", err)
	}
	return shown{target: bind.Target, dev: st.Dev, ino: st.Ino}, nil
}

// check compares the directory that the target shows to the calling thread with the right one.
func (s shown) check(files *fsys.FS) error {
	dir, err := files.OpenDir(s.target)
	if err != nil {
		return fmt.Errorf("cannot trust what was built: the directory at %s was moved or removed meanwhile: %w",
			s.target, err)
	}
	defer dir.Close() //nolint:errcheck // read only
	var st unix.Stat_t
	if err := unix.Fstat(int(dir.Fd()), &st); err != nil {
		return fmt.Errorf("cannot stat %s: %w", s.target, err)
	}
	if st.Dev != s.dev || st.Ino != s.ino {
		return fmt.Errorf("cannot trust what was built: the directory at %s was moved or replaced meanwhile", s.target)
	}
	return nil
}

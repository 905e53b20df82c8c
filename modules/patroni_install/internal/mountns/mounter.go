package mountns

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// A mounter makes mounts that are at no target yet, and puts them there. No mount of a source that is at a target has
// devices, set-id programs or a peer, and nobody outside of the new namespace ever sees one.
type mounter interface {
	// entered is called in the new namespace, before anything is put anywhere.
	entered() error
	// take returns a descriptor of the root of a mount for a bind. Each is moved before the next one is taken.
	take(bind int) (tree int, err error)
	// move puts a mount over an open directory of the new namespace. The descriptor goes on to show the mount.
	move(tree, target int) error
	// close lets go of all descriptors, and of mounts that are at no target.
	close()
}

var (
	_ mounter = (*detached)(nil)
	_ mounter = (*staged)(nil)
)

// newMounter is called in the namespace that the sources belong to. It takes the calls of Linux 5.2 and 5.12 if this
// kernel has all of them, and mount(2) otherwise. Some filters of system calls answer EPERM to what they do not know;
// if it is the kernel itself that does, mount(2) gets the same answer.
func newMounter(files *fsys.FS, binds []Bind) (mounter, error) {
	d := &detached{}
	err := d.cloneAll(binds)
	if err == nil {
		return d, nil
	}
	d.close()
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return &staged{files: files, binds: binds}, nil
	}
	return nil, err
}

// memorySize limits a directory in memory.
const memorySize = "64m"

// memoryOptions are those of a tmpfs that is its owner's alone.
func memoryOptions(owner *host.User) [][2]string {
	return [][2]string{
		{"size", memorySize}, {"mode", "0700"}, {"uid", strconv.Itoa(owner.UID)}, {"gid", strconv.Itoa(owner.GID)},
	}
}

// detached makes mounts that are nowhere, and moves them by descriptor.
type detached struct{ trees []int }

// cloneAll makes a mount of each bind's source: a mount can be cloned only in the namespace that it belongs to, so
// before leaving it.
func (d *detached) cloneAll(binds []Bind) error {
	for _, bind := range binds {
		if bind.Source == nil {
			fd, err := inMemory(bind.Owner)
			if err != nil {
				return fmt.Errorf("cannot make a directory in memory: %w", err)
			}
			d.trees = append(d.trees, fd)
			continue
		}
		fd, err := clone(bind.Source)
		if err != nil {
			return fmt.Errorf("cannot bind %s: %w", bind.Source.Name(), err)
		}
		d.trees = append(d.trees, fd)
	}
	return nil
}

// inMemory returns a detached mount of a new tmpfs.
func inMemory(owner *host.User) (int, error) {
	fs, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("fsopen", err)
	}
	defer unix.Close(fs) //nolint:errcheck // the mount holds what it needs
	for _, option := range memoryOptions(owner) {
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
	// A stage needs no devices and no set-id programs.
	attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV, Propagation: unix.MS_PRIVATE}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, attr); err != nil {
		_ = unix.Close(fd)
		return -1, os.NewSyscallError("mount_setattr", err)
	}
	return fd, nil
}

func (d *detached) entered() error { return nil }

func (d *detached) take(bind int) (int, error) { return d.trees[bind], nil }

func (d *detached) move(tree, target int) error {
	flags := unix.MOVE_MOUNT_F_EMPTY_PATH | unix.MOVE_MOUNT_T_EMPTY_PATH
	return os.NewSyscallError("move_mount", unix.MoveMount(tree, "", target, "", flags))
}

func (d *detached) close() {
	for _, fd := range d.trees {
		_ = unix.Close(fd)
	}
}

// staged does the same by mount(2), which cannot make a mount that is nowhere, and tells nothing of the one it made. A
// descriptor of the target goes on to lead below the mount, and the target's name may lead elsewhere by now, since its
// directory can be the user's. So each mount is first made at a place whose name only root can change, opened there,
// given its flags, looked at, and then moved to the target by descriptor. Only this thread is in the new namespace,
// so the mount on top at that place is the one that it has just made there.
type staged struct {
	files   *fsys.FS
	binds   []Bind
	sources []*os.File // as the new namespace has them
	trees   []int
}

// stagingPlace is a directory that every host has, in one of root's, on the way to no source and no target.
const stagingPlace = "/sys"

// entered opens the sources again. mount(2) binds no directory of another namespace, and that is where they were
// opened. What has the source's name by now need not be the source.
func (s *staged) entered() error {
	for _, bind := range s.binds {
		if bind.Source == nil {
			s.sources = append(s.sources, nil)
			continue
		}
		again, err := s.files.OpenDir(bind.Source.Name())
		if err == nil {
			s.sources = append(s.sources, again)
			err = sameDir(int(bind.Source.Fd()), int(again.Fd()))
		}
		if err != nil {
			return fmt.Errorf("cannot bind %s: %w", bind.Source.Name(), err)
		}
	}
	return nil
}

// errReplaced reports another directory in the place of the one that was opened.
var errReplaced = errors.New("the directory was moved or replaced meanwhile")

// sameDir compares two open directories: while both are open, no other one has their inode.
func sameDir(one, other int) error {
	var a, b unix.Stat_t
	if err := errors.Join(unix.Fstat(one, &a), unix.Fstat(other, &b)); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	if a.Dev != b.Dev || a.Ino != b.Ino {
		return errReplaced
	}
	return nil
}

func (s *staged) take(bind int) (int, error) {
	source, owner := s.sources[bind], s.binds[bind].Owner
	if source == nil {
		tree, err := s.takeMemory(owner)
		if err != nil {
			return -1, fmt.Errorf("cannot make a directory in memory: %w", err)
		}
		return tree, nil
	}
	tree, err := s.takeBind(source)
	if err != nil {
		return -1, fmt.Errorf("cannot bind %s: %w", source.Name(), err)
	}
	return tree, nil
}

func (s *staged) takeMemory(owner *host.User) (int, error) {
	var options []string
	for _, option := range memoryOptions(owner) {
		options = append(options, option[0]+"="+option[1])
	}
	err := mount("none", stagingPlace, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, strings.Join(options, ","))
	if err != nil {
		return -1, err
	}
	return s.opened()
}

// takeBind binds a directory. A bind has the flags of its source's mount, whatever it is asked for, until it is
// remounted, which then takes away each flag that it does not name: the kernel refuses that if the flag came from
// outside of a container. The times of access stay as they are if none of their flags is named.
func (s *staged) takeBind(source *os.File) (int, error) {
	if err := mount(byDescriptor(int(source.Fd())), stagingPlace, "", unix.MS_BIND, ""); err != nil {
		return -1, err
	}
	tree, err := s.opened()
	if err != nil {
		return -1, err
	}
	if err := sameDir(int(source.Fd()), tree); err != nil {
		return -1, err
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(tree, &st); err != nil {
		return -1, os.NewSyscallError("fstatfs", err)
	}
	flags := uintptr(unix.MS_REMOUNT | unix.MS_BIND | unix.MS_NOSUID | unix.MS_NODEV)
	flags |= uintptr(st.Flags) & (unix.MS_RDONLY | unix.MS_NOEXEC) // statfs(2) has the same numbers
	return tree, mount("none", byDescriptor(tree), "", flags, "")
}

// opened opens what is mounted at the staging place.
func (s *staged) opened() (int, error) {
	fd, err := unix.Open(stagingPlace, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: stagingPlace, Err: err}
	}
	s.trees = append(s.trees, fd)
	return fd, nil
}

func (s *staged) move(tree, target int) error {
	return mount(byDescriptor(tree), byDescriptor(target), "", unix.MS_MOVE, "")
}

// close leaves mounts at the staging place to the end of the namespace: after an error the thread ends.
func (s *staged) close() {
	for _, fd := range s.trees {
		_ = unix.Close(fd)
	}
	for _, source := range s.sources {
		_ = source.Close() // also a nil one
	}
}

// byDescriptor is a path that leads to what a descriptor has open, whatever its name is by now.
func byDescriptor(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

func mount(source, target, kind string, flags uintptr, options string) error {
	return os.NewSyscallError("mount", unix.Mount(source, target, kind, flags, options))
}

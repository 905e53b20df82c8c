package host

import (
	"errors"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// toMemory makes a detached process print to anonymous files. It would die, or fail to print, at
// the pipe of a parent that was killed, and it would block at the pipe of one that was stopped;
// a file in memory lives as long as the process does and always has room.
func toMemory(process *exec.Cmd) (collect func() Output, err error) {
	stdout, err := memoryFile("stdout")
	if err != nil {
		return nil, err
	}
	stderr, err := memoryFile("stderr")
	if err != nil {
		_ = stdout.Close()
		return nil, err
	}
	process.Stdout, process.Stderr = stdout, stderr
	return func() Output { return Output{Stdout: drain(stdout), Stderr: drain(stderr)} }, nil
}

func memoryFile(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) { // Linux before 6.3
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	}
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	// A script that writes to /dev/stderr opens the file anew and may truncate it. Later output of others must not come
	// after a hole.
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, unix.O_APPEND); err != nil {
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// drain closes a memory file and returns its end. A process that still runs, such as a service that a package
// started, keeps its own hold of the file.
func drain(file *os.File) []byte {
	defer file.Close() //nolint:errcheck // memory
	info, err := file.Stat()
	if err != nil {
		return nil
	}
	size := min(info.Size(), outputLimit)
	data := make([]byte, size)
	n, _ := file.ReadAt(data, info.Size()-size) // less when a process truncates it meanwhile
	return data[:n]
}

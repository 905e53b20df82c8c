// Package kerneltest lets a test see what the product does on a kernel that knows or allows less than this one. A
// filter of system calls (seccomp) answers in the kernel's place. Nobody can take it off again, and children have it
// too: the test's program starts itself once more, and puts it on first.
package kerneltest

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// machine is what a filter has to know of an architecture.
type machine struct {
	audit uint32 // AUDIT_ARCH_*, since the numbers of another architecture mean other calls
	last  uint32 // the call with the highest number in Linux 4.18, on both rseq
}

func machines() map[string]machine {
	return map[string]machine{
		"amd64": {unix.AUDIT_ARCH_X86_64, 334},
		"arm64": {unix.AUDIT_ARCH_AARCH64, 293},
	}
}

// The offsets in struct seccomp_data.
const (
	offsetNumber = 0
	offsetArch   = 4
)

// OldKernel makes this process, and all that it starts, get ENOSYS for every system call that came after Linux 4.18,
// the kernel of RHEL 8. Numbers are given in the order of time, and those of all architectures go on at 424 since 5.1.
// Flags that are newer than their call still work.
func OldKernel() error {
	m, known := machines()[runtime.GOARCH]
	if !known {
		return fmt.Errorf("kerneltest: no numbers of system calls for %s", runtime.GOARCH)
	}
	return install(m.audit, []unix.SockFilter{
		{Code: unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K, Jf: 1, K: m.last},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
	})
}

// Forbid makes them get errno for these calls.
func Forbid(errno unix.Errno, calls ...uintptr) error {
	m, known := machines()[runtime.GOARCH]
	if !known {
		return fmt.Errorf("kerneltest: no numbers of system calls for %s", runtime.GOARCH)
	}
	var rules []unix.SockFilter
	for _, call := range calls {
		rules = append(rules,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: uint32(call)},     //nolint:gosec // small
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)}) //nolint:gosec // small
	}
	return install(m.audit, rules)
}

// install puts a filter on all threads. Calls of another architecture, and those that no rule answers, pass.
func install(audit uint32, rules []unix.SockFilter) error {
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	pass := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
	filter := []unix.SockFilter{load(offsetArch), {Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 1, K: audit}, pass,
		load(offsetNumber)}
	filter = append(append(filter, rules...), pass)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]} //nolint:gosec // a few
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return os.NewSyscallError("seccomp", errno)
	}
	return nil
}

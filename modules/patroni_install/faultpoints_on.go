//go:build faultpoints

package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// faultPoints returns the hook of a build for tests, which the environment controls:
//
//	PATRONI_INSTALL_TRACE=/path     each announced operation is appended to this file, a line each:
//	                                milliseconds since the start, kind, quoted object
//	PATRONI_INSTALL_FAULTPOINT=n    instead of the n-th operation, counted from 1, this process and
//	                                all its descendants die by SIGKILL; or
//	PATRONI_INSTALL_SIGNAL=s        before that operation, this process gets the signal of number s,
//	                                and goes on
func faultPoints() fsys.Fault {
	fatal, trace := os.Getenv("PATRONI_INSTALL_FAULTPOINT"), os.Getenv("PATRONI_INSTALL_TRACE")
	number, err := strconv.Atoi(os.Getenv("PATRONI_INSTALL_SIGNAL"))
	signaled := err == nil
	start := time.Now()
	var count atomic.Int64 // commands are announced on the thread of their namespace
	return func(kind, object string) error {
		n := strconv.FormatInt(count.Add(1), 10)
		line := fmt.Sprintf("%d %s %q\n", time.Since(start).Milliseconds(), kind, object)
		if err := record(trace, line); err != nil {
			return err
		}
		switch {
		case n == fatal && signaled:
			return unix.Kill(os.Getpid(), unix.Signal(number))
		case n == fatal:
			killTree(os.Getpid())
		}
		return nil
	}
}

// record appends a line to the trace, when there is one.
func record(trace, line string) error {
	if trace == "" {
		return nil
	}
	file, err := os.OpenFile(trace, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(line)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// killTree kills the descendants of a process, those in other sessions and PID namespaces too,
// and then the process. A parent is stopped before its children are looked for, so that it
// makes no more of them, and dies last, so that they are still its children when they are found.
func killTree(pid int) {
	if pid != os.Getpid() {
		_ = unix.Kill(pid, unix.SIGSTOP) // it may be gone already
	}
	for _, child := range children(pid) {
		killTree(child)
	}
	_ = unix.Kill(pid, unix.SIGKILL)
}

// children lists the processes that a process is the parent of.
func children(parent int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		panic(err)
	}
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		// "pid (name) state ppid …", where a name may hold anything.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if err == nil && len(fields) > 1 && string(fields[1]) == strconv.Itoa(parent) {
			found = append(found, pid)
		}
	}
	slices.Sort(found)
	return found
}

package main

import (
	"fmt"
	"os"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/ansible"
	"github.com/pgedge/platform/modules/patroni_install/internal/install"
	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// recoverTimeout is how long a recovery by hand waits for a run that is at work.
const recoverTimeout = time.Minute

func usage() string {
	return "usage: patroni_install ARGUMENTS | recover | --version | --help\n\n" +
		"An Ansible module: it installs Patroni as one atomic transaction. Ansible runs it; by hand,\n" +
		"ARGUMENTS is a file with a JSON object, or - for standard input, and root is needed:\n\n" +
		"  echo '{\"version\": \"4.0.7\"}' | sudo patroni_install -\n\n" +
		"recover undoes or finishes what an interrupted run left, as the next run would do first.\n\n" +
		"Arguments:\n\n" + install.Spec().Usage()
}

// recoverByHand serves an operator on the host.
func recoverByHand() int {
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "cannot recover as an ordinary user: run it by sudo; nothing was changed")
		return 1
	}
	ctx, stop := ansible.UntilSignal()
	defer stop()
	installer, done := newInstaller(install.Desired{LockTimeout: recoverTimeout}, func(line string) { fmt.Println(line) })
	defer done()
	recovery, err := installer.Recover(ctx)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	case recovery == txn.NothingPending:
		fmt.Println("no run was interrupted; nothing had to be done")
	default:
		fmt.Println("the changes of the interrupted run were", recovery)
	}
	return 0
}

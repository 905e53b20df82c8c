// Command patroni_install is an Ansible module: it installs Patroni on a host as one atomic
// transaction. The data goes one way, from the arguments file to the result on standard output.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/ansible"
	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/install"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// version is the collection's; the linker sets it.
var version = "development"

func main() {
	unix.Umask(0o022) // whoever called us: what is installed must be readable
	switch {
	case len(os.Args) == 2 && os.Args[1] == "--version":
		fmt.Println("patroni_install", version)
	case len(os.Args) == 2 && os.Args[1] == "--help":
		fmt.Print(usage())
	case len(os.Args) != 2:
		fmt.Fprint(os.Stderr, usage())
		os.Exit(2)
	default:
		os.Exit(ansible.Main(install.Spec(), os.Args, run))
	}
}

func usage() string {
	return "usage: patroni_install ARGUMENTS\n\n" +
		"An Ansible module: it installs Patroni as one atomic transaction. Ansible runs it; by hand,\n" +
		"ARGUMENTS is a file with a JSON object, or - for standard input, and root is needed:\n\n" +
		"  echo '{\"version\": \"4.0.7\"}' | sudo patroni_install -\n\n" +
		"Arguments:\n\n" + install.Spec().Usage()
}

// run handles one request.
func run(ctx context.Context, req *ansible.Request) (ansible.Result, error) {
	if os.Geteuid() != 0 {
		return ansible.Result{}, errors.New("cannot install as an ordinary user: become root (become: true in the play or " +
			"the task, -b on the command line); nothing was changed")
	}
	want, err := install.NewDesired(req.Params, os.Environ())
	if err != nil {
		return ansible.Result{}, err
	}
	for _, variable := range os.Environ() {
		if _, value, _ := strings.Cut(variable, "="); strings.Contains(value, "://") {
			req.Scrubber.AddURL(value) // the credentials of proxies and indexes
		}
	}
	files, services := fsys.New("/"), systemd.NewManager("/")
	defer services.Close()
	machine := &host.Host{FS: files, Run: host.Exec{FS: files}, Progress: req.Log.Info}
	installer := install.Installer{Host: machine, Services: services, Want: want}
	act := installer.Run
	if req.CheckMode {
		act = installer.Check
	}
	report, err := act(ctx)
	if err != nil {
		return ansible.Result{}, err
	}
	return report.Result(req.Diff), nil
}

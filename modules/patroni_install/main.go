// Command patroni_install is an Ansible module: it installs Patroni on a host as one atomic
// transaction. The data goes one way, from the arguments file to the result on standard output.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/ansible"
	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/install"
	"github.com/pgedge/platform/modules/patroni_install/internal/mountns"
	"github.com/pgedge/platform/modules/patroni_install/internal/systemd"
)

// version is the collection's; the linker sets it.
var version = "development"

func main() {
	if err := host.CheckOpenFiles(); err != nil { // first: all that follows opens files
		os.Exit(ansible.Refuse(os.Stdout, err))
	}
	host.NoCoreDumps()
	host.ForgetSession()
	unix.Umask(0o022)     // whoever called us: what is installed must be readable
	runtime.GOMAXPROCS(1) // nothing here computes in parallel, and idle processors cost a short run a tenth
	command := ""
	if len(os.Args) == 2 {
		command = os.Args[1]
	}
	switch command {
	case "":
		fmt.Fprint(os.Stderr, usage())
		os.Exit(2)
	case "--version":
		fmt.Println("patroni_install", version)
	case "--help":
		fmt.Print(usage())
	case "recover":
		os.Exit(recoverByHand())
	default:
		os.Exit(ansible.Main(install.Spec(), os.Args, run))
	}
}

// newInstaller wires the parts for this machine.
func newInstaller(want install.Desired, progress func(string)) (installer *install.Installer, done func()) {
	files, services := fsys.New("/"), systemd.NewManager("/")
	files.Fault = faultPoints()
	machine := &host.Host{FS: files, Run: host.Exec{FS: files}, Progress: progress}
	return &install.Installer{Host: machine, Services: services, Want: want, Namespace: openNamespace,
		TryNamespace: mountns.Try}, services.Close
}

// run handles one request.
func run(ctx context.Context, req *ansible.Request) (ansible.Result, error) {
	if os.Geteuid() != 0 {
		return ansible.Result{}, errors.New("cannot install as an ordinary user: become root (become: true in the play or " +
			"the task, -b on the command line); nothing was changed")
	}
	want, err := install.NewDesired(req.Params, os.Environ())
	if err != nil {
		return ansible.Result{}, fmt.Errorf("%w; nothing was changed", err)
	}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if strings.Contains(value, "://") || strings.HasSuffix(strings.ToLower(name), "_proxy") {
			req.Scrubber.AddURL(value) // the credentials of proxies and indexes
		}
	}
	installer, done := newInstaller(want, req.Log.Info)
	defer done()
	act := installer.Run
	if req.CheckMode {
		act = installer.Check
	}
	report, err := act(ctx)
	if err != nil {
		return ansible.Result{Extra: install.Details(err)}, err
	}
	return report.Result(req.Diff), nil
}

func openNamespace(files *fsys.FS, binds []mountns.Bind) (install.Namespace, error) {
	return mountns.Open(files, binds)
}

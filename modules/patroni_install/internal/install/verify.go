package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
)

// verifyTimeout bounds what is started to see that it works.
const verifyTimeout = time.Minute

// verify starts what was built: nothing becomes visible that was not seen working. The programs
// write nothing, so that the disk works at the same time.
func (b *builder) verify(ctx context.Context, ns Namespace) error {
	ctx, cancel := context.WithTimeoutCause(ctx, verifyTimeout, errors.New("it did not end in time"))
	defer cancel()
	if err := b.label(); err != nil {
		return err
	}
	seen := b.plan.seen
	wait := startAll(ctx, ns, trials(seen.Layout, path.Join(seen.programs(), "python"), b.plan.want.Extras))
	unit := b.verifyUnit(ctx, ns)
	durable := b.sync()
	if err := wait(); err != nil {
		return fmt.Errorf("cannot use what was built: %w; %s", err, b.trialAdvice(err))
	}
	return cmp.Or(unit, durable, ns.Check())
}

// startAll runs commands at once. wait waits for the end of all, and returns the error of the
// first in their order that failed.
func startAll(ctx context.Context, ns Namespace, commands []host.Command) (wait func() error) {
	var waits []func() (host.Output, error)
	var unstarted error
	for _, cmd := range commands {
		var one func() (host.Output, error)
		if one, unstarted = ns.Start(ctx, cmd); unstarted != nil {
			break
		}
		waits = append(waits, one)
	}
	return func() error {
		var failed error
		for _, one := range waits {
			_, err := one()
			failed = cmp.Or(failed, err)
		}
		return cmp.Or(failed, unstarted)
	}
}

// trials are the commands that show a tree to work. They leave no bytecode behind.
func trials(l Layout, python string, extras []string) []host.Command {
	bin := l.programs()
	var commands []host.Command
	for _, argv := range [][]string{
		{path.Join(bin, "patroni"), "--version"},
		{path.Join(bin, "patronictl"), "version"},
		{python, "-B", "-c", "import " + strings.Join(imports(extras), ", ")},
	} {
		commands = append(commands, host.Command{Argv: argv, Env: userEnv(l.User), User: l.User})
	}
	return commands
}

// imports are the modules that the extras are about: the database driver and the clients of the
// configuration store.
func imports(extras []string) []string {
	modules := map[string]string{
		"psycopg2": "psycopg2", "psycopg2-binary": "psycopg2", "psycopg3": "psycopg", "etcd": "etcd", "etcd3": "etcd",
		"consul": "consul", "zookeeper": "kazoo", "exhibitor": "kazoo", "raft": "pysyncobj", "aws": "boto3",
		"systemd": "systemd.daemon",
	}
	names := []string{"patroni"}
	for _, extra := range extras {
		if module, known := modules[pipx.Normalise(extra)]; known && !slices.Contains(names, module) {
			names = append(names, module)
		}
	}
	return names
}

func userEnv(user *host.User) []string {
	return []string{"HOME=" + user.Home, "PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8",
		"PYTHONDONTWRITEBYTECODE=1"}
}

// Trial implements [Asker]. The programs run as the user, and die with us.
func (a *asker) Trial(ctx context.Context) (problem string, err error) {
	python := path.Join(a.seen.programs(), "python")
	if a.seen.Packaged {
		python = a.seen.Installed.Interpreter
	}
	ctx, cancel := context.WithTimeoutCause(ctx, verifyTimeout, fmt.Errorf("it did not end within %s", verifyTimeout))
	defer cancel()
	ns, err := a.open(a.host.FS, nil)
	if err != nil {
		return "", err
	}
	defer ns.Close()
	for _, cmd := range trials(a.seen.Layout, python, a.want.triedExtras()) {
		_, err := ns.Run(ctx, cmd)
		if problem := failure(cmd, err); problem != "" {
			return problem, nil
		}
		if err != nil {
			return "", fmt.Errorf("cannot verify the installation: %w", err)
		}
	}
	return "", nil
}

// failure says what a program of the tree does wrong, "" if it does nothing wrong or was stopped.
func failure(cmd host.Command, err error) string {
	name := path.Base(cmd.Argv[0])
	var ran *host.CommandError
	switch {
	case errors.As(err, &ran) && ran.Cause == nil:
		lines := strings.Split(strings.TrimSpace(ran.Stderr), "\n")
		return fmt.Sprintf("program bin/%s fails (%s): %s", name, ran.Status, lines[len(lines)-1])
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, unix.ENOEXEC):
		return fmt.Sprintf("program bin/%s cannot be started: %v", name, err)
	}
	return ""
}

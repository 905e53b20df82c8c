package pkgmgr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/charset"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// rpm manages packages by rpm alone: what is there, and how a set is installed from its archives and removed. Whoever
// embeds it chooses and fetches packages.
type rpm struct {
	Settings

	locks locks // those of rpm and of the program above it
}

// newRPM is the rpm below a program that keeps the number of its process in the files pids while it has a lock. holder
// reads from its complaints whose lock made it give up.
func newRPM(s Settings, holder func(stderr string) (pid string, found bool), pids ...string) *rpm {
	return &rpm{Settings: s, locks: locks{
		host: s.Host, timeout: s.LockTimeout, pids: pids,
		files: []string{"/var/lib/rpm/.rpm.lock", "/usr/lib/sysimage/rpm/.rpm.lock"},
		lockedBy: func(err error) (string, bool) {
			failed, ok := errors.AsType[*host.CommandError](err)
			if !ok {
				return "", false
			}
			if pid, found := holder(failed.Stderr); found {
				return "process " + pid, true
			}
			return "another process", strings.Contains(failed.Stderr, "transaction lock")
		},
	}}
}

// queryFormat prints a package in a line of three words.
const queryFormat = `%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} %{ARCH}\n`

// Ready waits for the locks: for rpm a package is in its database or it is not, and nothing is left half done.
func (r *rpm) Ready(ctx context.Context) error { return r.locks.wait(ctx) }

// Installed implements [Manager].
func (r *rpm) Installed(ctx context.Context, names []string) (installed []Package, missing []string, err error) {
	for _, name := range names {
		if err := checkRPMName(name); err != nil {
			return nil, nil, err
		}
		found, err := r.provider(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		installed = append(installed, found...)
		if len(found) == 0 {
			missing = append(missing, name)
		}
	}
	sortPackages(installed)
	slices.Sort(missing)
	return slices.Compact(installed), slices.Compact(missing), nil
}

// checkRPMName refuses what a program above rpm would take for an option, a group, a module, a pattern or a file.
func checkRPMName(name string) error {
	if !charset.MadeOf(name, charset.Alphanumeric+"._+-") || !charset.MadeOf(name[:1], charset.Alphanumeric) {
		return fmt.Errorf("%q is not the name of a package", name)
	}
	return nil
}

// nobody is who asks the database: a root process would touch its files.
func nobody() *host.User { return &host.User{Name: "nobody", UID: 65534, GID: 65534} }

// query asks rpm's database. A package that is not there is no error.
func (r *rpm) query(ctx context.Context, args ...string) ([]Package, error) {
	argv := append([]string{"rpm", "--query", "--queryformat", queryFormat}, args...)
	out, err := r.Host.Run.Run(ctx, host.Command{Argv: argv, Env: r.env(), User: nobody()})
	if failed, ok := errors.AsType[*host.CommandError](err); ok && failed.Cause == nil && onlyAbsent(out) {
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the rpm database: %w", explainBy(rpmCauses(), err))
	}
	return parsePackages(string(out.Stdout)), nil
}

// onlyAbsent tells whether all that rpm complained of are packages that are not there, which it
// says on its standard output.
func onlyAbsent(out host.Output) bool {
	for line := range strings.Lines(string(out.Stderr)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "warning:") {
			return false
		}
	}
	absent := 0
	for line := range strings.Lines(string(out.Stdout)) {
		line = strings.TrimSpace(line)
		if strings.HasSuffix(line, " is not installed") || strings.HasPrefix(line, "no package provides ") {
			absent++
		}
	}
	return absent > 0
}

// parsePackages reads lines of queryFormat.
func parsePackages(text string) []Package {
	var set []Package
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) == 3 {
			set = append(set, Package{Name: words[0], Version: words[1], Arch: words[2]})
		}
	}
	return set
}

// provider returns the installed packages of a name, else those that provide it.
func (r *rpm) provider(ctx context.Context, name string) ([]Package, error) {
	found, err := r.query(ctx, name)
	if err != nil || len(found) > 0 {
		return found, err
	}
	return r.query(ctx, "--whatprovides", name)
}

// present returns those packages that are installed under the names and architectures of set,
// whatever their versions.
func (r *rpm) present(ctx context.Context, set []Package) ([]Package, error) {
	var there []Package
	for _, p := range set {
		found, err := r.query(ctx, rpmName(p))
		if err != nil {
			return nil, err
		}
		there = append(there, found...)
	}
	sortPackages(there)
	return there, nil
}

func (r *rpm) env() []string { return append(host.SystemEnv(), r.Env...) }

// change prepares a command that changes what is installed: it is never stopped.
func (r *rpm) change(args ...string) host.Command {
	return host.Command{Argv: append([]string{"rpm"}, args...), Env: r.env(), Detached: true}
}

// archives returns the archives in dir and the package that each holds, in the same order.
func (r *rpm) archives(ctx context.Context, dir string) (files []string, set []Package, err error) {
	names, err := r.Host.FS.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".rpm") {
			files = append(files, r.Host.FS.Real(path.Join(dir, name)))
		}
	}
	if len(files) == 0 {
		return nil, nil, nil
	}
	argv := append([]string{"rpm", "--query", "--package", "--nosignature", "--queryformat", queryFormat}, files...)
	out, err := r.Host.Run.Run(ctx, host.Command{Argv: argv, Env: r.env()})
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the archives: %w", err)
	}
	set = parsePackages(string(out.Stdout))
	if len(set) != len(files) {
		return nil, nil, fmt.Errorf("cannot read the archives: rpm names %d packages of %d", len(set), len(files))
	}
	return files, set, nil
}

// checkArchives makes sure that the archives in dir are those of set, no more and no fewer, and makes them durable.
func (r *rpm) checkArchives(ctx context.Context, set []Package, dir string) error {
	_, found, err := r.archives(ctx, dir)
	if err != nil {
		return err
	}
	if missing := difference(set, found); len(missing) > 0 {
		return fmt.Errorf("%w: %s was not fetched", fs.ErrNotExist, missing[0])
	}
	if more := difference(found, set); len(more) > 0 {
		return fmt.Errorf("%w: they need %s too", ErrChanged, more[0])
	}
	return r.Host.FS.SyncTree(dir)
}

// difference returns the packages of set that are not in other.
func difference(set, other []Package) []Package {
	return slices.DeleteFunc(slices.Clone(set), func(p Package) bool { return slices.Contains(other, p) })
}

// rpmName names a package of any version to rpm.
func rpmName(p Package) string { return p.Name + "." + p.Arch }

// rpmCauses says what lines of rpm mean and what to do, from the most telling to the least.
func rpmCauses() []cause {
	const damaged = "the rpm database is damaged; repair it with: rpm --rebuilddb"
	const closed = "user nobody, who asks the rpm database so that nothing of it is written, cannot open it; let " +
		"everybody read it (chmod -R a+rX on the directory that rpm --eval %_dbpath names)"
	return []cause{
		{"No space left on device", "the file system is full; free space below /var"},
		{"more space needed on the", "the file system is full; free space on it"},
		{"Read-only file system", "a file system is mounted read-only; remount it writable"},
		{"unable to open database file", closed},
		{"Packages index using db5 - Permission denied", closed},
		{"database disk image is malformed", damaged},
		{"cannot open Packages database", damaged},
		{"Thread died in Berkeley DB", damaged},
	}
}

package pkgmgr

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// queryFormat prints a package in a line of three words.
const queryFormat = `%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} %{ARCH}\n`

// nobody is who asks the database: a root process would touch its files.
func nobody() *host.User { return &host.User{Name: "nobody", UID: 65534, GID: 65534} }

// query asks rpm's database. A package that is not there is no error.
func (d *DNF) query(ctx context.Context, args ...string) ([]Package, error) {
	cmd := host.Command{Argv: append([]string{"rpm", "--query", "--queryformat", queryFormat}, args...), Env: d.env(), User: nobody()}
	out, err := d.Host.Run.Run(ctx, cmd)
	if failed, ok := errors.AsType[*host.CommandError](err); ok && failed.Cause == nil && onlyAbsent(out) {
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the rpm database: %w", explainBy(dnfCauses(), err))
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
func (d *DNF) provider(ctx context.Context, name string) ([]Package, error) {
	found, err := d.query(ctx, name)
	if err != nil || len(found) > 0 {
		return found, err
	}
	return d.query(ctx, "--whatprovides", name)
}

// present returns those packages that are installed under the names and architectures of set,
// whatever their versions.
func (d *DNF) present(ctx context.Context, set []Package) ([]Package, error) {
	var there []Package
	for _, p := range set {
		found, err := d.query(ctx, rpmName(p))
		if err != nil {
			return nil, err
		}
		there = append(there, found...)
	}
	sortPackages(there)
	return there, nil
}

// rpm prepares a command that changes what is installed: it is never stopped.
func (d *DNF) rpm(args ...string) host.Command {
	return host.Command{Argv: append([]string{"rpm"}, args...), Env: d.env(), Detached: true}
}

// archives returns the archives in dir and the package that each holds, in the same order.
func (d *DNF) archives(ctx context.Context, dir string) (files []string, set []Package, err error) {
	names, err := d.Host.FS.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".rpm") {
			files = append(files, d.Host.FS.Real(path.Join(dir, name)))
		}
	}
	if len(files) == 0 {
		return nil, nil, nil
	}
	argv := append([]string{"rpm", "--query", "--package", "--nosignature", "--queryformat", queryFormat}, files...)
	out, err := d.Host.Run.Run(ctx, host.Command{Argv: argv, Env: d.env()})
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the archives: %w", err)
	}
	set = parsePackages(string(out.Stdout))
	if len(set) != len(files) {
		return nil, nil, fmt.Errorf("cannot read the archives: rpm names %d packages of %d", len(set), len(files))
	}
	return files, set, nil
}

// difference returns the packages of set that are not in other.
func difference(set, other []Package) []Package {
	return slices.DeleteFunc(slices.Clone(set), func(p Package) bool { return slices.Contains(other, p) })
}

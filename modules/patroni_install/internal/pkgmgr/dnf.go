package pkgmgr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/charset"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// DNF manages packages of the RHEL family: dnf chooses and fetches them and checks their
// signatures as it is configured to; rpm installs and removes them.
//
// dnf's own installation would do more than adding the set, and what it does beside that cannot be
// undone by removing the set: it enables module streams and writes its history. And it refuses
// archives of modules while no repository is enabled.
type DNF struct {
	Host        *host.Host
	LockTimeout time.Duration // how long to wait for others' locks
	Env         []string      // "NAME=value" added to every command's environment: proxies
	// ReadOnly makes Simulate give ErrWouldWrite: dnf writes caches and logs whenever it runs.
	ReadOnly bool
}

// Installed tells which of names are there and which are missing, both sorted. For the name of
// something that a package provides it returns that package.
func (d *DNF) Installed(ctx context.Context, names []string) (installed []Package, missing []string, err error) {
	for _, name := range names {
		if err := checkRPMName(name); err != nil {
			return nil, nil, err
		}
		found, err := d.provider(ctx, name)
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

// checkRPMName refuses what dnf would take for an option, a group, a module, a pattern or a file.
func checkRPMName(name string) error {
	if !charset.MadeOf(name, charset.Alphanumeric+"._+-") || !charset.MadeOf(name[:1], charset.Alphanumeric) {
		return fmt.Errorf("%q is not the name of a package", name)
	}
	return nil
}

// Refresh fetches the repositories' metadata. An error does not mean that nothing was fetched.
func (d *DNF) Refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	if _, err := d.locks().exclusive(ctx, d.dnf("makecache", "--refresh")); err != nil {
		return fmt.Errorf("cannot refresh the package lists: %w", explainBy(dnfCauses(), err))
	}
	return nil
}

// Interrupted returns nothing: for rpm a package is in its database or it is not.
func (d *DNF) Interrupted([]Package) ([]string, error) { return nil, nil }

// Wait returns when nobody holds a lock of dnf or rpm. After LockTimeout it gives a *LockError
// that names the holder.
func (d *DNF) Wait(ctx context.Context) error { return d.locks().wait(ctx) }

func (d *DNF) locks() locks {
	return locks{
		host: d.Host, timeout: d.LockTimeout,
		files:    []string{"/var/lib/rpm/.rpm.lock", "/usr/lib/sysimage/rpm/.rpm.lock"},
		pids:     []string{"/var/lib/dnf/rpmdb_lock.pid", "/var/cache/dnf/download_lock.pid", "/var/cache/dnf/metadata_lock.pid"},
		lockedBy: dnfLockedBy,
	}
}

// dnfLockedBy tells whether dnf or rpm gave up because of a lock, and whose: dnf knows the
// process, "RPMDB already locked by 123".
func dnfLockedBy(err error) (holder string, busy bool) {
	failed, ok := errors.AsType[*host.CommandError](err)
	if !ok {
		return "", false
	}
	if _, rest, found := strings.Cut(failed.Stderr, "already locked by "); found {
		pid, _, _ := strings.Cut(rest, "\n")
		return "process " + pid, true
	}
	busy = strings.Contains(failed.Stderr, "transaction lock")
	return "another process", busy
}

// dnf prepares a command of dnf: it asks nothing, takes no weak dependencies, and does not wait
// for locks without end.
func (d *DNF) dnf(args ...string) host.Command {
	argv := []string{"dnf", "--assumeyes", "--color=never", "--setopt=install_weak_deps=False", "--setopt=exit_on_lock=True"}
	return host.Command{Argv: append(argv, args...), Env: d.env()}
}

func (d *DNF) env() []string { return append(host.SystemEnv(), d.Env...) }

// nevra names exactly one package to dnf.
func nevra(p Package) string { return p.Name + "-" + p.Version + "." + p.Arch }

// rpmName names a package of any version to rpm.
func rpmName(p Package) string { return p.Name + "." + p.Arch }

// dnfCauses says what lines of dnf mean and what to do, from the most telling to the least.
func dnfCauses() []cause {
	return []cause{
		{"No space left on device", "the file system is full; free space below /var"},
		{"more space needed on the", "the file system is full; free space on it"},
		{"Read-only file system", "a file system is mounted read-only; remount it writable"},
		{"There are no enabled repositories", noRepositories},
		{"not registered", notRegistered},
		{"Could not resolve host", "the name of a repository's mirror cannot be resolved; check the host's DNS, " +
			"or set a proxy in the task's environment or in /etc/dnf/dnf.conf"},
		{"Couldn't resolve proxy", "the proxy's name cannot be resolved; check the proxy that is set"},
		{"Couldn't connect to server", "a repository's mirror or the proxy refuses connections; check the repositories below /etc/yum.repos.d and the proxy"},
		{"Timeout was reached", "a repository's mirror does not answer; check the network, the firewall and the proxy"},
		{"SSL peer certificate", "the certificate of a repository's mirror is not trusted; install its authority's certificate"},
		{"GPG check FAILED", "a package's signature cannot be checked with the keys that this host has; import the repository's key"},
		{"is not signed", "a package is not signed, and this host's dnf wants signatures"},
		{"database disk image is malformed", rpmDamaged},
		{"cannot open Packages database", rpmDamaged},
		{"Thread died in Berkeley DB", rpmDamaged},
	}
}

const (
	noRepositories = "no repository is enabled on this host; register it (subscription-manager register), or enable one below /etc/yum.repos.d"
	notRegistered  = "this host has no subscription; register it (subscription-manager register), or enable another repository that has the package"
	rpmDamaged     = "the rpm database is damaged; repair it with: rpm --rebuilddb"
)

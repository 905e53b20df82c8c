package pkgmgr

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// DNF is the name of the package manager of the RHEL family.
const DNF = "dnf"

// dnf chooses and fetches packages and checks their signatures as it is configured to; rpm installs and removes them.
//
// dnf's own installation would do more than adding the set, and what it does beside that cannot be
// undone by removing the set: it enables module streams and writes its history. And it refuses
// archives of modules while no repository is enabled.
type dnf struct{ *rpm }

var _ Manager = dnf{}

func newDNF(s Settings) Manager {
	return dnf{newRPM(s, dnfHolder, "/var/lib/dnf/rpmdb_lock.pid", "/var/cache/dnf/download_lock.pid",
		"/var/cache/dnf/metadata_lock.pid")}
}

// dnfHolder reads whose lock made dnf give up: "RPMDB already locked by 123".
func dnfHolder(stderr string) (pid string, found bool) {
	_, rest, found := strings.Cut(stderr, "already locked by ")
	pid, _, _ = strings.Cut(rest, "\n")
	return pid, found
}

// Refresh fetches the repositories' metadata.
func (d dnf) Refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	if _, err := d.locks.exclusive(ctx, d.command("makecache", "--refresh")); err != nil {
		return fmt.Errorf("cannot refresh the package lists: %w", explainBy(dnfCauses(), err))
	}
	return nil
}

// command prepares a command of dnf: it asks nothing, takes no weak dependencies, and does not wait
// for locks without end.
func (d dnf) command(args ...string) host.Command {
	argv := []string{"dnf", "--assumeyes", "--color=never", "--setopt=install_weak_deps=False",
		"--setopt=exit_on_lock=True"}
	return host.Command{Argv: append(argv, args...), Env: d.env()}
}

// nevra names exactly one package to dnf.
func nevra(p Package) string { return p.Name + "-" + p.Version + "." + p.Arch }

// dnfCauses says what lines of dnf, and of rpm below it, mean and what to do, from the most telling to the least.
func dnfCauses() []cause {
	return slices.Concat(rpmCauses(), []cause{
		{"There are no enabled repositories", noRepositories},
		{"not registered", notRegistered},
		{"Could not resolve host", "the name of a repository's mirror cannot be resolved; check the host's DNS, " +
			"or set a proxy in the task's environment or in /etc/dnf/dnf.conf"},
		{"Couldn't resolve proxy", "the proxy's name cannot be resolved; check the proxy that is set"},
		{"Couldn't connect to server",
			"a repository's mirror or the proxy refuses connections; check the repositories below /etc/yum.repos.d and the " +
				"proxy"},
		{"Timeout was reached", "a repository's mirror does not answer; check the network, the firewall and the proxy"},
		{"SSL peer certificate", "the certificate of a repository's mirror is not trusted; install its authority's " +
			"certificate"},
		{"GPG check FAILED", "a package's signature cannot be checked with the keys that this host has; import the " +
			"repository's key"},
		{"Unable to find a match: ", "no repository that answers offers $1; see to the repositories (dnf repolist --all)"},
		{"is not signed", "a package is not signed, and this host's dnf wants signatures"},
	})
}

const (
	noRepositories = "no repository is enabled on this host; register it (subscription-manager register), or enable one " +
		"below /etc/yum.repos.d"
	notRegistered = "this host has no subscription; register it (subscription-manager register), or enable another " +
		"repository that has the package"
)

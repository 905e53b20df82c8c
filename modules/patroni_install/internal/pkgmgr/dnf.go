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
		{"CONNECT tunnel failed, response 407", proxyRefusesUser},
		{"HTTP code 407 from proxy", proxyRefusesUser},
		{"Status code: 401", repositoryRefuses},
		{"Status code: 403", repositoryRefuses},
		{"Status code: 404", "a repository does not have what it is asked for: its address leads to none for this release " +
			"(dnf repolist -v shows it), or its mirror is in the middle of an update; mend the address below " +
			"/etc/yum.repos.d, or try again later"},
		{"Status code: 50", "a repository's mirror, or a proxy before it, answers with an error of its own; try again " +
			"later, or use another mirror"},
		{"repomd.xml parser error", "what answers in the place of a repository is something else, such as a login page of " +
			"the network; check the addresses below /etc/yum.repos.d and the proxy"},
		{"Couldn't read a file://", "a repository of files is not where its file below /etc/yum.repos.d says; mount or " +
			"copy it there, or disable the repository"},
		{"Server returned nothing", connectionBroke},
		{"Transferred a partial file", connectionBroke},
		{"Failure when receiving data", connectionBroke},
		{"Timeout was reached", "a repository's mirror does not answer; check the network, the firewall and the proxy"},
		{"certificate has expired", mirrorWrongTime},
		{"certificate is not yet valid", mirrorWrongTime},
		{"does not match target host name", "the certificate of a repository's mirror is not for the name in its address; " +
			"use a name that is in the certificate"},
		// With GnuTLS it says no more, whatever is wrong.
		{"SSL peer certificate", "the certificate of a repository's mirror is not trusted, or not valid at the time that " +
			"this host's clock shows; install its authority's certificate, or set the clock"},
		{"SSL connect error", "a repository's mirror does not speak TLS as its address says; check it below " +
			"/etc/yum.repos.d, and the proxy"},
		{"GPG check FAILED", "a package's signature cannot be checked with the keys that this host has; import the " +
			"repository's key"},
		{"Unable to find a match: ", "no repository that answers offers $1; see to the repositories (dnf repolist --all)"},
		{"is not signed", "a package is not signed, and this host's dnf wants signatures"},
	})
}

const (
	noRepositories = "no repository is enabled on this host; register it (subscription-manager register), or enable one " +
		"below /etc/yum.repos.d"
	proxyRefusesUser = "the proxy refuses the user, or there is none; check the proxy in the task's environment and in " +
		"/etc/dnf/dnf.conf"
	repositoryRefuses = "a repository refuses this host; check its subscription (subscription-manager status), and the " +
		"credentials below /etc/yum.repos.d"
	connectionBroke = "the connection to a repository's mirror broke; check the network, the firewall and the proxy, " +
		"and try again"
	mirrorWrongTime = "the certificate of a repository's mirror is not valid at the time that this host's clock shows; " +
		"set the clock (timedatectl)"
	notRegistered = "this host has no subscription; register it (subscription-manager register), or enable another " +
		"repository that has the package"
)

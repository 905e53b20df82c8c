package pkgmgr

import (
	"errors"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// cause says what a line of a package manager means and what to do.
type cause struct{ fragment, advice string }

// causes are those of apt, from the most telling to the least.
func causes() []cause {
	return []cause{
		{"No space left on device", "the file system is full; free space below /var"},
		{"Read-only file system", "a file system is mounted read-only; remount it writable"},
		{"resolving '", "the package mirror's name cannot be resolved; check the host's DNS, " +
			"or set http_proxy in the task's environment or apt's configuration"},
		{"Connection refused", "the package mirror or the proxy refuses connections; check apt's sources and the proxy"},
		{"Network is unreachable", "the host has no way to the package mirror; check its route, or set a proxy"},
		{"No route to host", "the host has no way to the package mirror; check its route, or set a proxy"},
		{"onnection timed out", "the package mirror does not answer; check the network, the firewall and the proxy"},
		{"Certificate verification failed", "the package mirror's certificate is not trusted; install its authority's certificate"},
		{"NO_PUBKEY", "the package mirror's signing key is not known to apt; install it"},
		{"is not valid yet", "the host's clock is behind the package mirror's; set it"},
		{"Release file", "the package mirror's lists are expired or incomplete; check apt's sources and the host's clock"},
	}
}

// explainedError puts a sentence in the place of a command's error, which it keeps for whoever
// wants to know more.
type explainedError struct {
	text string
	err  error
}

func (e *explainedError) Error() string { return e.text }
func (e *explainedError) Unwrap() error { return e.err }

// explain turns an error of apt into one that says what to do, where that is known.
func explain(err error) error { return explainBy(causes(), err) }

func explainBy(causes []cause, err error) error {
	var failed *host.CommandError
	if !errors.As(err, &failed) {
		return err
	}
	for _, c := range causes {
		if strings.Contains(failed.Stderr, c.fragment) {
			return &explainedError{text: c.advice, err: err}
		}
	}
	return err
}

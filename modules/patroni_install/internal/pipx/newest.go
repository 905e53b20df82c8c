package pipx

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pep440"
)

// askNewest lets pip choose a version.
//
//go:embed newest.py
var askNewest string

// Newer returns what pip is asked for to find a version that satisfies the specifiers and comes
// after the one that is there. pip then downloads nothing if there is none.
func (s Spec) Newer(installed string, extras []string) string {
	public, _, _ := strings.Cut(installed, "+") // only == and != go with a local version
	newer := s
	// Not >, which means no post-release.
	newer.text = strings.TrimPrefix(s.text+",>="+public+",!="+public, ",")
	return newer.Requirement(extras)
}

// Newest returns the command that finds what pip would install for Requirement. It has the
// settings of the build, needs none of pipx's programs and writes to Scratch only. [Build.ReadNewest]
// reads what it says.
func (b Build) Newest() host.Command {
	b.Isolated = true // a package without a wheel tells its version by its own build tools
	return b.command(b.Python, "-I", "-B", "-c", bundledWheels+askNewest, b.Shared(), b.Requirement)
}

// Ask returns the command that tells why pip found nothing at all on the index, and whether there is
// something to ask: pip says only to those who want to know everything that the index refused. What
// the command prints is for [Explain]. The other arguments are those of Explain.
func (b Build) Ask(err error, texts ...[]byte) (host.Command, bool) {
	cmd := b.Newest()
	cmd.Env = append(cmd.Env, "PIP_VERBOSE=3") // one of them is taken back by -q
	return cmd, hasAny(failureText(err, texts...), "(from versions: none)")
}

// ErrUnclear reports that pip found nothing that fits, and did not say whether there is anything
// else, as some do not. Asking for less tells.
var ErrUnclear = errors.New("pip does not say which versions the index has")

// ReadNewest returns the version that [Build.Newest] found, "" where the index has none that
// fits. It takes what running the command gave. An index that did not answer is an error.
func (b Build) ReadNewest(out host.Output, err error) (string, error) {
	if err == nil {
		return fileVersion(strings.Join(found(string(out.Stdout)), "\n"))
	}
	const sign = "Could not find a version that satisfies the requirement "
	text := failureText(err, out.Stdout, out.Stderr)
	// pip says the same of an index without versions and of none that it could reach.
	if offers, listed := find(text, sign+"*(from versions: *)"); listed && offers[1] != "none" && offers[1] != "" {
		return "", nil
	}
	if hasAny(text, "(from versions: )") { // pip 9
		return "", ErrUnclear
	}
	if cause := Explain(err, out.Stdout, out.Stderr, b.Told()); cause.Text != "" {
		return "", errors.New(cause.Text)
	}
	if hasAny(text, sign) {
		return "", ErrUnclear
	}
	return "", err
}

// found returns the files that newest.py names. The interpreter may print more when it starts.
func found(text string) (names []string) {
	for line := range strings.Lines(text) {
		if name, named := strings.CutPrefix(line, "found "); named {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

// fileVersion reads the version off the name of a wheel or a source archive of Patroni.
func fileVersion(name string) (string, error) {
	stem := name
	for _, suffix := range []string{".tar.gz", ".tar.bz2", ".zip"} {
		stem = strings.TrimSuffix(stem, suffix)
	}
	stem, isWheel := strings.CutSuffix(stem, ".whl")
	found, version, _ := strings.Cut(stem, "-")
	if isWheel {
		version, _, _ = strings.Cut(version, "-")
	}
	v, err := pep440.Parse(version)
	if err != nil || Normalise(found) != Package {
		return "", fmt.Errorf("the index gave %.100q, which is no package of Patroni", name)
	}
	return v.String(), nil
}

package pkgmgr

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// recorded returns what a package manager printed, in testdata/kept.
func recorded(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "kept", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// printsAndFails makes a command print this and fail with its errors.
func printsAndFails(text string) func(host.Command) (string, error) {
	return func(cmd host.Command) (string, error) {
		_, errors, _ := strings.Cut(text, "\nE: ")
		_, err := fails("E: " + errors)(cmd)
		return text, err
	}
}

// TestKeptFromByApt uses what apt 2.6.2 of Debian 12 and 3.0.4 of Debian 13 printed, with another mirror.
func TestKeptFromByApt(t *testing.T) {
	const (
		released = "; release it (apt-mark unhold "
		pin      = "; change it in /etc/apt/preferences or a file below /etc/apt/preferences.d (apt-cache policy "
	)
	for _, release := range []string{"d12", "d13"} {
		for name, c := range map[string]struct {
			simulate     func(host.Command) (string, error)
			policy, want string
		}{
			"on hold": {prints(recorded(t, "held_"+release)), "", "cannot install pipx: a hold is on pipx" + released + "pipx), and run"},
			"a dependency on hold": {
				printsAndFails(recorded(t, "held_dependency_"+release)), "",
				"cannot install pipx: a hold is on python3-userpath" + released + "python3-userpath), and run",
			},
			"a pin": {
				fails("E: Package 'pipx' has no installation candidate"), recorded(t, "pinned_"+release),
				"cannot install pipx: a pin forbids pipx" + pin + "pipx shows",
			},
			"a pinned dependency": {
				printsAndFails(recorded(t, "pinned_dependency_"+release)), recorded(t, "policy_"+release),
				"cannot install pipx: a pin forbids python3-userpath" + pin + "python3-userpath shows",
			},
			"neither": {
				printsAndFails(recorded(t, "pinned_dependency_"+release)), "",
				"cannot install pipx: what is needed cannot be had here (pipx : Depends: python3-userpath but it is not " +
					"installable); see to apt's sources (apt-cache policy pipx python3-userpath shows",
			},
		} {
			t.Run(name+" "+release, func(t *testing.T) {
				f := newHost(t, "Package: pipx\nStatus: install ok not-installed\nArchitecture: all\n\n")
				if strings.HasSuffix(name, "on hold") {
					f.write(statusFile, "Package: python3-userpath\nStatus: hold ok not-installed\nArchitecture: all\n\n")
				}
				f.on["apt-get -s"] = c.simulate
				f.on["apt-cache policy"] = prints(c.policy)
				_, err := f.apt.Simulate(t.Context(), []string{"pipx"})
				if err == nil || !strings.HasPrefix(err.Error(), c.want) {
					t.Errorf("%v, want %q", err, c.want)
				}
				unknown, known := errors.AsType[*UnknownPackageError](err)
				if known != (name == "a pin") || known && !unknown.Kept {
					t.Errorf("the error is %#v", err)
				}
			})
		}
	}
}

// TestHoldIsSeenInTheList: the shorter question tells of packages on hold, too, and does not count then.
func TestHoldIsSeenInTheList(t *testing.T) {
	f := newHost(t, "")
	text := recorded(t, "held_d13") + "'http://mirror.example/p/pipx_1.7.1-1_all.deb' pipx_1.7.1-1_all.deb 8 SHA256:0\n"
	f.on["apt-get --print-uris"] = prints(strings.ReplaceAll(text, "7 newly", "1 newly"))
	f.on["apt-get -s"] = prints(text)
	_, err := f.apt.Simulate(t.Context(), []string{"pipx"})
	if err == nil || !strings.Contains(err.Error(), "a hold is on") {
		t.Errorf("a package on hold: %v", err)
	}
}

// TestPinned: what has no candidate for another reason than a pin is not taken for pinned.
func TestPinned(t *testing.T) {
	const text = "a:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n     1.0 -1\n        500 http://m x\n" +
		"     0.9 -10\n" +
		"b:\n  Installed: (none)\n  Candidate: 1.0\n  Version table:\n     1.0 500\n     0.9 -1\n" +
		"c:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n     1.0 100\n        100 /var/lib/dpkg/status\n" +
		"d:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n"
	diff(t, "pinned", []string{"a"}, parsePinned(text))
}

func TestNamedByApt(t *testing.T) {
	got := named([]string{
		"hello : Conflicts: hello-traditional but 2.10-6 is to be installed",
		"python3-venv:i386 : PreDepends: python3.11-venv:i386 (>= 3.11.2-1~) but it is not going to be installed",
		"Depends: python3 (= 3.11) but 3.13 is to be installed",
	})
	diff(t, "packages", []string{"hello", "python3", "python3-venv", "python3.11-venv"}, got)
}

// TestKeptFromByDnf uses what dnf 4.14 printed; of modules, what dnf of RHEL 8 prints by many reports.
func TestKeptFromByDnf(t *testing.T) {
	const dead = "Errors during downloading metadata for repository 'dead':\n  - Curl error (7): Couldn't connect to " +
		"server for http://127.0.0.1:9/x/repodata/repomd.xml [Failed to connect to 127.0.0.1 port 9 after 0 ms: Couldn't " +
		"connect to server]\nError: Failed to download metadata for repo 'dead': Cannot download repomd.xml: Cannot download " +
		"repodata/repomd.xml: All mirrors were tried\nIgnoring repositories: dead\n"
	const exclude = "; change exclude in /etc/dnf/dnf.conf and in the repositories' files, or what the plugin " +
		"versionlock has"
	for name, c := range map[string]struct {
		stderr, want string
		kept         bool
	}{
		"excluded": {
			dead + "All matches were filtered out by exclude filtering for argument: python3-pip\n" +
				"Error: Unable to find a match: python3-pip",
			"cannot install python3-pip: dnf is told to pass over python3-pip" + exclude, true,
		},
		"an excluded dependency": {
			dead + "Error: \n Problem: package python3-pip-21.3.1-1.el9.noarch requires python3-setuptools, but none of the " +
				"providers can be installed\n  - conflicting requests\n  - package python3-setuptools-53.0.0-1.el9.noarch is " +
				"filtered out by exclude filtering",
			"cannot install python3-pip: dnf is told to pass over python3-setuptools-53.0.0-1.el9.noarch" + exclude, false,
		},
		"of a module": {
			"All matches were filtered out by modular filtering for argument: python3-pip\nError: Unable to find a match: " +
				"python3-pip",
			"cannot install python3-pip: no stream is enabled of the module that has python3-pip; enable one", true,
		},
		"no match beside a repository that is down": {
			dead + "Error: Unable to find a match: python3-pip",
			"cannot simulate installing python3-pip: no repository that answers offers python3-pip; see to", false,
		},
		"a repository that is down": {
			strings.ReplaceAll(dead, "Ignoring repositories: dead\n", ""),
			"cannot simulate installing python3-pip: a repository's mirror or the proxy refuses connections", false,
		},
		"nothing but one that is down": {
			dead + "Error: something else",
			"cannot simulate installing python3-pip: a repository's mirror or the proxy refuses connections", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newHost(t, "")
			f.on["dnf"] = fails(c.stderr)
			_, err := f.dnf().Simulate(t.Context(), []string{"python3-pip"})
			unknown, known := errors.AsType[*UnknownPackageError](err)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || known != c.kept || known && !unknown.Kept {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// TestExcludedInCheckMode: what dnf's configuration excludes is known without asking dnf.
func TestExcludedInCheckMode(t *testing.T) {
	for text, want := range map[string][]string{
		"":                              nil,
		"[main]\nexclude=python3-pip\n": {"python3-pip"},
		"[main]\nexcludepkgs = a, python3-*\tb\n":        {"python3-pip"},
		"[main]\nexclude=a,\n  python3-pip\nbest=True\n": {"python3-pip"},
		"[main]\n# exclude=python3-pip\n":                nil,
		"[main]\nexclude=a\n#\n[x]\n python3-pip\n":      nil,
		"[baseos]\nexclude=python3-pip\n":                nil,
		"[main]\nexclude=[\n":                            nil,
		"[main]\nbest=python3-pip\n":                     nil,
	} {
		f := newHost(t, "")
		if text != "" {
			f.write(dnfConfig, text)
		}
		d := f.dnf()
		d.ReadOnly = true
		_, err := d.Simulate(t.Context(), []string{"python3-pip", "bash"})
		unknown, kept := errors.AsType[*UnknownPackageError](err)
		if kept != (want != nil) || !kept && !errors.Is(err, ErrWouldWrite) {
			t.Errorf("%q: %v", text, err)
		}
		if kept {
			diff(t, "excluded", want, unknown.Names)
		}
	}
}

package pkgmgr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

func TestSimulateRecorded(t *testing.T) {
	for _, tc := range []struct {
		file string
		want []Package
	}{
		{"bookworm.txt", []Package{
			{"pipx", "1.1.0-1", "all"},
			{"python3-argcomplete", "2.0.0-1", "all"},
			{"python3-click", "8.1.3-2", "all"},
			{"python3-colorama", "0.4.6-2", "all"},
			{"python3-distutils", "3.11.2-3", "all"},
			{"python3-lib2to3", "3.11.2-3", "all"},
			{"python3-packaging", "23.0-1", "all"},
			{"python3-pip-whl", "23.0.1+dfsg-1", "all"},
			{"python3-setuptools-whl", "66.1.1-1+deb12u2", "all"},
			{"python3-userpath", "1.8.0-1", "all"},
			{"python3-venv", "3.11.2-1+b1", "amd64"},
			{"python3.11-venv", "3.11.2-6+deb12u9", "amd64"},
		}},
		{"trixie.txt", []Package{
			{"pipx", "1.7.1-1", "all"},
			{"python3-argcomplete", "3.6.2-1", "all"},
			{"python3-click", "8.2.0+0.really.8.1.8-1", "all"},
			{"python3-packaging", "25.0-1", "all"},
			{"python3-pip-whl", "25.1.1+dfsg-1", "all"},
			{"python3-platformdirs", "4.3.7-1", "all"},
			{"python3-setuptools-whl", "78.1.1-0.1", "all"},
			{"python3-userpath", "1.9.2-1", "all"},
			{"python3-venv", "3.13.5-1", "amd64"},
			{"python3.13-venv", "3.13.5-2+deb13u5", "amd64"},
		}},
	} {
		t.Run(tc.file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", tc.file))
			if err != nil {
				t.Fatal(err)
			}
			f := newHost(t, "")
			f.on["apt-get -s"] = prints(string(text))
			got, err := f.apt.Simulate(t.Context(), []string{"pipx"})
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "set", tc.want, got)
			f.expect("apt-get -s install pipx")
		})
	}
}

// outdated is a host whose lib and libdev are older than what the lists offer; liba goes with
// both, like python3.11-venv with python3.11.
const outdated = `Inst lib [1.0] (1.1 D-Security:12 [amd64]) []
Inst libdev:i386 [1.0] (1.1 D-Security:12 [i386])
Inst liba (1.1 D-Security:12 [amd64])
Inst pipx (1.1.0-1 D [all])
`

func TestSimulateKeepsInstalled(t *testing.T) {
	const sim = "apt-get -s install"
	kept := []Package{{"liba", "1.0", "amd64"}, {"pipx", "1.1.0-1", "all"}}
	const good = "Inst liba (1.0 D:12 [amd64])\nInst pipx (1.1.0-1 D [all])\n"
	const second = "Inst other [3] (4 D [all])\nInst otherplugin (4 D [all])\n" + good
	for _, tc := range []struct {
		name     string
		asked    []string
		answers  []func(host.Command) (string, error)
		commands []string
		want     []Package
	}{
		{name: "old version still offered", asked: []string{"pipx"},
			answers:  []func(host.Command) (string, error){prints(outdated), prints(good)},
			commands: []string{sim + " pipx", sim + " pipx liba:amd64=1.0"}, want: kept},
		{name: "asked for by name", asked: []string{"liba", "pipx"},
			answers:  []func(host.Command) (string, error){prints(outdated), prints(good)},
			commands: []string{sim + " liba pipx", sim + " liba pipx liba:amd64=1.0"}, want: kept},
		{name: "another one in the second round", asked: []string{"pipx"},
			answers: []func(host.Command) (string, error){prints(outdated), prints(second),
				prints("Inst otherplugin (3 D [all])\n" + good)},
			commands: []string{sim + " pipx", sim + " pipx liba:amd64=1.0", sim + " pipx liba:amd64=1.0 otherplugin=3"},
			want:     []Package{kept[0], {"otherplugin", "3", "all"}, kept[1]}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newHost(t, "")
			f.on["apt-get -s"] = inTurn(tc.answers)
			got, err := f.apt.Simulate(t.Context(), tc.asked)
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "set", tc.want, got)
			f.expect(tc.commands...)
		})
	}
}

// inTurn answers each command by the next one; the last goes on.
func inTurn(answers []func(host.Command) (string, error)) func(host.Command) (string, error) {
	return func(cmd host.Command) (string, error) {
		answer := answers[0]
		if len(answers) > 1 {
			answers = answers[1:]
		}
		return answer(cmd)
	}
}

func TestSimulateRefuses(t *testing.T) {
	const upgrade = "cannot install pipx: it would upgrade lib from 1.0 to 1.1, upgrade libdev:i386 from 1.0 to 1.1, " +
		"which could not be undone; do it first with: apt-get install --only-upgrade lib libdev:i386, then run this again"
	for _, tc := range []struct {
		name    string
		asked   string
		answers []func(host.Command) (string, error)
		rounds  int
		want    string
	}{
		{name: "old version no longer offered", answers: []func(host.Command) (string, error){prints(outdated), fails("E: Version '1.0' for 'liba' was not found")}, rounds: 2, want: upgrade},
		{name: "old version does not fit", answers: []func(host.Command) (string, error){prints(outdated), fails("E: Unable to correct problems, you have held broken packages.")}, rounds: 2, want: upgrade},
		{name: "nothing to pin", answers: []func(host.Command) (string, error){prints("Inst lib [1.0] (1.1 D [amd64])\nInst libdev:i386 [1.0] (1.1 D [i386])\nInst pipx (2 D [all])\n")}, rounds: 1, want: upgrade},
		{name: "pin that does not help", answers: []func(host.Command) (string, error){prints(outdated)}, rounds: 2, want: upgrade},
		{name: "exact version asked for", asked: "liba=1.1", answers: []func(host.Command) (string, error){prints(outdated)}, rounds: 1, want: strings.Replace(upgrade, "pipx", "liba=1.1", 1)},
		{name: "removal", answers: []func(host.Command) (string, error){prints("Remv oldpipx [1:0.9-1] [pipx:amd64 ]\nInst pipx (1.1 D [all])\n")}, rounds: 1,
			want: "cannot install pipx: it would remove oldpipx=1:0.9-1, which could not be undone; " +
				"do it first with: apt-get install --no-install-recommends pipx, then run this again"},
		{name: "purge and upgrade", answers: []func(host.Command) (string, error){prints("Purg libfoo:i386 [2]\nInst lib [1.0] (1.1 D [amd64])\n")}, rounds: 1,
			want: "cannot install pipx: it would remove libfoo:i386=2, upgrade lib from 1.0 to 1.1, which could not be " +
				"undone; do it first with: apt-get install --no-install-recommends pipx, then run this again"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newHost(t, "")
			f.on["apt-get -s"] = inTurn(tc.answers)
			set, err := f.apt.Simulate(t.Context(), []string{cmp.Or(tc.asked, "pipx")})
			if err == nil || set != nil {
				t.Fatalf("got %v, error %v", set, err)
			}
			diff(t, "error", tc.want, err.Error())
			diff(t, "simulations", tc.rounds, len(f.lines()))
		})
	}
}

// TestSimulateIsBounded has lists that want another upgrade whenever one is avoided.
func TestSimulateIsBounded(t *testing.T) {
	f := newHost(t, "")
	f.on["apt-get -s"] = func(host.Command) (string, error) {
		n := len(f.lines())
		return fmt.Sprintf("Inst lib%d [1] (2 D [all])\nInst plugin%[1]d (2 D [all])\n", n), nil
	}
	_, err := f.apt.Simulate(t.Context(), []string{"pipx"})
	if err == nil || !strings.Contains(err.Error(), "upgrade lib1 from 1 to 2") {
		t.Errorf("got error %v, want what the first simulation would upgrade", err)
	}
	diff(t, "simulations", simulations, len(f.lines()))
}

func TestSimulateIsCancelled(t *testing.T) {
	f := newHost(t, "")
	stopped := func(cmd host.Command) (string, error) {
		return "", &host.CommandError{Argv: cmd.Argv, Status: "signal: terminated", Code: -1, Cause: context.Canceled}
	}
	f.on["apt-get -s"] = inTurn([]func(host.Command) (string, error){prints(outdated), stopped})
	if _, err := f.apt.Simulate(t.Context(), []string{"pipx"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v", err)
	}
}

func TestSimulateUnknown(t *testing.T) {
	for _, tc := range []struct {
		name   string
		run    func(host.Command) (string, error)
		want   []string
		reason string
	}{
		{name: "no such package", run: fails("E: Unable to locate package nosuch\nE: Unable to locate package pipx"), want: []string{"nosuch", "pipx"}},
		{name: "newer wording", run: fails("Error: Unable to locate package pipx"), want: []string{"pipx"}},
		{name: "once each", run: fails("E: Unable to locate package a.b\nE: Couldn't find any package by glob 'a.b'\nE: Couldn't find any package by regex 'a.b'"), want: []string{"a.b"}},
		{name: "no candidate", run: fails("E: Package 'mail-transport-agent' has no installation candidate"), want: []string{"mail-transport-agent"}},
		{name: "no such version", run: fails("E: Version '9.9' for 'python3' was not found"), want: []string{"python3=9.9"}},
		{name: "taken for a pattern", run: prints("Note, selecting 'libfoonathan-memory-dev' for regex 'libfoo.'\nInst libfoonathan-memory-dev (1 D [all])\n"), want: []string{"libfoo."}},
		{name: "other failure", run: fails("E: Unable to correct problems, you have held broken packages."), reason: "held broken packages"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newHost(t, "")
			f.on["apt-get -s"] = tc.run
			_, err := f.apt.Simulate(t.Context(), []string{"pipx"})
			unknown, ok := errors.AsType[*UnknownPackageError](err)
			if !ok {
				unknown = &UnknownPackageError{}
			}
			diff(t, "names", tc.want, unknown.Names)
			if err == nil || !strings.Contains(err.Error(), tc.reason) {
				t.Errorf("got error %v", err)
			}
		})
	}
}

func TestSimulateReadOnly(t *testing.T) {
	f := newHost(t, "")
	f.on["apt-get -s"] = prints("")
	for _, f.apt.ReadOnly = range []bool{false, true} {
		if _, err := f.apt.Simulate(t.Context(), []string{"pipx"}); err != nil {
			t.Fatal(err)
		}
		for _, option := range []string{"Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache=", "Dir::Log::Planner="} {
			if got := hasOption(f.commands[len(f.commands)-1], option); got != f.apt.ReadOnly {
				t.Errorf("read only %t: %s given: %t", f.apt.ReadOnly, option, got)
			}
		}
	}
}

func TestForeignArchitecture(t *testing.T) {
	got := parseActions("Inst libc6:i386 (1:2.36-9 Debian:12/stable, Debian-Security:12 [i386])\n" +
		"Conf libc6:i386 (1:2.36-9 D [i386])\nInst\nPurg libc6:i386 [1:2.36-9]\n")
	var set []string
	for _, act := range got {
		set = append(set, act.verb+" "+ident(act.pkg)+" "+act.pkg.Version)
	}
	diff(t, "actions", []string{"Inst libc6:i386 1:2.36-9", "Purg libc6:i386 1:2.36-9"}, set)
	diff(t, "archive", "libc6_1%3a2.36-9_i386.deb", archive(got[0].pkg))
}

// TestAddedOnly uses what apt-get --print-uris prints, with another mirror and shorter hashes.
func TestAddedOnly(t *testing.T) {
	const head = "Reading package lists...\nThe following NEW packages will be installed:\n  mc mc-data libssh2-1\n"
	const archives = "Need to get 4016 kB of archives.\n" +
		"'http://mirror.example/libssh2-1_1.10.0-3%2bdeb12u1_amd64.deb' libssh2-1_1.10.0-3+deb12u1_amd64.deb 175976 \n" +
		"'http://mirror.example/mc-data_4.8.29-2_all.deb' mc-data_3%3a4.8.29-2_all.deb 1345540 MD5Sum:8520\n" +
		"'http://mirror.example/mc_4.8.29-2_amd64.deb' mc_3%3a4.8.29-2_amd64.deb 522452 MD5Sum:3331\n"
	all := []Package{
		{"libssh2-1", "1.10.0-3+deb12u1", "amd64"}, {"mc", "3:4.8.29-2", "amd64"}, {"mc-data", "3:4.8.29-2", "all"},
	}
	for name, tc := range map[string]struct {
		summary, archives string
		want              []Package
		known             bool
	}{
		"all added":          {"0 upgraded, 3 newly installed, 0 to remove and 5 not upgraded.\n", archives, all, true},
		"nothing":            {"0 upgraded, 0 newly installed, 0 to remove and 5 not upgraded.\n", "", nil, true},
		"an upgrade":         {"1 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.\n", archives, all, false},
		"a removal":          {"0 upgraded, 3 newly installed, 1 to remove and 0 not upgraded.\n", archives, all, false},
		"a downgrade":        {"0 upgraded, 3 newly installed, 1 downgraded, 0 to remove and 0 not upgraded.\n", archives, all, false},
		"one fetched before": {"0 upgraded, 4 newly installed, 0 to remove and 0 not upgraded.\n", archives, all, false},
		"no summary":         {"", archives, all, false},
		"an odd name":        {"0 upgraded, 1 newly installed, 0 to remove and 0 not upgraded.\n", "'http://m/x.deb' x.deb 1 MD5Sum:0\n", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newHost(t, "")
			f.on["apt-get --print-uris"] = prints(head + tc.summary + tc.archives)
			got, known := f.apt.addedOnly(t.Context(), []string{"mc"})
			diff(t, "known", tc.known, known)
			if known {
				diff(t, "set", tc.want, got)
			}
		})
	}
}

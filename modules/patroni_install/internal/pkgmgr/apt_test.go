package pkgmgr

import (
	"errors"
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

func TestSimulateRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, output, want string
	}{
		{"upgrade", "Inst libpython3 [3.11.2-6] (3.11.2-7 Debian:12/stable [amd64]) [python3:amd64 ]\nInst pipx (1.1 D [all])\n", "replace libpython3=3.11.2-6 by version 3.11.2-7"},
		{"removal", "Remv oldpipx [1:0.9-1] [pipx:amd64 ]\nInst pipx (1.1 D [all])\n", "remove oldpipx=1:0.9-1"},
		{"purge", "Purg libfoo:i386 [2]\n", "remove libfoo=2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newHost(t, "")
			f.on["apt-get -s"] = prints(tc.output)
			set, err := f.apt.Simulate(t.Context(), []string{"pipx"})
			if err == nil || !strings.Contains(err.Error(), tc.want) || set != nil {
				t.Errorf("got %v, error %v, want one with %q", set, err, tc.want)
			}
		})
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
			var unknown *UnknownPackageError
			if !errors.As(err, &unknown) {
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
	got := parseActions("Inst libc6:i386 (1:2.36-9 Debian:12/stable, Debian-Security:12 [i386])\nConf libc6:i386 (1:2.36-9 D [i386])\nInst\nPurg libc6:i386 [1:2.36-9]\n")
	var set []string
	for _, act := range got {
		set = append(set, act.verb+" "+ident(act.pkg)+" "+act.pkg.Version)
	}
	diff(t, "actions", []string{"Inst libc6:i386 1:2.36-9", "Purg libc6:i386 1:2.36-9"}, set)
	diff(t, "archive", "libc6_1%3a2.36-9_i386.deb", archive(got[0].pkg))
}

func TestDownload(t *testing.T) {
	pipx, click, _ := pipxSet()
	set := []Package{pipx, click}
	const fetch, update = "apt-get download pipx=1.1.0-1 python3-click=8.1.3-2", "apt-get update"
	const notFound = "E: Failed to fetch http://mirror/pipx.deb  404  Not Found [IP: 192.0.2.1 80]"
	for _, tc := range []struct {
		name     string
		answers  []string // stderr of each download, "" for a good one
		refresh  string   // stderr of the refresh
		commands []string
		changed  bool
		want     string // part of the error
	}{
		{name: "good", answers: []string{""}, commands: []string{fetch}},
		{name: "404, then good", answers: []string{notFound, ""}, commands: []string{fetch, update, fetch}},
		{name: "404, then good after a source was down", answers: []string{notFound, ""}, refresh: "E: down", commands: []string{fetch, update, fetch}},
		{name: "404, then other versions", answers: []string{notFound, "E: Version '1.1.0-1' for 'pipx' was not found"}, commands: []string{fetch, update, fetch}, changed: true},
		{name: "404 twice", answers: []string{notFound, notFound}, refresh: "E: down", commands: []string{fetch, update, fetch}, want: "E: down"},
		{name: "other versions at once", answers: []string{"E: Version '1.1.0-1' for 'pipx' was not found"}, commands: []string{fetch}, changed: true},
		{name: "no network", answers: []string{"E: Failed to fetch: Could not resolve 'mirror404'"}, commands: []string{fetch}, want: "Could not resolve"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newHost(t, "")
			dir := archivesOf(f)
			answers := tc.answers
			f.on["apt-get -q download"] = func(cmd host.Command) (string, error) {
				if cmd.Dir != filepath.Join(f.root, dir) || cmd.Detached {
					t.Errorf("downloads in %s, detached: %t", cmd.Dir, cmd.Detached)
				}
				answer := answers[0]
				answers = answers[1:]
				if answer != "" {
					return fails(answer)(cmd)
				}
				archivesOf(f, set...)
				return "", nil
			}
			f.on["apt-get -q update"] = prints("")
			if tc.refresh != "" {
				f.on["apt-get -q update"] = fails(tc.refresh)
			}
			err := f.apt.Download(t.Context(), set, dir)
			if good := tc.answers[len(tc.answers)-1] == ""; (err == nil) != good || errors.Is(err, ErrChanged) != tc.changed {
				t.Errorf("got error %v", err)
			}
			if tc.want != "" && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one with %q", err, tc.want)
			}
			f.expect(tc.commands...)
		})
	}
}

func TestDownloadMissesArchive(t *testing.T) {
	pipx, click, _ := pipxSet()
	f := newHost(t, "")
	dir := archivesOf(f, pipx)
	f.on["apt-get -q download"] = prints("")
	err := f.apt.Download(t.Context(), []Package{pipx, click}, dir)
	if !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "cannot download 2 packages: ") {
		t.Errorf("got error %v", err)
	}
}

func TestInstall(t *testing.T) {
	pipx, click, venv := pipxSet()
	set := []Package{pipx, click, venv}
	const install = "apt-get install pipx=1.1.0-1 python3-click=8.1.3-2 python3-venv:amd64=1:3.11.2-1+b1"
	for _, tc := range []struct {
		name     string
		asked    []string
		after    string // dpkg's status
		commands []string
		want     string // part of the error
	}{
		{name: "one asked for", asked: []string{"pipx"}, after: entries("install ok installed", set...),
			commands: []string{install, "apt-mark auto python3-click python3-venv:amd64"}},
		{name: "all asked for", asked: []string{"pipx", "python3-click=8.1.3-2", "python3-venv:amd64"}, after: entries("install ok installed", set...),
			commands: []string{install}},
		{name: "left half done", asked: []string{"pipx"}, after: entries("install ok installed", pipx, click) + entry(venv, "install ok half-configured"),
			commands: []string{install}, want: "cannot install pipx: dpkg does not have python3-venv=1:3.11.2-1+b1 installed"},
		{name: "other version", asked: []string{"pipx"}, after: entries("install ok installed", click, venv, Package{"pipx", "2", "all"}),
			commands: []string{install}, want: "pipx=1.1.0-1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newHost(t, "")
			dir := archivesOf(f, set...)
			f.on["apt-get -qy install"] = f.sets(tc.after)
			f.on["apt-mark"] = prints("")
			err := f.apt.Install(t.Context(), set, tc.asked, dir)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want %q", err, tc.want)
			}
			f.expect(tc.commands...)
			for _, cmd := range f.commands {
				if !cmd.Detached {
					t.Errorf("%s would die with us", cmd.Argv[0])
				}
			}
			for _, option := range []string{"--no-download", "--no-remove", "--no-upgrade", "--no-install-recommends", "Dir::Cache::archives=" + f.root + dir} {
				if !hasOption(f.commands[0], option) {
					t.Errorf("apt-get misses %s", option)
				}
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	f := newHost(t, "")
	f.on["apt-get"] = prints("")
	if err := f.apt.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	diff(t, "environment", host.SystemEnv("DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1", "APT_LISTCHANGES_FRONTEND=none",
		"APT_LISTBUGS_FRONTEND=none", "UCF_FORCE_CONFFOLD=1", "http_proxy=http://proxy:3128"), f.commands[0].Env)
}

func TestNothingToDo(t *testing.T) {
	f := newHost(t, "")
	pipx, _, _ := pipxSet()
	if err := f.apt.Download(t.Context(), nil, "/priv"); err != nil {
		t.Error(err)
	}
	if err := f.apt.Install(t.Context(), nil, nil, "/priv"); err != nil {
		t.Error(err)
	}
	if err := f.apt.Recover(t.Context(), []Package{pipx}, "/priv"); err != nil {
		t.Error(err)
	}
	if kept, err := f.apt.Remove(t.Context(), []Package{pipx}); err != nil || kept != nil {
		t.Error(kept, err)
	}
	f.expect()
}

func TestInterruptedIsRefused(t *testing.T) {
	pipx, _, _ := pipxSet()
	f := newHost(t, entries("install ok half-configured", Package{"postgresql-15", "15.1", "amd64"}, pipx))
	set := []Package{pipx}
	_, removal := f.apt.Remove(t.Context(), set)
	for _, err := range []error{removal, f.apt.Install(t.Context(), set, []string{"pipx"}, "/priv")} {
		var interrupted *InterruptedError
		if !errors.As(err, &interrupted) {
			t.Fatalf("got error %v", err)
		}
		diff(t, "names", []string{"postgresql-15"}, interrupted.Names)
		if !strings.Contains(err.Error(), "dpkg --configure -a") {
			t.Errorf("%v does not say what to do", err)
		}
	}
	f.expect()
}

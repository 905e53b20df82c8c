package pkgmgr

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

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
		{name: "404 twice", answers: []string{notFound, notFound}, refresh: "E: down", commands: []string{fetch, update, fetch}, want: "use another mirror\ncannot refresh the package lists: command"},
		{name: "other versions at once", answers: []string{"E: Version '1.1.0-1' for 'pipx' was not found"}, commands: []string{fetch}, changed: true},
		{name: "no network", answers: []string{"E: Failed to fetch: Could not resolve 'mirror404'"}, commands: []string{fetch}, want: "name cannot be resolved"},
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
			for _, option := range []string{"--no-download", "--no-remove", "--no-upgrade", "--no-install-recommends",
				"Dir::Cache::archives=" + f.root + dir, "Dpkg::Install::Recursive::Minimum=100000"} {
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
	diff(t, "environment", host.SystemEnv("DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1",
		"APT_LISTCHANGES_FRONTEND=none",
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
	if kept, err := f.apt.Remove(t.Context(), []Package{pipx}, "/priv"); err != nil || kept != nil {
		t.Error(kept, err)
	}
	f.expect()
}

func TestInterruptedIsRefused(t *testing.T) {
	pipx, _, _ := pipxSet()
	f := newHost(t, entries("install ok half-configured", Package{"postgresql-15", "15.1", "amd64"}, pipx))
	set := []Package{pipx}
	_, removal := f.apt.Remove(t.Context(), set, "/priv")
	for _, err := range []error{removal, f.apt.Install(t.Context(), set, []string{"pipx"}, "/priv")} {
		const want = "left postgresql-15 unfinished; finish that with: dpkg --configure -a"
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v", err)
		}
	}
	err := f.apt.Ready(t.Context())
	if err == nil || !strings.Contains(err.Error(), "left pipx, postgresql-15 unfinished;") {
		t.Errorf("before anything is ours: got error %v", err)
	}
	f.expect()
}

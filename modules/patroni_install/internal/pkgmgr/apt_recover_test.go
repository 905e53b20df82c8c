package pkgmgr

import (
	"strings"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

func TestRemove(t *testing.T) {
	pipx, click, venv := pipxSet()
	set := []Package{pipx, click, venv}
	const sim, purge = "apt-get -s purge", "apt-get purge"
	all := " pipx python3-click python3-venv:amd64"
	removes := func(names ...string) string { return "Purg " + strings.Join(names, " [1]\nPurg ") + " [1]\n" }
	for _, tc := range []struct {
		name     string
		status   string
		sims     map[string]string // output by what is purged
		kept     []Package
		commands []string
	}{
		{name: "all", status: entries("install ok installed", set...),
			sims:     map[string]string{all: removes("pipx", "python3-click", "python3-venv")},
			commands: []string{sim + all, purge + all}},
		{name: "part of it, upgraded and half done", status: entry(Package{"pipx", "9", "all"}, "install ok half-configured") + entry(click, "deinstall ok config-files"),
			sims:     map[string]string{" pipx python3-click": removes("pipx", "python3-click")},
			commands: []string{sim + " pipx python3-click", purge + " pipx python3-click"}},
		{name: "never there, only selected",
			status: "Package: pipx\nStatus: install ok not-installed\nArchitecture: all\n\n"},
		{name: "only selected, and damaged",
			status:   "Package: pipx\nStatus: install reinstreq not-installed\nArchitecture: all\n\n",
			sims:     map[string]string{" pipx": removes("pipx")},
			commands: []string{sim + " pipx", purge + " pipx"}},
		{name: "a configuration that is damaged", status: entry(pipx, "deinstall reinstreq config-files"),
			sims:     map[string]string{" pipx": removes("pipx")},
			commands: []string{sim + " pipx", purge + " pipx"}},
		{name: "one of ours would come in another version", status: entries("install ok installed", pipx, click),
			sims: map[string]string{
				" pipx python3-click": removes("python3-click") + "Inst pipx [1.1.0-1] (0.9 D [all])\n",
				" pipx":               removes("pipx"),
			},
			kept:     []Package{click},
			commands: []string{sim + " pipx python3-click", sim + " pipx", sim + " pipx python3-click", purge + " pipx"}},
		{name: "other architecture is not ours", status: entry(Package{"python3-venv", "1", "i386"}, "install ok installed")},
		{name: "one is needed", status: entries("install ok installed", set...),
			sims: map[string]string{
				all:                        removes("pipx", "python3-click", "python3-venv", "flask"),
				" pipx":                    removes("pipx"),
				" pipx python3-click":      removes("pipx", "python3-click", "flask"),
				" pipx python3-venv:amd64": removes("pipx", "python3-venv"),
			},
			kept: []Package{click},
			commands: []string{sim + all, sim + " pipx", sim + " pipx python3-click", sim + " pipx python3-venv:amd64",
				purge + " pipx python3-venv:amd64"}},
		{name: "one takes another that is kept", status: entries("install ok installed", pipx, click),
			sims: map[string]string{
				" pipx python3-click": removes("pipx", "python3-click", "flask"),
				" pipx":               removes("pipx", "flask"),
				" python3-click":      removes("python3-click", "pipx"),
			},
			kept:     []Package{pipx, click},
			commands: []string{sim + " pipx python3-click", sim + " pipx", sim + " python3-click"}},
		{name: "something would come instead", status: entry(click, "install ok installed"),
			sims:     map[string]string{" python3-click": removes("python3-click") + "Inst otherclick (1 D [all])\n"},
			kept:     []Package{click},
			commands: []string{sim + " python3-click", sim + " python3-click"}},
		{name: "foreign architecture would go", status: entry(venv, "install ok installed"),
			sims:     map[string]string{" python3-venv:amd64": removes("python3-venv", "python3-venv:i386")},
			kept:     []Package{venv},
			commands: []string{sim + " python3-venv:amd64", sim + " python3-venv:amd64"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			// What is half done here is ours: only its own packages are in the status.
			f := newHost(t, tc.status)
			f.on["apt-get -s"] = func(host.Command) (string, error) {
				lines := f.lines()
				output, found := tc.sims[strings.TrimPrefix(lines[len(lines)-1], sim)]
				if !found {
					t.Errorf("unexpected simulation %q", lines[len(lines)-1])
				}
				return output, nil
			}
			f.on["apt-get -qy purge"] = f.sets(entries("install ok installed", tc.kept...))
			kept, err := f.apt.Remove(t.Context(), set, "/priv")
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "kept", tc.kept, kept)
			f.expect(tc.commands...)
		})
	}
}

func TestRemoveChecksDpkg(t *testing.T) {
	pipx, _, _ := pipxSet()
	f := newHost(t, entry(pipx, "install ok installed"))
	f.on["apt-get -s"] = prints("Purg pipx [1.1.0-1]\n")
	f.on["apt-get -qy purge"] = f.sets(entry(pipx, "purge ok config-files"))
	_, err := f.apt.Remove(t.Context(), []Package{pipx}, "/priv")
	if err == nil || err.Error() != "cannot remove pipx=1.1.0-1: dpkg still has pipx" {
		t.Errorf("got error %v", err)
	}
	if !hasOption(f.commands[1], "--no-auto-remove") || !f.commands[1].Detached {
		t.Errorf("purged by %q", f.commands[1].Argv)
	}
}

func TestRecover(t *testing.T) {
	pipx, click, venv := pipxSet()
	set := []Package{pipx, click, venv}
	const configure = "dpkg --configure"
	half := "Package: python3-venv\nStatus: install reinstreq half-installed\nArchitecture: amd64\n\n"
	unpack := "dpkg --unpack /priv/python3-venv_1%3a3.11.2-1+b1_amd64.deb"
	for _, tc := range []struct {
		name     string
		before   string
		updates  string
		rounds   []string // dpkg's status after each configure
		archives []Package
		commands []string
		want     string // part of the error
	}{
		{name: "nothing begun"},
		{name: "complete", before: entries("install ok installed", set...)},
		{name: "somebody else's is left alone", before: entry(Package{"other", "1", "all"}, "install ok unpacked")},
		{name: "unpacked", before: entries("install ok unpacked", pipx, click),
			rounds:   []string{entries("install ok installed", pipx, click)},
			commands: []string{configure + " pipx python3-click"}},
		{name: "dependencies never unpacked", before: entry(pipx, "install ok unpacked"),
			rounds:   []string{entry(pipx, "install ok unpacked")},
			commands: []string{configure + " pipx"}},
		{name: "half-installed without a version", before: entry(pipx, "install ok unpacked") + half, archives: set,
			rounds:   []string{entries("install ok installed", pipx, venv)},
			commands: []string{unpack, configure + " pipx python3-venv:amd64"}},
		{name: "in two rounds", before: entries("install ok unpacked", pipx, click),
			rounds: []string{entry(pipx, "install ok unpacked") + entry(click, "install ok installed"),
				entries("install ok installed", pipx, click)},
			commands: []string{configure + " pipx python3-click", configure + " pipx python3-click"}},
		{name: "journal not merged", before: entry(pipx, "install ok installed"), updates: entry(pipx, "install ok installed"),
			rounds:   []string{entry(pipx, "install ok installed")},
			commands: []string{configure + " pipx"}},
		{name: "archive lost", before: half,
			rounds:   []string{half},
			commands: []string{configure + " python3-venv:amd64"},
			want: `dpkg still has it "install reinstreq half-installed"; repair it with: ` +
				"apt-get install --reinstall python3-venv:amd64"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newHost(t, tc.before)
			dir := archivesOf(f, tc.archives...)
			if tc.updates != "" {
				f.write(updatesDir+"/0000", tc.updates)
			}
			round := 0
			f.on["dpkg"] = func(cmd host.Command) (string, error) {
				if !cmd.Detached {
					t.Errorf("%q would die with us", cmd.Argv)
				}
				if !hasOption(cmd, "--configure") {
					return "", nil
				}
				f.write(statusFile, tc.rounds[round])
				round++
				if err := f.apt.Host.FS.Remove(updatesDir + "/0000"); err != nil {
					t.Error(err)
				}
				return fails("dpkg: error processing package")(cmd)
			}
			err := f.apt.Recover(t.Context(), set, dir)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want %q", err, tc.want)
			}
			f.expect(tc.commands...)
		})
	}
}

// TestRecoverSweeps has dpkg killed while it had nothing half done: only its temporary file stays.
func TestRecoverSweeps(t *testing.T) {
	pipx, _, _ := pipxSet()
	f := newHost(t, entry(pipx, "install ok installed"))
	f.write(unfinishedUpdate, "")
	f.on["dpkg"] = func(cmd host.Command) (string, error) {
		if !cmd.Detached {
			t.Errorf("%q would die with us", cmd.Argv)
		}
		return "", f.apt.Host.FS.Remove(unfinishedUpdate)
	}
	for range 2 {
		if err := f.apt.Recover(t.Context(), []Package{pipx}, "/priv"); err != nil {
			t.Error(err)
		}
	}
	f.expect("dpkg --set-selections")
}

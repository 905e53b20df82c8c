package pkgmgr

import (
	"strings"
	"testing"
)

const status = `Package: pipx
Status: install ok installed
Priority: optional
Architecture: all
Version: 1.1.0-1
Description: execute binaries from Python packages
 in isolated environments
 .
 Status: deinstall ok config-files is no field here

Package: exim4-daemon-light
Status: install ok installed
Architecture: amd64
Version: 4.96-15
Provides: mail-transport-agent, default-mta (= 2),
 smtp-server

Package: libfoo
Status: hold ok installed
Architecture: i386
Version: 1:2.0~rc1-1
Multi-Arch: same

Package: leftover
Status: deinstall ok config-files
Architecture: all
Version: 1

Package: halfway
Status: install reinstreq half-installed
Architecture: all

Package: unpacked
Status: install ok unpacked
Architecture: all
Version: 1

Package: triggered
Status: install ok triggers-pending
Architecture: all
Version: 1
Triggers-Pending: /usr/share/x

Package: reinstall
Status: install reinstreq installed
Architecture: all
Version: 1

Package: selected
Status: install ok not-installed
Architecture: all

Package: last
Status: install ok installed
Architecture: amd64
Version: 7`

func TestInstalled(t *testing.T) {
	pipx := Package{"pipx", "1.1.0-1", "all"}
	exim := Package{"exim4-daemon-light", "4.96-15", "amd64"}
	foo := Package{"libfoo", "1:2.0~rc1-1", "i386"}
	last := Package{"last", "7", "amd64"}
	for _, tc := range []struct {
		name      string
		names     []string
		arch      string // content of dpkg's list of architectures
		installed []Package
		missing   []string
	}{
		{name: "there", names: []string{"pipx"}, installed: []Package{pipx}},
		{name: "sorted, once", names: []string{"pipx", "last", "pipx"}, installed: []Package{last, pipx}},
		{name: "not there", names: []string{"zsh", "nosuch", "zsh"}, missing: []string{"nosuch", "zsh"}},
		{name: "part of a name", names: []string{"pip", "ipx"}, missing: []string{"ipx", "pip"}},
		{name: "virtual", names: []string{"mail-transport-agent"}, installed: []Package{exim}},
		{name: "virtual with a version", names: []string{"default-mta"}, installed: []Package{exim}},
		{name: "virtual on a continuation line", names: []string{"smtp-server"}, installed: []Package{exim}},
		{name: "part of a virtual name", names: []string{"mta"}, missing: []string{"mta"}},
		{name: "version", names: []string{"pipx=1.1.0-1"}, installed: []Package{pipx}},
		{name: "other version", names: []string{"pipx=1.2"}, missing: []string{"pipx=1.2"}},
		{name: "version of a virtual", names: []string{"default-mta=2"}, missing: []string{"default-mta=2"}},
		{name: "configuration only", names: []string{"leftover"}, missing: []string{"leftover"}},
		{name: "half-installed", names: []string{"halfway"}, missing: []string{"halfway"}},
		{name: "unpacked", names: []string{"unpacked"}, missing: []string{"unpacked"}},
		{name: "waiting for triggers", names: []string{"triggered"}, missing: []string{"triggered"}},
		{name: "to be reinstalled", names: []string{"reinstall"}, missing: []string{"reinstall"}},
		{name: "selected only", names: []string{"selected"}, missing: []string{"selected"}},
		{name: "on hold", names: []string{"libfoo:i386"}, installed: []Package{foo}},
		{name: "one architecture", names: []string{"libfoo"}, installed: []Package{foo}},
		{name: "foreign architecture", names: []string{"libfoo"}, arch: "amd64\ni386\n", missing: []string{"libfoo"}},
		{name: "architecture asked for", names: []string{"libfoo:i386", "last:i386"}, arch: "amd64\ni386\n", installed: []Package{foo}, missing: []string{"last:i386"}},
		{name: "all fits any", names: []string{"pipx:i386"}, arch: "amd64\ni386\n", installed: []Package{pipx}},
		{name: "no line end at the end of the file", names: []string{"last"}, installed: []Package{last}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newHost(t, status)
			if tc.arch != "" {
				f.write(archFile, tc.arch)
			}
			installed, missing, err := f.apt.Installed(t.Context(), tc.names)
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "installed", tc.installed, installed)
			diff(t, "missing", tc.missing, missing)
			f.expect()
		})
	}
}

func TestInstalledReadsUpdates(t *testing.T) {
	f := newHost(t, status)
	f.write(updatesDir+"/0000", entry(Package{"pipx", "1.1.0-1", "all"}, "install ok unpacked"))
	f.write(updatesDir+"/0001", entry(Package{"brandnew", "2", "all"}, "install ok unpacked"))
	f.write(updatesDir+"/0002", entry(Package{"brandnew", "2", "all"}, "install ok installed"))
	f.write(updatesDir+"/tmp.i", entry(Package{"last", "8", "all"}, "install ok unpacked"))
	installed, missing, err := f.apt.Installed(t.Context(), []string{"pipx", "brandnew", "last"})
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "installed", []Package{{"brandnew", "2", "all"}, {"last", "7", "amd64"}}, installed)
	diff(t, "missing", []string{"pipx"}, missing)
}

func TestInstalledErrors(t *testing.T) {
	for _, name := range []string{"", "x", "-o", "--help", "pi px", "pipx/testing", "pipx^", "./x.deb", "lib*", "pipx:",
		"pipx=", "pipx=1 2", "Pipx?", "+x"} {
		f := newHost(t, status)
		if _, _, err := f.apt.Installed(t.Context(), []string{name}); err == nil ||
			!strings.Contains(err.Error(), "is not the name of a package") {
			t.Errorf("Installed(%q): got error %v", name, err)
		}
		if _, err := f.apt.Simulate(t.Context(), []string{name}); err == nil {
			t.Errorf("Simulate(%q): got no error", name)
		}
		f.expect()
	}
	f := newHost(t, status)
	if err := f.apt.Host.FS.Remove(statusFile); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.apt.Installed(t.Context(), []string{"pipx"}); err == nil ||
		!strings.HasPrefix(err.Error(), "cannot read dpkg's status: ") {
		t.Errorf("without a status file: got error %v", err)
	}
}

func TestInterrupted(t *testing.T) {
	f := newHost(t, status)
	got, err := f.apt.interrupted([]Package{{"unpacked", "1", "all"}, {"halfway", "9", "all"}, {"triggered", "1", "i386"}})
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "without ours", []string{"reinstall", "triggered"}, got)

	f.write(updatesDir+"/0000", entry(Package{"last", "7", "amd64"}, "install ok installed"))
	if got, err = f.apt.interrupted(nil); err != nil {
		t.Fatal(err)
	}
	diff(t, "with updates", []string{"halfway", "last", "reinstall", "triggered", "unpacked"}, got)

	f.write(statusFile, status+"\n\n"+entry(Package{"torn", "1", "all"}, "deinstall reinstreq config-files"))
	if got, err = f.apt.interrupted([]Package{{"halfway", "1", "all"}, {"last", "7", "amd64"}}); err != nil {
		t.Fatal(err)
	}
	diff(t, "with a damaged configuration", []string{"reinstall", "torn", "triggered", "unpacked"}, got)
}

// BenchmarkInstalled is the no-op run on a host with very many packages.
func BenchmarkInstalled(b *testing.B) {
	stanza := strings.Replace(entry(Package{"some-package", "1.0-1", "amd64"}, "install ok installed"), " more of it\n",
		strings.Repeat(" a line of a long description of what the package is good for\n", 12)+
			"Provides: a-virtual-package (= 1.0)\nDepends: libc6 (>= 2.36), libsomething, python3\n", 1)
	text := strings.Repeat(stanza, 5<<20/len(stanza)) + status
	f := newHost(b, text)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if installed, _, err := f.apt.Installed(b.Context(), []string{"pipx"}); err != nil || len(installed) != 1 {
			b.Fatal(installed, err)
		}
	}
}

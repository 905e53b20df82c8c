package pkgmgr

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// TestRemoveKeepsWhatWasThere: a package that was removed and not purged goes back to that, the others are purged
// after it, and their configuration files are what they were.
func TestRemoveKeepsWhatWasThere(t *testing.T) {
	pipx, click, venv := pipxSet()
	set := []Package{pipx, click, venv}
	f := newHost(t, "Package: python3-click\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 8.0\n"+
		"Conffiles:\n /etc/click.conf 0123 \n /etc/old.d/click 4567 obsolete\nDescription: x\n /etc/not.one\n\n")
	dir := archivesOf(f, set...)
	f.write("/etc/click.conf", "edited")
	f.write("/etc/click.conf~", "edited before")
	f.write("/etc/old.d/click", "obsolete")
	f.write("/etc/pipx/pipx.conf", "by hand")
	f.on["dpkg-deb --info"] = fails("dpkg-deb: 'x.deb' contains no control component 'conffiles'")
	f.on["dpkg-deb --info "+f.root+"/priv/pipx"] = prints("/etc/pipx/pipx.conf\n/etc/pipx/other.conf\n" +
		" remove-on-upgrade /etc/gone\n")
	if err := f.apt.Remember(t.Context(), set, dir); err != nil {
		t.Fatal(err)
	}

	// The installation and its removal, as apt and dpkg do them.
	f.write("/etc/click.conf.dpkg-dist", "new")
	f.write("/etc/pipx/other.conf", "new")
	f.write(statusFile, entries("install ok installed", set...))
	f.on["apt-get -s"] = prints("Purg pipx [1]\nPurg python3-click [1]\nPurg python3-venv [1]\n")
	f.on["apt-get -qy remove"] = f.sets(entries("install ok installed", pipx, venv) +
		entry(click, "deinstall ok config-files"))
	f.on["apt-get -qy purge"] = func(host.Command) (string, error) {
		f.write(statusFile, entry(click, "deinstall ok config-files"))
		return "", os.RemoveAll(filepath.Join(f.root, "etc/pipx"))
	}
	f.on["dpkg-deb --contents"] = prints("")
	f.commands = nil
	for range 2 { // the second one is that of a recovery
		if kept, err := f.apt.Remove(t.Context(), set, dir); err != nil || kept != nil {
			t.Fatal(kept, err)
		}
		for name, want := range map[string]string{
			"/etc/click.conf": "edited", "/etc/click.conf~": "edited before", "/etc/old.d/click": "obsolete",
			"/etc/pipx/pipx.conf": "by hand", "/etc/pipx/other.conf": "", "/etc/click.conf.dpkg-dist": "",
		} {
			text, err := os.ReadFile(filepath.Join(f.root, name))
			if err != nil != (want == "") || string(text) != want {
				t.Errorf("%s is %q, %v, want %q", name, text, err, want)
			}
		}
	}
	var removals []string
	for _, line := range f.lines() {
		if strings.HasPrefix(line, "apt-get remove") || strings.HasPrefix(line, "apt-get purge") {
			removals = append(removals, line)
		}
	}
	diff(t, "removals", []string{"apt-get remove python3-click", "apt-get purge pipx python3-venv:amd64"}, removals)
}

// TestRemoveBeforeItBegan: if nothing was written down, the package manager has not begun, and a configuration
// that is there is somebody's.
func TestRemoveBeforeItBegan(t *testing.T) {
	pipx, click, _ := pipxSet()
	f := newHost(t, entry(click, "deinstall ok config-files"))
	if kept, err := f.apt.Remove(t.Context(), []Package{pipx, click}, archivesOf(f)); err != nil || kept != nil {
		t.Error(kept, err)
	}
	f.expect()
}

// TestRememberRefuses what an undo could not put back.
func TestRememberRefuses(t *testing.T) {
	pipx, _, _ := pipxSet()
	f := newHost(t, "")
	f.write("/etc/pipx.conf", strings.Repeat("x", configurationLimit+1))
	f.on["dpkg-deb --info"] = prints("/etc/pipx.conf\n")
	err := f.apt.Remember(t.Context(), []Package{pipx}, archivesOf(f, pipx))
	if err == nil || !strings.Contains(err.Error(), "cannot keep the configuration file /etc/pipx.conf") {
		t.Errorf("error %v", err)
	}
}

// TestDNFPutsConfigurationBack: rpm puts a file aside that is in the place of a package's configuration, and its
// removal does not bring it back.
func TestDNFPutsConfigurationBack(t *testing.T) {
	pip, setuptools := pipSet()
	f := newHost(t, "")
	installed := []Package{}
	f.database(&installed, pip)
	f.write("/priv/pip.rpm", "rpm")
	f.write("/etc/pip.conf", "by hand")
	f.on["rpm --query --package --nosignature --configfiles"] = prints("/etc/pip.conf\n/etc/other.conf\n")
	if err := f.dnf().Remember(t.Context(), []Package{pip}, "/priv"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kept []Package // what somebody else needs
		want string
	}{{[]Package{{pip.Name, "99", pip.Arch}}, "new"}, {nil, "by hand"}} {
		installed = c.kept
		f.write("/etc/pip.conf", "new")
		f.write("/etc/pip.conf.rpmorig", "by hand")
		f.on["rpm --erase --test"] = fails("error: Failed dependencies:\n\tpip is needed by (installed) ansible-1-1.noarch")
		if _, err := f.dnf().Remove(t.Context(), []Package{pip, setuptools}, "/priv"); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(f.root, "etc/pip.conf"))
		_, aside := os.Lstat(filepath.Join(f.root, "etc/pip.conf.rpmorig"))
		if err != nil || string(text) != c.want || (aside != nil) != (c.kept == nil) {
			t.Errorf("kept %q: the file is %q, %v; put aside: %v", c.kept, text, err, aside)
		}
	}
}

// TestRememberNeedsItsAnswer: a dpkg-deb that fails is not one that says there are no configuration files.
func TestRememberNeedsItsAnswer(t *testing.T) {
	pipx, _, _ := pipxSet()
	f := newHost(t, "")
	f.on["dpkg-deb --info"] = fails("out of memory")
	err := f.apt.Remember(t.Context(), []Package{pipx}, archivesOf(f, pipx))
	if err == nil || !strings.Contains(err.Error(), "cannot tell what pipx=1.1.0-1 has of configuration files") {
		t.Errorf("error %v", err)
	}
}

// residual is a stanza of dpkg's status about a package that was removed and not purged.
func residual(name, conffile string) string {
	return "Package: " + name + "\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n" +
		"Conffiles:\n " + conffile + " 0123\n\n"
}

// TestRememberIsAboutTheSet: what dpkg has on record of other packages is no business of ours, nor what it has of one
// whose configuration is gone.
func TestRememberIsAboutTheSet(t *testing.T) {
	pipx, click, _ := pipxSet()
	f := newHost(t, entry(pipx, "unknown ok not-installed")+
		residual("exim4", "/etc/exim.conf")+residual("python3-click", "/etc/click.conf"))
	f.write("/etc/exim.conf", "somebody's")
	f.write("/etc/click.conf", "edited")
	f.on["dpkg-deb --info"] = prints("")
	dir := archivesOf(f, pipx, click)
	if err := f.apt.Remember(t.Context(), []Package{pipx, click}, dir); err != nil {
		t.Fatal(err)
	}
	all, begun, err := readBefore(f.apt.Host.FS, dir)
	if err != nil || !begun {
		t.Fatal(begun, err)
	}
	names := map[string][]string{}
	for _, b := range all {
		for _, c := range b.Files {
			if c.State != nil {
				names[b.Package.Name] = append(names[b.Package.Name], c.Path)
			}
		}
	}
	diff(t, "files", map[string][]string{"python3-click": {"/etc/click.conf"}}, names)
	diff(t, "removed and not purged", []bool{false, true}, []bool{isResidual(all, pipx), isResidual(all, click)})
	if newer := (Package{click.Name, "9", click.Arch}); isResidual(all, newer) {
		t.Error("another version counts as removed and not purged")
	}
	info, err := f.apt.Host.FS.Lstat(dir + "/" + beforeFile)
	if err != nil || info.Mode != 0o600 {
		t.Errorf("mode %04o, %v: it may hold secrets", info.Mode, err)
	}
}

package pkgmgr

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// dnf is the host's other package manager.
func (f *fakeHost) dnf() dnf {
	return newDNF(Settings{Host: f.apt.Host, LockTimeout: time.Minute}).(dnf)
}

func pipSet() (pip, setuptools Package) {
	return Package{"python3-pip", "21.3.1-1.el9", "noarch"}, Package{"python3-setuptools", "53.0.0-15.el9", "noarch"}
}

// database lets rpm answer for what is installed, and for the archives of /priv by their names.
func (f *fakeHost) database(installed *[]Package, archives ...Package) {
	line := func(p Package) string { return p.Name + " " + p.Version + " " + p.Arch + "\n" }
	f.on["rpm --query --queryformat"] = func(cmd host.Command) (text string, err error) {
		if cmd.User == nil {
			f.t.Errorf("%q runs as root, and would touch the database", cmd.Argv)
		}
		for _, name := range cmd.Argv[4:] {
			i := slices.IndexFunc(*installed, func(p Package) bool { return name == p.Name || name == rpmName(p) })
			if i < 0 {
				text += "package " + name + " is not installed\n"
				err = &host.CommandError{Argv: cmd.Argv, Code: 1}
				continue
			}
			text += line((*installed)[i])
		}
		return text, err
	}
	f.on["rpm --query --package"] = func(cmd host.Command) (text string, err error) {
		for i, name := range slices.DeleteFunc(slices.Clone(cmd.Argv[2:]),
			func(word string) bool { return !strings.HasSuffix(word, ".rpm") }) {
			if i < len(archives) {
				text += line(archives[i])
				continue
			}
			return text, fmt.Errorf("unknown archive %s", name)
		}
		return text, nil
	}
}

func (f *fakeHost) archive(names ...string) {
	for _, name := range names {
		f.write("/priv/"+name+".rpm", "rpm")
	}
}

func readTestdata(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// aborts is how dnf ends that may only tell.
func aborts(stdout string) func(host.Command) (string, error) {
	return func(cmd host.Command) (string, error) {
		return stdout, &host.CommandError{Argv: cmd.Argv, Status: "exit status 1", Code: 1, Stderr: "Operation aborted."}
	}
}

func TestDNFSimulate(t *testing.T) {
	pip, setuptools := pipSet()
	table := func(sections string, count int) string {
		return "Dependencies resolved.\n====\n Package Arch Version Repository Size\n====\n" + sections +
			fmt.Sprintf("\nTransaction Summary\n====\nInstall  %d Packages\n", count)
	}
	const row = "Installing:\n python3-pip noarch 21.3.1-1.el9 appstream 1.7 M\n"
	for _, tc := range []struct {
		name   string
		answer func(host.Command) (string, error)
		want   []Package
		err    []string
	}{
		{"el9", aborts(readTestdata(t, "rocky9.txt")), []Package{pip, setuptools}, nil},
		{"el8, a stream and a long name", aborts(readTestdata(t, "rocky8.txt")), []Package{
			{"a-package-whose-name-leaves-no-room", "1:2.0-1.el8", "noarch"},
			{"python3-pip", "9.0.3-24.el8", "noarch"},
			{"python36", "3.6.8-39.module+el8.10.0+1592+61442852", "x86_64"},
		}, nil},
		{"nothing to do", prints("Package python3-pip is already installed.\nDependencies resolved.\nNothing to do.\nComplete!\n"), nil, nil},
		{
			"upgrade", aborts(table(row+"Upgrading:\n openssl x86_64 1:3.5.1-3.el9 baseos 1.4 M\n", 1)), nil,
			[]string{"upgrade openssl to 1:3.5.1-3.el9", "dnf upgrade openssl"},
		},
		{
			"replacement", aborts(table(row+"     replacing  python-pip.noarch 9.0-1\n", 1)), nil,
			[]string{"replace python-pip.noarch", "dnf install python3-pip"},
		},
		{
			"removal", aborts(table(row+"Removing dependent packages:\n other noarch 1-1 @baseos 1 k\n", 1)), nil,
			[]string{"remove other", "dnf install python3-pip"},
		},
		{
			"downgrade", aborts(table(row+"Downgrading:\n openssl x86_64 1:3.0.1-1.el9 baseos 1.4 M\n", 1)), nil,
			[]string{"downgrade openssl to 1:3.0.1-1.el9", "could not be undone"},
		},
		{
			"reinstallation", aborts(table(row+"Reinstalling:\n openssl x86_64 1:3.0.1-1.el9 baseos 1.4 M\n", 1)), nil,
			[]string{"reinstall openssl to 1:3.0.1-1.el9", "could not be undone"},
		},
		{"the answer is cut off", aborts("Dependencies resolved.\n" + row), nil,
			[]string{"cannot simulate installing python3-pip"}},
		{"no answer, and no error", prints(""), nil, []string{"dnf does not say what it would do"}},
		{"another end than dnf's own", func(cmd host.Command) (string, error) {
			return table(row, 1), &host.CommandError{Argv: cmd.Argv, Status: "exit status 1", Code: 1, Stderr: "Killed"}
		}, nil, []string{"cannot simulate installing python3-pip"}},
		{"a row is lost", aborts(table(row, 2)), nil, []string{"dnf counts 2 packages and names 1"}},
		{
			"unknown", fails("No match for argument: python3-pip\nError: Unable to find a match: python3-pip"), nil,
			[]string{"no package source offers python3-pip", "dnf repolist"},
		},
		{
			"no subscription", fails("This system is not registered with an entitlement server. You can use \"rhc\" or \"subscription-manager\" to register.\n" +
				"No match for argument: python3-pip\nError: Unable to find a match: python3-pip"), nil,
			[]string{"no package source offers python3-pip", "no subscription", "subscription-manager register"},
		},
		{
			"no repository", fails("Error: There are no enabled repositories in \"/etc/yum.repos.d\"."), nil,
			[]string{"no repository is enabled", "subscription-manager register"},
		},
		{
			"mirror unknown", fails("Error: Failed to download metadata for repo 'baseos': Cannot prepare internal mirrorlist: " +
				"Curl error (6): Couldn't resolve host name for https://mirrors.example.com [Could not resolve host: mirrors.example.com]"), nil,
			[]string{"cannot simulate installing python3-pip", "check the host's DNS"},
		},
		{"anything else", fails("Error: \n Problem: conflicting requests"), nil, []string{"conflicting requests"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newHost(t, "")
			f.on["dnf"] = func(cmd host.Command) (string, error) {
				if !hasOption(cmd, "--assumeno") || !hasOption(cmd, "--setopt=install_weak_deps=False") || cmd.Detached {
					t.Errorf("command %q", cmd.Argv)
				}
				return tc.answer(cmd)
			}
			set, err := f.dnf().Simulate(t.Context(), []string{"python3-pip"})
			diff(t, "set", tc.want, set)
			if (err == nil) != (tc.err == nil) {
				t.Fatalf("got error %v", err)
			}
			for _, part := range tc.err {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q lacks %q", err, part)
				}
			}
		})
	}
}

func TestDNFAsksNothingWhereItMayNotWrite(t *testing.T) {
	f := newHost(t, "")
	d := f.dnf()
	d.ReadOnly = true
	if _, err := d.Simulate(t.Context(), []string{"python3-pip"}); !errors.Is(err, ErrWouldWrite) {
		t.Errorf("got error %v", err)
	}
	f.expect()
}

func TestDNFNames(t *testing.T) {
	for _, name := range []string{"", "-y", "@core", "./x.rpm", "*", "python3=1", "a b", "_x"} {
		f := newHost(t, "")
		if _, _, err := f.dnf().Installed(t.Context(), []string{name}); err == nil || len(f.commands) > 0 {
			t.Errorf("%q: error %v, %d commands", name, err, len(f.commands))
		}
	}
}

func TestDNFInstalled(t *testing.T) {
	pip, _ := pipSet()
	f := newHost(t, "")
	installed := []Package{pip}
	f.database(&installed)
	f.on["rpm --query --queryformat "+queryFormat+" --whatprovides webserver"] = prints("httpd 2.4.62-1.el9 x86_64\n")
	f.on["rpm --query --queryformat "+queryFormat+" --whatprovides missing"] = func(host.Command) (string, error) {
		return "no package provides missing\n", &host.CommandError{Code: 1}
	}
	have, missing, err := f.dnf().Installed(t.Context(), []string{"webserver", "python3-pip", "missing"})
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "installed", []Package{{"httpd", "2.4.62-1.el9", "x86_64"}, pip}, have)
	diff(t, "missing", []string{"missing"}, missing)

	f.on["rpm --query --queryformat"] = func(cmd host.Command) (string, error) {
		failed := &host.CommandError{Argv: cmd.Argv, Code: 1, Stderr: "warning: old keys\n"}
		return "package python3-pip is not installed\n", failed
	}
	if _, missing, err := f.dnf().Installed(t.Context(), []string{"python3-pip"}); err != nil || len(missing) != 1 {
		t.Errorf("beside a warning: missing %q, %v", missing, err)
	}
	for stdout, stderr := range map[string]string{
		"package python3-pip is not installed\n": "error: rpmdb: page 3: illegal page type", "": "warning: old keys\n",
	} {
		f.on["rpm --query --queryformat"] = func(cmd host.Command) (string, error) {
			return stdout, &host.CommandError{Argv: cmd.Argv, Code: 1, Stderr: stderr}
		}
		if _, missing, err := f.dnf().Installed(t.Context(), []string{"python3-pip"}); err == nil {
			t.Errorf("%q, %q: it counts as missing: %q", stdout, stderr, missing)
		}
	}

	f.on["rpm"] = fails("error: cannot open Packages database in /var/lib/rpm")
	delete(f.on, "rpm --query --queryformat")
	if _, _, err := f.dnf().Installed(t.Context(), []string{"python3-pip"}); err == nil ||
		!strings.Contains(err.Error(), "rpm --rebuilddb") {
		t.Errorf("a damaged database: %v", err)
	}
}

func TestDNFDownload(t *testing.T) {
	pip, setuptools := pipSet()
	const fetch, refresh = "dnf install python3-pip-21.3.1-1.el9.noarch python3-setuptools-53.0.0-15.el9.noarch",
		"dnf makecache"
	const notFound = "[MIRROR] python3-pip.rpm: Status code: 404 for https://mirror/pip.rpm"
	for _, tc := range []struct {
		name     string
		answers  []string  // stderr of each download, "" for a good one
		fetched  []Package // by a good one
		commands []string
		changed  bool
		want     string
	}{
		{name: "good", answers: []string{""}, fetched: []Package{pip, setuptools}, commands: []string{fetch}},
		{name: "404, then good", answers: []string{notFound, ""}, fetched: []Package{pip, setuptools}, commands: []string{fetch, refresh, fetch}},
		{
			name:     "404, then other versions",
			answers:  []string{notFound, "No match for argument: python3-pip-21.3.1-1.el9.noarch"},
			commands: []string{fetch, refresh, fetch}, changed: true, want: "run this again",
		},
		{name: "one is lost", answers: []string{""}, fetched: []Package{pip}, commands: []string{fetch}, want: "was not fetched"},
		{
			name: "they need more by now", answers: []string{""}, fetched: []Package{pip, setuptools, {"more", "1-1", "noarch"}},
			commands: []string{fetch}, changed: true, want: "need more=1-1 too",
		},
		{name: "unsigned", answers: []string{"Error: GPG check FAILED"}, commands: []string{fetch}, want: "signature"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newHost(t, "")
			f.write("/priv/other", "")
			f.database(&[]Package{}, tc.fetched...)
			answers := tc.answers
			f.on["dnf"] = func(cmd host.Command) (string, error) {
				answer := answers[0]
				answers = answers[1:]
				if answer != "" {
					return fails(answer)(cmd)
				}
				if !hasOption(cmd, "--downloadonly") || !hasOption(cmd, "--destdir="+filepath.Join(f.root, "/priv")) {
					t.Errorf("command %q", cmd.Argv)
				}
				for _, p := range tc.fetched {
					f.archive(p.Name)
				}
				return "", nil
			}
			makecache := "dnf --assumeyes --color=never --setopt=install_weak_deps=False --setopt=exit_on_lock=True makecache"
			f.on[makecache] = prints("")
			err := f.dnf().Download(t.Context(), []Package{pip, setuptools}, "/priv")
			if (err == nil) != (tc.want == "") || errors.Is(err, ErrChanged) != tc.changed {
				t.Fatalf("got error %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %q lacks %q", err, tc.want)
			}
			diff(t, "commands", tc.commands,
				slices.DeleteFunc(f.lines(), func(line string) bool { return strings.HasPrefix(line, "rpm") }))
		})
	}
}

func TestDNFInstall(t *testing.T) {
	pip, setuptools := pipSet()
	set := []Package{pip, setuptools}
	for _, tc := range []struct {
		name    string
		does    []Package // what rpm then has
		stderr  string
		want    string
		holding bool
	}{
		{name: "good", does: set},
		{name: "half", does: set[:1], want: "cannot install python3-pip: rpm does not have python3-setuptools"},
		{name: "failure", stderr: "error: Failed dependencies:\n\tx is needed by python3-pip", want: "x is needed by python3-pip"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newHost(t, "")
			var installed []Package
			f.archive("a", "b")
			f.database(&installed, set...)
			f.on["rpm --install"] = func(cmd host.Command) (string, error) {
				if !cmd.Detached || cmd.User != nil {
					t.Errorf("rpm would die with us: %+v", cmd)
				}
				if _, err := f.apt.Host.FS.Lstat("/priv/" + begunFile); err != nil {
					t.Errorf("nothing tells that rpm has begun: %v", err)
				}
				if tc.stderr != "" {
					return fails(tc.stderr)(cmd)
				}
				installed = tc.does
				return "", nil
			}
			err := f.dnf().Install(t.Context(), set, []string{"python3-pip"}, "/priv")
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v", err)
			}
		})
	}
}

func TestDNFRecover(t *testing.T) {
	pip, setuptools := pipSet()
	set := []Package{pip, setuptools}
	for _, tc := range []struct {
		name      string
		begun     bool
		installed []Package
		install   []string // what is installed again
		fails     bool
		swept     bool
	}{
		{name: "not begun"},
		{name: "all there", begun: true, installed: set},
		{name: "one is half there", begun: true, installed: set[:1], install: []string{"b.rpm"}, swept: true},
		{name: "none is there, nor can be", begun: true, install: []string{"a.rpm", "b.rpm"}, fails: true, swept: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newHost(t, "")
			f.archive("a", "b")
			installed := slices.Clone(tc.installed)
			f.database(&installed, set...)
			if tc.begun {
				f.write("/priv/"+begunFile, "")
			}
			f.write("/usr/lib/site/pip.py;0123abcd", "half")
			f.write("/usr/lib/site/other.py;0123abcd", "somebody else's")
			f.write("/usr/lib/site/pip.py;notes", "the user's")
			f.on["rpm --query --package --nosignature --list"] = prints("/usr/lib/site/pip.py\n/usr/lib/gone/x.py\n")
			var again []string
			f.on["rpm --install --replacefiles"] = func(cmd host.Command) (string, error) {
				for _, word := range cmd.Argv[3:] {
					again = append(again, filepath.Base(word))
				}
				if tc.fails {
					return fails("error: unpacking of archive failed")(cmd)
				}
				installed = set
				return "", nil
			}
			if err := f.dnf().Recover(t.Context(), set, "/priv"); err != nil {
				t.Fatal(err)
			}
			diff(t, "installed again", tc.install, again)
			var left []string
			for _, name := range []string{"pip.py;0123abcd", "other.py;0123abcd", "pip.py;notes"} {
				if _, err := os.Stat(filepath.Join(f.root, "usr/lib/site", name)); err == nil {
					left = append(left, name)
				}
			}
			want := []string{"pip.py;0123abcd", "other.py;0123abcd", "pip.py;notes"}
			if tc.swept {
				want = want[1:]
			}
			diff(t, "temporary files", want, left)
		})
	}
}

func TestDNFRemove(t *testing.T) {
	pip, setuptools := pipSet()
	newer := Package{pip.Name, "22.0-1.el9", pip.Arch}
	needed := func(word string) func(host.Command) (string, error) {
		return func(cmd host.Command) (string, error) {
			if !slices.Contains(cmd.Argv, word) {
				return "", nil
			}
			return fails("error: Failed dependencies:\n\t" + word + " is needed by (installed) ansible-1-1.noarch")(cmd)
		}
	}
	for _, tc := range []struct {
		name      string
		installed []Package
		test      func(host.Command) (string, error)
		erased    string
		kept      []Package
	}{
		{name: "nothing there"},
		{name: "all", installed: []Package{pip, setuptools}, test: prints(""), erased: "rpm python3-pip.noarch python3-setuptools.noarch"},
		{name: "another version by now", installed: []Package{newer}, test: prints(""), erased: "rpm python3-pip.noarch"},
		{
			name: "one is needed", installed: []Package{pip, setuptools}, test: needed("python3-setuptools.noarch"),
			erased: "rpm python3-pip.noarch", kept: []Package{setuptools},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newHost(t, "")
			installed := slices.Clone(tc.installed)
			f.database(&installed)
			f.on["rpm --erase --test"] = tc.test
			erased := ""
			f.on["rpm --erase --allmatches"] = func(cmd host.Command) (string, error) {
				if !cmd.Detached {
					t.Error("rpm would die with us")
				}
				lines := f.lines()
				erased = lines[len(lines)-1]
				installed = slices.DeleteFunc(installed, func(p Package) bool { return slices.Contains(cmd.Argv, rpmName(p)) })
				return "", nil
			}
			kept, err := f.dnf().Remove(t.Context(), []Package{pip, setuptools}, "/priv")
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "kept", tc.kept, kept)
			diff(t, "erased", tc.erased, erased)
		})
	}
}

// pidFile names a process that lives.
func (f *fakeHost) pidFile(name string) {
	f.write(name, "123")
	f.write("/proc/123/stat", "")
	f.write("/proc/123/cmdline", "dnf\x00update\x00")
}

// TestDNFRemovesOnTop: a package that goes only with another one is tried again, on top of what can go. What does not
// go for another reason is an error, and a package that rpm keeps is one.
func TestDNFRemovesOnTop(t *testing.T) {
	pip, setuptools := pipSet()
	wheel := Package{"python3-wheel", "0.36.2-8.el9", "noarch"}
	set := []Package{pip, setuptools, wheel}
	tests := func(cmd host.Command) (string, error) {
		has := func(p Package) bool { return slices.Contains(cmd.Argv, rpmName(p)) }
		if has(wheel) || has(pip) && !has(setuptools) {
			return fails("error: Failed dependencies:\n\tx is needed by (installed) y-1-1.noarch")(cmd)
		}
		return "", nil
	}
	for _, c := range []struct {
		name   string
		test   func(host.Command) (string, error)
		erases bool
		want   string // of the error
	}{
		{"goes", tests, true, ""},
		{"rpm keeps it", tests, false, "rpm still has python3-pip"},
		{"the database is damaged", fails("error: cannot open Packages database in /var/lib/rpm"), true, "rpm --rebuilddb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newHost(t, "")
			installed := slices.Clone(set)
			f.database(&installed)
			f.on["rpm --erase --test"] = c.test
			var erased []string
			f.on["rpm --erase --allmatches"] = func(cmd host.Command) (string, error) {
				erased = cmd.Argv[3:]
				if c.erases {
					installed = []Package{wheel}
				}
				return "", nil
			}
			kept, err := f.dnf().Remove(t.Context(), set, "/nowhere")
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got error %v, want %q", err, c.want)
			}
			if err == nil {
				diff(t, "erased", []string{"python3-setuptools.noarch", "python3-pip.noarch"}, erased)
				diff(t, "kept", []Package{wheel}, kept)
			}
		})
	}
}

func TestDNFWaits(t *testing.T) {
	for _, tc := range []struct {
		name string
		lock func(f *fakeHost)
	}{
		{"rpm's lock", func(f *fakeHost) { f.lock("/var/lib/rpm/.rpm.lock", "dnf\x00update\x00") }},
		{"rpm's lock of release 10", func(f *fakeHost) { f.lock("/usr/lib/sysimage/rpm/.rpm.lock", "dnf\x00update\x00") }},
		{"dnf's file for rpm's database", func(f *fakeHost) { f.pidFile("/var/lib/dnf/rpmdb_lock.pid") }},
		{"dnf's file for downloads", func(f *fakeHost) { f.pidFile("/var/cache/dnf/download_lock.pid") }},
		{"dnf's file for metadata", func(f *fakeHost) { f.pidFile("/var/cache/dnf/metadata_lock.pid") }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newHost(t, "")
				tc.lock(f)
				err := f.dnf().Ready(t.Context())
				if err == nil || err.Error() != "cannot lock the package database: process 123 (dnf update) still holds it after "+
					"1m0s" {
					t.Errorf("got error %v", err)
				}
			})
		})
	}
	t.Run("a process that is gone", func(t *testing.T) {
		f := newHost(t, "")
		f.write("/var/lib/dnf/rpmdb_lock.pid", "123")
		if err := f.dnf().Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
	for stderr, holder := range map[string]string{
		"Error: RPMDB already locked by 356": "process 356",
		"error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)": "another process",
	} {
		t.Run(holder, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newHost(t, "")
				f.on["dnf"] = fails(stderr)
				locked, ok := errors.AsType[*LockError](f.dnf().Refresh(t.Context()))
				if !ok || locked.Holder != holder {
					t.Errorf("got error %v", locked)
				}
			})
		})
	}
}

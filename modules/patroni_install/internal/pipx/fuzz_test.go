package pipx

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pgedge/platform/modules/patroni_install/internal/charset"
	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// maxSaid bounds all that an inspection says of a venv, in bytes.
const maxSaid = 64 << 10

// FuzzInspect: whatever the owner writes into the files of a venv, the machine is not to blame, what becomes the name
// of a link is a plain one, and what is said fits into a message.
func FuzzInspect(f *testing.F) {
	const scripts = "[console_scripts]\npatroni = patroni.__main__:main\npatronictl = patroni.ctl:ctl\n"
	for _, seed := range [][4]string{
		{"home = /usr/bin\nversion = 3.11.2\n", `{"main_package": {"package": "patroni", "apps": ["patroni"]}}`, metadataText, scripts},
		{"version_info = 3.11.2.final.0\r\nhome=\x00", `{"main_package": {"package": "` + strings.Repeat("p", 1<<16) + `"}}`, "Provides-Extra: " + strings.Repeat("x", 1<<16),
			"[console_scripts]\n../x = a:b\na/b = c:d\n-rf = e:f\n.hidden = g:h\n" + scripts},
		{"version = ../../../../etc.5", "[", "Requires-Dist: ../x; extra == '", strings.Repeat("[console_scripts]\na=b\n", 200)},
		{"version = 3." + strings.Repeat("1", 1<<16), `{"main_package": null}`, strings.Repeat("Requires-Dist: "+strings.Repeat("n", 90)+"\n", 600), ""},
		{"", "", "", "[console_scripts]\npatroni\n=\n \x1b[2J = x\n"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, config, pipx, metadata, entryPoints string) {
		const info = site + "patroni-4.1.5.dist-info/"
		root := write(t, venvFiles(), map[string]string{
			"venv/pyvenv.cfg": config, "venv/pipx_metadata.json": pipx, info + "METADATA": metadata, info + "entry_points.txt": entryPoints,
		})
		v, err := Inspect(fsys.New(root), "/venv", os.Geteuid())
		if err != nil {
			t.Fatalf("the owner can make the run fail: %v", err)
		}
		checkVenv(t, v)
	})
}

// checkVenv wants of a venv what may be used and printed.
func checkVenv(t *testing.T, v *Venv) {
	t.Helper()
	for _, app := range v.Apps {
		if app != filepath.Base(app) || strings.HasPrefix(app, "-") || strings.HasPrefix(app, ".") {
			t.Errorf("the program %q", app)
		}
	}
	if v.Python != "" && minor(v.Python) != v.Python {
		t.Errorf("Python %q", v.Python)
	}
	said := errors.Join(v.CheckExtras([]string{"etcd"}),
		errors.New(strings.Join(append(v.MissingFor([]string{"etcd"}), v.Problems...), "")))
	if size := len(said.Error()); size > maxSaid {
		t.Errorf("%d bytes are said of it", size)
	}
	for _, problem := range v.Problems {
		if i := strings.IndexFunc(problem, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }); i >= 0 {
			t.Errorf("a control character at %d of %q", i, problem)
		}
	}
}

// FuzzDistributions reads names of metadata: what comes out is a name, in its one spelling, and a version.
func FuzzDistributions(f *testing.F) {
	for _, name := range []string{
		"patroni-4.1.5.dist-info", "python_etcd-0.4.5-py3.11.egg-info", "zope.interface-5.4.dist-info", "-1.dist-info", "a-.dist-info", "a-b-1.dist-info",
		"..-1.dist-info", "a--1.dist-info", "a-1\n.dist-info", ".dist-info", "a-1!2+x.dist-info.egg-info", "é-1.dist-info", "_-1.dist-info",
	} {
		f.Add(name, "urllib3-2.8.0.dist-info")
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		for name, version := range Distributions([]string{one, other}) {
			named := name == Normalise(name) && charset.MadeOf(name, charset.Alphanumeric+"-")
			if !named || !charset.MadeOf(version, versionChars) || !charset.MadeOf(version[:1], charset.Digits) {
				t.Errorf("%q has version %q", name, version)
			}
		}
		if spelled := Normalise(one); Normalise(spelled) != spelled {
			t.Errorf("%q becomes %q, and that %q", one, spelled, Normalise(spelled))
		}
	})
}

// FuzzMarker evaluates any environment marker, in bounded time and depth.
func FuzzMarker(f *testing.F) {
	for _, text := range []string{
		"", `python_version >= "3.9" and extra == "etcd"`, `("a" == os_name or (extra != 'x'))`, strings.Repeat("(", 1024), strings.Repeat("(", 1025), `extra == "`,
		`python_version == "3.*"`, `python_version ~= "1"`, `"3.9" <= python_version`, "and and or", `extra === "a" x`, "\x00", `python_version < "99999999999999999999"`,
	} {
		f.Add(text, "etcd", "3.11")
	}
	f.Fuzz(func(t *testing.T, text, extra, python string) {
		values := map[string]string{"extra": extra, "python_version": python}
		holds := markerHolds(text, values)
		if strings.TrimSpace(text) != "" && len(text) < maxMarker-2 && markerHolds("("+text+")", values) && !holds {
			t.Errorf("%q holds in brackets alone", text)
		}
	})
}

// FuzzParseLock: what is accepted has nothing but exact versions with hashes, and the same when pip reads it.
func FuzzParseLock(f *testing.F) {
	for _, text := range []string{
		exampleLock, "patroni==1 --hash=" + digest, "patroni==1 --hash=" + digest + "\n-r other.txt",
		"patroni @ http://x --hash=" + digest, "--index-url=http://x\n",
		"patroni==1 --hash=" + digest + " --global-option=x", "patroni==1;x --hash=" + digest, "patroni==1 --hash=" + digest + " \\\n --hash=" + digest + "\n\\\n\n", "\\\n", "#\n",
		"patroni==1 --hash=" + digest + "\u2028-r x", "patroni==1 --hash=" + digest + "\r-r x", "patroni==1 --hash=" + digest + "\f--x", "patroni==1 --hash=" + digest + " ${HOME}",
		"patroni==1 ; x == '--y' --hash=" + digest, "patroni==1 --hash=" + digest + " \\\\\n\nclick==1 --hash=" + digest, "patroni==1 --hash=" + digest + "\x00", "patroni[a]b==1 --hash=" + digest, "../patroni==1 --hash=" + digest,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lock, err := ParseLock(text)
		if err != nil {
			return
		}
		again, err := ParseLock(lock.String())
		if err != nil || lock.IsZero() || again.String() != lock.String() || !slices.Equal(again.pins, lock.pins) {
			t.Errorf("the lock of %q is %q, and read again %q: %v", text, lock, again, err)
		}
		for _, p := range lock.pins {
			if !isName(p.name) || !isPlainVersion(p.version) {
				t.Errorf("the pin %q of %q", p, text)
			}
			if strings.ContainsFunc(p.line, func(r rune) bool { return r < ' ' && r != '\t' }) {
				t.Errorf("pip may read more than a line in %q", p.line)
			}
			for word := range strings.FieldsSeq(p.line) {
				if strings.HasPrefix(word, "-") && !isHash(word) {
					t.Errorf("the option %q of %q", word, text)
				}
			}
		}
		for line := range strings.Lines(lock.Tools()) {
			if !slices.ContainsFunc(lock.pins, func(p pin) bool { return p.line+"\n" == line }) {
				t.Errorf("the tool %q is not in %q", line, text)
			}
		}
	})
}

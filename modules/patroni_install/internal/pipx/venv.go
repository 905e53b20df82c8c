package pipx

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/pgedge/platform/modules/patroni_install/internal/charset"
	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// Bounds of what is read below a venv. A real one has a few dozen distributions and programs.
const (
	smallFile  = 64 << 10 // bytes: pyvenv.cfg, entry_points.txt
	largeFile  = 1 << 20  // bytes: pipx_metadata.json, METADATA
	maxEntries = 4096     // names in one directory
	maxApps    = 64
	maxHops    = 4 // links from bin/python to the interpreter, inside the venv
)

// neededApps are the programs that every installation of Patroni has.
func neededApps() []string { return []string{"patroni", "patronictl"} }

// Venv is what an installed venv looks like. It is healthy when Problems is empty.
type Venv struct {
	Path           string
	Info           fsys.Info
	Python         string            // version of the interpreter it was made for: "3.11"
	Interpreter    string            // where its link to the interpreter leads: "/usr/bin/python3"
	PatroniVersion string            // "4.1.5"
	Packages       map[string]string // normalised name → version
	Apps           []string          // entry points of Patroni that exist as programs, sorted; safe as file names
	Injected       []string          // normalised names of what pipx inject added, sorted; not all of very many
	InstalledAt    time.Time         // when pipx wrote its metadata, else the directory's own time
	Problems       []string          // what is wrong with it, in sentences for people

	metadata metadata // of Patroni
}

// Inspect reads a venv without starting anything. owner is the uid it has to belong to. The error
// is fs.ErrNotExist when nothing is at the path; a link or a file there is an error too, since
// no venv may take its place.
func Inspect(files *fsys.FS, venv string, owner int) (*Venv, error) {
	info, err := files.Lstat(venv)
	if err != nil {
		return nil, fmt.Errorf("cannot inspect venv %s: %w", venv, err)
	}
	if info.Type != fsys.Directory {
		return nil, fmt.Errorf("cannot inspect venv %s: it is a %s, not a directory", venv, info.Type)
	}
	v := &Venv{Path: venv, Info: info, InstalledAt: info.MTime, Packages: map[string]string{}}
	if info.UID != owner {
		v.problem("it belongs to uid %d, not to uid %d", info.UID, owner)
	}
	for _, read := range []func(*fsys.FS) error{v.readConfig, v.readInterpreter, v.readPipx, v.readPackages, v.readApps} {
		if err := v.note(read(files)); err != nil {
			return nil, fmt.Errorf("cannot inspect venv %s: %w", venv, err)
		}
	}
	return v, nil
}

func (v *Venv) problem(format string, args ...any) {
	v.Problems = append(v.Problems, sentence(format, args...))
}

// maxSentence bounds what is said of one problem, in bytes.
const maxSentence = 512

// sentence says something that may hold names of the venv's owner: without control characters, which
// could forge lines of a log or talk to a terminal, and not longer than one reads.
func sentence(format string, args ...any) string {
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, fmt.Sprintf(format, args...))
	if len(text) > maxSentence {
		text = strings.ToValidUTF8(text[:maxSentence], "") + "…"
	}
	return text
}

// note takes an error that the venv's owner can cause for a problem of the venv. It returns
// what remains: errors of the machine.
func (v *Venv) note(err error) error {
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
		return err
	}
	_, known := errors.AsType[*fs.PathError](err)
	_, link := errors.AsType[*fsys.LinkError](err)
	if known || link {
		v.problem("%v", err)
		return nil
	}
	return err
}

// readConfig reads pyvenv.cfg: "home = /usr/bin", "version = 3.11.2".
func (v *Venv) readConfig(files *fsys.FS) error {
	data, err := files.ReadFile(path.Join(v.Path, "pyvenv.cfg"), smallFile)
	if errors.Is(err, fs.ErrNotExist) {
		v.problem("it is half-written: pyvenv.cfg is missing")
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(line, "=")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "version", "version_info":
			v.Python = minor(value)
		}
	}
	if v.Python == "" {
		v.problem("pyvenv.cfg does not tell the version of Python")
	}
	return nil
}

// minor returns "3.11" of "3.11.2", or "" of what is no version.
func minor(text string) string {
	parts := strings.Split(text, ".")
	if len(parts) < 2 || !isNumber(parts[0]) || !isNumber(parts[1]) {
		return ""
	}
	return parts[0] + "." + parts[1]
}

func isNumber(text string) bool {
	return len(text) < 4 && charset.MadeOf(text, charset.Digits)
}

// readInterpreter follows bin/python by name to the interpreter outside the venv.
func (v *Venv) readInterpreter(files *fsys.FS) error {
	name := path.Join(v.Path, "bin", "python")
	for range maxHops {
		info, err := files.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			v.problem("%s is missing", name)
			return nil
		}
		if err != nil {
			return err
		}
		if info.Type != fsys.Link {
			v.Interpreter = name
			return nil
		}
		if path.IsAbs(info.Target) {
			v.Interpreter = info.Target
			return v.checkInterpreter(files)
		}
		name = path.Join(path.Dir(name), info.Target)
	}
	v.problem("bin/python leads to no interpreter")
	return nil
}

// checkInterpreter tells whether the interpreter is there and still of the venv's version, which
// its real name tells: /usr/bin/python3 is a link to python3.11.
func (v *Venv) checkInterpreter(files *fsys.FS) error {
	target, err := files.Resolve(v.Interpreter)
	if errors.Is(err, fs.ErrNotExist) {
		v.problem("its interpreter %s is gone", v.Interpreter)
		return nil
	}
	if _, link := errors.AsType[*fsys.LinkError](err); link {
		return nil // an interpreter of the user's own, such as pyenv's, which is not for root to follow
	}
	if err != nil {
		return err
	}
	_, now, _ := strings.Cut(path.Base(target), "python")
	if now = minor(now); now != "" && v.Python != "" && now != v.Python {
		v.problem("it was made for Python %s, but %s is Python %s now", v.Python, v.Interpreter, now)
	}
	return nil
}

// site returns the directory of the venv's packages.
func (v *Venv) site() string {
	return path.Join(v.Path, "lib", "python"+v.Python, "site-packages")
}

// readPackages lists what is installed and reads Patroni's own metadata.
func (v *Venv) readPackages(files *fsys.FS) error {
	if v.Python == "" {
		return nil
	}
	names, err := entries(files, v.site())
	if errors.Is(err, fs.ErrNotExist) {
		v.problem("it is half-written: %s is missing", v.site())
		return nil
	}
	if err != nil {
		return err
	}
	v.Packages = Distributions(names)
	v.PatroniVersion = v.Packages[Package]
	i := slices.IndexFunc(names, func(name string) bool {
		return strings.HasPrefix(name, Package+"-") && strings.HasSuffix(name, ".dist-info")
	})
	if i < 0 {
		v.problem("Patroni is not installed in it")
		return nil
	}
	if err := v.readMetadata(files, path.Join(v.site(), names[i])); err != nil {
		return err
	}
	if missing := v.MissingFor(nil); len(missing) > 0 {
		v.problem("packages that Patroni needs are missing: %s", strings.Join(missing, ", "))
	}
	return nil
}

// entries returns the sorted names in a directory, or an error if there are too many.
func entries(files *fsys.FS, name string) ([]string, error) {
	names, err := files.ReadDir(name)
	if err == nil && len(names) > maxEntries {
		err = &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("more than %d entries", maxEntries)}
	}
	return names, err
}

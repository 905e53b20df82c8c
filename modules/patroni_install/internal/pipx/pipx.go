// Package pipx holds what there is to know of pipx 1.0 to 1.18 and of pip below it: how a venv
// is built, what a finished one looks like, and what their error messages mean.
//
// It changes nothing by itself. [Build] describes commands for the caller to run; everything
// else reads. What it reads below a venv was written by a user who is not trusted: links are not
// followed, sizes and counts are bounded, names are checked before they are used.
package pipx

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pep440"
)

// Package is the name of the package that all this is about, and of its venv.
const Package = "patroni"

// oldest is the first pipx that reads PIPX_HOME and builds venvs the way we need it.
const oldest = "1.0"

// oldestPython is what that pipx needs.
const oldestPython = "3.6"

// MetadataFile is where pipx writes down, in a venv, what it installed. Its time is that of the installation.
const MetadataFile = "pipx_metadata.json"

// Layout is where pipx keeps its venvs and puts its links.
type Layout struct {
	Home   string // PIPX_HOME
	BinDir string // PIPX_BIN_DIR
}

// Venv returns the directory of Patroni's venv.
func (l Layout) Venv() string { return path.Join(l.Home, "venvs", Package) }

// Shared returns the venv that holds the pip of all others.
func (l Layout) Shared() string { return path.Join(l.Home, "shared") }

// Program is a pipx that can be started.
type Program struct {
	Argv    []string // ["/usr/bin/pipx"] or ["/usr/bin/python3", "-m", "pipx"]
	Version string   // "1.1.0", or "" when it does not say
}

// place is a directory of programs and the patterns of the directories where their packages are.
type place struct {
	bin  string
	libs []string // the last component but one may end in *
}

// systemPlaces lists where a pipx of the whole system may be, the preferred one first.
func systemPlaces() []place {
	return []place{
		{"/usr/local/bin", []string{"/usr/local/lib/python3*/dist-packages", "/usr/local/lib/python3*/site-packages"}},
		{"/usr/bin", []string{"/usr/lib/python3*/dist-packages", "/usr/lib/python3*/site-packages"}},
	}
}

// Find returns the pipx of the system that a user can start, without starting it. A program that somebody other than
// root could replace does not count. The error is fs.ErrNotExist when there is none, a *ClosedError if there is one for
// others.
func Find(files *fsys.FS, user *host.User) (Program, error) {
	var closed error
	for _, p := range systemPlaces() {
		name := path.Join(p.bin, "pipx")
		version, lib := installedVersion(files, p.libs)
		_, err := findProgram(files, user, name)
		if err == nil && lib != "" {
			err = checkModule(files, user, name, path.Join(lib, "pipx", "__init__.py"))
		}
		if err == nil {
			return Program{Argv: []string{name}, Version: version}, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return Program{}, fmt.Errorf("cannot look for pipx: %w", err)
		}
		if found, ok := errors.AsType[*ClosedError](err); ok && closed == nil {
			closed = found
		}
	}
	return Program{}, cmp.Or(closed, fmt.Errorf("cannot find pipx in /usr/local/bin or /usr/bin: %w", fs.ErrNotExist))
}

// FindOfUser returns the pipx that pip installed for a user alone, if there is one for this
// version ("3.9") of the interpreter. It is started as a module: its program may be out of sight.
func FindOfUser(files *fsys.FS, interpreter, home, python string) (Program, bool) {
	names, err := entries(files, UserSite(path.Join(home, ".local"), python))
	if err != nil || python == "" || !slices.Contains(names, "pipx") {
		return Program{}, false
	}
	version := Distributions(names)["pipx"]
	return Program{Argv: []string{interpreter, "-m", "pipx"}, Version: version}, version != ""
}

// UserSite returns the directory of packages in a user base, for a version of Python.
func UserSite(base, python string) string {
	return path.Join(base, "lib", "python"+python, "site-packages")
}

// PythonVersion returns the version, "3.9", of an interpreter of the system, which its real name
// tells: /usr/bin/python3 is a link to python3.9. It is "" when there is none or its name does not tell.
func PythonVersion(files *fsys.FS, interpreter string) string {
	target, err := files.Resolve(interpreter)
	if err != nil {
		return ""
	}
	if _, err := files.Lstat(target); err != nil {
		return ""
	}
	_, version, _ := strings.Cut(path.Base(target), "python")
	return minor(version)
}

// CheckPython refuses a Python that is older than any pipx that we can use. One that is not known
// yet, since it is to be installed, passes.
func CheckPython(version string) error {
	if version == "" {
		return nil
	}
	have, err := pep440.Parse(version)
	if err == nil && have.Compare(pep440.MustParse(oldestPython)) < 0 {
		return fmt.Errorf("cannot install pipx: the system's Python is %s, and every pipx needs %s or newer; upgrade the "+
			"operating system", version, oldestPython)
	}
	return err
}

// NewestFor tells, roughly, which pipx pip chooses for a version of Python: whether it is one of
// the old ones. It is "" if it is not.
func NewestFor(python string) string {
	if python == "3.6" || python == "3.7" {
		return "1.0"
	}
	return ""
}

// installedVersion reads pipx's version off the name of its metadata, and returns the directory that has it, or "".
func installedVersion(files *fsys.FS, libs []string) (version, lib string) {
	for _, pattern := range libs {
		for _, lib := range expand(files, pattern) {
			names, err := files.ReadDir(lib)
			if err != nil {
				continue
			}
			if found := Distributions(names)["pipx"]; found != "" {
				return found, lib
			}
		}
	}
	return "", ""
}

// expand returns the directories that a pattern /A/B*/C stands for.
func expand(files *fsys.FS, pattern string) []string {
	parent, last := path.Split(pattern)
	parent, prefix := path.Split(strings.TrimSuffix(path.Clean(parent), "*"))
	names, err := files.ReadDir(path.Clean(parent))
	if err != nil {
		return nil
	}
	var found []string
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			found = append(found, path.Join(parent, name, last))
		}
	}
	return found
}

// Check refuses a pipx that is too old for the work. One that does not tell its version may try.
func (p Program) Check() error {
	if p.Version == "" {
		return nil
	}
	have, err := pep440.Parse(p.Version)
	if err != nil {
		return fmt.Errorf("cannot use %s: its version %q is not one", p, p.Version)
	}
	if have.Compare(pep440.MustParse(oldest)) < 0 {
		return fmt.Errorf("cannot use pipx %s (%s): it is too old, %s or newer is needed; install one for all users into "+
			"/usr/local, for instance with \"python3 -m pip install 'pipx>=1.0'\", or upgrade the operating system",
			p.Version, p, oldest)
	}
	return nil
}

// String returns the command as one would type it.
func (p Program) String() string { return strings.Join(p.Argv, " ") }

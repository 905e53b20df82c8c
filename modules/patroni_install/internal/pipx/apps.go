package pipx

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
)

// pipxMetadata is the part of pipx_metadata.json that matters here.
type pipxMetadata struct {
	MainPackage struct {
		Package string   `json:"package"`
		Apps    []string `json:"apps"`
	} `json:"main_package"`
	Injected jsonvalue.Raw `json:"injected_packages"`
}

// readPipx reads what pipx wrote down, which it does last: without it the venv is half-written,
// and pipx itself could neither list nor upgrade it.
func (v *Venv) readPipx(files *fsys.FS) error {
	name := path.Join(v.Path, MetadataFile)
	data, err := files.ReadFile(name, largeFile)
	if errors.Is(err, fs.ErrNotExist) {
		v.problem("it is half-written: pipx_metadata.json is missing")
		return nil
	}
	if err != nil {
		return err
	}
	var content pipxMetadata
	if err := jsonvalue.Decode(data, &content); err != nil {
		v.problem("pipx_metadata.json is damaged")
		return nil
	}
	if Normalise(content.MainPackage.Package) != Package {
		v.problem("its main package is %q, not %q", content.MainPackage.Package, Package)
	}
	v.Injected = injected(content.Injected)
	info, err := files.Lstat(name)
	v.InstalledAt = info.MTime
	return err
}

// injected returns the sorted names of the packages that people had pipx add to the venv. The format is pipx's, which
// may change it: what cannot be read is none.
func injected(text []byte) (names []string) {
	var packages map[string]jsonvalue.Raw
	if jsonvalue.Decode(text, &packages) != nil {
		return nil
	}
	for name := range packages {
		if isName(name) {
			names = append(names, Normalise(name))
		}
	}
	slices.Sort(names)
	return names[:min(len(names), maxNamed)]
}

// readApps finds which of Patroni's entry points exist as programs.
func (v *Venv) readApps(files *fsys.FS) error {
	if v.metadata.dir == "" {
		return nil
	}
	data, err := files.ReadFile(path.Join(v.metadata.dir, "entry_points.txt"), smallFile)
	if errors.Is(err, fs.ErrNotExist) {
		v.problem("it is half-written: Patroni's entry_points.txt is missing")
		return nil
	}
	if err != nil {
		return err
	}
	declared, unfit := consoleScripts(string(data))
	for _, app := range unfit {
		v.problem("the entry point %q is no name of a program", app)
	}
	for _, app := range declared {
		info, err := files.Lstat(path.Join(v.Path, "bin", app))
		if err == nil && info.Type == fsys.File && info.Mode&0o100 != 0 {
			v.Apps = append(v.Apps, app)
			continue
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		v.problem("program bin/%s is missing", app)
	}
	for _, app := range neededApps() {
		if !slices.Contains(declared, app) {
			v.problem("program bin/%s is not among Patroni's entry points", app)
		}
	}
	return v.checkShebang(files)
}

// consoleScripts returns the sorted names in the section [console_scripts] of an entry_points.txt,
// and those that are unfit for a file in a directory of programs, or too many.
func consoleScripts(text string) (apps, unfit []string) {
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
			continue
		}
		name, _, found := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		switch {
		case section != "[console_scripts]" || !found:
		case isAppName(name) && len(apps) < maxApps:
			apps = append(apps, name)
		case len(unfit) < maxNamed:
			unfit = append(unfit, name)
		}
	}
	slices.Sort(apps)
	return slices.Compact(apps), unfit
}

// checkShebang tells whether patroni starts an interpreter that exists. A venv that was moved or
// copied starts the one of its old place.
func (v *Venv) checkShebang(files *fsys.FS) error {
	if !slices.Contains(v.Apps, Package) {
		return nil
	}
	data, err := files.ReadFile(path.Join(v.Path, "bin", Package), smallFile)
	if err != nil {
		return err
	}
	line, _, _ := strings.Cut(string(data), "\n")
	python, found := strings.CutPrefix(line, "#!")
	if !found || !path.IsAbs(python) || strings.Contains(python, " ") {
		return nil // pip writes a line of shell where the path is too long for a shebang
	}
	_, err = files.Lstat(python)
	_, link := errors.AsType[*fsys.LinkError](err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.problem("it was moved or copied: bin/patroni starts %s, which does not exist", python)
	case link: // such as ~/.local/pipx → share/pipx: the user may start it by that path
	default:
		return err
	}
	return nil
}

package install

import (
	"cmp"
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
)

// defaultLock is the lock file that option lockfile names "default".
//
//go:embed default.lock
var defaultLock string

// ourLock is the value of option lockfile that stands for defaultLock.
const ourLock = "default"

// textLimit bounds a lock file and a file of constraints, in bytes.
const textLimit = 1 << 20

// Sources are what decides, beside the index and the requirement, which packages are installed.
type Sources struct {
	Constraints, Lockfile, Wheelhouse string // paths, for people

	// What was read of them, on the controller or by readSources.
	constraints, lock string
	wheels            []string // names of the packages, where the wheelhouse is on the controller
	brought           string   // the archive of them, "" while they are there only
	archive           string   // the archive to install from, "" for a directory

	Lock pipx.Lock
}

// readSources reads the files that the options name, and returns what is asked for with them. A lock file settles the
// version, too.
func readSources(files *fsys.FS, want Desired) (_ Desired, err error) {
	if want.State == Absent {
		return want, nil
	}
	if want.constraints, err = readSource(files, "constraints", want.Constraints, want.constraints); err != nil {
		return want, err
	}
	if want.constraints, err = pipx.Constraints(want.constraints); err != nil {
		return want, fmt.Errorf("cannot use constraints %s: %w", want.Constraints, err)
	}
	if want.lock, err = readSource(files, "lockfile", want.Lockfile, want.lock); err != nil {
		return want, err
	}
	if want.Lockfile != "" {
		if err := want.takeVersion(); err != nil {
			return want, fmt.Errorf("cannot use lockfile %s: %w", want.Lockfile, err)
		}
	}
	if want.Wheelhouse == "" || want.onController() {
		return want, nil
	}
	want.archive, err = findArchive(files, want.Sources)
	return want, err
}

// onController tells whether the packages of the wheelhouse are not here.
func (s Sources) onController() bool { return len(s.wheels) > 0 && s.brought == "" }

// readSource returns what was read already, or else the content of the file.
func readSource(files *fsys.FS, option, name, read string) (string, error) {
	switch {
	case name == "" || read != "":
		return read, nil
	case option == "lockfile" && name == ourLock:
		return defaultLock, nil
	}
	target, err := files.Resolve(name) // a link of root's leads to the file of today, or of this release
	var data []byte
	if err == nil {
		data, err = files.ReadFile(target, textLimit)
	}
	if err != nil {
		return "", fmt.Errorf("cannot use %s %s: %w", option, name, err)
	}
	return string(data), nil
}

// takeVersion takes the version out of the lock.
func (d *Desired) takeVersion() (err error) {
	if d.Lock, err = pipx.ParseLock(d.lock); err != nil {
		return err
	}
	locked := d.Lock.Versions(pipx.Package)
	if !slices.ContainsFunc(locked, d.Version.Matches) {
		return fmt.Errorf("it has Patroni %s, and version asks for %s; change one of them",
			strings.Join(locked, " or "), d.Version)
	}
	if len(locked) == 1 {
		d.Version, err = pipx.ParseSpec("==" + locked[0])
	}
	return err
}

// fetchesFrom is where packages come from, and installsFrom where the build has them from then.
func (s Sources) fetchesFrom() pipx.Source {
	if s.Wheelhouse != "" {
		return pipx.InWheels
	}
	return pipx.Index
}

func (s Sources) installsFrom() pipx.Source {
	if !s.Lock.IsZero() {
		return pipx.WhatPassed
	}
	return s.fetchesFrom()
}

// takesNewest tells whether the newest version is wanted, whichever that is.
func (d Desired) takesNewest() bool {
	_, exact := d.Version.Exact()
	return d.State == Latest && !exact && d.Lock.IsZero()
}

// The files of the sources in the directory for temporary files.
const (
	constraintsFile = "constraints.txt"
	lockFile        = "lock.txt"
	toolsFile       = "tools.txt"
	pipxFile        = "pipx.txt"
	wheelsDir       = "wheels"
)

// pipxBuild describes what pipx and pip are told, whatever they are to do. scratch is the directory
// for temporary files.
func (d Desired) pipxBuild(l Layout, scratch string) pipx.Build {
	build := pipx.Build{
		Layout: l.Layout, Python: cmp.Or(d.Python, systemPython), User: l.User, Scratch: scratch,
		IndexURL: d.IndexURL, ExtraIndexURLs: d.ExtraIndexURLs, CACert: d.CACert, Environ: d.Environ,
		Wheels: d.Wheelhouse,
	}
	if d.archive != "" {
		build.Wheels = path.Join(scratch, wheelsDir)
	}
	if d.constraints != "" {
		build.Constraints = path.Join(scratch, constraintsFile)
	}
	if !d.Lock.IsZero() {
		build.Lock = path.Join(scratch, lockFile)
	}
	if d.Lock.Tools() != "" {
		build.Tools = path.Join(scratch, toolsFile)
	}
	if !d.pipxLock().IsZero() {
		build.Pipx = path.Join(scratch, pipxFile)
	}
	return build
}

// pipxLock is the part of the lock that pipx takes, where the interpreter that installs it is not
// the one of the venv.
func (d Desired) pipxLock() pipx.Lock {
	if d.Python == "" || d.Python == systemPython {
		return pipx.Lock{}
	}
	return d.Lock.Pipx()
}

// writeSources puts the files into scratch, where the user can read them.
func writeSources(files *fsys.FS, d *Desired, scratch string, user *host.User) error {
	for _, file := range []struct{ name, text string }{
		{constraintsFile, d.constraints}, {lockFile, d.Lock.String()}, {toolsFile, d.Lock.Tools()},
		{pipxFile, d.pipxLock().String()},
	} {
		if file.text == "" {
			continue
		}
		attr := fsys.Attr{Mode: 0o644, UID: user.UID, GID: user.GID}
		if err := files.WriteFile(path.Join(scratch, file.name), []byte(file.text), attr); err != nil {
			return err
		}
	}
	return nil
}

// findArchive returns the archive of packages, "" if they are in a directory.
func findArchive(files *fsys.FS, s Sources) (string, error) {
	name := cmp.Or(s.brought, s.Wheelhouse)
	target, err := files.Resolve(name)
	if err != nil {
		return "", fmt.Errorf("cannot use wheelhouse %s: %w", s.Wheelhouse, err)
	}
	info, err := files.Lstat(target)
	switch {
	case err != nil:
		return "", fmt.Errorf("cannot use wheelhouse %s: %w", s.Wheelhouse, err)
	case info.Type == fsys.File:
		return target, nil
	case info.Type == fsys.Directory:
		return "", nil
	}
	return "", fmt.Errorf("cannot use wheelhouse %s: it is a %s, neither a directory nor a tar archive",
		s.Wheelhouse, info.Type)
}

// proxies are the variables of the task's environment that say how to reach the network.
func proxies(environ []string) []string {
	var kept []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		switch strings.ToLower(name) {
		case "http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy":
			kept = append(kept, variable)
		}
	}
	return kept
}

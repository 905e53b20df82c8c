package pkgmgr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/charset"
	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// begunFile in the directory of the archives tells that rpm may have begun with them.
const begunFile = "begun"

// besideConfigfiles are the ends of the names under which rpm puts a configuration file aside.
func besideConfigfiles() beside { return beside{made: []string{".rpmnew", ".rpmorig", ".rpmsave"}} }

// Remember implements [Manager]: it writes down the configuration files that are there, which rpm would put aside.
func (r *rpm) Remember(ctx context.Context, _ []Package, dir string) error {
	files, packages, err := r.archives(ctx, dir)
	if err != nil {
		return err
	}
	var all []before
	for i, p := range packages {
		argv := []string{"rpm", "--query", "--package", "--nosignature", "--configfiles", files[i]}
		out, err := r.Host.Run.Run(ctx, host.Command{Argv: argv, Env: r.env()})
		if err != nil {
			return fmt.Errorf("cannot tell what %s has of configuration files: %w", p, err)
		}
		b := before{Package: p}
		if err := b.keep(r.Host.FS, absolute(string(out.Stdout)), besideConfigfiles()); err != nil {
			return err
		}
		all = append(all, b)
	}
	return writeBefore(r.Host.FS, dir, all)
}

// Install implements [Manager]. rpm knows no packages that came along with others, so the names asked for
// do not matter, except to an error.
func (r *rpm) Install(ctx context.Context, set []Package, asked []string, dir string) error {
	if len(set) == 0 {
		return nil
	}
	err := r.install(ctx, set, dir)
	if err != nil {
		return fmt.Errorf("cannot install %s: %w", strings.Join(asked, ", "), explainBy(rpmCauses(), err))
	}
	return nil
}

func (r *rpm) install(ctx context.Context, set []Package, dir string) error {
	files, _, err := r.archives(ctx, dir)
	if err != nil {
		return err
	}
	if err := r.Host.FS.WriteFile(path.Join(dir, begunFile), nil, fsys.Attr{Mode: 0o600}); err != nil {
		return err
	}
	if _, err := r.locks.exclusive(ctx, r.change(append([]string{"--install"}, files...)...)); err != nil {
		return err
	}
	there, err := r.present(ctx, set)
	if err != nil {
		return err
	}
	if missing := difference(set, there); len(missing) > 0 {
		return fmt.Errorf("rpm does not have %s installed", missing[0])
	}
	return nil
}

// Recover implements [Manager]. rpm notes a package in its database when all its files are in place: those of a
// package that is not noted may be there in part, so it is installed again, over them. Its exit
// status does not count: what is not in the database afterwards was not installed.
func (r *rpm) Recover(ctx context.Context, set []Package, dir string) error {
	if err := r.Ready(ctx); err != nil {
		return err
	}
	if _, err := r.Host.FS.Lstat(path.Join(dir, begunFile)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	there, err := r.present(ctx, set)
	if err != nil {
		return err
	}
	files, packages, err := r.archives(ctx, dir)
	if err != nil {
		return err
	}
	missing := files[:0:0]
	for i, p := range packages {
		if !slices.ContainsFunc(there, func(q Package) bool { return rpmName(p) == rpmName(q) }) {
			missing = append(missing, files[i])
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = r.locks.exclusive(ctx, r.change(append([]string{"--install", "--replacefiles"}, missing...)...))
	if _, ran := errors.AsType[*host.CommandError](err); err != nil && !ran {
		return err
	}
	return r.sweep(ctx, missing)
}

// sweep removes the temporary files of a killed rpm, NAME;0123abcd, beside the files of the archives.
func (r *rpm) sweep(ctx context.Context, archives []string) error {
	argv := append([]string{"rpm", "--query", "--package", "--nosignature", "--list"}, archives...)
	out, err := r.Host.Run.Run(ctx, host.Command{Argv: argv, Env: r.env()})
	if err != nil {
		return fmt.Errorf("cannot read the archives: %w", err)
	}
	ours := map[string]bool{}
	dirs := map[string]bool{}
	for line := range strings.Lines(string(out.Stdout)) {
		if name := path.Clean(strings.TrimSuffix(line, "\n")); path.IsAbs(name) {
			ours[name], dirs[path.Dir(name)] = true, true
		}
	}
	for dir := range dirs {
		names, err := r.Host.FS.ReadDir(dir)
		if err != nil {
			continue // it is gone
		}
		for _, name := range names {
			stem, suffix, found := strings.Cut(name, ";")
			if !found || len(suffix) != 8 || !charset.MadeOf(suffix, charset.Digits+"abcdef") || !ours[path.Join(dir, stem)] {
				continue
			}
			if err := r.Host.FS.Remove(path.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

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

// Download fetches the archives of exactly set into dir, checked by dnf's own sums and keys, and
// makes them durable. When a mirror no longer has one, it refreshes the metadata once; ErrChanged
// then says that the repositories offer other versions by now.
func (d *DNF) Download(ctx context.Context, set []Package, dir string) error {
	if len(set) == 0 {
		return nil
	}
	out, err := d.fetch(ctx, set, dir)
	if err != nil && strings.Contains(string(out.Stdout)+string(out.Stderr), "404") {
		refreshed := d.Refresh(ctx)
		if out, err = d.fetch(ctx, set, dir); err != nil {
			err = errors.Join(err, refreshed)
		}
	}
	if err != nil && len(noMatch(out)) > 0 {
		err = errors.Join(ErrChanged, err)
	}
	if err == nil {
		err = d.checkArchives(ctx, set, dir)
	}
	if err != nil {
		return fmt.Errorf("cannot download %s: %w", count(set), explainBy(dnfCauses(), err))
	}
	return nil
}

func (d *DNF) fetch(ctx context.Context, set []Package, dir string) (host.Output, error) {
	cmd := d.dnf("install", "--downloadonly", "--destdir="+d.Host.FS.Real(dir))
	for _, p := range set {
		cmd.Argv = append(cmd.Argv, nevra(p))
	}
	return d.locks().exclusive(ctx, cmd)
}

// checkArchives makes sure that the archives are those of set, no more and no fewer.
func (d *DNF) checkArchives(ctx context.Context, set []Package, dir string) error {
	_, found, err := d.archives(ctx, dir)
	if err != nil {
		return err
	}
	if missing := difference(set, found); len(missing) > 0 {
		return fmt.Errorf("%w: dnf did not fetch %s", fs.ErrNotExist, missing[0])
	}
	if more := difference(found, set); len(more) > 0 {
		return fmt.Errorf("%w: they need %s too", ErrChanged, more[0])
	}
	return d.Host.FS.SyncTree(dir)
}

// Install installs set from the archives in dir, and from nowhere else. rpm knows no packages that
// came along with others, so the names asked for do not matter. When it fails, call Recover and
// Remove.
func (d *DNF) Install(ctx context.Context, set []Package, asked []string, dir string) error {
	if len(set) == 0 {
		return nil
	}
	err := d.install(ctx, set, dir)
	if err != nil {
		return fmt.Errorf("cannot install %s: %w", strings.Join(asked, ", "), explainBy(dnfCauses(), err))
	}
	return nil
}

func (d *DNF) install(ctx context.Context, set []Package, dir string) error {
	files, _, err := d.archives(ctx, dir)
	if err != nil {
		return err
	}
	if err := d.Host.FS.WriteFile(path.Join(dir, begunFile), nil, fsys.Attr{Mode: 0o600}); err != nil {
		return err
	}
	if _, err := d.locks().exclusive(ctx, d.rpm(append([]string{"--install"}, files...)...)); err != nil {
		return err
	}
	there, err := d.present(ctx, set)
	if err != nil {
		return err
	}
	if missing := difference(set, there); len(missing) > 0 {
		return fmt.Errorf("rpm does not have %s installed", missing[0])
	}
	return nil
}

// Recover repairs what a killed run left of set, with the archives kept in dir, until Remove can
// take it away. rpm notes a package in its database when all its files are in place: those of a
// package that is not noted may be there in part, so it is installed again, over them. Its exit
// status does not count: what is not in the database afterwards was not installed.
func (d *DNF) Recover(ctx context.Context, set []Package, dir string) error {
	if err := d.Wait(ctx); err != nil {
		return err
	}
	if _, err := d.Host.FS.Lstat(path.Join(dir, begunFile)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	there, err := d.present(ctx, set)
	if err != nil {
		return err
	}
	files, packages, err := d.archives(ctx, dir)
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
	_, err = d.locks().exclusive(ctx, d.rpm(append([]string{"--install", "--replacefiles"}, missing...)...))
	if _, ran := errors.AsType[*host.CommandError](err); err != nil && !ran {
		return err
	}
	return d.sweep(ctx, missing)
}

// sweep removes the temporary files of a killed rpm, NAME;0123abcd, beside the files of the archives.
func (d *DNF) sweep(ctx context.Context, archives []string) error {
	argv := append([]string{"rpm", "--query", "--package", "--nosignature", "--list"}, archives...)
	out, err := d.Host.Run.Run(ctx, host.Command{Argv: argv, Env: d.env()})
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
		names, err := d.Host.FS.ReadDir(dir)
		if err != nil {
			continue // it is gone
		}
		for _, name := range names {
			stem, suffix, found := strings.Cut(name, ";")
			if !found || len(suffix) != 8 || !charset.MadeOf(suffix, charset.Digits+"abcdef") || !ours[path.Join(dir, stem)] {
				continue
			}
			if err := d.Host.FS.Remove(path.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

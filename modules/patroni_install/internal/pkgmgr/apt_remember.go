package pkgmgr

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// besideConffiles are the ends of the names that dpkg's purge removes beside a configuration file.
func besideConffiles() beside {
	return beside{
		made:    []string{".dpkg-new", ".dpkg-old", ".dpkg-dist", ".dpkg-tmp"},
		removed: []string{"~", ".bak", "%"},
	}
}

// Remember implements [Manager]: it writes down which packages were removed and not purged, and every file that a
// purge would take although it was there before.
func (a apt) Remember(ctx context.Context, set []Package, dir string) error {
	db, err := readDatabase(a.Host.FS)
	if err != nil {
		return err
	}
	status, err := a.Host.FS.ReadFile(statusFile, statusLimit)
	if err != nil {
		return fmt.Errorf("cannot read dpkg's status: %w", err)
	}
	var all []before
	for _, p := range set {
		b := before{Package: p}
		for _, m := range db.find([]Package{p}) {
			b.Residual = m.state() == "config-files"
		}
		names, err := a.conffiles(ctx, p, dir)
		if err != nil {
			return err
		}
		if b.Residual {
			names = append(names, recordedConffiles(string(status), p)...)
		}
		slices.Sort(names)
		if err := b.keep(a.Host.FS, slices.Compact(names), besideConffiles()); err != nil {
			return err
		}
		all = append(all, b)
	}
	return writeBefore(a.Host.FS, dir, all)
}

// conffiles are the configuration files in an archive. dpkg-deb fails where it names none, and says so.
func (a apt) conffiles(ctx context.Context, p Package, dir string) ([]string, error) {
	out, err := a.Host.Run.Run(ctx, a.command("dpkg-deb", "--info", a.Host.FS.Real(path.Join(dir, archive(p))),
		"conffiles"))
	if failed, ok := errors.AsType[*host.CommandError](err); ok &&
		strings.Contains(failed.Stderr, "no control component") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot tell what %s has of configuration files: %w", p, err)
	}
	return absolute(string(out.Stdout)), nil
}

// recordedConffiles are those that dpkg remembers of a package, also of one that is removed. A line of its status is
//
//	/etc/default/x 0123456789abcdef0123456789abcdef obsolete
func recordedConffiles(status string, p Package) (names []string) {
	for stanza := range strings.SplitSeq(status, "\n\n") {
		parsed := parseStanzas([]byte(stanza))
		if len(parsed) != 1 || !parsed[0].is(p) {
			continue
		}
		_, conffiles, _ := strings.Cut("\n"+stanza, "\nConffiles:")
		for line := range strings.Lines(strings.TrimPrefix(conffiles, "\n")) {
			if !strings.HasPrefix(line, " ") {
				break
			}
			if words := strings.Fields(line); len(words) > 1 && path.IsAbs(words[0]) {
				names = append(names, path.Clean(words[0]))
			}
		}
	}
	return names
}

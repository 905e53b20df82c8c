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
)

// Bounds of the requirements and extras that are read of a package. Patroni has 14 extras.
const (
	maxRequires = 512
	maxExtras   = 64
)

// metadata is what a package says of itself.
type metadata struct {
	dir      string // its .dist-info
	extras   []string
	requires []requirement
}

// requirement is one Requires-Dist: a package, wanted where the marker holds.
type requirement struct {
	name   string
	marker string
}

// readMetadata reads METADATA in a .dist-info, whose RECORD pip writes last.
func (v *Venv) readMetadata(files *fsys.FS, dir string) error {
	data, err := files.ReadFile(path.Join(dir, "METADATA"), largeFile)
	if err == nil {
		_, err = files.Lstat(path.Join(dir, "RECORD"))
	}
	if errors.Is(err, fs.ErrNotExist) {
		v.problem("it is half-written: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	v.metadata = parseMetadata(string(data))
	v.metadata.dir = dir
	return nil
}

// parseMetadata reads the header of a METADATA file; the description after it is of no interest.
func parseMetadata(text string) metadata {
	var m metadata
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(key) {
		case "provides-extra":
			if isName(value) && len(m.extras) < maxExtras {
				m.extras = append(m.extras, Normalise(value))
			}
		case "requires-dist":
			name, rest := span(value, nameChars) // extras and specifiers come next
			_, marker, _ := strings.Cut(rest, ";")
			if isName(name) && len(m.requires) < maxRequires {
				m.requires = append(m.requires, requirement{Normalise(name), marker})
			}
		}
	}
	return m
}

// find returns the spelling under which the package knows an extra, "" when it does not. etcd and
// etcd3 stand for each other, so that it does not matter which of them a version has.
func (m metadata) find(extra string) string {
	names := []string{Normalise(extra)}
	switch names[0] {
	case "etcd":
		names = append(names, "etcd3")
	case "etcd3":
		names = append(names, "etcd")
	}
	for _, name := range names {
		if slices.Contains(m.extras, name) {
			return name
		}
	}
	return ""
}

// MissingFor returns the packages, sorted, that Patroni needs by itself and for these extras and
// that are not installed. Extras it does not know are passed over; see [Venv.CheckExtras].
func (v *Venv) MissingFor(extras []string) (missing []string) {
	for _, name := range v.Needs(extras) {
		if v.Packages[name] == "" {
			missing = append(missing, name)
		}
	}
	return missing
}

// Needs returns the packages, sorted, that Patroni needs by itself and for these extras.
func (v *Venv) Needs(extras []string) []string {
	wanted := []string{""}
	for _, extra := range extras {
		if known := v.metadata.find(extra); known != "" {
			wanted = append(wanted, known)
		}
	}
	var needs []string
	for _, need := range v.metadata.requires {
		if slices.ContainsFunc(wanted, func(extra string) bool {
			return markerHolds(need.marker, map[string]string{"extra": extra, "python_version": v.Python})
		}) {
			needs = append(needs, need.name)
		}
	}
	slices.Sort(needs)
	return slices.Compact(needs)
}

// CheckExtras refuses extras that the installed Patroni does not have, naming those it has.
func (v *Venv) CheckExtras(extras []string) error {
	for _, extra := range extras {
		if v.metadata.find(extra) == "" {
			known := slices.Sorted(slices.Values(v.metadata.extras))
			return fmt.Errorf("Patroni %s has no extra %q; it has %s", v.PatroniVersion, extra,
				cmp.Or(strings.Join(known, ", "), "none"))
		}
	}
	return nil
}

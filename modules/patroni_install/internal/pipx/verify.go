package pipx

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/manifest"
)

// Bounds of what is read to see whether files are as they should be, in bytes: of a file, and of
// all. A venv with all of Patroni's extras has 0.3 GB.
const (
	maxHashed    = 256 << 20
	maxHashedAll = 4 << 30
)

// maxNamed is how many files are named of those that are not as they should be.
const maxNamed = 10

// check holds the files of a venv against what is known of them.
type check struct {
	files    *fsys.FS
	venv     *Venv
	records  map[string]recorded
	hashed   int64 // bytes
	problems []string
}

func (v *Venv) newCheck(files *fsys.FS) (*check, error) {
	records, err := v.readRecords(files)
	return &check{files: files, venv: v, records: records}, err
}

// Verify adds to Problems what is wrong with the files that are there, now: edited, deleted, added,
// or given to others. was is the manifest of the tree as it was installed, nil if there is none.
// The packages' RECORDs have the last word, since a file that only looks different is as good as
// before, and so is one that an upgrade by the user's own pipx brought. With all, or without a
// manifest, every file is read, else those that look different.
func (v *Venv) Verify(files *fsys.FS, was, now []manifest.Entry, all bool) error {
	c, err := v.newCheck(files)
	if err != nil {
		return v.note(err)
	}
	done := map[string]bool{}
	for _, d := range manifest.Compare(was, now) {
		done[d.Path] = true
		switch {
		case was == nil:
			c.unknown(d.Now)
		case d.Now == nil:
			c.deleted(d.Was)
		case d.Was == nil:
			c.added(d.Now)
		default:
			c.changed(d.Was, d.Now)
		}
	}
	if all || was == nil {
		c.rest(was, now, done)
	}
	if more := len(c.problems) - maxNamed; more > 0 {
		c.problems = append(c.problems[:maxNamed], fmt.Sprintf("and %d more files", more))
	}
	v.Problems = append(v.Problems, c.problems...)
	return nil
}

// Broken takes an error that the venv's owner can cause for a problem of the venv, and returns any other.
func (v *Venv) Broken(err error) error { return v.note(err) }

func (c *check) problem(format string, args ...any) {
	c.problems = append(c.problems, sentence(format, args...))
}

// rest looks at those entries that do not look different.
func (c *check) rest(was, now []manifest.Entry, done map[string]bool) {
	sums := map[string]*manifest.Entry{}
	for i := range was {
		sums[was[i].Path] = &was[i]
	}
	there := map[string]bool{}
	for i := range now {
		there[now[i].Path] = true
		if !done[now[i].Path] {
			c.content(&now[i], sums[now[i].Path])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.records)) {
		if !there[name] && !done[name] {
			c.problem("%s is missing", name)
		}
	}
}

// content compares a file's content with what its package says of it, and else with the manifest.
func (c *check) content(now, was *manifest.Entry) {
	want, vouched := c.records[now.Path]
	if !vouched && was != nil {
		want = recorded{sum: was.Sum, size: was.Size}
	}
	if now.Type != fsys.File || want.sum == "" {
		return
	}
	if want.size >= 0 && want.size != now.Size {
		c.problem("%s was edited", now.Path)
		return
	}
	sum, err := c.sum(now)
	switch {
	case err != nil:
		c.problem("%v", err)
	case sum != want.sum:
		c.problem("%s was edited", now.Path)
	}
}

func (c *check) sum(e *manifest.Entry) (string, error) {
	name := path.Join(c.venv.Path, e.Path)
	if e.Size > maxHashed || c.hashed+e.Size > maxHashedAll {
		return "", fmt.Errorf("%s has %d bytes, too many to be one of Patroni's", e.Path, e.Size)
	}
	c.hashed += e.Size
	h := sha256.New()
	if err := c.files.ReadTo(name, h, maxHashed); err != nil {
		return "", fmt.Errorf("cannot read %s: %w", e.Path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// unknown judges an entry of a tree that nothing was written down of.
func (c *check) unknown(now *manifest.Entry) {
	owner := c.venv.Info.UID
	switch {
	case now.UID != owner:
		c.problem("%s belongs to uid %d, not to uid %d", now.Path, now.UID, owner)
	case now.Type != fsys.Link && now.Mode&0o002 != 0:
		c.problem("%s can be written by everybody (mode %04o)", now.Path, now.Mode)
	default:
		c.content(now, nil)
	}
}

// renumbered tells whether an entry still is the user's, whose account has another number by now.
func (c *check) renumbered(was, now *manifest.Entry) bool {
	owner := c.venv.Info.Attr
	return was.UID != now.UID && was.Mode == now.Mode && now.UID == owner.UID && now.GID == owner.GID
}

// changed judges an entry that looks different.
func (c *check) changed(was, now *manifest.Entry) {
	switch {
	case was.Type != now.Type:
		c.problem("%s is a %s instead of a %s", now.Path, now.Type, was.Type)
	case was.Target != now.Target:
		c.problem("%s leads to %s instead of %s", now.Path, now.Target, was.Target)
	case was.Attr == now.Attr, c.renumbered(was, now):
		c.content(now, was)
	case now.Type != fsys.Link:
		c.problem("%s has mode and owner %s instead of %s", now.Path, now.Attr, was.Attr)
	default:
		c.problem("%s belongs to %d:%d instead of %d:%d", now.Path, now.UID, now.GID, was.UID, was.GID)
	}
}

// deleted judges an entry that is no longer there. What belonged to a version of a package that is
// not installed any more is of no interest.
func (c *check) deleted(was *manifest.Entry) {
	if info, found := strings.CutSuffix(was.Path, ".dist-info/RECORD"); found {
		for name, version := range Distributions([]string{path.Base(info) + ".dist-info"}) {
			switch c.venv.Packages[name] {
			case "":
				c.problem("package %s was removed", name)
			case version:
				c.problem("%s is missing", was.Path)
			}
		}
	}
	if _, vouched := c.records[was.Path]; vouched || was.Sum != "" || was.Type == fsys.Link {
		c.problem("%s is missing", was.Path)
	}
}

// added judges an entry that was not there.
func (c *check) added(now *manifest.Entry) {
	_, vouched := c.records[now.Path]
	switch {
	case vouched:
		c.unknown(now)
	case now.Type != fsys.Directory && !isState(now.Path):
		c.problem("%s was added", now.Path)
	}
}

// isState tells whether a file may change while the installation is healthy: pipx's notes, and
// what packages say of their files.
func isState(rel string) bool {
	return rel == MetadataFile || strings.HasSuffix(rel, ".dist-info/RECORD")
}

// Sums fills in the sums of those files that no package vouches for, such as pyvenv.cfg: only a
// manifest can tell whether these were edited.
func (v *Venv) Sums(files *fsys.FS, now []manifest.Entry) error {
	c, err := v.newCheck(files)
	if err != nil {
		return err
	}
	for i := range now {
		e := &now[i]
		if want := c.records[e.Path]; e.Type != fsys.File || want.sum != "" || isState(e.Path) {
			continue
		}
		if e.Sum, err = c.sum(e); err != nil {
			return err
		}
	}
	return nil
}

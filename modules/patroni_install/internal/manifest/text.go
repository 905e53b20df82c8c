package manifest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

const header = "patroni_install manifest 1\t"

// fields is the number of fields of each line.
const fields = 9

// Tree is what a manifest is of.
type Tree struct {
	Path string
	// Mount is where the file system of the tree is mounted, "" if that is the root directory.
	Mount string
}

// Encode returns the text of a manifest of a tree, the same for the same entries.
func Encode(tree Tree, entries []Entry) ([]byte, error) {
	text := []byte(firstLine(tree, entries))
	last := ""
	for _, e := range entries {
		shared := sharedPrefix(last, e.Path)
		text = fmt.Appendf(text, "%d\t%q\t%s\t%o\t%d:%d\t%d\t%d\t%q\t%s\n", shared, e.Path[shared:], letters()[e.Type],
			e.Mode, e.UID, e.GID, e.Size, e.Time, e.Target, e.Sum)
		last = e.Path
		if len(text) > Limit {
			return nil, fmt.Errorf("cannot write the manifest of %s: it is longer than %d bytes", tree.Path, Limit)
		}
	}
	return text, nil
}

// firstLine names the tree, and has a sum of everything that Compare compares.
func firstLine(tree Tree, entries []Entry) string {
	line := fmt.Sprintf("%s%q\t%016x", header, tree.Path, fingerprint(entries))
	if tree.Mount != "" {
		line += "\t" + strconv.Quote(tree.Mount)
	}
	return line + "\n"
}

// MountOf is where the file system of the tree at a path was mounted, by the text of its manifest; "" if it tells none.
func MountOf(path string, text []byte) string {
	first, _, _ := strings.Cut(string(text), "\n")
	rest, _ := strings.CutPrefix(first, header+strconv.Quote(path)+"\t")
	_, quoted, _ := strings.Cut(rest, "\t")
	mount, err := strconv.Unquote(quoted)
	if err != nil {
		return ""
	}
	return mount
}

// Matches tells whether a manifest is of the tree and these entries, without reading all of it.
func Matches(tree Tree, text []byte, now []Entry) bool {
	first := firstLine(tree, now)
	return strings.HasPrefix(string(text[:min(len(text), len(first))]), first)
}

// fingerprint is a sum by FNV-1a. It is quick, but no protection against forgery: whoever can write the tree can also
// set the times in it.
func fingerprint(entries []Entry) uint64 {
	const prime = 1099511628211
	sum := uint64(14695981039346656037)
	text := func(s string) {
		for i := range len(s) {
			sum = (sum ^ uint64(s[i])) * prime
		}
		sum *= prime // ends the field
	}
	for i := range entries {
		e := &entries[i]
		text(e.Path)
		text(string(e.Type))
		text(e.Target)
		for _, n := range [...]int64{int64(e.Mode), int64(e.UID), int64(e.GID), e.Size, e.Time} {
			sum = (sum ^ uint64(n)) * prime //nolint:gosec // any bits will do
		}
	}
	return sum
}

func letters() map[fsys.Type]string {
	return map[fsys.Type]string{fsys.File: "f", fsys.Directory: "d", fsys.Link: "l", fsys.Other: "o"}
}

func sharedPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// Decode reads the text of a manifest. A manifest of another tree, or in a format that this program does not write,
// is an error.
func Decode(tree string, text []byte) ([]Entry, error) {
	first, rest, _ := strings.Cut(string(text), "\n")
	if !strings.HasPrefix(first, header+strconv.Quote(tree)+"\t") {
		return nil, errors.New("it is no manifest of " + tree)
	}
	types := map[string]fsys.Type{}
	for kind, letter := range letters() {
		types[letter] = kind
	}
	var all []Entry
	last := ""
	for line := range strings.Lines(rest) {
		e, err := decodeLine(strings.TrimSuffix(line, "\n"), last, types)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", len(all)+2, err)
		}
		all = append(all, e)
		last = e.Path
	}
	return all, nil
}

// decodeLine reads an entry. Its path may begin like the last one.
func decodeLine(line, last string, types map[string]fsys.Type) (Entry, error) {
	f := strings.Split(line, "\t")
	if len(f) != fields {
		return Entry{}, fmt.Errorf("it has %d fields, not %d", len(f), fields)
	}
	uid, gid, _ := strings.Cut(f[4], ":")
	n := numbers{}
	shared := int(n.read(f[0], 10))
	e := Entry{
		Attr: fsys.Attr{
			Mode: uint32(n.read(f[3], 8)), //nolint:gosec // as written
			UID:  int(n.read(uid, 10)), GID: int(n.read(gid, 10)),
		},
		Type: types[f[2]], Size: n.read(f[5], 10), Time: n.read(f[6], 10), Sum: f[8],
	}
	rest, bad := strconv.Unquote(f[1])
	target, worse := strconv.Unquote(f[7])
	if err := errors.Join(n.err, bad, worse); err != nil {
		return Entry{}, err
	}
	if shared < 0 || shared > len(last) || e.Type == "" {
		return Entry{}, errors.New("it is damaged")
	}
	e.Path, e.Target = last[:shared]+rest, target
	return e, nil
}

// numbers reads numbers and keeps the first error.
type numbers struct{ err error }

func (n *numbers) read(text string, base int) int64 {
	value, err := strconv.ParseInt(text, base, 64)
	if err != nil && n.err == nil {
		n.err = err
	}
	return value
}

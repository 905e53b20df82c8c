package pipx

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// maxListed bounds the entries of a listing.
const maxListed = 100_000

// Listing describes everything below a venv, a line for each entry:
//
//	f 755 8361 1732366800123456789 bin/patroni
//	d 755 - - lib
//	l - - - lib64	-> lib
//
// kind, mode, size, time of change in nanoseconds and path, each directory before its entries and
// those by name. A path with a control character or a quote is quoted as in Go. What changes by
// use alone is left out: bytecode and the times of directories.
func Listing(files *fsys.FS, venv string) ([]byte, error) {
	text := make([]byte, 0, 128<<10)
	count := 0
	err := files.Walk(venv, func(rel string, info fsys.Info, _ *os.File) (bool, error) {
		if strings.HasSuffix(rel, ".pyc") || rel == "__pycache__" || strings.HasSuffix(rel, "/__pycache__") {
			return false, nil
		}
		if count++; count > maxListed {
			return false, fmt.Errorf("more than %d entries", maxListed)
		}
		text = appendEntry(text, rel, info)
		return true, nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list venv %s: %w", venv, err)
	}
	return text, nil
}

func appendEntry(text []byte, rel string, info fsys.Info) []byte {
	switch info.Type {
	case fsys.File:
		text = append(text, "f "...)
		text = strconv.AppendUint(text, uint64(info.Mode), 8)
		text = append(text, ' ')
		text = strconv.AppendInt(text, info.Size, 10)
		text = append(text, ' ')
		text = strconv.AppendInt(text, info.MTime.UnixNano(), 10)
		text = append(text, ' ')
	case fsys.Directory:
		text = append(text, "d "...)
		text = strconv.AppendUint(text, uint64(info.Mode), 8)
		text = append(text, " - - "...)
	case fsys.Link:
		text = append(text, "l - - - "...)
	default:
		text = append(text, "? - - - "...)
	}
	text = appendPath(text, rel)
	if info.Type == fsys.Link {
		text = append(text, arrow...)
		text = appendPath(text, info.Target)
	}
	return append(text, '\n')
}

// arrow stands between a link and its target. No path holds a tab, since it would be quoted.
const arrow = "\t-> "

func appendPath(text []byte, name string) []byte {
	odd := func(r rune) bool { return r < ' ' || r == '"' || r == 0x7f || r == '\ufffd' }
	if strings.ContainsFunc(name, odd) {
		return strconv.AppendQuoteToASCII(text, name)
	}
	return append(text, name...)
}

// Differences says, sorted by path, how the listing got differs from the listing want.
func Differences(want, got []byte) []string {
	before, after := parseListing(want), parseListing(got)
	paths := maps.Clone(before)
	maps.Copy(paths, after)
	var found []string
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		was, is := before[name], after[name]
		switch {
		case was == is:
		case was == "":
			found = append(found, name+" was added")
		case is == "":
			found = append(found, name+" was removed")
		default:
			found = append(found, name+" was changed")
		}
	}
	return found
}

// parseListing returns what a listing says of each path.
func parseListing(text []byte) map[string]string {
	said := map[string]string{}
	for line := range bytes.Lines(text) {
		fields := strings.SplitN(strings.TrimSuffix(string(line), "\n"), " ", 5)
		if len(fields) == 5 {
			name, _, _ := strings.Cut(fields[4], arrow)
			said[name] = string(line)
		}
	}
	return said
}

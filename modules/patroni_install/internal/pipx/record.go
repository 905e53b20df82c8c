package pipx

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// Bounds of the RECORDs of a venv. The largest that Patroni's extras bring has 0.3 MB.
const (
	maxRecord  = 4 << 20 // bytes
	maxRecords = 60_000  // files in all of them
)

// recorded is what a package says of one of its files.
type recorded struct {
	sum  string // hexadecimal SHA-256, "" where it says none
	size int64  // -1 where it says none
}

// readRecords reads what the packages of a venv say of their files, by paths relative to the
// venv. A package without a RECORD says nothing. Whoever owns the venv wrote the RECORDs: one that
// names something outside of it is refused, and nothing there is looked at.
func (v *Venv) readRecords(files *fsys.FS) (map[string]recorded, error) {
	all := map[string]recorded{}
	names, err := entries(files, v.site())
	if err != nil {
		return nil, err
	}
	site := strings.TrimPrefix(v.site(), v.Path+"/")
	for _, name := range names {
		if !strings.HasSuffix(name, ".dist-info") {
			continue
		}
		record := path.Join(v.site(), name, "RECORD")
		data, err := files.ReadFile(record, maxRecord)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		err = readRecord(all, site, string(data))
		if err == nil && len(all) > maxRecords {
			err = errors.New("the RECORDs name too many files")
		}
		if err != nil {
			return nil, &fs.PathError{Op: "read", Path: record, Err: err}
		}
	}
	return all, nil
}

// readRecord adds the files of one RECORD: lines of path,sha256=SUM,SIZE, the path relative to
// the directory of the packages, and in quotes where it needs them.
func readRecord(all map[string]recorded, site, text string) error {
	for line := range strings.Lines(text) {
		if len(all) > maxRecords {
			return nil
		}
		rest, size, _ := cutLast(strings.TrimRight(line, "\r\n"))
		name, sum, found := cutLast(rest)
		if !found {
			continue
		}
		if quoted, found := strings.CutPrefix(name, `"`); found {
			name = strings.ReplaceAll(strings.TrimSuffix(quoted, `"`), `""`, `"`)
		}
		rel := path.Join(site, name)
		switch {
		case path.IsAbs(name) || rel == ".." || strings.HasPrefix(rel, "../") || strings.Contains(name, "\x00"):
			return fmt.Errorf("it names a file outside of the venv: %.100q", name)
		case name == "" || rel == "." || strings.HasSuffix(rel, ".pyc"):
		default:
			all[rel] = recorded{sum: recordedSum(sum), size: recordedSize(size)}
		}
	}
	return nil
}

func cutLast(line string) (before, after string, found bool) {
	i := strings.LastIndexByte(line, ',')
	if i < 0 {
		return line, "", false
	}
	return line[:i], line[i+1:], true
}

// recordedSum reads "sha256=BASE64" without padding. Other algorithms are as good as none.
func recordedSum(text string) string {
	encoded, found := strings.CutPrefix(text, "sha256=")
	sum, err := base64.RawURLEncoding.DecodeString(encoded)
	if !found || err != nil || len(sum) != sha256.Size {
		return ""
	}
	return hex.EncodeToString(sum)
}

func recordedSize(text string) int64 {
	size, err := strconv.ParseInt(text, 10, 64)
	if err != nil || size < 0 {
		return -1
	}
	return size
}

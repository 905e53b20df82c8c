package pkgmgr

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/charset"
	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
)

// dpkg's database.
const (
	statusFile       = "/var/lib/dpkg/status"
	updatesDir       = "/var/lib/dpkg/updates"
	unfinishedUpdate = updatesDir + "/tmp.i" // becomes a numbered file
	archFile         = "/var/lib/dpkg/arch"
	statusLimit      = 256 << 20 // bytes
)

// stanza is what the database says of one package. Its fields are parts of the file's content.
type stanza struct {
	name, version, arch []byte
	status              []byte // "install ok installed": wanted, flag, state
	provides            []byte
}

func (s stanza) pkg() Package {
	return Package{Name: string(s.name), Version: string(s.version), Arch: string(s.arch)}
}

// state is the last word of the status; "not-installed" if there is none.
func (s stanza) state() string {
	words := bytes.Fields(s.status)
	if len(words) != 3 {
		return "not-installed"
	}
	return string(words[2])
}

// installed tells whether the package is there and whole.
func (s stanza) installed() bool { return bytes.HasSuffix(s.status, []byte(" ok installed")) }

// held tells whether the administrator wants the package to stay as it is, be it that it is not there.
func (s stanza) held() bool { return bytes.HasPrefix(s.status, []byte("hold ")) }

// absent tells whether nothing of the package is there, not even its configuration.
func (s stanza) absent() bool { return s.state() == "not-installed" && !s.damaged() }

// damaged packages cannot be removed: dpkg wants them unpacked again first.
func (s stanza) damaged() bool {
	return bytes.Contains(s.status, []byte(" reinstreq ")) || s.state() == "half-installed"
}

// residual tells whether only the package's configuration is there.
func (s stanza) residual() bool { return s.state() == "config-files" && !s.damaged() }

// settled tells whether dpkg has nothing left to do for the package.
func (s stanza) settled() bool {
	return s.installed() || !s.damaged() && (s.state() == "not-installed" || s.state() == "config-files")
}

// database is dpkg's view: the status file with the updates that were not merged into it yet.
type database struct {
	stanzas []stanza
	pending []stanza // those of the updates: not empty means that a run was interrupted, or goes on
	native  string   // the host's architecture, "" when it has only one
}

func readDatabase(files *fsys.FS) (*database, error) {
	data, err := files.ReadFile(statusFile, statusLimit)
	if err != nil {
		return nil, fmt.Errorf("cannot read dpkg's status: %w", err)
	}
	db := &database{stanzas: parseStanzas(data)}
	if db.pending, err = readUpdates(files); err != nil {
		return nil, fmt.Errorf("cannot read dpkg's status: %w", err)
	}
	if len(db.pending) > 0 {
		db.merge()
	}
	architectures, err := files.ReadFile(archFile, 1<<20)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read dpkg's architectures: %w", err)
	}
	if fields := strings.Fields(string(architectures)); len(fields) > 0 {
		db.native = fields[0]
	}
	return db, nil
}

// readUpdates reads the numbered files of dpkg's journal, in their order.
func readUpdates(files *fsys.FS) ([]stanza, error) {
	names, err := files.ReadDir(updatesDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []stanza
	for _, name := range names {
		if !charset.MadeOf(name, charset.Digits) {
			continue // dpkg's temporary file
		}
		data, err := files.ReadFile(path.Join(updatesDir, name), statusLimit)
		if err != nil {
			return nil, err
		}
		all = append(all, parseStanzas(data)...)
	}
	return all, nil
}

// merge lets the updates replace what the status file says of the same packages.
func (db *database) merge() {
	at := make(map[string]int, len(db.stanzas))
	for i, s := range db.stanzas {
		at[string(s.name)+":"+string(s.arch)] = i
	}
	for _, s := range db.pending {
		key := string(s.name) + ":" + string(s.arch)
		if i, found := at[key]; found {
			db.stanzas[i] = s
			continue
		}
		at[key] = len(db.stanzas)
		db.stanzas = append(db.stanzas, s)
	}
}

// match is a package of a set and what the database says of it. Its version and architecture
// come from the set: dpkg has none for a package whose first unpacking was cut off.
type match struct {
	stanza
	want Package
}

// find returns what is known of the packages of set, in the set's order.
func (db *database) find(set []Package) []match {
	var found []match
	for _, p := range set {
		if i := slices.IndexFunc(db.stanzas, func(s stanza) bool { return s.is(p) }); i >= 0 {
			found = append(found, match{stanza: db.stanzas[i], want: p})
		}
	}
	return found
}

// is compares name and architecture. A package never installed may have no architecture.
func (s stanza) is(p Package) bool {
	return string(s.name) == p.Name && (len(s.arch) == 0 || string(s.arch) == p.Arch)
}

// provider returns the whole package that satisfies the request: the one of that name, else
// one that provides the name.
func (db *database) provider(r request) (Package, bool) {
	var virtual *stanza
	for i := range db.stanzas {
		s := &db.stanzas[i]
		named := string(s.name) == r.name
		if !named && !bytes.Contains(s.provides, []byte(r.name)) || !s.installed() || !db.fits(r, s.arch) {
			continue
		}
		if named && (r.version == "" || r.version == string(s.version)) {
			return s.pkg(), true
		}
		if virtual == nil && r.version == "" && s.offers(r.name) {
			virtual = s
		}
	}
	if virtual == nil {
		return Package{}, false
	}
	return virtual.pkg(), true
}

// fits tells whether a package of this architecture is what the request means.
func (db *database) fits(r request, arch []byte) bool {
	if string(arch) == "all" {
		return true
	}
	want := cmp.Or(r.arch, db.native)
	return want == "" || want == string(arch)
}

// offers tells whether Provides, "a, b (= 1.0)", holds name.
func (s stanza) offers(name string) bool {
	for item := range bytes.SplitSeq(s.provides, []byte{','}) {
		if words := bytes.Fields(item); len(words) > 0 && string(words[0]) == name {
			return true
		}
	}
	return false
}

// parseStanzas splits a file of the database. It looks at no field but those it needs, since
// the status file has megabytes and is read by every run.
func parseStanzas(data []byte) []stanza {
	stanzas := make([]stanza, 0, len(data)/1024+1)
	var s stanza
	var last *[]byte // the field that a continuation line belongs to
	for len(data) > 0 {
		line := data
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			line, data = data[:i], data[i+1:]
		} else {
			data = nil
		}
		switch {
		case len(line) == 0:
			stanzas, s, last = appendStanza(stanzas, s), stanza{}, nil
		case line[0] != ' ' && line[0] != '\t':
			last = s.set(line)
		case last != nil:
			*last = slices.Concat(*last, []byte{' '}, bytes.TrimSpace(line))
		}
	}
	return appendStanza(stanzas, s)
}

func appendStanza(stanzas []stanza, s stanza) []stanza {
	if len(s.name) == 0 {
		return stanzas
	}
	return append(stanzas, s)
}

// set keeps the line's value when its field is needed, and returns where.
func (s *stanza) set(line []byte) *[]byte {
	var key string
	var field *[]byte
	switch line[0] {
	case 'P':
		key, field = "Package:", &s.name
		if bytes.HasPrefix(line, []byte("Prov")) {
			key, field = "Provides:", &s.provides
		}
	case 'S':
		key, field = "Status:", &s.status
	case 'V':
		key, field = "Version:", &s.version
	case 'A':
		key, field = "Architecture:", &s.arch
	}
	value, found := bytes.CutPrefix(line, []byte(key))
	if field == nil || !found {
		return nil
	}
	*field = bytes.TrimSpace(value)
	return field
}

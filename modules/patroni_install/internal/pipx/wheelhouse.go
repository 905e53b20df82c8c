package pipx

import (
	_ "embed"
	"os"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
	"github.com/pgedge/platform/modules/patroni_install/internal/pep440"
)

// inspectWheelhouse tells what is in a wheelhouse, and unpacks one.
//
//go:embed wheelhouse.py
var inspectWheelhouse string

// Wheelhouse is a directory, or a tar archive, of packages to install from in place of an index.
type Wheelhouse struct {
	// Dir is the directory, which the user can read; "" for an archive.
	Dir string
	// Archive is the open archive.
	Archive *os.File
}

// Contents is what a wheelhouse holds.
type Contents struct {
	Files   []string // names of packages
	Damaged []string // names of what should be a wheel and is none
	Missing []string // requirements that it does not satisfy, "click>=4.1"
	// Unlocked are requirements of packages that the lock does not hold.
	Unlocked []string
	Newest   string // version of Patroni that pip would take, "" if none was asked for, or none fits
	// Unknown tells that nothing here knows which packages fit, so that Missing, Unlocked and Newest say nothing.
	Unknown bool
	// Again tells to look again when Python is complete: what builds source archives depends on it.
	Again bool
}

// Needs is what is looked for in a wheelhouse.
type Needs struct {
	Requirements []string
	Lock         Lock   // what they and all that they need must be in
	Constraints  string // the content of a file of them
	Tools        bool   // it must have what builds the source archives that are in it, too
}

// words are the needs as the program takes them.
func (n Needs) words() []string {
	var words []string
	for _, these := range []struct {
		kind  string
		texts []string
	}{{"need:", n.Requirements}, {"lock:", n.Lock.Requirements()}, {"bound:", constraints(n.Constraints)}} {
		for _, text := range these.texts {
			words = append(words, these.kind+text)
		}
	}
	if n.Tools {
		words = append(words, "tools:")
	}
	return words
}

// constraints returns the requirements in a file of constraints, without hashes. What has an address, and
// so perhaps a password, is left out, and so are options: it says nothing of versions. A text that is no file of
// constraints was refused before.
func constraints(text string) (found []string) {
	_ = eachLine(text, func(line string) error {
		line, _, _ = strings.Cut(line, " --")
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-") && !strings.Contains(line, "://") {
			found = append(found, line)
		}
		return nil
	})
	return found
}

// Look returns the command that looks whether a wheelhouse has all that is needed.
// It writes nothing. [ReadContents] reads what it says.
func (b Build) Look(w Wheelhouse, needs Needs) host.Command {
	source := w.Dir
	if w.Archive != nil {
		source = "-"
	}
	cmd := b.command(append([]string{b.Python, "-I", "-B", "-c", bundledWheels + inspectWheelhouse, "look", b.Shared(),
		source}, needs.words()...)...)
	cmd.Stdin = w.Archive
	return cmd
}

// ReadContents reads what [Build.Look] printed.
func ReadContents(out host.Output) Contents {
	var c Contents
	for line := range strings.Lines(string(out.Stdout)) {
		kind, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch kind {
		case "file":
			c.Files = append(c.Files, text)
		case "damaged":
			c.Damaged = append(c.Damaged, text)
		case "missing":
			c.Missing = append(c.Missing, text)
		case "unlocked":
			c.Unlocked = append(c.Unlocked, text)
		case "takes":
			if version, found := strings.CutPrefix(text, Package+" "); found {
				c.Newest = version
			}
		case "again":
			c.Again = true
		case "unknown":
			c.Unknown = true
		}
	}
	slices.Sort(c.Files)
	return c
}

// Bound returns the specifiers with what constraints say of Patroni. A constraint with a marker, or one
// that only pip can read, is passed over.
func (s Spec) Bound(text string) Spec {
	for _, line := range constraints(text) {
		name, versions := span(line, nameChars)
		versions = strings.Join(strings.Fields(withoutBrackets(versions)), "")
		bounded, err := ParseSpec(strings.TrimPrefix(s.text+","+versions, ","))
		if Normalise(name) == Package && err == nil {
			s = bounded
		}
	}
	return s
}

// NewestIn returns the newest version of Patroni among the names of packages that satisfies the
// specifiers, "" when none does. It is no pre-release unless all of them are.
func (s Spec) NewestIn(files []string) string {
	var newest pep440.Version
	found := ""
	for _, name := range files {
		text, err := fileVersion(name)
		if err != nil || !s.Matches(text) {
			continue
		}
		v := pep440.MustParse(text)
		older := newest.IsPrerelease() == v.IsPrerelease() && newest.Compare(v) < 0 ||
			newest.IsPrerelease() && !v.IsPrerelease()
		if found == "" || older {
			newest, found = v, text
		}
	}
	return found
}

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
}

// Look returns the command that looks whether a wheelhouse has all that these requirements take.
// It writes nothing. [ReadContents] reads what it says.
func (b Build) Look(w Wheelhouse, requirements ...string) host.Command {
	source := w.Dir
	if w.Archive != nil {
		source = "-"
	}
	cmd := b.command(append([]string{b.Python, "-I", "-B", "-c", bundledWheels + inspectWheelhouse, "look", b.Shared(), source}, requirements...)...)
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
		}
	}
	slices.Sort(c.Files)
	return c
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
		older := newest.IsPrerelease() == v.IsPrerelease() && newest.Compare(v) < 0 || newest.IsPrerelease() && !v.IsPrerelease()
		if found == "" || older {
			newest, found = v, text
		}
	}
	return found
}

package install

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// snapshot describes everything on the machine: type, mode, owner, content or target. Not what a
// user of the host does not see: times and inode numbers.
func (m *machine) snapshot() map[string]string {
	m.Helper()
	found := map[string]string{}
	m.each(func(name string, info fs.FileInfo) {
		found[name] = m.describe(name, info)
	})
	return found
}

// each calls do for everything on the machine.
func (m *machine) each(do func(name string, info fs.FileInfo)) {
	m.Helper()
	m.must(filepath.WalkDir(m.root, func(full string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		do("/"+strings.TrimPrefix(strings.TrimPrefix(full, m.root), "/"), info)
		return err
	}))
}

func (m *machine) describe(name string, info fs.FileInfo) string {
	text := fmt.Sprintf("%s %s", info.Mode(), owner(info))
	switch {
	case strings.HasPrefix(name, StateDir+"/manifest."):
		return text + " " + m.timeless(name)
	case info.Mode().IsRegular():
		return text + " " + m.read(name)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(m.real(name))
		m.must(err)
		return text + " → " + target
	}
	return text
}

// timeless is a manifest without the times in it, which no two runs have in common, and without
// the sum in its first line.
func (m *machine) timeless(name string) string {
	first, rest, _ := strings.Cut(m.read(name), "\n")
	var text strings.Builder
	text.WriteString(first[:strings.LastIndex(first, "\t")+1])
	for line := range strings.Lines(rest) {
		fields := strings.Split(line, "\t")
		if len(fields) > 6 {
			fields[6] = "time"
		}
		text.WriteString(strings.Join(fields, " "))
	}
	return text.String()
}

// notCompared tells what the promise "the state before or the state after" does not cover.
func notCompared(name string) bool {
	switch {
	case strings.HasPrefix(name, "/var/lib/apt/lists/"):
		return true // package lists are refreshed outside of the transaction
	case name == "/var/lib/pgedge" || name == StateDir:
		return true // stay, empty, where a run was killed right after making them, or could not remove them
	}
	return false
}

// state is the snapshot that the promise is about, and what systemd has read.
func (m *machine) state() map[string]string {
	m.Helper()
	found := m.snapshot()
	maps.DeleteFunc(found, func(name, _ string) bool { return notCompared(name) })
	found["(systemd)"] = m.loaded
	return found
}

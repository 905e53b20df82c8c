package pkgmgr

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/fsys"
	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

// fakeHost is a root directory and a script of what commands do.
type fakeHost struct {
	t        testing.TB
	root     string
	apt      apt
	commands []host.Command
	told     []string
	// on maps the start of a command line ("apt-get -s") to what it prints and does. The
	// longest start that fits counts; a command without one fails the test.
	on map[string]func(cmd host.Command) (stdout string, err error)
}

func newHost(t testing.TB, status string) *fakeHost {
	t.Helper()
	f := &fakeHost{t: t, root: t.TempDir(), on: map[string]func(host.Command) (string, error){}}
	f.apt = apt{Settings{
		Host:        &host.Host{FS: fsys.New(f.root), Run: f, Progress: func(m string) { f.told = append(f.told, m) }},
		LockTimeout: time.Minute,
		Env:         []string{"http_proxy=http://proxy:3128"},
	}}
	f.on["apt-get --print-uris"] = prints("") // tells nothing: the simulation is asked
	f.on["apt-cache policy"] = prints("")     // there are no pins
	f.write(statusFile, status)
	return f
}

func (f *fakeHost) write(name, content string) {
	f.t.Helper()
	full := filepath.Join(f.root, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

// Run implements host.Runner.
func (f *fakeHost) Run(_ context.Context, cmd host.Command) (host.Output, error) {
	f.commands = append(f.commands, cmd)
	line := strings.Join(cmd.Argv, " ")
	best := ""
	for start := range f.on {
		if strings.HasPrefix(line, start) && len(start) >= len(best) {
			best = start
		}
	}
	do, found := f.on[best]
	if !found {
		f.t.Errorf("unexpected command %q", line)
		return host.Output{}, fmt.Errorf("no such command")
	}
	stdout, err := do(cmd)
	out := host.Output{Stdout: []byte(stdout)}
	if failed, ok := err.(*host.CommandError); ok { //nolint:errorlint // made by fail
		out.Stderr = []byte(failed.Stderr)
	}
	return out, err
}

// prints makes a command succeed with this output.
func prints(text string) func(host.Command) (string, error) {
	return func(host.Command) (string, error) { return text, nil }
}

// fails makes a command fail with this on stderr.
func fails(stderr string) func(host.Command) (string, error) {
	return func(cmd host.Command) (string, error) {
		return "", &host.CommandError{Argv: cmd.Argv, Status: "exit status 100", Code: 100, Stderr: stderr}
	}
}

// sets makes a command replace dpkg's status.
func (f *fakeHost) sets(status string) func(host.Command) (string, error) {
	return func(host.Command) (string, error) {
		f.write(statusFile, status)
		return "", nil
	}
}

// lines returns the commands that ran, without their options.
func (f *fakeHost) lines() []string {
	var lines []string
	for _, cmd := range f.commands {
		if slices.Contains(cmd.Argv, "--print-uris") {
			continue // no more than a shorter way to a simulation
		}
		var words []string
		for i, word := range cmd.Argv {
			option := strings.HasPrefix(word, "-") &&
				!slices.Contains([]string{"-s", "--unpack", "--configure", "--set-selections"}, word)
			if option || i > 0 && cmd.Argv[i-1] == "-o" {
				continue
			}
			words = append(words, strings.ReplaceAll(word, f.root, ""))
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return lines
}

func (f *fakeHost) expect(want ...string) {
	f.t.Helper()
	diff(f.t, "commands", want, f.lines())
}

func diff(t testing.TB, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// entry renders a stanza of dpkg's status.
func entry(p Package, status string) string {
	return fmt.Sprintf("Package: %s\nStatus: %s\nArchitecture: %s\nVersion: %s\nDescription: a package\n more of it\n\n",
		p.Name, status, p.Arch, p.Version)
}

func entries(status string, set ...Package) string {
	var text strings.Builder
	for _, p := range set {
		text.WriteString(entry(p, status))
	}
	return text.String()
}

func pipxSet() (pipx, click, venv Package) {
	return Package{"pipx", "1.1.0-1", "all"}, Package{"python3-click", "8.1.3-2", "all"},
		Package{"python3-venv", "1:3.11.2-1+b1", "amd64"}
}

func archivesOf(f *fakeHost, set ...Package) string {
	f.write("/priv/lock", "")
	for _, p := range set {
		f.write("/priv/"+archive(p), "deb")
	}
	return "/priv"
}

func hasOption(cmd host.Command, option string) bool { return slices.Contains(cmd.Argv, option) }

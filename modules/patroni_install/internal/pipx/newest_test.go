package pipx

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgedge/platform/modules/patroni_install/internal/host"
)

func TestNewer(t *testing.T) {
	for text, want := range map[string][2]string{
		"":           {"4.0.7", "patroni[etcd]>=4.0.7,!=4.0.7"},
		">=4.0,<4.1": {"4.0.7", "patroni[etcd]>=4.0,<4.1,>=4.0.7,!=4.0.7"},
		"~=4.0":      {"4.0.7+local.1", "patroni[etcd]~=4.0,>=4.0.7,!=4.0.7"},
	} {
		spec, err := ParseSpec(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[1], spec.Newer(want[0], []string{"etcd"})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestReadNewest(t *testing.T) {
	failed := func(text string) error {
		return &host.CommandError{Argv: []string{"python3"}, Status: "exit status 1", Stderr: text}
	}
	const sign = "ERROR: Could not find a version that satisfies the requirement patroni!=4.1.5,>=4.1.5"
	for name, c := range map[string]struct {
		stdout    string
		err       error
		want, why string
	}{
		"wheel":          {"\nfound patroni-4.1.5-py3-none-any.whl\n", nil, "4.1.5", ""},
		"source":         {"hello\nfound patroni-4.1.6rc1.tar.gz\n", nil, "4.1.6rc1", ""},
		"another":        {"found ydiff-1.4.tar.gz\n", nil, "", `the index gave "ydiff-1.4.tar.gz", which is no package of Patroni`},
		"hostile":        {"found patroni-==1;x.whl\n", nil, "", `the index gave "patroni-==1;x.whl", which is no package of Patroni`},
		"several":        {"found patroni-4.1.5.zip\n\nfound b\n", nil, "", `the index gave "patroni-4.1.5.zip\nb", which is no package of Patroni`},
		"nothing newer":  {"", failed(sign + " (from versions: 4.1.4, 4.1.5)"), "", ""},
		"out of reach":   {"", failed(sign + " (from versions: none)"), "", "the index does not know patroni!=4.1.5,>=4.1.5; check index_url"},
		"pip 9, neither": {"", failed("  " + sign + " (from versions: )"), "", "pip does not say which versions the index has"},
		"pip 20.3":       {"", failed(sign), "", ErrUnclear.Error()},
		"no pip":         {"", failed("there is no pip, neither in /x nor of /usr/bin/python3"), "", "the interpreter has no pip; install python3-pip"},
		"unknown":        {"", failed("it rains"), "", `command "python3" failed: exit status 1: it rains`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Build{}.ReadNewest(host.Output{Stdout: []byte(c.stdout)}, c.err)
			if got != c.want || (err == nil) != (c.why == "") || err != nil && !strings.HasPrefix(err.Error(), c.why) {
				t.Errorf("got %q, %v; want %q, %s", got, err, c.want, c.why)
			}
		})
	}
}

// noWheels makes an interpreter one that came without wheels: its pip is installed.
const noWheels = `
import glob
glob.glob = lambda pattern: []
`

// TestAskNewest asks the machine's own pip, as every interpreter that can make virtual environments
// has one beside it, with a directory in the place of an index.
func TestAskNewest(t *testing.T) {
	root := t.TempDir()
	for _, version := range []string{"4.0.7", "4.1.5", "4.2.0rc1"} {
		info := "patroni-" + version + ".dist-info/"
		wheel(t, filepath.Join(root, "patroni-"+version+"-py3-none-any.whl"),
			info+"METADATA", "Metadata-Version: 2.1\nName: patroni\nVersion: "+version+"\n",
			info+"WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
	}
	ask := func(before, requirement string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "python3", "-I", "-B", "-c", before+bundledWheels+askNewest, "/nonexistent",
			requirement)
		cmd.Env = append(cmd.Environ(), "PIP_NO_INDEX=1", "PIP_FIND_LINKS="+root, "PIP_DISABLE_PIP_VERSION_CHECK=1",
			"TMPDIR="+t.TempDir())
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			err = &host.CommandError{Argv: cmd.Args[:1], Status: err.Error(), Stderr: stderr.String()}
		}
		return Build{}.ReadNewest(host.Output{Stdout: out}, err)
	}
	kinds := []string{""}
	if exec.CommandContext(t.Context(), "python3", "-I", "-c", "import pip").Run() == nil {
		kinds = append(kinds, noWheels)
	}
	for requirement, want := range map[string]string{
		"patroni[psycopg2-binary,etcd]>=4.0.7,!=4.0.7": "4.1.5",
		"patroni[etcd]>=4.1.5,!=4.1.5":                 "",
	} {
		for _, before := range kinds {
			got, err := ask(before, requirement)
			if got != want || err != nil && !errors.Is(err, ErrUnclear) {
				t.Errorf("%s: %q, %v; want %q", requirement, got, err, want)
			}
		}
	}
	if got, err := ask(noPip, "patroni"); err == nil || !strings.HasPrefix(err.Error(), "the interpreter has no pip; ") {
		t.Errorf("without any pip: %q, %v", got, err)
	}
}

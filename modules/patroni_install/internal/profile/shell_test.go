package profile

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// debianBashrc is the start of Debian's /etc/skel/.bashrc.
const debianBashrc = `# ~/.bashrc: executed by bash(1) for non-login shells.
# see /usr/share/doc/bash/examples/startup-files (in the package bash-doc)
# for examples

# If not running interactively, don't do anything
case $- in
    *i*) ;;
      *) return;;
esac

HISTCONTROL=ignoreboth
shopt -s histappend
`

const basePath = "/usr/bin:/bin"

// shell runs argv with HOME at home and returns what it printed.
func shell(t *testing.T, home string, argv ...string) string {
	t.Helper()
	program, err := exec.LookPath(argv[0])
	if err != nil {
		t.Skipf("%s is not installed", argv[0])
	}
	var stderr strings.Builder
	cmd := exec.Command(program, argv[1:]...)
	cmd.Env = []string{"HOME=" + home, "PATH=" + basePath}
	cmd.Dir = home
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v\n%s", argv, err, stderr.String())
	}
	return string(out)
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// awkwardDirs are directories whose names a careless block would run, expand or split.
func awkwardDirs() []string {
	return []string{
		testDir, "/opt/patroni bin", "/opt/it's", `/opt/"quoted"`, "/opt/$HOME", "/opt/${x:?}", "/opt/`false`", "/opt/$(false)",
		`/opt/back\slash`, "/opt/*", "/opt/[a]?", "/opt/a;b&c|d", "/opt/#c", "/opt/!h", "/opt/~", "/opt/é", "/opt/''", "/opt/%s", "/opt/) ;;",
	}
}

func TestBlockInShells(t *testing.T) {
	for _, name := range []string{"bash", "dash"} {
		for _, dir := range awkwardDirs() {
			t.Run(name+" "+dir, func(t *testing.T) {
				home := t.TempDir()
				file := write(t, home, "profile", block(content{dir: quote(dir)}, false))
				tests := map[string]struct{ before, want string }{
					"appends":            {"PATH=" + basePath, basePath + ":" + dir},
					"leaves what is set": {"PATH=" + quote(dir+":"+basePath), dir + ":" + basePath},
					"empty PATH":         {"PATH=", dir},
					"unset PATH":         {"unset PATH", dir},
				}
				for what, tt := range tests {
					script := "set -eu; " + tt.before + "; . " + quote(file) + "; . " + quote(file) + `; printf %s "$PATH"`
					if diff := cmp.Diff(tt.want, shell(t, home, name, "-c", script)); diff != "" {
						t.Errorf("%s (-want +got):\n%s", what, diff)
					}
				}
			})
		}
	}
}

// TestConfigInShells: the file is named to those who have not chosen one.
func TestConfigInShells(t *testing.T) {
	for _, name := range []string{"bash", "dash"} {
		for _, config := range append(awkwardDirs(), "/etc/a:b.yaml") {
			home := t.TempDir()
			file := quote(write(t, home, "profile", block(content{quote("/opt"), quote(config)}, false)))
			for before, want := range map[string]string{
				"unset PATRONICTL_CONFIG_FILE": config, "PATRONICTL_CONFIG_FILE=": config, "export PATRONICTL_CONFIG_FILE=/mine": "/mine",
			} {
				script := "set -eu; " + before + "; . " + file + "; . " + file + `; exec env`
				found := false
				for line := range strings.Lines(shell(t, home, name, "-c", script)) {
					found = found || line == "PATRONICTL_CONFIG_FILE="+want+"\n"
				}
				if !found {
					t.Errorf("%s after %q: %s is not in the environment", name, before, want)
				}
			}
		}
	}
}

// TestShellsOfAUser starts the shells that a user meets, on homes as distributions make them.
func TestShellsOfAUser(t *testing.T) {
	const dir = "/opt/patroni/bin"
	show := `printf %s "$PATH"`
	homes := []struct {
		name  string
		files map[string]string
	}{
		{"no dotfiles", nil},
		{"Debian's", map[string]string{".profile": debianProfile, ".bashrc": debianBashrc}},
		{"the RHEL family's", map[string]string{".bash_profile": readsBashrc, ".bashrc": rockyBashrc}},
		{"PATH set afresh", map[string]string{".bash_profile": "PATH=" + basePath, ".bashrc": "[ -z \"$PS1\" ] && return\n"}},
		{"a guard in the login file", map[string]string{".bash_profile": "[ -z \"$PS1\" ] && return\nset -o vi\n"}},
	}
	for _, tt := range homes {
		t.Run(tt.name, func(t *testing.T) {
			home := t.TempDir()
			for name, text := range tt.files {
				write(t, home, name, text)
			}
			install(t, home, tt.files, dir)
			rc := filepath.Join(home, ".bashrc")
			shells := map[string][]string{
				"login, command":      {"bash", "--login", "-c", show},
				"login, interactive":  {"bash", "--login", "-i", "-c", show},
				"interactive":         {"bash", "-i", "-c", show},
				"sourced by a script": {"bash", "-c", ". " + quote(rc) + "; " + show},
			}
			for what, argv := range shells {
				got := shell(t, home, argv...)
				if n := strings.Count(":"+got+":", ":"+dir+":"); n != 1 {
					t.Errorf("%s: PATH %q has %s %d times", what, got, dir, n)
				}
			}
		})
	}
}

// install edits or makes a home's files as the module does for a user of bash.
func install(t *testing.T, home string, files map[string]string, dir string) {
	t.Helper()
	existing := func(name string) bool { _, found := files[name]; return found }
	login := LoginFile(existing, "/bin/bash")
	for name, kind := range map[string]Kind{login: Login, ".bashrc": Interactive} {
		text, err := Ensure(files[name], Settings{Dir: dir, Home: home}, kind)
		if !existing(name) {
			text, err = New(kind, name, Settings{Dir: dir})
		}
		if err != nil {
			t.Fatal(err)
		}
		write(t, home, name, text)
	}
}

// TestNewProfileInDash: a user whose shell is sh gets a .profile.
func TestNewProfileInDash(t *testing.T) {
	home := t.TempDir()
	text, err := New(Login, ".profile", Settings{Dir: "/opt/patroni/bin"})
	if err != nil {
		t.Fatal(err)
	}
	write(t, home, ".profile", text)
	// /etc/profile has set a PATH of the machine's before.
	got := shell(t, home, "dash", "-l", "-c", `printf %s "$PATH"`)
	if !strings.HasSuffix(got, ":/opt/patroni/bin") {
		t.Errorf("PATH is %q, want it to end in :/opt/patroni/bin", got)
	}
}

// TestStillParses: what a shell parsed before the edit, it parses after.
func TestStillParses(t *testing.T) {
	for _, name := range []string{"bash", "dash"} {
		program, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("%s is not installed", name)
		}
		parses := func(text string) bool {
			return exec.Command(program, "-n", write(t, t.TempDir(), "text", text)).Run() == nil
		}
		parsed := 0
		for _, text := range append(seeds(), "if true; then\n"+testBlock+"fi\n", "cat <<EOF\nx", "f() {\n return\n}\nf \\") {
			if !parses(text) {
				continue
			}
			parsed++
			for _, kind := range []Kind{Login, Interactive} {
				if got := ensure(t, text, "/opt/it's", kind); !parses(got) {
					t.Errorf("%s parses %q, but not %q", name, text, got)
				}
			}
		}
		if parsed < 20 {
			t.Errorf("%s parses %d of the texts: the test says little", name, parsed)
		}
	}
}

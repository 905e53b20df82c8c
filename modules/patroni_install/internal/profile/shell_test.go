package profile

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
		testDir, "/opt/patroni bin", "/opt/it's", `/opt/"quoted"`, "/opt/$HOME", "/opt/${x:?}", "/opt/`false`",
		"/opt/$(false)",
		`/opt/back\slash`, "/opt/*", "/opt/[a]?", "/opt/a;b&c|d", "/opt/#c", "/opt/!h", "/opt/~", "/opt/é", "/opt/''", "/opt/%s", "/opt/) ;;",
	}
}

// posixShells are those that take the statements of POSIX; what is not installed is skipped.
func posixShells() []string { return []string{"bash", "dash", "zsh", "ksh", "mksh"} }

func TestBlockInShells(t *testing.T) {
	for _, name := range posixShells() {
		for _, dir := range awkwardDirs() {
			t.Run(name+" "+dir, func(t *testing.T) {
				home := t.TempDir()
				file := write(t, home, "profile", block(content{dir: dir}, Login, false))
				tests := map[string]struct{ before, want string }{
					"appends":            {"PATH=" + basePath, basePath + ":" + dir},
					"leaves what is set": {"PATH=" + posix().quote(dir+":"+basePath), dir + ":" + basePath},
					"empty PATH":         {"PATH=", dir},
					"unset PATH":         {"unset PATH", dir},
				}
				for what, tt := range tests {
					source := "; . " + posix().quote(file)
					script := "set -eu; " + tt.before + source + source + `; /usr/bin/printf %s "$PATH"`
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
	for _, name := range posixShells() {
		for _, config := range append(awkwardDirs(), "/etc/a:b.yaml") {
			t.Run(name+" "+config, func(t *testing.T) {
				home := t.TempDir()
				file := posix().quote(write(t, home, "profile", block(content{"/opt", config}, Login, false)))
				for before, want := range map[string]string{
					"unset PATRONICTL_CONFIG_FILE":        config,
					"PATRONICTL_CONFIG_FILE=":             config,
					"export PATRONICTL_CONFIG_FILE=/mine": "/mine",
				} {
					script := "set -eu; " + before + "; . " + file + "; . " + file + `; exec env`
					exports(t, shell(t, home, name, "-c", script), "PATRONICTL_CONFIG_FILE="+want)
				}
			})
		}
	}
}

// exports sees that an environment, as env prints it, has a line.
func exports(t *testing.T, environment, want string) {
	t.Helper()
	if !slices.Contains(strings.Split(environment, "\n"), want) {
		t.Errorf("%q is not in the environment %q", want, environment)
	}
}

// TestBlockInFish: the same in the language of fish, where a colon in a word separates entries of the PATH.
func TestBlockInFish(t *testing.T) {
	for _, name := range slices.DeleteFunc(awkwardDirs(), func(dir string) bool { return strings.Contains(dir, ":") }) {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			file := write(t, home, "block.fish", block(content{name, name}, Fish, false))
			source := "; source " + fish().quote(file)
			const path, config = "set -gx PATH /usr/bin /bin; ", "set -gx PATRONICTL_CONFIG_FILE "
			tests := map[string]struct{ before, path, config string }{
				"adds both":             {path, basePath + ":" + name, name},
				"leaves what is set":    {"set -gx PATH " + fish().quote(name) + "; " + config + "/mine", name, "/mine"},
				"none set":              {"set -e PATH; set -e PATRONICTL_CONFIG_FILE", name, name},
				"a configuration of ''": {path + config + "''", basePath + ":" + name, name},
			}
			for what, tt := range tests {
				t.Log(what)
				got := shell(t, home, "fish", "--no-config", "-c", tt.before+source+source+"; exec /usr/bin/env")
				exports(t, got, "PATH="+tt.path)
				exports(t, got, "PATRONICTL_CONFIG_FILE="+tt.config)
			}
		})
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
			install(t, home, "/bin/bash", tt.files, dir)
			rc := filepath.Join(home, ".bashrc")
			shells := map[string][]string{
				"login, command":      {"bash", "--login", "-c", show},
				"login, interactive":  {"bash", "--login", "-i", "-c", show},
				"interactive":         {"bash", "-i", "-c", show},
				"sourced by a script": {"bash", "-c", ". " + posix().quote(rc) + "; " + show},
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

// install edits or makes a home's files as the module does for a user of a shell.
func install(t *testing.T, home, program string, files map[string]string, dir string) {
	t.Helper()
	existing := func(name string) bool { _, found := files[name]; return found }
	known, _ := ShellOf(program)
	for _, file := range known.Reads(existing) {
		text, err := Ensure(files[file.Name], Settings{Dir: dir, Home: home, Config: testConfig}, file.Kind)
		if !existing(file.Name) {
			text, err = New(file.Kind, file.Name, Settings{Dir: dir, Config: testConfig})
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(home, file.Name)), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, home, file.Name, text)
	}
}

// TestOtherShells starts the shells of the other rows, on a home without anything and on one whose login file sets
// the PATH afresh.
func TestOtherShells(t *testing.T) {
	const dir, show = "/opt/patroni/bin", "exec /usr/bin/env"
	for name, c := range map[string]struct {
		login string
		runs  [][]string
	}{
		"dash": {".profile", [][]string{{"dash", "-l", "-c", show}}},
		"ksh":  {".profile", [][]string{{"ksh", "-l", "-c", show}, {"ksh", "-l", "-i", "-c", show}, {"ksh", "-i", "-c", show}}},
		"mksh": {".profile", [][]string{
			{"mksh", "-l", "-c", show}, {"mksh", "-l", "-i", "-c", show}, {"mksh", "-i", "-c", show},
		}},
		"zsh": {".zprofile", [][]string{
			{"zsh", "-l", "-c", show}, {"zsh", "-l", "-i", "-c", show}, {"zsh", "-i", "-c", show},
		}},
		"fish": {"", [][]string{{"fish", "-l", "-c", show}, {"fish", "-i", "-c", show}, {"fish", "-c", show}}},
	} {
		afresh, guard := "PATH="+basePath+"\nexec 2>/dev/null\n", "[ -z \"$x\" ] && return\n"
		guarded := map[string]string{c.login: afresh, ".zshrc": guard, ".kshrc": guard, ".mkshrc": guard}
		for _, files := range []map[string]string{nil, guarded} {
			t.Run(name, func(t *testing.T) {
				home := t.TempDir()
				delete(files, "")
				install(t, home, "/bin/"+name, files, dir)
				for _, argv := range c.runs {
					got := shell(t, home, argv...)
					if n := strings.Count(strings.ReplaceAll(got, "\n", ":"), ":"+dir+":"); n != 1 {
						t.Errorf("%q has %s on its PATH %d times: %s", argv, dir, n, got)
					}
					if slices.Contains(argv, "-l") {
						exports(t, got, "PATRONICTL_CONFIG_FILE="+testConfig)
					}
				}
			})
		}
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

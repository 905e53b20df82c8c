package profile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	testHome = "/var/lib/postgresql"
	testDir  = testHome + "/.local/bin"
)

const testBlock = `# patroni_install begin: puts Patroni's programs on the PATH
case ":${PATH-}:" in
    *:'/var/lib/postgresql/.local/bin':*) ;;
    *) PATH="${PATH:+${PATH}:}"'/var/lib/postgresql/.local/bin'; export PATH ;;
esac
# patroni_install end
`

// testBlockNoNewline is the block below a last line without newline.
var testBlockNoNewline = strings.Replace(testBlock, "install end\n", "install end (no newline ended the file)\n", 1)

// testStatement is the block without its markers.
var testStatement = strings.Join(strings.SplitAfter(testBlock, "\n")[1:5], "")

// testFishBlock is the block for fish.
const testFishBlock = `# patroni_install begin: puts Patroni's programs on the PATH
if not contains -- '/var/lib/postgresql/.local/bin' $PATH
    set -gx PATH $PATH '/var/lib/postgresql/.local/bin'
end
# patroni_install end
`

// testCase is the first line of a statement.
const testCase = `case ":${PATH-}:" in`

// testFishConfigBlock names a configuration to fish.
const testFishConfigBlock = `# patroni_install begin: settings for Patroni's programs
test -n "$PATRONICTL_CONFIG_FILE"; or set -gx PATRONICTL_CONFIG_FILE '/etc/patroni/patroni.yaml'
# patroni_install end
`

const testConfig = "/etc/patroni/patroni.yaml"

const testConfigStatement = `[ -n "${PATRONICTL_CONFIG_FILE-}" ] || ` +
	"export PATRONICTL_CONFIG_FILE='/etc/patroni/patroni.yaml'\n"

// testConfigBlock is the block that names a configuration and leaves the PATH alone.
const testConfigBlock = "# patroni_install begin: settings for Patroni's programs\n" + testConfigStatement +
	"# patroni_install end\n"

// testBothBlock does both.
var testBothBlock = strings.Replace(testConfigBlock, "programs\n", "programs\n"+testStatement, 1)

func ensure(t *testing.T, text, dir string, kind Kind) string {
	t.Helper()
	got, err := Ensure(text, Settings{Dir: dir, Home: testHome}, kind)
	if err != nil {
		t.Fatalf("Ensure(%q): %v", text, err)
	}
	return got
}

func TestEnsurePlacesTheBlock(t *testing.T) {
	tests := []struct {
		name string
		text string
		kind Kind
		want string
	}{
		{"empty login file", "", Login, testBlock},
		{"empty .bashrc", "", Interactive, testBlock},
		{"login file: at the end", "umask 022\n", Login, "umask 022\n" + testBlock},
		{"login file without last newline", "umask 022", Login, "umask 022\n" + testBlockNoNewline},
		{"login file with CRLF", "umask 022\r\n", Login, "umask 022\r\n" + testBlock},
		{"login file with a continued last line", "# mine\n\nls \\\n", Login, "# mine\n" + testBlock + "\nls \\\n"},
		{"login file with an escaped backslash at its end", "ls \\\\\n", Login, "ls \\\\\n" + testBlock},
		{"login file that may leave", "# mine\n\n[ -z \"$PS1\" ] && return\n", Login,
			"# mine\n" + testBlock + "\n[ -z \"$PS1\" ] && return\n"},
		{"login file that redirects", "exec 2>log\nPATH=/usr/bin\n", Login, "exec 2>log\nPATH=/usr/bin\n" + testBlock},
		{"login file that becomes another shell", "exec zsh 2>log\n", Login, testBlock + "exec zsh 2>log\n"},
		{"file of fish", "", Fish, testFishBlock},
		{"file of fish that somebody has written in", "set x 1\n", Fish, "set x 1\n" + testFishBlock},
		{"login file whose function returns", "f() {\n  return 1\n}\n", Login, "f() {\n  return 1\n}\n" + testBlock},
		{".bashrc with a heading comment", "# .bashrc\n# two\n\nalias l=ls\n", Interactive,
			"# .bashrc\n# two\n" + testBlock + "\nalias l=ls\n"},
		{".bashrc with a comment on its first command", "# guard\n[ -z \"$PS1\" ] && return\n", Interactive,
			testBlock + "# guard\n[ -z \"$PS1\" ] && return\n"},
		{".bashrc with a shebang", "#!/bin/bash\n# guard\n[ -z \"$PS1\" ] && return\n", Interactive,
			"#!/bin/bash\n" + testBlock + "# guard\n[ -z \"$PS1\" ] && return\n"},
		{".bashrc that starts with a command", "alias l=ls\n", Interactive, testBlock + "alias l=ls\n"},
		{".bashrc of a comment alone", "# nothing", Interactive, "# nothing\n" + testBlockNoNewline},
		{".bashrc with CRLF", "# mine\r\n\r\nls\r\n", Interactive, "# mine\r\n" + testBlock + "\r\nls\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ensure(t, tt.text, testDir, tt.kind)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Ensure (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(got, ensure(t, got, testDir, tt.kind)); diff != "" {
				t.Errorf("a second Ensure (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.text, Remove(got)); diff != "" {
				t.Errorf("Remove (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEnsureRenewsInPlace(t *testing.T) {
	outdated := strings.ReplaceAll(testBlock, testDir, "/opt/it's old/bin")
	outdated = strings.ReplaceAll(outdated, "it's", `it'\''s`)
	crlf := strings.ReplaceAll(testBlock, "\n", "\r\n")
	indented := "  " + strings.ReplaceAll(strings.TrimSuffix(testBlock, "\n"), "\n", "\n  ") + "\n"
	tests := []struct {
		name, text, want string
	}{
		{"current", "a\n" + testBlock + "b\n", "a\n" + testBlock + "b\n"},
		{"for another directory", "a\n" + outdated + "b\n", "a\n" + testBlock + "b\n"},
		{"converted to CRLF", "a\r\n" + crlf + "b\r\n", "a\r\n" + testBlock + "b\r\n"},
		{"indented", "a\n" + indented + "b\n", "a\n" + testBlock + "b\n"},
		{"its newline gone", "a\n" + strings.TrimSuffix(testBlock, "\n"), "a\n" + testBlock},
		{"moved to the top of a login file", testBlock + "a\n", testBlock + "a\n"},
		{"lines added below a file without last newline", "a\n" + testBlockNoNewline + "b\n",
			"a\n" + testBlockNoNewline + "b\n"},
		{"a line of the user's does the same", "PATH=$PATH:" + testDir + "\n" + outdated,
			"PATH=$PATH:" + testDir + "\n" + testBlock},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, kind := range []Kind{Login, Interactive} {
				if diff := cmp.Diff(tt.want, ensure(t, tt.text, testDir, kind)); diff != "" {
					t.Errorf("Ensure (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestDamagedBlocks(t *testing.T) {
	begin, end := beginMarker+"\n", endMarker+"\n"
	byHand := strings.Replace(testStatement, "export PATH", "export PATH MANPATH", 1)
	expanding := strings.ReplaceAll(testStatement, "'"+testDir+"'", "$HOME/bin")
	disabled := strings.Replace(testStatement, "PATH=", "NOPATH=", 1)
	tests := []struct {
		name, text string
		want       string // Ensure, for a login file
		removed    string
	}{
		{"begin alone", "a\n" + begin + "b\n", "a\nb\n" + testBlock, "a\nb\n"},
		{"end alone", "a\n" + end + "b\n", "a\nb\n" + testBlock, "a\nb\n"},
		{"without end", "a\n" + begin + testStatement + "b\n", "a\n" + testBlock + "b\n", "a\nb\n"},
		{"without begin", "a\n" + testStatement + end + "b\n", "a\n" + testBlock + "b\n", "a\nb\n"},
		{"without statement", "a\n" + begin + end + "b\n", "a\nb\n" + testBlock, "a\nb\n"},
		{"cut off", "a\n" + begin + testCase + "\n", "a\n" + testCase + "\n" + testBlock, "a\n" + testCase + "\n"},
		{"two", testBlock + "a\n" + testBlock + "b\n", testBlock + "a\nb\n", "a\nb\n"},
		{"two, nested", begin + testBlock + end + "b\n", testBlock + "b\n", "b\n"},
		{"end marker first", end + begin + testStatement, testBlock, ""},
		{"changed by hand", "a\n" + begin + byHand + end + "b\n",
			"a\n" + byHand + "b\n" + testBlock, "a\n" + byHand + "b\n"},
		{"disabled by hand", "a\n" + begin + disabled + end + "b\n",
			"a\n" + disabled + "b\n" + testBlock, "a\n" + disabled + "b\n"},
		{"made to expand by hand", begin + expanding + end, expanding + testBlock, expanding},
		{"lines added inside", begin + "x=1\n" + testStatement + "y=1\n" + end, "x=1\n" + testBlock + "y=1\n", "x=1\ny=1\n"},
		{"a copy without markers is the user's", "a\n" + testStatement + "b\n",
			"a\n" + testStatement + "b\n" + testBlock, "a\n" + testStatement + "b\n"},
		{"the second ends a file without newline", testBlock + "a\n" + testBlockNoNewline, testBlock + "a", "a"},
		{"the first ended a file without newline", "a\n" + testBlockNoNewline + testBlock, "a\n" + testBlock, "a\n"},
		{"end alone of a file without newline", "a\n" + endMarkerNoNewline + "\n", "a\n" + testBlockNoNewline, "a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ensure(t, tt.text, testDir, Login)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Ensure (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(got, ensure(t, got, testDir, Login)); diff != "" {
				t.Errorf("a second Ensure (-want +got):\n%s", diff)
			}
			for _, text := range []string{tt.text, got} {
				if diff := cmp.Diff(tt.removed, Remove(text)); diff != "" {
					t.Errorf("Remove(%q) (-want +got):\n%s", text, diff)
				}
			}
		})
	}
}

// TestConfig: what becomes of a text when a configuration is named, or no longer, and the PATH is
// managed, or not.
func TestConfig(t *testing.T) {
	const onPath = "PATH=$PATH:" + testDir + "\n"
	both, path, config := Settings{Dir: testDir, Config: testConfig}, Settings{Dir: testDir}, Settings{Config: testConfig}
	tests := []struct {
		name, text string
		settings   Settings
		want       string
	}{
		{"both", "a\n", both, "a\n" + testBothBlock},
		{"both, where a line does the one", onPath, both, onPath + testConfigBlock},
		{"no PATH managed", "a\n", config, "a\n" + testConfigBlock},
		{"the PATH as it is", "a\n" + testBlock + "b\n", config, "a\n" + testBothBlock + "b\n"},
		{"added to a block", "a\n" + testBlock + "b\n", both, "a\n" + testBothBlock + "b\n"},
		{"taken out of a block", "a\n" + testBothBlock + "b\n", path, "a\n" + testBlock + "b\n"},
		{"taken out, the PATH as it is", "a\n" + testBothBlock + "b\n", Settings{}, "a\n" + testBlock + "b\n"},
		{"the only one", "a\n" + testConfigBlock + "b\n", Settings{}, "a\nb\n"},
		{"another file", strings.ReplaceAll(testBothBlock, testConfig, `/etc/it'\''s`), both, testBothBlock},
		{"two blocks", testConfigBlock + "a\n" + testBlock, both, testBothBlock + "a\n"},
		{"before a guard", "return\n", config, testConfigBlock + "return\n"},
		{"without begin", testStatement + testConfigStatement + "# patroni_install end\n", both, testBothBlock},
		{"without markers it is the user's", testConfigStatement, Settings{}, testConfigStatement},
		{"nothing", "a\n", Settings{}, "a\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.settings.Home = testHome
			got, err := Ensure(tt.text, tt.settings, Login)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Ensure (-want +got):\n%s", diff)
			}
			if Config(got) != tt.settings.Config {
				t.Errorf("Config is %q, want %q", Config(got), tt.settings.Config)
			}
		})
	}
	for _, name := range []string{"etc/patroni.yaml", "/etc/a\nb", "/etc/a\x00"} {
		if got, err := Ensure("a\n", Settings{Config: name}, Login); err == nil {
			t.Errorf("%q is taken: %q", name, got)
		}
	}
}

func TestRemoveKeepsLinesAddedBelow(t *testing.T) {
	text := ensure(t, "umask 022", testDir, Login) + "export A=1\n"
	if diff := cmp.Diff("umask 022\nexport A=1\n", Remove(text)); diff != "" {
		t.Errorf("Remove (-want +got):\n%s", diff)
	}
}

func TestRefusedDirectories(t *testing.T) {
	tests := []struct{ dir, want string }{
		{"bin", `cannot put "bin" on the PATH: not an absolute path`},
		{"/a:b", `cannot put "/a:b" on the PATH: a colon separates its entries`},
		{"/a\nrm x", `cannot put "/a\nrm x" on the PATH: it has control characters`},
		{"/a\r", `cannot put "/a\r" on the PATH: it has control characters`},
		{"/a\x00", `cannot put "/a\x00" on the PATH: it has control characters`},
	}
	for _, tt := range tests {
		_, ensureErr := Ensure("umask 022\n", Settings{Dir: tt.dir, Home: testHome}, Login)
		_, newErr := New(Login, ".profile", Settings{Dir: tt.dir})
		for call, err := range map[string]error{"Ensure": ensureErr, "New": newErr} {
			if err == nil || err.Error() != tt.want {
				t.Errorf("%s(%q): error %v, want %s", call, tt.dir, err, tt.want)
			}
		}
	}
}

func TestNew(t *testing.T) {
	readsBashrc := "if [ -f ~/.bashrc ]; then\n    . ~/.bashrc\nfi\n"
	tests := []struct {
		name string
		kind Kind
		want string
	}{
		{".bash_profile", Login, testBlock + readsBashrc},
		{".profile", Login, testBlock},
		{".bashrc", Interactive, testBlock},
		{".zprofile", Login, testBlock},
		{".config/fish/conf.d/patroni_install.fish", Fish, testFishBlock},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := New(tt.kind, tt.name, Settings{Dir: testDir})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("New (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(got, ensure(t, got, testDir, tt.kind)); diff != "" {
				t.Errorf("Ensure of a new file (-want +got):\n%s", diff)
			}
			if !Bare(tt.kind, tt.name, Remove(got)) {
				t.Errorf("a new %s without its block does not count as bare", tt.name)
			}
			if Bare(tt.kind, tt.name, got) || Bare(tt.kind, tt.name, Remove(got)+"umask 077\n") {
				t.Errorf("a %s with a block or a line of the user's counts as bare", tt.name)
			}
		})
	}
}

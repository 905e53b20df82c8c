package profile

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fishFile is the one file that the shells of fish read of ours.
const fishFile = ".config/fish/conf.d/patroni_install.fish"

func TestReads(t *testing.T) {
	bash := func(login string) []File { return []File{{login, Login}, {".bashrc", Interactive}} }
	profile, ksh := []File{{".profile", Login}}, []File{{".profile", Login}, {".kshrc", Interactive}}
	zsh := []File{{".zprofile", Login}, {".zshrc", Interactive}}
	tests := []struct {
		name     string
		existing []string
		shell    string
		want     []File
	}{
		{"bash, nothing", nil, "/bin/bash", bash(".bash_profile")},
		{"bash, .bashrc alone", []string{".bashrc"}, "/bin/bash", bash(".bash_profile")},
		{"bash, .profile", []string{".profile", ".bashrc"}, "/bin/bash", bash(".profile")},
		{"bash, .bash_login and .profile", []string{".profile", ".bash_login"}, "/usr/bin/bash", bash(".bash_login")},
		{"bash, all", []string{".profile", ".bash_login", ".bash_profile"}, "/bin/bash", bash(".bash_profile")},
		{"restricted bash", nil, "/bin/rbash", bash(".bash_profile")},
		{"sh, nothing", nil, "/bin/sh", profile},
		{"sh, .bash_profile", []string{".bash_profile"}, "/bin/sh", profile},
		{"dash, all", []string{".bash_profile", ".profile"}, "/bin/dash", profile},
		{"ash", nil, "/bin/ash", profile},
		{"ksh", nil, "/usr/bin/ksh", ksh},
		{"ksh93", []string{".bash_profile"}, "/usr/bin/ksh93", ksh},
		{"mksh", nil, "/bin/mksh", []File{{".profile", Login}, {".mkshrc", Interactive}}},
		{"no shell named", nil, "", profile},
		{"no shell", nil, "/usr/sbin/nologin", profile},
		{"no shell, in the other way", nil, "/bin/false", profile},
		{"zsh", []string{".profile", ".bashrc"}, "/usr/bin/zsh", zsh},
		{"fish", []string{".profile", ".bashrc"}, "/usr/bin/fish", []File{{fishFile, Fish}}},
		{"tcsh", []string{".profile"}, "/bin/tcsh", nil},
		{"a directory", nil, "/", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			shell, known := ShellOf(tt.shell)
			got := shell.Reads(func(name string) bool { return slices.Contains(tt.existing, name) })
			if diff := cmp.Diff(tt.want, got); diff != "" || known != (tt.want != nil) {
				t.Errorf("Reads of a shell that is known (%t) (-want +got):\n%s", known, diff)
			}
		})
	}
}

// TestRows: a program is one shell's, and a file has one kind.
func TestRows(t *testing.T) {
	programs := map[string]bool{}
	for _, s := range shells() {
		for _, name := range s.programs {
			if programs[name] {
				t.Errorf("%q is in two rows", name)
			}
			programs[name] = true
		}
		for _, file := range slices.Concat(s.login, s.further) {
			if !s.MayRead(file) {
				t.Errorf("the row of %q does not read %s", s.programs, file.Name)
			}
		}
	}
	var names []string
	for _, file := range Files() {
		names = append(names, file.Name)
	}
	want := []string{
		".bash_profile", ".bash_login", ".profile", ".bashrc", ".kshrc", ".mkshrc", ".zprofile", ".zshrc", fishFile,
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("Files (-want +got):\n%s", diff)
	}
}

// TestPage: the table of the README has each row, and no shell beside them.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../../../../roles/install_patroni/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n| shell | ")
	table, _, _ = strings.Cut(table, "\n\n")
	quoted := regexp.MustCompile("`([^`]+)`")
	listed := map[string]bool{}
	for line := range strings.Lines(table) {
		for _, name := range quoted.FindAllStringSubmatch(strings.Split(line+"||", "|")[1], -1) {
			shell, known := ShellOf(name[1])
			if !known {
				t.Errorf("the README has %s, which no row has", name[1])
			}
			for _, file := range slices.Concat(shell.login, shell.further) {
				if !strings.Contains(line, "`"+file.Name+"`") {
					t.Errorf("the README does not say that %s reads %s", name[1], file.Name)
				}
			}
			listed[name[1]] = true
		}
	}
	for _, s := range shells() {
		for _, name := range s.programs {
			if name != "" && !listed[name] {
				t.Errorf("the README does not have the shell %s", name)
			}
		}
	}
}

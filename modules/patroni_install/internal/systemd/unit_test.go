package systemd

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreos/go-systemd/v22/unit"
	"github.com/google/go-cmp/cmp"
)

func patroni() Unit {
	return Unit{
		Name: "patroni", User: "postgres", Group: "postgres",
		Exec:       "/var/lib/postgresql/.local/bin/patroni",
		ConfigPath: "/etc/patroni/patroni.yaml",
	}
}

const patroniService = `# Written by patroni_install, which undoes any change made in this file.
# Settings of your own belong into a drop-in: systemctl edit patroni.service

[Unit]
Description=Patroni, high availability for PostgreSQL
# Patroni registers this host's addresses in the DCS, so the network has to be up.
Wants=network-online.target
# etcd on this host and the log socket come first where they exist. Neither is required: the DCS
# may run elsewhere, and Patroni bears its absence.
After=network-online.target etcd.service syslog.socket

[Service]
# Type=notify needs Python's systemd module; without it systemd would wait for a message that
# never comes and restart the service for ever.
Type=simple
# PostgreSQL refuses to run as root.
User=postgres
Group=postgres
ExecStart=/var/lib/postgresql/.local/bin/patroni /etc/patroni/patroni.yaml
# Patroni reads its configuration again on HUP; nothing is restarted.
ExecReload=/bin/kill -s HUP $MAINPID
# Only Patroni gets the signal: it stops PostgreSQL itself, in order. Signals from systemd to
# PostgreSQL's processes would cut that short.
KillMode=process
# A stop waits for a synchronous standby, up to two loop_wait intervals.
TimeoutSec=30
# PostgreSQL must not run on without a Patroni that watches it.
Restart=on-failure

[Install]
WantedBy=multi-user.target
`

func TestRender(t *testing.T) {
	for range 2 {
		if diff := cmp.Diff(patroniService, string(patroni().Render())); diff != "" {
			t.Errorf("Render (-want +got):\n%s", diff)
		}
	}
}

// TestRenderedValues reads units back with another parser.
func TestRenderedValues(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Unit)
		option string
		want   string
	}{
		{"plain", func(*Unit) {}, "ExecStart", "/var/lib/postgresql/.local/bin/patroni /etc/patroni/patroni.yaml"},
		{"space in the program", func(u *Unit) { u.Exec = "/opt/a b/patroni" }, "ExecStart",
			`"/opt/a b/patroni" /etc/patroni/patroni.yaml`},
		{"percent in the program", func(u *Unit) { u.Exec = "/opt/100%/patroni" }, "ExecStart",
			"/opt/100%%/patroni /etc/patroni/patroni.yaml"},
		{"dollar in the program", func(u *Unit) { u.Exec = "/opt/$HOME/patroni" }, "ExecStart",
			"/opt/$HOME/patroni /etc/patroni/patroni.yaml"},
		{"dollar in the argument", func(u *Unit) { u.ConfigPath = "/etc/$HOME/${x}.yaml" }, "ExecStart",
			`/var/lib/postgresql/.local/bin/patroni "/etc/$$HOME/$${x}.yaml"`},
		{"quotes in the argument", func(u *Unit) { u.ConfigPath = `/etc/it's "mine".yaml` }, "ExecStart",
			`/var/lib/postgresql/.local/bin/patroni "/etc/it's \"mine\".yaml"`},
		{"backslash and percent in the argument", func(u *Unit) { u.ConfigPath = `/etc/a\x20%n` }, "ExecStart",
			`/var/lib/postgresql/.local/bin/patroni "/etc/a\\x20%%n"`},
		{"semicolon in the argument", func(u *Unit) { u.ConfigPath = "/etc/;.yaml" }, "ExecStart",
			`/var/lib/postgresql/.local/bin/patroni "/etc/;.yaml"`},
		{"percent in the user", func(u *Unit) { u.User = "a%n" }, "User", "a%%n"},
		{"another group", func(u *Unit) { u.Group = "dba" }, "Group", "dba"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := patroni()
			tt.change(&u)
			if err := u.Check(); err != nil {
				t.Error(err)
			}
			options, err := unit.DeserializeOptions(bytes.NewReader(u.Render()))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range options {
				if o.Section == "Service" && o.Name == tt.option {
					got = append(got, o.Value)
				}
			}
			if diff := cmp.Diff([]string{tt.want}, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.option, diff)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Unit)
		want   string
	}{
		{"path in the name", func(u *Unit) { u.Name = "../x" },
			`cannot make a unit of "../x.service": not a unit name: letters, digits and :_.-\ are allowed, and one @`},
		{"no name", func(u *Unit) { u.Name = "" }, `cannot make a unit of ".service": not a unit name`},
		{"template", func(u *Unit) { u.Name = "patroni@" }, "not a unit name"},
		{"newline in the name", func(u *Unit) { u.Name = "patroni\n" }, "not a unit name"},
		{"long name", func(u *Unit) { u.Name = strings.Repeat("a", 250) }, "not a unit name"},
		{"no user", func(u *Unit) { u.User = "" }, "user and group must be given"},
		{"no group", func(u *Unit) { u.Group = "" }, "user and group must be given"},
		{"newline in the user", func(u *Unit) { u.User = "a\nExecStartPre=/bin/x" }, "characters that a unit file cannot hold"},
		{"newline in the group", func(u *Unit) { u.Group = "a\nUser=root" }, "characters that a unit file cannot hold"},
		{"a user that ends in a backslash", func(u *Unit) { u.User = `a\` }, "would join its line with the next one"},
		{"a group that ends in a backslash", func(u *Unit) { u.Group = `a\` }, "would join its line with the next one"},
		{"a control character", func(u *Unit) { u.User = "a\x7f" }, "characters that a unit file cannot hold"},
		{"relative program", func(u *Unit) { u.Exec = "patroni" }, `the program "patroni" is not an absolute path`},
		{"double quote in the program", func(u *Unit) { u.Exec = `/a"b/patroni` }, "systemd runs no program whose path has quotes"},
		{"single quote in the program", func(u *Unit) { u.Exec = `/a'b/patroni` }, "systemd runs no program whose path has quotes"},
		{"backslash in the program", func(u *Unit) { u.Exec = `/a\b/patroni` }, "systemd runs no program whose path has quotes"},
		{"newline in the program", func(u *Unit) { u.Exec = "/a\nb/patroni" }, "characters that a unit file cannot hold"},
		{"relative configuration", func(u *Unit) { u.ConfigPath = "patroni.yaml" }, `"patroni.yaml" is not an absolute path`},
		{"newline in the configuration", func(u *Unit) { u.ConfigPath = "/a\nUser=root" }, "characters that a unit file cannot hold"},
		{"configuration that is not UTF-8", func(u *Unit) { u.ConfigPath = "/a\xff" }, "characters that a unit file cannot hold"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := patroni()
			tt.change(&u)
			if err := u.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Check: %v, want %q", err, tt.want)
			}
		})
	}
	instance := patroni()
	instance.Name = "patroni@17-main"
	if err := instance.Check(); err != nil {
		t.Errorf("Check of an instance: %v", err)
	}
}

// TestVerify hands units to systemd's own parser, if the machine has it.
func TestVerify(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	for _, name := range []string{"plain", "a b", "100%n", "$HOME", "a;b", "#c", "é", "*?[", "~"} {
		t.Run(name, func(t *testing.T) {
			u := patroni()
			u.User, u.Group = "root", "root"
			u.Exec = filepath.Join(t.TempDir(), name, "patroni")
			u.ConfigPath = "/etc/" + name + `"'\`
			writeFile(t, u.Exec, []byte("#!/bin/sh\n"), 0o755)
			file := filepath.Join(t.TempDir(), u.FileName())
			writeFile(t, file, u.Render(), 0o644)
			out, err := exec.Command(analyze, "verify", "--man=no", file).CombinedOutput()
			for line := range strings.Lines(string(out)) {
				if strings.Contains(line, u.FileName()) {
					t.Errorf("systemd-analyze (%v): %s\n%s", err, line, u.Render())
				}
			}
		})
	}
}

// TestPaths finds the program and the configuration that Render wrote, and those that people write.
func TestPaths(t *testing.T) {
	for _, name := range []string{"plain", "a b", "100%n", "it's"} {
		u := patroni()
		u.Exec, u.ConfigPath = "/opt/"+name+"/bin/patroni", "/etc/"+name+`/"$x\p.yaml`
		if diff := cmp.Diff([]string{u.Exec, u.ConfigPath}, Paths(Commands(u.Render())[0])); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	for command, want := range map[string][]string{
		`-@/opt/b/patroni patroni '/etc/a b/c'`: {"/opt/b/patroni", "/etc/a b/c"},
		"/usr/bin/env A=/x\t/opt/b/patroni":     {"/usr/bin/env", "/opt/b/patroni"},
		`"/opt/never closed`:                    nil,
		`/opt/end\`:                             nil,
		"":                                      nil,
	} {
		if diff := cmp.Diff(want, Paths(command)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", command, diff)
		}
	}
}

// TestMention finds what Render wrote, in spite of how a unit spells it, and what people write.
func TestMention(t *testing.T) {
	const program = "/opt/patroni/bin/patroni"
	for _, name := range []string{"plain", "a b", "100%n", "$HOME", `"'\`} {
		u := patroni()
		u.ConfigPath = "/etc/" + name + "/p.yaml"
		commands := Commands(u.Render())
		for path, want := range map[string]bool{
			u.Exec: true, u.ConfigPath: true, "/etc/" + name + "/": true,
			u.Exec + "ctl": false, "/etc/" + name: false, "/etc/": true,
			"/etc/other/": false, "/etc/a": false, "/etc/a/": false, "/etc/" + name + "/p": false,
		} {
			if Mention(commands, path) != want {
				t.Errorf("%q mentions %s: %t, want %t", commands, path, !want, want)
			}
		}
	}
	for text, want := range map[string]bool{
		"ExecStart=" + program + " c":                                 true,
		" ExecStart = -@" + program + " patroni c":                    true,
		"ExecStart=/usr/bin/env A=1 \\\n  " + program + "\n":          true,
		"ExecStart=/usr/bin/env A=" + program:                         true,
		"ExecStart=+" + program:                                       true,
		"ExecStart=:" + program:                                       true,
		"ExecStart=!!" + program:                                      true,
		"ExecStart=|" + program:                                       true,
		"ExecStart='" + program + "' c":                               true,
		"ExecStart=/bin/true\nExecStart=" + program:                   true,
		"ExecStart=" + program + "_exporter " + program + "\t":        true,
		"ExecStart=/bin/sh -c '" + program + " c'":                    true,
		"ExecStart=/bin/sh -ec '/bin/x; exec " + program + " c'":      true,
		"ExecStart=/usr/bin/env \"A=1 " + program + "\"":              true,
		"ExecStart='" + program + " b/patroni' c":                     false,
		"ExecStart=" + program + "_exporter":                          false,
		"ExecStart=/srv" + program:                                    false,
		"#ExecStart=" + program:                                       false,
		"ExecStartPre=" + program + "\nDescription=" + program + "\n": false,
		"ExecStart": false,
		"":          false,
	} {
		if Mention(Commands([]byte(text)), program) != want {
			t.Errorf("%q: %t, want %t", text, !want, want)
		}
	}
}

func writeFile(t *testing.T, file string, content []byte, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, mode); err != nil {
		t.Fatal(err)
	}
}

package pipx

import (
	"strings"
	"testing"
)

func TestConstraints(t *testing.T) {
	const hash = "--hash=sha256:0123456789012345678901234567890123456789012345678901234567890123"
	for text, want := range map[string]string{
		"":         "",
		"\n# none": "",
		"click<9 # ours\nPyYAML >= 5, != 6.0 ; python_version < '3.12'\n": "",
		"click == 8.*\r\nurllib3\n":                                       "",
		"click (>=8)":                                                     "",
		"foo.bar==1.0+local":                                              "",
		"click<\\\n9":                                                     "",
		"click @ https://index.example/click-8.1.7-py3-none-any.whl": "",
		"click<9\n-r /etc/passwd":                                    `line 2: "-r" is not allowed in a file of constraints, only packages and their versions`,
		"-c more.txt":                                                `line 1: "-c" is not allowed`,
		"-e .":                                                       `line 1: "-e" is not allowed`,
		"--trusted-host index.example":                               `line 1: "--trusted-host" is not allowed`,
		"--index-url=https://u:geheim@index.example/simple": `line 1: "--index-url=https://…" is not allowed`,
		"--pre":                         `line 1: "--pre" is not allowed`,
		"click<9 --config-settings=a=b": `line 1: "--config-settings=a=b" is not allowed`,
		"click==8.1.7 " + hash:          `line 1: "--hash=sha256:0123456789012345"… belongs into a lock file`,
		"click --hash=md5:00":           `line 1: "--hash=md5:00" is not allowed`,
		"patroni[etcd]==4.1.5":          "line 1: a constraint has no extras; write patroni without them",
		"click 9":                       `line 1: "click 9" does not name a package and its versions, as in click<9`,
		"click=9":                       `line 1: "click=9" does not name`,
		"click (<9":                     `line 1: "click (<9" does not name`,
		"click <9)":                     `line 1: "click <9)" does not name`,
		"click<9,":                      `line 1: "click<9," does not name`,
		"==4.1":                         `line 1: "==4.1" does not name`,
		"https://u:geheim@x/click.whl":  `line 1: "https://…" does not name`,
		"./click.whl":                   `line 1: "./click.whl" does not name`,
		"click==${VERSION}":             `line 1: "click==${VERSION}" does not name`,
		"click<9\x0b-r x":               "line 1: it has a character that pip may take for the end of a line",
		"click;'a'==\\ \nx":             "line 1: it ends in a backslash that continues nothing",
		"click;'a'==\\\\\n\nx":          "line 2: it ends in a backslash that continues nothing",
		"click<9\\":                     "its last line is continued by nothing",
	} {
		_, err := Constraints(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

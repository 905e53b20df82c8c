package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	json "github.com/goccy/go-json"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"patroni_install": main})
}

// TestScripts runs the program as Ansible and as people do; what it does on a host is tested on
// real ones, by molecule.
func TestScripts(t *testing.T) {
	public := copyOfProgram(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Condition: func(name string) (bool, error) {
			if name != "root" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return os.Geteuid() == 0, nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"module": func(ts *testscript.TestScript, neg bool, args []string) { runModule(ts, neg, args, nil) },
			"module-as-nobody": func(ts *testscript.TestScript, neg bool, args []string) {
				runModule(ts, neg, args, []string{public})
			},
			"result": checkResult,
		},
	})
}

// nobody is an account without any right.
const nobody = 65534

// copyOfProgram is one that an account without any right can start.
func copyOfProgram(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "patroni_install") //nolint:usetesting // t.TempDir is for our own user alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program := filepath.Join(dir, "patroni_install")
	self, err := os.Executable()
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err == nil {
		err = copyFile(program, self)
	}
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // read only
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// runModule is "module FILE": it runs the program with the arguments in FILE on standard input.
// The output, kept in the file result, must be one JSON object on one line, with nothing on
// standard error; "! module" wants it to have failed.
func runModule(ts *testscript.TestScript, neg bool, args, program []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: module FILE")
	}
	cmd := exec.Command("patroni_install", "-")
	if program != nil {
		cmd = exec.Command(program[0], "-")
		if os.Geteuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}
	}
	cmd.Stdin = bytes.NewBufferString(ts.ReadFile(args[0]))
	cmd.Dir = "/"
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	ts.Logf("%s%s", stdout.String(), stderr.String())
	ts.Check(os.WriteFile(ts.MkAbs("result"), stdout.Bytes(), 0o600))
	if failed := err != nil; failed != neg {
		ts.Fatalf("the module's exit: %v", err)
	}
	if got := checkProtocol(stdout.Bytes())["failed"]; got != any(neg) {
		ts.Fatalf("failed is %v", got)
	}
	if stderr.Len() > 0 {
		ts.Fatalf("standard error: %s", stderr.String())
	}
}

// checkProtocol decodes the output, nil when it is not one object on one line.
func checkProtocol(output []byte) map[string]any {
	var keys map[string]any
	if bytes.Count(output, []byte("\n")) != 1 || json.Unmarshal(output, &keys) != nil {
		return nil
	}
	return keys
}

// checkResult is "result KEY PATTERN": the last module's result has a key whose text matches the
// whole pattern; "! result KEY" wants it to have no such key.
func checkResult(ts *testscript.TestScript, neg bool, args []string) {
	keys := checkProtocol([]byte(ts.ReadFile("result")))
	value, found := keys[args[0]]
	if neg {
		if found {
			ts.Fatalf("%s is %v", args[0], value)
		}
		return
	}
	if text := fmt.Sprint(value); !found || !regexp.MustCompile(`^(?:`+args[1]+`)$`).MatchString(text) {
		ts.Fatalf("%s is %q, want a match of %q", args[0], text, args[1])
	}
}

package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	passwd = "root:x:0:0:root:/root:/bin/bash\r\n+@staff::::::\nbroken:x:1\n\n" +
		"postgres:x:26:27:PostgreSQL:/var/lib/pgsql:/bin/bash\n" +
		"lonely:x:30:31::/home/lonely:/bin/sh\n" +
		"odd:x:many:27::/:/bin/sh\nnoone:x:4294967295:27::/:/bin/sh\nhuge:x:40:99999999999::/:/bin/sh"
	group = "root:x:0:\npostgres-group:x:27:postgres\n"
)

// getent answers as the real program does.
func getent(entries map[string]string) func(Command) (Output, error) {
	return func(cmd Command) (Output, error) {
		entry, known := entries[cmd.Argv[1]+" "+cmd.Argv[2]]
		if !known {
			return Output{}, fmt.Errorf("wrapped: %w", &CommandError{Argv: cmd.Argv, Status: "exit status 2", Code: 2})
		}
		return Output{Stdout: []byte(entry)}, nil
	}
}

func TestLookupUser(t *testing.T) {
	for _, tt := range []struct {
		name    string
		entries map[string]string // of getent
		want    *User
		err     error
		argv    [][]string
	}{
		{
			name: "postgres",
			want: &User{Name: "postgres", Group: "postgres-group", UID: 26, GID: 27, Home: "/var/lib/pgsql", Shell: "/bin/bash"},
		},
		{
			name: "26",
			want: &User{Name: "postgres", Group: "postgres-group", UID: 26, GID: 27, Home: "/var/lib/pgsql", Shell: "/bin/bash"},
		},
		{
			name: "root",
			want: &User{Name: "root", Group: "root", Home: "/root", Shell: "/bin/bash"},
		},
		{
			name: "lonely",
			want: &User{Name: "lonely", Group: "31", UID: 30, GID: 31, Home: "/home/lonely", Shell: "/bin/sh"},
			argv: [][]string{{"getent", "group", "31"}},
		},
		{
			name: "ldap",
			entries: map[string]string{
				"passwd ldap": "ldap:*:5000:5001:From LDAP:/home/ldap:/bin/bash\n", "group 5001": "people:*:5001:ldap\n",
			},
			want: &User{Name: "ldap", Group: "people", UID: 5000, GID: 5001, Home: "/home/ldap", Shell: "/bin/bash"},
			argv: [][]string{{"getent", "passwd", "ldap"}, {"getent", "group", "5001"}},
		},
		{
			name:    "SVC-pg",
			entries: map[string]string{"passwd SVC-pg": "svc-pg@corp.example.com:*:5000:31:From AD:/home/svc:/bin/bash\n"},
			want: &User{
				Name: "svc-pg@corp.example.com", Group: "31", UID: 5000, GID: 31, Home: "/home/svc", Shell: "/bin/bash",
			},
			argv: [][]string{{"getent", "passwd", "SVC-pg"}, {"getent", "group", "31"}},
		},
		{
			name:    "two",
			entries: map[string]string{"passwd two": "a:*:5000:31::/:/bin/sh\nb:*:5001:31::/:/bin/sh\n"},
			err:     ErrNoUser, argv: [][]string{{"getent", "passwd", "two"}},
		},
		{
			name: "5000", entries: map[string]string{"passwd 5000": "a:*:5001:31::/:/bin/sh\n"},
			err: ErrNoUser, argv: [][]string{{"getent", "passwd", "5000"}},
		},
		{name: "nobody-here", err: ErrNoUser, argv: [][]string{{"getent", "passwd", "nobody-here"}}},
		{name: "other", entries: map[string]string{"passwd other": "garbage\n"}, err: ErrNoUser, argv: [][]string{{"getent", "passwd", "other"}}},
		{name: "broken", err: ErrNoUser, argv: [][]string{{"getent", "passwd", "broken"}}},
		{name: "", err: ErrNoUser},
		{name: "--service=evil", err: ErrNoUser},
		{name: "a:b", err: ErrNoUser},
		{name: "a\nb", err: ErrNoUser},
		{name: "odd", err: errAny},
		{name: "noone", err: errAny},
		{name: "huge", err: errAny},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, runner, _ := newHost(t, map[string]string{"etc/passwd": passwd, "etc/group": group})
			runner.answer = getent(tt.entries)
			user, err := h.LookupUser(t.Context(), tt.name)
			checkError(t, err, tt.err)
			if diff := cmp.Diff(tt.want, user); diff != "" {
				t.Errorf("user (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.argv, runner.argv); diff != "" {
				t.Errorf("commands (-want +got):\n%s", diff)
			}
		})
	}
}

// errAny stands for an error of no particular kind, but not a missing user.
var errAny = errors.New("any error")

func checkError(t *testing.T, err, want error) {
	t.Helper()
	if errors.Is(want, errAny) {
		if err == nil || errors.Is(err, ErrNoUser) {
			t.Errorf("error %v, want one that is not about a missing user", err)
		}
		return
	}
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// TestLookupUserGetentFails tells a user who does not exist from one who could not be looked up.
func TestLookupUserGetentFails(t *testing.T) {
	for name, tt := range map[string]struct{ failure, want error }{
		"not installed": {failure: fmt.Errorf("cannot run getent: %w", exec.ErrNotFound), want: ErrNoUser},
		"exit status 1": {failure: &CommandError{Status: "exit status 1", Code: 1}, want: errAny},
		"stopped":       {failure: &CommandError{Code: -1, Cause: context.Canceled}, want: errAny},
	} {
		t.Run(name, func(t *testing.T) {
			h, runner, _ := newHost(t, nil) // no passwd file either
			runner.answer = func(Command) (Output, error) { return Output{}, tt.failure }
			_, err := h.LookupUser(t.Context(), "postgres")
			checkError(t, err, tt.want)
		})
	}
}

func TestLookupUserThroughLinks(t *testing.T) {
	h, _, dir := newHost(t, map[string]string{"usr/etc/passwd": passwd, "etc/group": group})
	must(t, os.Symlink("../usr/etc/passwd", filepath.Join(dir, "etc/passwd")))
	if user, err := h.LookupUser(t.Context(), "postgres"); err != nil || user.UID != 26 {
		t.Errorf("user %v, %v", user, err)
	}
}

func TestLookupUserUnreadable(t *testing.T) {
	h, _, dir := newHost(t, map[string]string{"etc/group": group})
	must(t, os.Mkdir(filepath.Join(dir, "etc/passwd"), 0o755))
	_, err := h.LookupUser(t.Context(), "postgres")
	var path *fs.PathError
	if !errors.As(err, &path) || path.Path != "/etc/passwd" {
		t.Errorf("error %v, want one that names /etc/passwd", err)
	}
}

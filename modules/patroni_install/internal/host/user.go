package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// passwdLimit limits a local account file, in bytes.
const passwdLimit = 16 << 20

// User is an account.
type User struct {
	Name  string
	Group string // name of the primary group
	UID   int
	GID   int
	Home  string
	Shell string
}

// ErrNoUser reports an account that neither the passwd file nor getent knows.
var ErrNoUser = errors.New("no such user")

// credential makes a child run as the user, in its primary group alone.
func (u *User) credential() *syscall.Credential {
	return &syscall.Credential{
		Uid:    uint32(u.UID), //nolint:gosec // parsed as 32 bits
		Gid:    uint32(u.GID), //nolint:gosec // parsed as 32 bits
		Groups: []uint32{},
	}
}

// LookupUser finds an account in /etc/passwd, and asks getent (LDAP, sssd) only if it is not there. A number is
// looked up as an id. An unknown account is ErrNoUser; a directory service that does not answer is another error.
func (h *Host) LookupUser(ctx context.Context, name string) (*User, error) {
	fields, err := h.lookup(ctx, "passwd", name, 7, ErrNoUser)
	if err != nil {
		return nil, fmt.Errorf("cannot look up user %s: %w", name, err)
	}
	uid, err := parseID(fields[2])
	if err != nil {
		return nil, fmt.Errorf("cannot look up user %s: %w", name, err)
	}
	gid, err := parseID(fields[3])
	if err != nil {
		return nil, fmt.Errorf("cannot look up user %s: %w", name, err)
	}
	user := &User{Name: fields[0], UID: uid, GID: gid, Home: fields[5], Shell: fields[6]}
	user.Group = h.groupName(ctx, gid)
	return user, nil
}

// groupName returns a group's name, or its number if it has none: systemd takes both.
func (h *Host) groupName(ctx context.Context, gid int) string {
	fields, err := h.lookup(ctx, "group", strconv.Itoa(gid), 4, fs.ErrNotExist)
	if err != nil {
		return strconv.Itoa(gid)
	}
	return fields[0]
}

// lookup finds the entry whose name (or, for digits, id) is key in a passwd-like database.
func (h *Host) lookup(ctx context.Context, database, key string, width int, missing error) ([]string, error) {
	if key == "" || strings.HasPrefix(key, "-") || strings.ContainsAny(key, ":\n") {
		return nil, missing // no name, and getent would take some for options
	}
	data, err := h.readThroughLink("/etc/"+database, passwdLimit)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if fields := findEntry(data, key, width); fields != nil {
		return fields, nil
	}
	out, err := h.Run.Run(ctx, Command{Argv: []string{"getent", database, key}, Env: SystemEnv()})
	var failed *CommandError
	if errors.As(err, &failed) && failed.Code == 2 || errors.Is(err, exec.ErrNotFound) {
		return nil, missing
	}
	if err != nil {
		return nil, err // an unreachable directory service says nothing about the account
	}
	if fields := findAnswer(string(out.Stdout), key, width); fields != nil {
		return fields, nil
	}
	return nil, missing
}

// findAnswer finds the entry in what getent said of key. A directory service has its own spelling of a name, such as
// with its domain or in other letters, and then its one answer counts.
func findAnswer(text, key string, width int) []string {
	if fields := findEntry(text, key, width); fields != nil {
		return fields
	}
	name, _, _ := strings.Cut(text, ":")
	if _, err := parseID(key); err == nil || strings.Count(text, "\n") != 1 {
		return nil
	}
	return findEntry(text, name, width)
}

func findEntry(text, key string, width int) []string {
	column := 0
	if _, err := parseID(key); err == nil {
		column = 2
	}
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimRight(line, "\r\n"), ":")
		if len(fields) == width && fields[column] == key {
			return fields
		}
	}
	return nil
}

func parseID(text string) (int, error) {
	id, err := strconv.ParseUint(text, 10, 32)
	if err == nil && id == math.MaxUint32 {
		err = fmt.Errorf("id %s means no one", text) // chown would change nothing
	}
	return int(id), err //nolint:gosec // 32 bits fit
}

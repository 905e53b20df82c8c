package fsys

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestCheckAccess: every directory counts that the kernel passes on the way, and the file itself.
func TestCheckAccess(t *testing.T) {
	needRoot(t, "files belong to several users")
	const user, group = 33, 44
	f, dir := newFS(t)
	build(t, dir, map[string]entry{
		"bin":            {Type: Directory, Mode: 0o755},
		"bin/open":       {Type: File, Mode: 0o755},
		"bin/secret":     {Type: File, Mode: 0o700},
		"bin/dull":       {Type: File, Mode: 0o644},
		"bin/mine":       {Type: File, Mode: 0o500},
		"bin/notmine":    {Type: File, Mode: 0o077},
		"bin/ours":       {Type: File, Mode: 0o750},
		"bin/notours":    {Type: File, Mode: 0o705},
		"bin/root":       {Type: Link, Text: "../root/program"},
		"bin/through":    {Type: Link, Text: "/opt/link"},
		"bin/back":       {Type: Link, Text: "/root/../bin/open"},
		"bin/chain":      {Type: Link, Text: "chained"},
		"bin/chained":    {Type: Link, Text: "open"},
		"bin/loop":       {Type: Link, Text: "loop"},
		"bin/nowhere":    {Type: Link, Text: "none"},
		"home":           {Type: Directory, Mode: 0o755},
		"home/link":      {Type: Link, Text: "/bin/open"},
		"opt":            {Type: Directory, Mode: 0o750},
		"opt/link":       {Type: Link, Text: "/bin/open"},
		"root":           {Type: Directory, Mode: 0o700},
		"root/program":   {Type: File, Mode: 0o755},
		"share":          {Type: Directory, Mode: 0o711},
		"share/listed":   {Type: File, Mode: 0o644},
		"share/unlisted": {Type: File, Mode: 0o600},
	})
	for _, name := range []string{"bin/mine", "home"} {
		must(t, os.Chown(filepath.Join(dir, name), user, 0))
	}
	for name, gid := range map[string]int{"bin/ours": group, "bin/notours": group, "opt": group + 1} {
		must(t, os.Chown(filepath.Join(dir, name), 0, gid))
	}
	must(t, os.Chown(filepath.Join(dir, "bin/notmine"), user, group))
	for _, c := range []struct {
		path   string
		right  Right
		closed string // "" if it is open
		err    error  // another one
	}{
		{path: "/bin/open", right: Execute},
		{path: "/bin/../bin/./open", right: Execute},
		{path: "/bin/chain", right: Execute},
		{path: "/bin/mine", right: Execute},
		{path: "/bin/ours", right: Read},
		{path: "/share/listed", right: Read},
		{path: "/", right: Execute},
		{"/bin/secret", Execute, "it may not execute /bin/secret (0700 0:0)", nil},
		{"/bin/dull", Execute, "it may not execute /bin/dull (0644 0:0)", nil},
		{"/bin/notmine", Read, "it may not read /bin/notmine (0077 33:44)", nil},
		{"/bin/notours", Read, "it may not read /bin/notours (0705 0:44)", nil},
		{"/share/unlisted", Read, "it may not read /share/unlisted (0600 0:0)", nil},
		{"/share", Read, "it may not read /share (0711 0:0)", nil},
		{"/root/program", Execute, "it may not enter /root (0700 0:0)", nil},
		{"/root/none", Execute, "it may not enter /root (0700 0:0)", nil},
		{"/bin/root", Execute, "it may not enter /root (0700 0:0)", nil},
		{"/bin/through", Execute, "it may not enter /opt (0750 0:45)", nil},
		{"/bin/back", Execute, "it may not enter /root (0700 0:0)", nil},
		{path: "/bin/loop", right: Execute, err: unix.ELOOP},
		{path: "/bin/nowhere", right: Execute, err: fs.ErrNotExist},
		{path: "/home/link", right: Execute, err: &LinkError{}},
	} {
		err := f.CheckAccess(c.path, user, group, c.right)
		var closed *ClosedError
		var link *LinkError
		switch {
		case c.closed != "":
			if !errors.As(err, &closed) || err.Error() != c.closed {
				t.Errorf("%s: %v, want %s", c.path, err, c.closed)
			}
		case errors.As(c.err, &link):
			if !errors.As(err, &link) {
				t.Errorf("%s: %v, want a link", c.path, err)
			}
		case !errors.Is(err, c.err):
			t.Errorf("%s: %v, want %v", c.path, err, c.err)
		}
		if err := f.CheckAccess(c.path, 0, 0, c.right); errors.As(err, &closed) {
			t.Errorf("%s is closed to root: %v", c.path, err)
		}
	}
}

// TestCheckAccessByList: a list that may let the user in is given the benefit of the doubt, within its mask.
func TestCheckAccessByList(t *testing.T) {
	needRoot(t, "a file of another user")
	f, dir := newFS(t)
	for _, c := range []struct {
		mode fs.FileMode
		list bool
		open bool
	}{
		{0o640, true, true}, {0o640, false, false}, {0o600, true, false},
	} {
		name := filepath.Join(dir, "file")
		must(t, os.WriteFile(name, nil, 0o600))
		if c.list {
			if err := unix.Setxattr(name, "system.posix_acl_access", acl(), 0); errors.Is(err, unix.EOPNOTSUPP) {
				t.Skip("this file system has no such lists")
			} else if err != nil {
				t.Fatal(err)
			}
		}
		must(t, os.Chmod(name, c.mode))
		if err := f.CheckAccess("/file", 33, 44, Read); (err == nil) != c.open {
			t.Errorf("mode %o, list %t: %v", c.mode, c.list, err)
		}
		must(t, os.Remove(name))
	}
}

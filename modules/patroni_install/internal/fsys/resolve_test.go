package fsys

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// links is a tree with links in directories that are trusted and one that is not.
func links(t *testing.T) (*FS, string) {
	t.Helper()
	f, dir := newFS(t)
	build(t, dir, map[string]entry{
		"etc":               {Type: Directory, Mode: 0o755},
		"etc/abs":           {Type: Link, Text: "/real/deep"},
		"etc/back":          {Type: Link, Text: "deep/../mark"},
		"etc/chain":         {Type: Link, Text: "abs"},
		"etc/dangling":      {Type: Link, Text: "/nowhere"},
		"etc/deep":          {Type: Link, Text: "/real/deep"},
		"etc/dot":           {Type: Link, Text: "./../real/deep/."},
		"etc/file":          {Type: File, Text: "text"},
		"etc/loop":          {Type: Link, Text: "loop2"},
		"etc/loop2":         {Type: Link, Text: "loop"},
		"etc/out":           {Type: Link, Text: "../../../../real/deep"},
		"etc/rel":           {Type: Link, Text: "../real/deep"},
		"etc/tohome":        {Type: Link, Text: "../home/evil"},
		"etc/up":            {Type: Link, Text: "/real/deep/.."},
		"home":              {Type: Directory, Mode: 0o777},
		"home/dir":          {Type: Directory, Mode: 0o755},
		"home/dir/file":     {Type: File, Text: "deep text"},
		"home/evil":         {Type: Link, Text: "/etc"},
		"home/group":        {Type: Directory, Mode: 0o775},
		"home/group/link":   {Type: Link, Text: "/etc"},
		"home/sticky":       {Type: Directory, Mode: 0o1777},
		"home/sticky/link":  {Type: Link, Text: "/etc"},
		"home/trusted":      {Type: Directory, Mode: 0o755},
		"home/trusted/link": {Type: Link, Text: "../dir"},
		"real":              {Type: Directory, Mode: 0o755},
		"real/deep":         {Type: Directory, Mode: 0o755},
		"real/deep/file":    {Type: File, Text: "deep text"},
		"real/mark":         {Type: Directory, Mode: 0o755},
		"real/mark/file":    {Type: File, Text: "marked"},
	})
	return f, dir
}

func TestResolution(t *testing.T) {
	f, _ := links(t)
	for _, tt := range []struct {
		path string
		want string // content
		err  error
		link *LinkError
	}{
		{path: "/etc/file", want: "text"},
		{path: "//etc/./file", want: "text"},
		{path: "/real/../etc/file", want: "text"},
		{path: "/../../etc/file", want: "text"},
		{path: "/etc/abs/file", want: "deep text"},
		{path: "/etc/rel/file", want: "deep text"},
		{path: "/etc/dot/file", want: "deep text"},
		{path: "/etc/chain/file", want: "deep text"},
		{path: "/etc/out/file", want: "deep text"},
		{path: "/etc/back/file", want: "marked"},
		{path: "/etc/up/mark/file", want: "marked"},
		{path: "/home/dir/file", want: "deep text"},
		{path: "/home/trusted/link/file", want: "deep text"},
		{path: "/etc/loop/file", err: unix.ELOOP},
		{path: "/etc/dangling/file", err: fs.ErrNotExist},
		{path: "/etc/file/file", err: unix.ENOTDIR},
		{path: "/etc/abs", err: unix.ELOOP},
		{path: "/etc", err: errAny},
		{path: "/", err: errAny},
		{path: "etc/file", err: errAny},
		{path: "", err: errAny},
		{path: "/etc/fi\x00le", err: unix.EINVAL},
		{path: "/home/evil/file", link: &LinkError{Path: "/home/evil", Target: "/etc"}},
		{path: "/home/group/link/file", link: &LinkError{Path: "/home/group/link", Target: "/etc"}},
		{path: "/home/sticky/link/file", link: &LinkError{Path: "/home/sticky/link", Target: "/etc"}},
		{path: "/etc/tohome/file", link: &LinkError{Path: "/home/evil", Target: "/etc"}},
	} {
		open := openDescriptors(t)
		data, err := f.ReadFile(tt.path, 100)
		checkError(t, "ReadFile "+tt.path, err, tt.err, tt.link)
		if diff := cmp.Diff(tt.want, string(data)); diff != "" {
			t.Errorf("ReadFile %s (-want +got):\n%s", tt.path, diff)
		}
		if now := openDescriptors(t); now != open {
			t.Errorf("ReadFile %s: %d descriptors open, %d before", tt.path, now, open)
		}
	}
}

// errAny stands for an error of no particular kind.
var errAny = errors.New("any error")

func checkError(t *testing.T, call string, err, want error, link *LinkError) {
	t.Helper()
	var refused *LinkError
	switch {
	case link != nil && !errors.As(err, &refused):
		t.Errorf("%s: error %v, want %v", call, err, link)
	case link != nil:
		if diff := cmp.Diff(link, refused); diff != "" {
			t.Errorf("%s: link refused (-want +got):\n%s", call, diff)
		}
	case errors.Is(want, errAny) && err != nil:
	case !errors.Is(err, want):
		t.Errorf("%s: error %v, want %v", call, err, want)
	}
}

func TestResolve(t *testing.T) {
	f, _ := links(t)
	for _, tt := range []struct {
		path, want string
		err        error
		link       *LinkError
	}{
		{path: "/etc/file", want: "/etc/file"},
		{path: "/etc/abs", want: "/real/deep"},
		{path: "/etc/chain", want: "/real/deep"},
		{path: "/etc/dot", want: "/real/deep"},
		{path: "/etc/back", want: "/real/mark"},
		{path: "/etc/up", want: "/real"},
		{path: "/etc/out", want: "/real/deep"},
		{path: "/etc/dangling", want: "/nowhere", err: fs.ErrNotExist},
		{path: "/etc/missing", want: "/etc/missing", err: fs.ErrNotExist},
		{path: "/etc/loop", err: unix.ELOOP},
		{path: "/home/evil", link: &LinkError{Path: "/home/evil", Target: "/etc"}},
		{path: "/etc/tohome", link: &LinkError{Path: "/home/evil", Target: "/etc"}},
	} {
		got, err := f.Resolve(tt.path)
		checkError(t, "Resolve "+tt.path, err, tt.err, tt.link)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Resolve %s (-want +got):\n%s", tt.path, diff)
		}
	}
}

// TestUntrustedOwner is the case of a home: the directory is its owner's alone, and not ours.
func TestUntrustedOwner(t *testing.T) {
	needRoot(t, "a directory of another user")
	f, dir := newFS(t)
	build(t, dir, map[string]entry{
		"etc":       {Type: Directory, Mode: 0o755},
		"home":      {Type: Directory, Mode: 0o700},
		"home/link": {Type: Link, Text: "/etc"},
	})
	must(t, os.Chown(filepath.Join(dir, "home"), 12345, 12345))
	for call, err := range map[string]error{
		"WriteFile": f.WriteFile("/home/link/file", nil, own(0o600)),
		"Symlink":   f.Symlink("/home/link/file", "x", 0, 0),
		"Mkdir":     f.Mkdir("/home/link/file", own(0o700)),
		"Remove":    f.Remove("/home/link/file"),
		"RemoveAll": f.RemoveAll("/home/link/file"),
		"Rename":    rename(f, "/home/link", "/home/link/file"),
		"Walk":      f.Walk("/home/link", nil),
		"SyncTree":  f.SyncTree("/home/link"),
		"CopyTree":  f.CopyTree("/home/link", "/copy"),
	} {
		checkError(t, call, err, nil, &LinkError{Path: "/home/link", Target: "/etc"})
	}
	if diff := cmp.Diff([]string{"etc", "home", "home/link"}, names(t, dir)); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

// TestRootIsRefused keeps operations on "/" from reaching the machine's own root directory.
func TestRootIsRefused(t *testing.T) {
	f, dir := newFS(t)
	must(t, os.Mkdir(filepath.Join(dir, "d"), 0o700))
	for call, err := range map[string]error{
		"WriteFile": f.WriteFile("/", nil, own(0o600)),
		"Mkdir":     f.Mkdir("/d/..", own(0o700)),
		"SetAttr":   f.SetAttr("/", Info{}, own(0o700)),
		"Remove":    f.Remove("/"),
		"RemoveAll": f.RemoveAll("/d/.."),
		"Rename":    rename(f, "/", "/d"),
		"Exchange":  exchange(f, "/d", "/"),
	} {
		checkError(t, call, err, errAny, nil)
	}
	if info, err := f.Lstat("/"); err != nil || info.Type != Directory {
		t.Errorf("Lstat of the root: %v, %v", info, err)
	}
}

// TestSwappedDirectory lets a home's owner exchange a directory and a link while files are
// written through it: none may arrive where the link leads.
func TestSwappedDirectory(t *testing.T) {
	f, dir := newFS(t)
	build(t, dir, map[string]entry{
		"etc":       {Type: Directory, Mode: 0o755},
		"home":      {Type: Directory, Mode: 0o777},
		"home/dir":  {Type: Directory, Mode: 0o755},
		"home/link": {Type: Link, Text: "../etc"},
	})
	const rounds = 300
	var racing sync.WaitGroup
	racing.Go(func() {
		for range 2 * rounds {
			_ = unix.Renameat2(unix.AT_FDCWD, filepath.Join(dir, "home/dir"),
				unix.AT_FDCWD, filepath.Join(dir, "home/link"), unix.RENAME_EXCHANGE)
		}
	})
	for range rounds {
		err := f.WriteFile("/home/dir/file", []byte("x"), own(0o600))
		var refused *LinkError
		if err != nil && !errors.As(err, &refused) && !errors.Is(err, unix.ENOTDIR) {
			t.Fatalf("WriteFile: %v", err)
		}
	}
	racing.Wait()
	if diff := cmp.Diff([]string{}, names(t, filepath.Join(dir, "etc")), equateEmpty); diff != "" {
		t.Errorf("where the link leads (-want +got):\n%s", diff)
	}
}

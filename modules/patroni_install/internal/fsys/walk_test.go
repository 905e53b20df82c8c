package fsys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// oddNames are names that a user may give to files.
var oddNames = []string{"new\nline", "-rf", " ", "\xff\xfe", "*", "...", strings.Repeat("x", 255)}

func TestWalk(t *testing.T) {
	f, dir := newFS(t)
	build(t, dir, map[string]entry{
		"v":          {Type: Directory},
		"v/a":        {Type: Directory},
		"v/a/z":      {Type: File},
		"v/a-b":      {Type: File},
		"v/fifo":     {Type: Other},
		"v/link":     {Type: Link, Text: ".."},
		"v/skip":     {Type: Directory},
		"v/skip/not": {Type: File},
		"v/sub":      {Type: Directory},
		"v/sub/deep": {Type: Directory},
	})
	var got []string
	must(t, f.Walk("/v", func(rel string, info Info, in *os.File) (bool, error) {
		got = append(got, fmt.Sprintf("%s: %s in %s", rel, info.Type, in.Name()))
		return rel != "skip", nil
	}))
	want := []string{
		"a: directory in /v", "a/z: file in /v/a", "a-b: file in /v", "fifo: special file in /v",
		"link: link in /v", "skip: directory in /v", "sub: directory in /v", "sub/deep: directory in /v/sub",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("visited (-want +got):\n%s", diff)
	}
	err := f.Walk("/v", func(string, Info, *os.File) (bool, error) { return true, errInjected })
	if !errors.Is(err, errInjected) {
		t.Errorf("Walk with a failing visit: %v", err)
	}
}

func TestWalkOfWhatGoesAway(t *testing.T) {
	f, dir := sample(t)
	var got []string
	must(t, f.Walk("/d", func(rel string, _ Info, _ *os.File) (bool, error) {
		got = append(got, rel)
		switch rel {
		case "empty":
			return false, os.Remove(filepath.Join(dir, "d/file"))
		case "full":
			return true, os.RemoveAll(filepath.Join(dir, "d/full"))
		}
		return true, nil
	}))
	if diff := cmp.Diff([]string{"empty", "full", "link"}, got); diff != "" {
		t.Errorf("visited (-want +got):\n%s", diff)
	}
}

func TestOtherFileSystemInside(t *testing.T) {
	f, dir := sample(t)
	mountTmpfs(t, filepath.Join(dir, "d/full/sub"))
	must(t, os.WriteFile(filepath.Join(dir, "d/full/sub/foreign"), nil, 0o600))
	var got []string
	must(t, f.Walk("/d/full", func(rel string, _ Info, _ *os.File) (bool, error) {
		got = append(got, rel)
		return true, nil
	}))
	if diff := cmp.Diff([]string{"file", "link", "sub"}, got); diff != "" {
		t.Errorf("visited (-want +got):\n%s", diff)
	}
	if err := f.CopyTree("/d/full", "/e/copy"); !errors.Is(err, unix.EXDEV) {
		t.Errorf("CopyTree: %v, want EXDEV", err)
	}
	if err := f.SyncTree("/d/full"); !errors.Is(err, unix.EXDEV) {
		t.Errorf("SyncTree: %v, want EXDEV", err)
	}
	if err := f.RemoveAll("/d"); !errors.Is(err, unix.EBUSY) {
		t.Errorf("RemoveAll: %v, want EBUSY", err)
	}
	if _, err := f.Lstat("/d/full/sub/foreign"); err != nil {
		t.Errorf("the other file system was emptied: %v", err)
	}
}

// deepTree makes directories below /deep, each in the one before.
func deepTree(t *testing.T, dir string, levels int) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(dir, "deep", strings.Repeat("d/", levels)), 0o700))
}

func TestDepthIsBounded(t *testing.T) {
	f, dir := newFS(t)
	deepTree(t, dir, maxRemoved+1)
	open := openDescriptors(t)
	for call, err := range map[string]error{
		"Walk":      f.Walk("/deep", func(string, Info, *os.File) (bool, error) { return true, nil }),
		"SyncTree":  f.SyncTree("/deep"),
		"CopyTree":  f.CopyTree("/deep", "/copy"),
		"RemoveAll": f.RemoveAll("/deep"),
	} {
		if err == nil || !strings.Contains(err.Error(), "directories deep") {
			t.Errorf("%s: %v", call, err)
		}
	}
	if now := openDescriptors(t); now != open {
		t.Errorf("%d descriptors open, %d before", now, open)
	}
}

// TestDeepCopyGoesAgain: what a copy that was given up has left can be removed, with directories above it.
func TestDeepCopyGoesAgain(t *testing.T) {
	f, dir := newFS(t)
	deepTree(t, dir, maxDepth+1)
	must(t, os.MkdirAll(filepath.Join(dir, "stage", "home", "venvs"), 0o700))
	if err := f.CopyTree("/deep", "/stage/home/venvs/copy"); err == nil {
		t.Fatal("it was copied")
	}
	must(t, f.RemoveAll("/stage"))
}

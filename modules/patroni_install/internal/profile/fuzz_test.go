package profile

import (
	"strings"
	"testing"
)

// seeds are profiles as they are found, and blocks in every state of damage.
func seeds() []string {
	return []string{
		"", "\n", "\r\n", "a", "a\r", "#", "#!/bin/sh", "a\\", "a\\\n", "a\\\\\n", "\\", "'", "\"", "`", "$", "${", "$(", "~", "<<",
		debianProfile, rockyBashrc, debianBashrc,
		testBlock, testBlockNoNewline, testStatement,
		"a\n" + testBlock + "b", "a\n" + testBlockNoNewline + "\n", testBlock + testBlock, testBlock + testStatement + testBlock,
		testBlockNoNewline + testBlock, "a\n" + testBlock + testBlockNoNewline, testStatement + endMarker,
		beginMarker, beginMarker + "\n" + testStatement, endMarker + "\n" + beginMarker, beginMarker + "\n" + caseLine + "\n",
		"PATH=$PATH:" + testDir + "\n" + endMarkerNoNewline, "[ -z \"$PS1\" ] && return", "\n" + endMarkerNoNewline + "\n",
		caseLine + "\n" + endMarker + "\n" + matchPrefix + "''" + matchSuffix + "\n" + addPrefix + "''" + addSuffix + "\n" + esacLine,
	}
}

func FuzzEnsureRemove(f *testing.F) {
	for _, text := range seeds() {
		for _, dir := range []string{testDir, "/opt/it's $HOME/`bin`"} {
			f.Add(text, dir, true)
			f.Add(text, dir, false)
		}
	}
	f.Fuzz(func(t *testing.T, text, dir string, login bool) {
		kind := Interactive
		if login {
			kind = Login
		}
		once, err := Ensure(text, dir, testHome, kind)
		if err != nil {
			t.Skip("not a directory for the PATH")
		}
		twice, err := Ensure(once, dir, testHome, kind)
		if err != nil || twice != once {
			t.Errorf("Ensure twice: %q, %v; once: %q", twice, err, once)
		}
		removed := Remove(text)
		if got := Remove(once); got != removed {
			t.Errorf("Remove after Ensure: %q, before: %q", got, removed)
		}
		if got := Remove(removed); got != removed {
			t.Errorf("Remove twice: %q, once: %q", got, removed)
		}
		if !hasMarker(text) && removed != text {
			t.Errorf("Remove of a text without markers: %q, was %q", removed, text)
		}
		other, err := Ensure(once, "/another/dir", testHome, kind)
		if err != nil || Remove(other) != removed {
			t.Errorf("Remove after a change of directory: %q, %v; want %q", Remove(other), err, removed)
		}
	})
}

func hasMarker(text string) bool {
	for line := range strings.Lines(text) {
		if isMarker(line) {
			return true
		}
	}
	return false
}

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
		beginMarker, beginMarker + "\n" + testStatement, endMarker + "\n" + beginMarker, beginMarker + "\n" + testCase + "\n",
		"PATH=$PATH:" + testDir + "\n" + endMarkerNoNewline, "[ -z \"$PS1\" ] && return", "\n" + endMarkerNoNewline + "\n",
		testConfigBlock, "a\n" + testConfigBlock + "b", testConfigBlock + testBlockNoNewline, testBlock + "a\n" +
			testConfigBlock,
		beginMarker + "\n" + testConfigStatement, testConfigStatement + testStatement + endMarker, testConfigStatement,
		testFishBlock, "a\n" + testFishBlock + "b", testBlock + testFishBlock, testFishConfigBlock,
		strings.Replace(strings.ReplaceAll(testStatement, testDir, ""), "\n", "\n"+endMarker+"\n", 1),
	}
}

func FuzzEnsureRemove(f *testing.F) {
	for _, text := range seeds() {
		for _, dir := range []string{testDir, "/opt/it's $HOME/`bin`"} {
			for _, config := range []string{"", testConfig, "/etc/it's $HOME"} {
				for kind := range languages() {
					f.Add(text, dir, config, uint8(kind))
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, text, dir, config string, number uint8) {
		kind := Kind(int(number) % len(languages()))
		settings := Settings{Dir: dir, Home: testHome, Config: config}
		once, err := Ensure(text, settings, kind)
		if err != nil {
			t.Skip("not for a PATH, or not for a line of text")
		}
		if twice, err := Ensure(once, settings, kind); err != nil || twice != once {
			t.Errorf("Ensure twice: %q, %v; once: %q", twice, err, once)
		}
		if got := Config(once); got != config {
			t.Errorf("Config after Ensure: %q, want %q", got, config)
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
		for _, change := range []Settings{{Dir: "/another/dir"}, {Dir: dir}, {Config: "/another/file"}, {}} {
			change.Home = testHome
			other, err := Ensure(once, change, kind)
			if err != nil || Remove(other) != removed || Config(other) != change.Config {
				t.Errorf("Remove after a change to %+v: %q, %v; want %q", change, Remove(other), err, removed)
			}
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

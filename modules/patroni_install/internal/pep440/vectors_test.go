package pep440

import (
	"cmp"
	"os"
	"testing"

	"github.com/goccy/go-json"
)

// vectors is what Python's packaging makes of some versions and specifiers. Write texts into
// testdata/vectors.json and let it fill in the rest:
//
//	pip install packaging && cd testdata && python3 vectors.py
type vectors struct {
	Versions []struct {
		Text       string
		String     string // "" if it is no version
		Prerelease bool
		Rank       int // place in the order of versions, which equal ones share
	}
	Specifiers []struct {
		Text        string
		Allows      string // 0 or 1 for each of the versions that are some, "" if these are no specifiers
		Prereleases bool   // they ask for pre-releases
	}
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVersionsAsPackaging(t *testing.T) {
	want := readVectors(t)
	ranks := map[string]int{}
	for _, entry := range want.Versions {
		v, err := Parse(entry.Text)
		if (err == nil) != (entry.String != "") || v.String() != entry.String {
			t.Errorf("Parse(%q) = %q, %v; want %q", entry.Text, v, err, entry.String)
		}
		if v.IsPrerelease() != entry.Prerelease {
			t.Errorf("%q is a pre-release: %v, want %v", entry.Text, v.IsPrerelease(), entry.Prerelease)
		}
		if err == nil {
			ranks[entry.Text] = entry.Rank
		}
	}
	if len(ranks) < 90 {
		t.Fatalf("only %d versions", len(ranks))
	}
	for a, aRank := range ranks {
		for b, bRank := range ranks {
			if got := mustParse(t, a).Compare(mustParse(t, b)); got != cmp.Compare(aRank, bRank) {
				t.Errorf("%q compared to %q is %d, want %d", a, b, got, cmp.Compare(aRank, bRank))
			}
		}
	}
}

func TestSpecifiersAsPackaging(t *testing.T) {
	want := readVectors(t)
	pairs := 0
	for _, entry := range want.Specifiers {
		s, err := ParseSpecifiers(entry.Text)
		if (err == nil) != (entry.Allows != "") {
			t.Errorf("ParseSpecifiers(%q): %v, want %q", entry.Text, err, entry.Allows)
			continue
		}
		allows := entry.Allows
		for _, version := range want.Versions {
			if version.String == "" || allows == "" {
				continue
			}
			v, meets := mustParse(t, version.Text), allows[0] == '1'
			allows = allows[1:]
			pairs++
			if got := s.Contains(v, true); got != meets {
				t.Errorf("%q contains %q: %v, want %v", entry.Text, version.Text, got, meets)
			}
			final := meets && (entry.Prereleases || !version.Prerelease)
			if got := s.Contains(v, false); got != final {
				t.Errorf("%q contains %q among releases: %v, want %v", entry.Text, version.Text, got, final)
			}
		}
	}
	if pairs < 5000 {
		t.Errorf("only %d pairs", pairs)
	}
}

func mustParse(t *testing.T, text string) Version {
	t.Helper()
	v, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

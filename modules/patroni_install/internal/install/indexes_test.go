package install

import (
	"fmt"
	"testing"
)

// TestIndexes: what is taken for the address of an index, and what would be several, none, or an option.
func TestIndexes(t *testing.T) {
	for value, taken := range map[string]bool{
		"":                                true,
		"https://index.example/simple":    true,
		"HTTPS://u:a#b%zz@[2001:db8::1]/": true,
		"http://127.0.0.1:9/simple":       true,
		"file:///srv/simple":              true,
		"file://localhost/srv/simple":     true,
		"file://localhost":                false,
		"file://localhostile/srv":         false,
		"file://other/srv/simple":         false,
		"/srv/simple":                     true,
		"index.example/simple":            false,
		"u:geheim@index.example/simple":   false,
		"--trusted-host":                  false,
		"https://a/simple https://b":      false,
		"https://a/\u00a0simple":          false,
		"https://a/\nsimple":              false,
		"https://a/\x7fsimple":            false,
		"https:///simple":                 false,
		"https://":                        false,
		"https:/index.example/simple":     false,
		"ssh://index.example/simple":      false,
		"file://simple":                   false,
		"./simple":                        false,
	} {
		for option, arguments := range map[string]string{
			"index_url":        fmt.Sprintf(`{"index_url": %s}`, quoted(value)),
			"extra_index_urls": fmt.Sprintf(`{"extra_index_urls": ["https://a/simple", %s]}`, quoted(value)),
		} {
			_, err := parse(arguments)
			want := fmt.Sprintf("value of %s must be an address with its scheme and without blanks, such as "+
				"https://index.example/simple, or an absolute path", option)
			if taken && err != nil || !taken && (err == nil || err.Error() != want) {
				t.Errorf("%s: %v", arguments, err)
			}
		}
	}
}

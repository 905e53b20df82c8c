package ansible

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pgedge/platform/modules/patroni_install/internal/jsonvalue"
)

func TestScrubberSecrets(t *testing.T) {
	tests := []struct {
		name    string
		secrets []string
		text    string
		want    string
	}{
		{"whole", []string{"s3cret"}, "s3cret", maskWhole},
		{"part", []string{"s3cret"}, "is s3cret, s3cret!", "is ********, ********!"},
		{"none in it", []string{"s3cret"}, "nothing", "nothing"},
		{"empty secret", []string{""}, "a text", "a text"},
		{"empty secret, empty text", []string{""}, "", ""},
		{"short within words", []string{"a", "in"}, "a banana in it", "a banana in it"},
		{"short and whole", []string{"a"}, "a", maskWhole},
		{"shortest part", []string{"abc"}, "xabcx", "x********x"},
		{"characters, not bytes", []string{"€"}, "5 €", "5 €"},
		{"longer first", []string{"pass", "password"}, "password pass", "******** ********"},
		{"overlapping", []string{"abcd", "cdef"}, "abcdef", "********ef"},
		{"decoded", []string{"p%40ss"}, "p@ss and p%40ss", "******** and ********"},
		{"not an encoding", []string{"100%ss"}, "100%ss.", "********."},
		{"quoted", []string{"a\"b\nc"}, `cannot use "a\"b\nc"`, `cannot use "********"`},
		{"decoded to invalid bytes", []string{"ab%ffcd"}, "ab\ufffdcd.", "********."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var s Scrubber
			for _, secret := range test.secrets {
				s.AddSecret(secret)
			}
			if diff := cmp.Diff(test.want, s.String(test.text)); diff != "" {
				t.Errorf("scrubbed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestScrubberURLs(t *testing.T) {
	tests := []struct{ name, url, text, want string }{
		{"the URL", "https://me:s3cret@host/simple", "https://me:s3cret@host/simple", "https://********@host/simple"},
		{"the password alone", "https://me:s3cret@host/", "login with s3cret failed for me", "login with ******** failed for me"},
		{"user and password", "https://me:s3cret@host/", "me:s3cret", maskWhole},
		{"without credentials", "https://host/simple", "https://host/simple", "https://host/simple"},
		{"a port is none", "https://host:8443/p@th", "https://host:8443/x", "https://host:8443/x"},
		{"a token", "https://t0ken@host/", "t0ken at https://t0ken@host/", "******** at https://********@host/"},
		{"a token with colon", "https://t0ken:@host/", "t0ken", maskWhole},
		{"short", "https://a:b@host/", "a bad URL: https://a:b@host/", "a bad URL: https://********@host/"},
		{"percent-encoded", "https://me:p%40ss%2Fw@host/", "p@ss/w or p%40ss%2Fw", "******** or ********"},
		{"@ in the password", "https://me:p@ss@host/", "https://me:p@ss@host/", "https://********@host/"},
		{"@ in the path too", "https://me:s3cret@host/p@th", "s3cret", maskWhole},
		{"/ in the password", "https://me:s3c/ret@host/", "https://me:s3c/ret@host/ s3c/ret", "https://********@host/ ********"},
		{"@ in the path only", "https://host/p@th", "https://host/p@th", "https://host/p@th"},
		{"several", "https://a:one1@h/ https://b:two2@h/", "one1 two2", "******** ********"},
		{"several by comma", "https://a:one1@h,https://b:two2@h", "one1 two2", "******** ********"},
		{"no scheme", "me:s3cret@host", "s3cret", maskWhole},
		{"other scheme", "git+ssh://me:s3cret@host/x", "git+ssh://me:s3cret@host/x", "git+ssh://********@host/x"},
		{"nothing before the @", "https://@host/", "https://@host/", "https://@host/"},
		{"no password", "https://:@host/", "https://:@host/", "https://********@host/"},
		{"empty", "", "text", "text"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var s Scrubber
			s.AddURL(test.url)
			if diff := cmp.Diff(test.want, s.String(test.text)); diff != "" {
				t.Errorf("scrubbed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNilScrubber(t *testing.T) {
	var s *Scrubber
	if got := s.String("text"); got != "text" {
		t.Errorf("got %q", got)
	}
	if got := s.value(jsonvalue.Number("5")); got != jsonvalue.Number("5") {
		t.Errorf("got %v", got)
	}
}

func TestScrubberValue(t *testing.T) {
	var s Scrubber
	s.AddSecret("s3cret")
	s.AddSecret("1234")
	got := s.value(map[string]any{
		"s3cret": "s3cret",
		"list":   []any{"my s3cret", true, nil, jsonvalue.Number("1234"), jsonvalue.Number("12345")},
	})
	want := map[string]any{
		"s3cret": maskWhole,
		"list":   []any{"my ********", true, nil, maskWhole, jsonvalue.Number("12345")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scrubbed (-want +got):\n%s", diff)
	}
}

// Whatever shape the secrets come in, they must not be in what is written, not
// even in the error about them.
func TestRequestKnowsItsSecrets(t *testing.T) {
	tests := []struct{ name, data string }{
		{"no_log", `{"token": "hunter22"}`},
		{"no_log of a wrong shape", `{"token": {"a": ["hunter22"]}}`},
		{"no_log number", `{"token": 22334455, "beta": "hunter22", "pkg": "x"}`},
		{"URL", `{"index_url": "https://me:hunter22@host/"}`},
		{"URLs", `{"extra_index_urls": ["https://a:hunter22@h/", "https://b:22334455@h/"]}`},
		{"URLs to be split", `{"extra_index_urls": "https://a:hunter22@h/,https://b:22334455@h/"}`},
		{"URLs of a wrong shape", `{"extra_index_urls": {"a": "https://a:hunter22@h/"}}`},
		{"when the arguments are wrong", `{"token": "hunter22", "timeout": "hunter22"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.name == "no_log number" {
				test.data = strings.Replace(test.data, "hunter22", "is 22334455 really", 1)
			}
			req, err := ParseRequest(testSpec(), []byte(test.data))
			out, err := encode(req, failure(Result{}, errorOr(err, "token hunter22 22334455")))
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"hunter22", "22334455"} {
				if strings.Contains(test.data, secret) && strings.Contains(string(out), secret) {
					t.Errorf("%s is in %s", secret, out)
				}
			}
		})
	}
}

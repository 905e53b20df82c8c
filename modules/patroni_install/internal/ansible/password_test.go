package ansible

import "testing"

func TestLooksLikePassword(t *testing.T) {
	tests := map[string]bool{
		"pass": true, "password": true, "PassWord": true, "passwd": true, "passwrd": true, "passphrase": true,
		"pass_phrase": true, "pass-word": true, "pass word": true,
		"db_password": true, "db-pass": true, "password_file": true, "ssl_pass_old": true, "my_pass_word_x": true,
		"bypass": false, "passenger": false, "compass_x": false, "passive": false, "passwords": false,
		"_pass": false, "pass_": true, "pass__": true, "pass___": true, "password_": false, "name": false, "": false, "pas": false,
	}
	for name, want := range tests {
		if got := looksLikePassword(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

func TestMaskPasswords(t *testing.T) {
	tests := map[string]string{
		"":                                  "",
		"plain":                             "plain",
		"a@b":                               "a@b",
		"https://host/simple":               "https://host/simple",
		"https://user@host/":                "https:********@host/", // taken for a user named https
		"https://user:pw@host/":             "https://user:********@host/",
		"user:pw@host":                      "user:********@host",
		"['https://a:b@h', 'http://c:d@h']": "['https://a:********@h', 'http://c:********@h']",
		"see https://host/ and me@home":     "see https:********@home",
		"x@":                                "x@",
		"@":                                 "@",
	}
	for text, want := range tests {
		if got := maskPasswords(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

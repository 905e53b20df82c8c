package pipx

import (
	"strings"
	"testing"
)

func TestParseSpec(t *testing.T) {
	extras := []string{"psycopg2-binary", "etcd"}
	tests := []struct {
		text, requirement, exact string
		matches, others          string // space-separated versions
	}{
		{"", "patroni[psycopg2-binary,etcd]", "", "4.1.5 0.1 5.0rc1", ""},
		{"4.0.7", "patroni[psycopg2-binary,etcd]==4.0.7", "4.0.7", "4.0.7", "4.0.6 4.0.70 4.1"},
		{"==4.0.7", "patroni[psycopg2-binary,etcd]==4.0.7", "4.0.7", "4.0.7", "4.0.8"},
		{"4.1", "patroni[psycopg2-binary,etcd]==4.1", "4.1", "4.1 4.1.0", "4.1.1"},
		{"4.1rc1", "patroni[psycopg2-binary,etcd]==4.1rc1", "4.1rc1", "4.1rc1", "4.1"},
		{"==4.1.0.*", "patroni[psycopg2-binary,etcd]==4.1.0.*", "", "4.1 4.1.0 4.1.0.1", "4.1.1"},
		{"==4.0.*", "patroni[psycopg2-binary,etcd]==4.0.*", "", "4.0 4.0.7 4.0.0rc1", "4.1.0 3.9"},
		{">=4.0,<4.1", "patroni[psycopg2-binary,etcd]>=4.0,<4.1", "", "4.0 4.0.7", "4.1.0 3.3.9 4.1rc1"},
		{"~=4.0", "patroni[psycopg2-binary,etcd]~=4.0", "", "4.0 4.1.5", "5.0 3.9"},
		{"~=4.0.2", "patroni[psycopg2-binary,etcd]~=4.0.2", "", "4.0.2 4.0.9", "4.0.1 4.1.0"},
		{"!=4.0.0", "patroni[psycopg2-binary,etcd]!=4.0.0", "", "4.0.1", "4.0.0 4.0"},
	}
	for _, test := range tests {
		spec, err := ParseSpec(test.text)
		if err != nil {
			t.Errorf("ParseSpec(%q): %v", test.text, err)
			continue
		}
		if got := spec.Requirement(extras); got != test.requirement {
			t.Errorf("requirement of %q is %q, want %q", test.text, got, test.requirement)
		}
		if exact, is := spec.Exact(); exact != test.exact || is != (test.exact != "") {
			t.Errorf("exact version of %q is %q, %v", test.text, exact, is)
		}
		for v := range strings.FieldsSeq(test.matches) {
			if !spec.Matches(v) {
				t.Errorf("%q does not match %s", test.text, v)
			}
		}
		for v := range strings.FieldsSeq(test.others) {
			if spec.Matches(v) {
				t.Errorf("%q matches %s", test.text, v)
			}
		}
	}
}

func TestParseSpecRefuses(t *testing.T) {
	for _, text := range []string{
		" ", "latest", "v4", ">= 4.0", ">=4.0, <4.1", ">=4.0,", ",", "=4.0", "===4.0", "4.0 || 5.0", "*", ">=4.*", "~=4",
		"==v4", "4.0,4.1", "==4.0rc1.*", "4.0.dev1!2", "4.0rc1rc2", "==4.0 ", "1" + strings.Repeat("0", 256), "@ git+https://example.org/patroni", "-e .", "--pre", "4.0; python_version>'3'", "4.0#egg=x", "4.0\n", "patroni==4.0", "[etcd]==4.0",
	} {
		if spec, err := ParseSpec(text); err == nil || !strings.Contains(err.Error(), "such as 4.0.7") {
			t.Errorf("ParseSpec(%q) = %q, %v; want an error that says what is right", text, spec, err)
		}
	}
}

func TestMatchesNonsense(t *testing.T) {
	spec, err := ParseSpec(">=4")
	if err != nil {
		t.Fatal(err)
	}
	if spec.Matches("") || spec.Matches("x") {
		t.Error("what is no version matches")
	}
}

func TestRequirementWithoutExtras(t *testing.T) {
	if got := (Spec{}).Requirement(nil); got != "patroni" {
		t.Errorf("got %q", got)
	}
}

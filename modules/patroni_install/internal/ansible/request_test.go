package ansible

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// control is what ansible-core sends beside the arguments: 2.21's keys and one of
// a release to come.
const control = `"_ansible_check_mode": true, "_ansible_no_log": false, "_ansible_debug": true,
	"_ansible_diff": true, "_ansible_verbosity": 3, "_ansible_version": "2.19.14",
	"_ansible_module_name": "pgedge.platform.tryout", "_ansible_syslog_facility": "LOG_LOCAL3",
	"_ansible_selinux_special_fs": ["fuse", "nfs"], "_ansible_socket": null,
	"_ansible_shell_executable": "/bin/sh", "_ansible_keep_remote_files": true,
	"_ansible_tmpdir": "/root/.ansible/tmp/1/", "_ansible_remote_tmp": "~/.ansible/tmp",
	"_ansible_ignore_unknown_opts": false, "_ansible_target_log_info": "job=7",
	"_ansible_tracebacks_for": ["warning", "error"], "_ansible_inject_invocation": true, "_ansible_of_tomorrow": {"a": 1}`

func TestParseRequestReadsControl(t *testing.T) {
	want := &Request{
		CheckMode: true, Diff: true, Tracebacks: true, Verbosity: 3,
		ModuleName:     "pgedge.platform.tryout",
		SyslogFacility: "LOG_LOCAL3", TargetLogInfo: "job=7",
	}
	got := parse(t, "{"+control+"}")
	ignore := cmpopts.IgnoreFields(Request{}, "Params", "Scrubber", "Log")
	if diff := cmp.Diff(want, got, ignore, cmpopts.IgnoreUnexported(Request{})); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestParseRequestWithoutControl(t *testing.T) {
	got := parse(t, `{"_ansible_tmpdir": null, "_ansible_tracebacks_for": [], "_ansible_target_log_info": null, `+
		`"_ansible_check_mode": null}`)
	want := &Request{ModuleName: "tryout", SyslogFacility: "LOG_USER"}
	ignore := cmpopts.IgnoreFields(Request{}, "Params", "Scrubber", "Log")
	if diff := cmp.Diff(want, got, ignore, cmpopts.IgnoreUnexported(Request{})); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestParseRequestRefusesWhatItCannotDecode(t *testing.T) {
	const begin = "cannot decode the module's arguments: "
	tests := []struct{ name, data, want string }{
		{"nothing", "", "they are empty"},
		{"blanks", " \n", "they are empty"},
		{"truncated", `{"name": "n"`, ""},
		{"truncated in a string", `{"name": "n`, ""},
		{"not JSON", `name=n`, ""},
		{"a list", `["name"]`, "they are a list, not a JSON object"},
		{"a text", `"name"`, "they are a str, not a JSON object"},
		{"null", `null`, "they are a NoneType, not a JSON object"},
		{"two objects", `{"name": "n"} {"name": "m"}`, "there is something after the JSON document"},
		{"rest", `{"name": "n"}x`, "there is something after the JSON document"},
		{"not UTF-8", "{\"name\": \"\xff\"}", "they are not valid UTF-8"},
		{"Python's NaN", `{"timeout": NaN}`, ""},
		{"too deep", strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req, err := ParseRequest(testSpec(), []byte(test.data))
			if req == nil || err == nil {
				t.Fatalf("request %v, error %v; want both", req, err)
			}
			if !strings.HasPrefix(err.Error(), begin+test.want) {
				t.Errorf("error %q, want %q", err, begin+test.want)
			}
		})
	}
}

func TestFailedRequestKeepsControl(t *testing.T) {
	req, err := ParseRequest(testSpec(), []byte(`{"timeout": "soon", "_ansible_no_log": true, "_ansible_verbosity": 4}`))
	if err == nil || !req.NoLog || req.Verbosity != 4 {
		t.Errorf("no_log %v, verbosity %d, error %v", req.NoLog, req.Verbosity, err)
	}
}

func TestUnreadableSwitchFailsAndSilences(t *testing.T) {
	for _, name := range []string{"_ansible_check_mode", "_ansible_no_log"} {
		req, err := ParseRequest(testSpec(), []byte(`{"`+name+`": "perhaps", "_ansible_diff": "yes"}`))
		if err == nil || !strings.Contains(err.Error(), name+": The value 'perhaps' is not a valid boolean.") {
			t.Errorf("%s: error %v", name, err)
		}
		if !req.NoLog || !req.Diff {
			t.Errorf("%s: no_log %v, diff %v; want both", name, req.NoLog, req.Diff)
		}
	}
}

func TestLastOfEqualKeysCounts(t *testing.T) {
	req := parse(t, `{"name": "first", "extras": ["x"], "name": "last", "extras": ["y"]}`)
	if got := req.Params.String("name"); got != "last" {
		t.Errorf("name %q", got)
	}
	if diff := cmp.Diff([]string{"y"}, req.Params.List("extras")); diff != "" {
		t.Errorf("extras (-want +got):\n%s", diff)
	}
}

func TestPublicName(t *testing.T) {
	for invoked, want := range map[string]string{
		"patroni_install":                         "patroni_install",
		"pgedge.platform.patroni_install":         "pgedge.platform.patroni_install",
		"pgedge.platform.__patroni_install_amd64": "pgedge.platform.patroni_install",
		"__patroni_install_arm64":                 "patroni_install",
		"pgedge.platform.__patroni_installer":     "pgedge.platform.__patroni_installer",
		"pgedge.platform.patroni_install_amd64":   "pgedge.platform.patroni_install_amd64",
		"":                                        "",
	} {
		if got := publicName(invoked, "patroni_install"); got != want {
			t.Errorf("publicName(%q) = %q, want %q", invoked, got, want)
		}
	}
}
